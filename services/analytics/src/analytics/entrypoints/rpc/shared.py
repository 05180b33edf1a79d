"""What all reports say alike: what they rest on, money, reasons."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from analytics.adapters.standing import State
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
    estimate: State | None = None,
    counts: bool = True,
) -> pb.Basis:
    """How an answer came about.

    What is counted knows all facts, what is estimated those that were there when it was computed:
    `estimate` says which. An answer that counts nothing is as of its estimate.
    """
    standing = scope.standing
    stood = standing.as_of if counts or estimate is None else estimate.as_of
    as_of = scope.at if scope.day else stood
    estimated = scope.at if scope.day else estimate.as_of if estimate else None
    return pb.Basis(
        as_of_time=to_timestamp(as_of) if as_of else None,
        estimate_time=to_timestamp(estimated) if estimate and estimated else None,
        behind_words=_behind(scope, estimate, counts=counts),
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


def _behind(scope: Scope, estimate: State | None, *, counts: bool) -> str:
    """That facts have come which the estimates do not know; a past day has no new ones."""
    if scope.day or estimate is None or estimate.as_of is None:
        return ""
    number = scope.standing.data_version - estimate.version
    if number <= 0:
        return ""
    # Who sees some deals only is not told how much happens to the others.
    missing = "the newest changes" if scope.own_only else plural(number, "change", "changes")
    if counts:
        return f"What is estimated does not know {missing} yet; it will soon."
    return f"{missing[0].upper()}{missing[1:]} since then will be in it soon."


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
