"""Counted reports: rows of one scope, with what they rest on."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from analytics.adapters import condition, figures, predictions, risks
from analytics.adapters.passage import Passage
from analytics.application.scope import Scope
from analytics.domain.period import Period
from kit.database import Transaction

PROJECTED_DAYS = 30
YEAR = timedelta(days=365)
MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class SummaryReport:
    """What the key figures are made of."""

    scope: Scope
    totals: Any
    months: list[Any]  # twelve, oldest first; the running one is not among them
    projection: Any | None
    levels: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class HealthReport:
    """How the pipeline is. `stalled_days` is None while that cannot be said."""

    scope: Scope
    flow: Any
    weighted_minor: int | None
    stalled_days: float | None
    ages: dict[int, Any]
    largest: Any | None
    months: list[Any]
    a_year_old: bool


@dataclass(frozen=True, kw_only=True)
class ConversionReport:
    """How deals pass from stage to stage."""

    scope: Scope
    stages: list[Any]
    overdue: dict[Any, int]
    lost_reasons: list[Any]
    fate: Any


@dataclass(frozen=True, kw_only=True)
class ClientsReport:
    """Where the money comes from."""

    scope: Scope
    clients: list[Any]
    sources: list[Any]


@dataclass(frozen=True, kw_only=True)
class ActivityReport:
    """What was done, and what came of it."""

    scope: Scope
    done: list[Any]
    due: Any
    silent: int
    owners: list[Any]


async def summary(tx: Transaction, scope: Scope) -> SummaryReport:
    """The key figures."""
    start, end = scope.period.start, scope.period.end
    return SummaryReport(
        scope=scope,
        totals=await figures.summed(
            tx, scope.seen, before=scope.period.before().start, start=start, end=end
        ),
        months=await _months(tx, scope, running=False, won_only=True),
        projection=await predictions.projection(tx, scope.edition, scope.whose, PROJECTED_DAYS),
        levels=await risks.levels(tx, edition=scope.edition, owners=scope.seen.owners),
    )


async def health(tx: Transaction, scope: Scope) -> HealthReport:
    """Coverage, stalled deals, ages, concentration, inflow and outflow."""
    start, end = scope.period.start, scope.period.end
    flow = await figures.flow(tx, scope.seen, start=start, end=end, year=scope.at - YEAR)
    usual = await condition.stalled_from(tx, scope.seen)
    stalled = float(usual["days"]) if usual["closed"] >= condition.ENOUGH_CLOSED else None
    bands = await condition.ages(
        tx, scope.seen, stalled=float("inf") if stalled is None else stalled
    )
    odds = await predictions.odds_sum(
        tx, edition=scope.edition, owners=scope.seen.owners, advice=None, ids=None
    )
    first = flow["first"]
    return HealthReport(
        scope=scope,
        flow=flow,
        weighted_minor=odds["expected"] if odds["valued"] else None,
        stalled_days=stalled,
        ages={row["band"]: row for row in bands},
        largest=await condition.largest(tx, scope.seen),
        months=await _months(tx, scope, running=True, won_only=False),
        a_year_old=first is not None and scope.at - first >= YEAR,
    )


async def conversion(tx: Transaction, scope: Scope) -> ConversionReport:
    """From stage to stage, how long stays are, and why deals are lost."""
    passage = _passage(tx, scope)
    stages = await passage.conversion()
    standing = await passage.standing_long()
    overdue = {
        row["stage_id"]: sum(days > row["p90"] for days in standing.get(row["stage_id"], []))
        for row in stages
        if row["p90"] is not None
    }
    return ConversionReport(
        scope=scope,
        stages=stages,
        overdue=overdue,
        lost_reasons=await passage.lost_reasons(),
        fate=await passage.fate(),
    )


async def clients(tx: Transaction, scope: Scope) -> ClientsReport:
    """Clients and sources by what was won."""
    passage = _passage(tx, scope)
    return ClientsReport(
        scope=scope, clients=await passage.clients(), sources=await passage.sources()
    )


async def activity(tx: Transaction, scope: Scope) -> ActivityReport:
    """Activities by kind and owner, and what each owner's deals came to."""
    passage, period = _passage(tx, scope), scope.period
    return ActivityReport(
        scope=scope,
        done=await passage.done(),
        due=await passage.due(),
        silent=await passage.silent(),
        owners=await figures.owners(tx, scope.seen, start=period.start, end=period.end),
    )


def _passage(tx: Transaction, scope: Scope) -> Passage:
    return Passage(tx, scope.seen, start=scope.period.start, end=scope.period.end)


async def _months(
    tx: Transaction, scope: Scope, *, running: bool, won_only: bool
) -> list[dict[str, Any]]:
    """The last twelve months, those in which nothing happened as noughts."""
    firsts = _firsts(scope.today, running=running)
    starts = [Period(first, first, scope.zone).start for first in firsts]
    found = await figures.months(tx, scope.seen, starts, won_only=won_only)
    nothing = {"created": 0, "won": 0, "lost": 0, "won_value": 0}
    return [
        {**nothing, **found.get(place, {}), "month": f"{first:%Y-%m}"}
        for place, first in enumerate(firsts[:-1])
    ]


def _firsts(today: date, *, running: bool) -> list[date]:
    """The first days of the months, and the one after the last of them."""
    after = today.year * 12 + today.month - 1 + (1 if running else 0)
    return [date(n // 12, n % 12 + 1, 1) for n in range(after - MONTHS, after + 1)]
