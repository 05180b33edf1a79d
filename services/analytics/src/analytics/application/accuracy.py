"""Said against happened, judged each night.

Runs where the science is, like `scoring`.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from analytics.adapters import said, scores
from analytics.application.scoring import Case, month
from analytics.domain.shown import judged_odds_words, said_words
from analytics.science import judgement
from analytics.science import workspace_series as series
from kit.unit_of_work import UnitOfWork


def months_of(case: Case) -> list[dict[str, Any]]:
    """The complete months of the past, with what they came to."""
    return [
        {
            "metric": metric,
            "month": month(found.first + at).isoformat(),
            "value": float(value) * (1 if metric == "deals_won" else case.scale),
        }
        for metric in series.METRICS
        for found in [series.monthly(case.facts, metric)]
        for at, value in enumerate(found.values)
    ]


async def judge(
    uow: UnitOfWork, case: Case, months: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """Judge what can be judged by now, and add it up."""
    await said.judge(uow, months, now=now)
    rows = _of_odds(case, await said.judged_odds(uow), now)
    rows += _of_months(case, await said.judged_months(uow), now)
    await scores.write(uow, "accuracies", rows)


def _of_odds(case: Case, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    by_source = defaultdict(list)
    for row in rows:
        by_source[row["kind"], row["source"]].append(row)
    return [
        _accuracy(case, kind, source, now)
        | judgement.of_odds(
            [row["probability"] for row in found],
            [row["outcome"] for row in found],
            [row["base_rate"] for row in found],
        )
        | {
            "first_on": found[0]["said_at"].date(),
            "last_on": found[-1]["said_at"].date(),
            "by_month": _odds_by_month(found),
            "words": _odds_words(kind, source, found),
        }
        for (kind, source), found in by_source.items()
    ]


def _odds_by_month(rows: Sequence[Any]) -> list[dict[str, Any]]:
    by_month = defaultdict(list)
    for row in rows:
        by_month[row["said_at"].date().replace(day=1)].append(row)
    return [
        {
            "month": first.isoformat(),
            "n": len(found),
            "brier": sum((r["probability"] - r["outcome"]) ** 2 for r in found) / len(found),
        }
        for first, found in sorted(by_month.items())
    ]


def _of_months(case: Case, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    by_source = defaultdict(list)
    for row in rows:
        by_source[row["metric"], row["source"]].append(row)
    made = []
    for (metric, source), found in by_source.items():
        columns = zip(
            *((r["mean"], r["lower80"], r["upper80"], r["actual"]) for r in found), strict=True
        )
        numbers = judgement.of_months(*map(list, columns))
        made.append(
            _accuracy(case, f"forecast:{metric}", source, now)
            | numbers
            | {
                "first_on": found[0]["month"],
                "last_on": found[-1]["month"],
                "by_month": _latest_by_month(found),
                "words": _month_words(source, found, numbers),
            }
        )
    return made


def _latest_by_month(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Of each month what was said last before it was over."""
    latest = {row["month"]: row for row in rows}  # in order of month, then origin
    return [
        {
            "month": first.isoformat(),
            "n": sum(row["month"] == first for row in rows),
            "said": row["mean"],
            "actual": row["actual"],
            "lower80": row["lower80"],
            "upper80": row["upper80"],
        }
        for first, row in latest.items()
    ]


def _accuracy(case: Case, subject: str, source: str, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": str(case.workspace_id),
        "subject": subject,
        "source": source,
        "measured_at": now,
        "bins": [],
    }


def _odds_words(kind: str, source: str, rows: Sequence[Any]) -> str:
    happened = sum(bool(row["outcome"]) for row in rows)
    mean = sum(row["probability"] for row in rows) / len(rows)
    return judged_odds_words(kind, source, len(rows), mean, happened)


def _month_words(source: str, rows: Sequence[Any], numbers: dict[str, Any]) -> str:
    months = len({row["month"] for row in rows})
    inside = f"{numbers['coverage80']:.0%} inside the 80% range"
    counted = f"{numbers['n']:,} forecasts of {months} {'month' if months == 1 else 'months'}"
    return said_words(source, f"{counted}, {inside}.")
