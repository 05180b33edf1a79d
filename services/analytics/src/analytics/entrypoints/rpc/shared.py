"""What all reports say alike: what they rest on, money, reasons."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from analytics.application.scope import Scope
from analytics.domain.shown import plural, tested_words, veiled
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import explanation_pb2 as why
from freelanceflow.type.v1.money_pb2 import Money
from kit.clock import to_timestamp

VERSION = "1"


def basis(
    scope: Scope,
    *,
    words: str,
    evidence: str,
    size: int,
    model: str = "count",
    version: str = VERSION,
    trained_at: datetime | None = None,
    computing: bool = False,
    estimated: bool = False,
    computed_at: datetime | None = None,
) -> pb.Basis:
    """How an answer came about. What is `estimated` stands as the scores do, not as the facts.

    Odds are committed first, all else of the same run seconds later: what was `computed_at` an
    earlier moment than the odds knows less than they do.
    """
    standing = scope.standing
    stood = standing.scored_as_of if estimated else standing.as_of
    as_of = scope.at if scope.day else stood
    behind = standing.data_version - standing.scored_version
    if estimated and not scope.day and standing.scored_at is not None and behind > 0:
        words = f"{words} {plural(behind, 'change', 'changes')} since then will be in it soon."
    elif _is_older(computed_at, scope):
        words = f"{words} The newest changes will be in it soon."
    return pb.Basis(
        as_of_time=to_timestamp(as_of) if as_of else None,
        model_name=model,
        model_version=version,
        train_time=to_timestamp(trained_at) if trained_at else None,
        sample_size=size,
        evidence=evidence,
        words=words,
        data_version=standing.data_version,
        computing=computing,
        own_only=scope.own_only,
        as_of_date=scope.day.isoformat() if scope.day else "",
    )


def _is_older(computed_at: datetime | None, scope: Scope) -> bool:
    """Whether everybody's odds are of a later run. One owner's rows are computed when asked for."""
    if computed_at is None or scope.day or scope.whose is not None:
        return False
    scored_at = scope.standing.scored_at
    return scored_at is not None and computed_at < scored_at


def money(minor: float, currency: str) -> Money:
    """Whole minor units."""
    return Money(amount_minor=round(minor), currency_code=currency)


def maybe_money(minor: float | None, currency: str) -> Money | None:
    """The same for what may not be known."""
    return None if minor is None else money(minor, currency)


def change(now: float | None, before: float | None) -> float | None:
    """0.12 for 12 % more; None when either is unknown or the one before was nothing."""
    return None if now is None or not before else now / before - 1


def reasons(factors: Iterable[Mapping[str, Any]], *, veil: bool = False) -> list[why.Reason]:
    """For and against; behind the veil without other people's counts."""
    told = []
    for factor in factors:
        name, words, weight = factor["name"], factor["words"], factor["weight"]
        shown = veiled(name, words, weight) if veil else words
        if shown is not None:
            told.append(why.Reason(name=name, words=shown, weight=weight))
    return told


def backtest(found: Mapping[str, Any]) -> why.Backtest:
    """How the method did on the workspace's own past."""
    count = int(found.get("n") or 0)
    coverage = found.get("coverage")
    hit = coverage.get("80") if isinstance(coverage, Mapping) else coverage
    return why.Backtest(
        sample_size=count,
        coverage=hit if count else None,
        interval_percent=80,
        mean_miss=_known(found.get("mae")) if count else None,
        relative_miss=_known(found.get("wape")) if count else None,
        words=_tested(found),
    )


def _known(number: Any) -> float | None:
    """None for what could not be divided."""
    return None if number is None or not math.isfinite(number) else float(number)


def _tested(found: Mapping[str, Any]) -> str:
    """How far off it was, as a share of what came in: a share of nothing is no share."""
    words, miss = str(found.get("words") or ""), _known(found.get("wape"))
    if "nan" in words or (found.get("n") and miss is None):
        return "Too little came in so far to judge earlier ones by."
    if not found.get("n") or miss is None or "mase" not in found:
        return words
    return tested_words(found["origins"], found["n"], miss, found.get("coverage", {}).get("80"))
