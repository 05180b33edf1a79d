"""A forecast as it is asked for: months of a row, a range, without some deals, beside a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from analytics.adapters import predictions
from analytics.application.scope import Scope
from analytics.domain.errors import (
    HorizonInvalid,
    IntervalInvalid,
    LineUnknown,
    MetricUnknown,
)
from kit.database import Transaction
from kit.errors import InvalidInput

METRICS = ("won_value", "pipeline_value", "deals_won")
INTERVALS = (80, 90, 95)
LINES = {
    "linear": "Linear regression",
    "prophet": "Prophet",
    "seasonal_naive": "The same month of last year",
}
LONGEST, USUAL = 24, 6
MOST_LEFT_OUT = 50


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of a forecast."""

    metric: str
    horizon: int
    interval: int
    line: str
    without: list[UUID]
    ranged: bool  # a range of days of its own, not the months of the horizon

    @classmethod
    def read(
        cls,
        *,
        metric: str,
        horizon: int,
        interval: int,
        line: str,
        without: list[UUID],
        ranged: bool,
    ) -> "Wanted":
        """Raises MetricUnknown, HorizonInvalid, IntervalInvalid, LineUnknown, InvalidInput."""
        wanted = cls(
            metric=metric or METRICS[0],
            horizon=horizon or USUAL,
            interval=interval or INTERVALS[0],
            line=line,
            without=without,
            ranged=ranged,
        )
        if wanted.metric not in METRICS:
            said = f"metric is one of {', '.join(METRICS)}."
            raise MetricUnknown(said, fields={"metric": said})
        if not 1 <= wanted.horizon <= LONGEST:
            said = f"horizon is a number of months from 1 to {LONGEST}."
            raise HorizonInvalid(said, fields={"horizon": said})
        if wanted.interval not in INTERVALS:
            said = "interval is 80, 90 or 95 percent."
            raise IntervalInvalid(said, fields={"interval": said})
        if line and line not in LINES:
            said = f"line is one of {', '.join(LINES)}."
            raise LineUnknown(said, fields={"line": said})
        if len(without) > MOST_LEFT_OUT:
            said = f"At most {MOST_LEFT_OUT} deals can be left out."
            raise InvalidInput(said, fields={"scenario": said})
        if without and (ranged or wanted.metric == "pipeline_value"):
            said = "Deals can be left out of what months bring, not of a range or of the pipeline."
            raise InvalidInput(said, fields={"scenario": said})
        return wanted


@dataclass(frozen=True, kw_only=True)
class Point:
    """A coming month; parts are None where they are not told apart."""

    month: str
    value: float
    lower: float
    upper: float
    pipe: float | None
    new: float | None


@dataclass(frozen=True, kw_only=True)
class Total:
    """The sum of the range; parts are None where they are not told apart."""

    first: date
    last: date
    value: float
    lower: float
    upper: float
    won: float | None = None
    pipe: float | None = None
    new: float | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A deal the forecast does without, and what it would have brought within the horizon."""

    deal_id: UUID
    name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class ForecastReport:
    """A forecast; `row` is None while there is none."""

    scope: Scope
    wanted: Wanted
    row: Any | None
    points: list[Point] = field(default_factory=list)
    total: Total | None = None
    left_out: list[LeftOut] = field(default_factory=list)


async def forecast(tx: Transaction, scope: Scope, wanted: Wanted) -> ForecastReport:
    """From the row of the edition. Nothing is fitted here."""
    row = await predictions.forecast(tx, scope.edition, wanted.metric, scope.whose)
    if row is None:
        return ForecastReport(scope=scope, wanted=wanted, row=None)
    points = [_point(month, wanted.interval) for month in row["path"][: wanted.horizon]]
    left_out: list[LeftOut] = []
    if wanted.without and points:
        rows = await predictions.left_out(
            tx, edition=scope.edition, owners=scope.seen.owners, advice=None, ids=wanted.without
        )
        counts = wanted.metric == "deals_won"
        monthly = [_arrivals(deal, wanted.horizon, counts=counts) for deal in rows]
        points = _without(points, monthly, won=float(row["so_far"]))
        left_out = [
            LeftOut(deal_id=deal["deal_id"], name=deal["name"], value=sum(months))
            for deal, months in zip(rows, monthly, strict=True)
        ]
    return ForecastReport(
        scope=scope,
        wanted=wanted,
        row=row,
        points=points,
        total=_total(wanted, points, row["so_far"]) if points else None,
        left_out=left_out,
    )


def ranged_total(scope: Scope, interval: int, answer: Mapping[str, Any]) -> Total:
    """The answer to a question for a range of days."""
    level = str(interval) if str(interval) in answer["lower"] else "90"
    won = float(answer["won_minor"])
    return Total(
        first=scope.period.first,
        last=scope.period.last,
        value=float(answer["mean_minor"]),
        lower=float(answer["lower"][level]),
        upper=float(answer["upper"][level]),
        won=won,
        # The middle of two views: what they say is halved, like in the number itself.
        pipe=None,
        new=None,
    )


def _point(month: Mapping[str, Any], interval: int) -> Point:
    level = str(interval)
    return Point(
        month=str(month["month"])[:7],
        value=float(month["mean"]),
        lower=float(month["lower"][level]),
        upper=float(month["upper"][level]),
        pipe=_maybe(month.get("pipe")),
        new=_maybe(month.get("new")),
    )


def _maybe(number: Any) -> float | None:
    return None if number is None else float(number)


def _arrivals(deal: Any, horizon: int, *, counts: bool) -> list[float]:
    """What a deal is expected to bring in each month: its value times the chance of winning it."""
    reached = [float(chance) for chance in deal["arrivals"][:horizon]]
    worth = 1.0 if counts else float(deal["value_minor"] or 0)
    gained = [now - before for now, before in zip(reached, [0.0, *reached], strict=False)]
    return [worth * max(share, 0.0) for share in gained]


def _without(
    points: Sequence[Point], monthly: Sequence[Sequence[float]], *, won: float
) -> list[Point]:
    """By subtraction, from the part that the pipeline brings; never below nought, and in the month
    under way never below what it has won already."""
    less = [sum(deal[n] for deal in monthly if n < len(deal)) for n in range(len(points))]
    least = [won, *(0.0 for _ in points[1:])]
    return [
        Point(
            month=p.month,
            value=max(p.value - gone, floor),
            lower=max(p.lower - gone, floor),
            upper=max(p.upper - gone, floor),
            pipe=None if p.pipe is None else max(p.pipe - gone, 0.0),
            new=p.new,
        )
        for p, gone, floor in zip(points, less, least, strict=True)
    ]


def _total(wanted: Wanted, points: Sequence[Point], so_far: int) -> Total:
    """The months added up, so that the table's sum is the sentence's number.

    The ends of the months are added up too: the range of the sum is then wide rather than narrow,
    because months do not all miss on the same side.
    """
    first = date.fromisoformat(f"{points[0].month}-01")
    last = _month_end(points[-1].month)
    if wanted.metric == "pipeline_value":  # a level, not a flow: it is worth what it is at the end
        end = points[-1]
        return Total(first=first, last=last, value=end.value, lower=end.lower, upper=end.upper)
    value = sum(p.value for p in points)
    won, pipe = float(so_far), [p.pipe for p in points]
    known = all(part is not None for part in pipe)
    piped = min(sum(part or 0.0 for part in pipe), max(value - won, 0.0))
    return Total(
        first=first,
        last=last,
        value=value,
        lower=sum(p.lower for p in points),
        upper=sum(p.upper for p in points),
        won=min(won, value) if known else None,
        pipe=piped if known else None,
        new=max(value - min(won, value) - piped, 0.0) if known else None,
    )


def _month_end(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
