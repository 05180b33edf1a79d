"""Back-test the forecast against its members, Prophet alone, and the seed's linear regression."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate.datasets import Series
from analytics.evaluate.report import Goal, Grid, Report, at_most, bar, number, percent, within
from analytics.evaluate.table import BadFileError, Table
from analytics.science import forecast_members as members
from analytics.science import prophet_fit
from analytics.science.forecast import forecast_monthly
from analytics.science.forecast_history import clean
from analytics.science.forecast_ladder import MIN_MONTHS
from analytics.science.metrics import coverage, mase, mean_of, seasonal_scale, smape

Floats = NDArray[np.float64]

SEASON = 12
LEVELS = (80, 90, 95)
PATIENCE = 60.0
"""Seconds Prophet may take here: nobody waits, and a busy machine must find the same figures."""

RECOMMENDED = "recommended"
OURS = ("recommended", "recommended, no Prophet")
DATES = ("month", "ds", "period", "closed", "close_date", "paid_at", "t")
VALUES = ("amount", "y", "revenue", "close_value", "total")
WON = ("deal_stage", "status", "outcome")
NAMES = ("series_id", "id", "name", "client_id", "client", "unique_id")
MONTHS_BACK = 12

METHOD = (
    "Every method sees a history and forecasts the months after it, which are held back. MASE is "
    "the mean absolute error over that of the seasonal naive inside the history (Hyndman and "
    "Koehler 2006): below 1 beats it. sMAPE and coverage are over the first six months."
)


@dataclass(slots=True)
class Score:
    """One method's results, one entry per series."""

    mase: dict[int, list[float]] = field(default_factory=lambda: {3: [], 6: [], 12: []})
    smape: list[float] = field(default_factory=list)
    covered: dict[int, list[float]] = field(default_factory=lambda: {k: [] for k in LEVELS})
    seconds: list[float] = field(default_factory=list)

    def add(self, series: Series, mean: Floats, ranges: dict[int, tuple[Floats, Floats]]) -> None:
        """Score one forecast."""
        for horizon, scores in self.mase.items():
            if horizon <= len(series.future):
                scores.append(mase(series.future[:horizon], mean[:horizon], series.scale))
        near = series.future[:6]
        self.smape.append(smape(near, mean[: len(near)]))
        for level, (low, high) in ranges.items():
            self.covered[level].append(coverage(near, low[: len(near)], high[: len(near)]))


def compare(series: Sequence[Series], *, slow: bool = True) -> dict[str, Score]:
    """Score every method on every series; `slow` adds the two that need Prophet."""
    scores: dict[str, Score] = {}
    for one in bar(series, "forecasting"):
        for name, method in _methods(slow=slow):
            started = time.perf_counter()
            answer = method(one.history, max(len(one.future), 1))
            seconds = time.perf_counter() - started
            if answer is None:
                continue
            score = scores.setdefault(name, Score())
            score.add(one, *answer)
            score.seconds.append(seconds)
    return scores


Answer = tuple[Floats, dict[int, tuple[Floats, Floats]]]


def _methods(*, slow: bool) -> list[tuple[str, Callable[[Floats, int], Answer | None]]]:
    methods: list[tuple[str, Callable[[Floats, int], Answer | None]]] = []
    if slow:
        methods.append((RECOMMENDED, lambda past, ahead: _recommended(past, ahead, PATIENCE)))
    methods.append((OURS[1] if slow else RECOMMENDED, lambda p, h: _recommended(p, h, 0.0)))
    for name, member in (
        ("AutoETS", members.auto_ets),
        ("AutoCES", members.auto_ces),
        ("Dynamic Optimised Theta", members.optimised_theta),
        ("SES", members.ses),
        ("mean of 12", members.recent_mean),
        ("linear regression (seed)", members.linear_regression),
        ("seasonal naive", members.seasonal_naive),
    ):
        methods.append((name, partial(_member, member)))
    if slow:
        methods.append(("Prophet, defaults", _prophet))
    return methods


def _member(member: members.Member, past: Floats, ahead: int) -> Answer | None:
    return _alone(member(clean(past).values, ahead, SEASON, ""), past)


def _recommended(past: Floats, ahead: int, seconds: float) -> Answer | None:
    answer = forecast_monthly(past, ahead, levels=LEVELS, deadline_s=seconds)
    if len(answer.mean) == 0:
        return None
    return answer.mean, {k: (answer.lower[k], answer.upper[k]) for k in LEVELS}


def _prophet(past: Floats, ahead: int) -> Answer | None:
    if not prophet_fit.available():
        return None
    path = prophet_fit.fit(clean(past).values, ahead, SEASON, seconds=PATIENCE, tuned=False)
    return _alone(path, past)


def _alone(path: members.Path | None, past: Floats) -> Answer | None:
    """A method's own normal range: mean plus or minus z times the spread it claims."""
    if path is None:
        return None
    unit, ranges = clean(past).unit, {}
    if path.sigma is not None:
        for level in LEVELS:
            half = path.sigma * members.normal_quantile(level)
            ranges[level] = ((path.mean - half) * unit, (path.mean + half) * unit)
    return path.mean * unit, ranges


def report(series: Sequence[Series], title: str, *, slow: bool, limits: str | None) -> Report:
    """Compare and tabulate; `limits` names the goals to hold the result against."""
    scores = compare(series, slow=slow)
    rows = []
    for name, score in sorted(scores.items(), key=_error):
        times = sorted(score.seconds)
        rows.append(
            [
                name,
                *(number(mean_of(score.mase[h])) for h in (3, 6, 12)),
                number(mean_of(score.smape), 1),
                *(percent(mean_of(score.covered[k])) for k in LEVELS),
                f"{1000 * mean_of(score.seconds):.0f}",
                f"{1000 * times[int(0.95 * (len(times) - 1))]:.0f}",
                str(len(score.seconds)),
            ]
        )
    header = ["method", "MASE h3", "h6", "h12", "sMAPE h6"]
    header += [f"cov {k}" for k in LEVELS] + ["ms", "p95 ms", "n"]
    lengths = [len(s.history) for s in series]
    note = f"{len(series)} forecasts from {min(lengths)} to {max(lengths)} months of history."
    return Report(title, METHOD, Grid(header, rows), [note], _goals(scores, limits))


def _error(scored: tuple[str, Score]) -> float:
    """MASE at six months, or at three when no future is that long."""
    six, three = mean_of(scored[1].mase[6]), mean_of(scored[1].mase[3])
    return six if six == six else three


def _goals(scores: dict[str, Score], limits: str | None) -> list[Goal]:
    """Limits of the design study: 36 to 72 months ("long"), 6 to 24 ("short") and "lumpy".

    Lumpy ranges were learnt on the series that are shown, so their coverage proves nothing.
    """
    if limits is None:
        return []
    h6 = {name: mean_of(score.mase[6]) for name, score in scores.items()}
    ours, best = h6[RECOMMENDED], min(v for k, v in h6.items() if k not in OURS)
    covered = scores[RECOMMENDED].covered
    linear = ours / h6["linear regression (seed)"]
    ranges = [
        within("90 % range covers", mean_of(covered[90]), 0.87, 0.93),
        within("80 % range covers", mean_of(covered[80]), 0.75, 0.85),
    ]
    if limits in ("short", "lumpy"):
        errors = [
            at_most("MASE h6 / best single method", ours / best, 1.03),
            at_most("MASE h6 / linear regression", linear, 0.92),
        ]
        return errors if limits == "lumpy" else errors + ranges
    return [
        at_most("MASE h6 / best single method", ours / best, 1.0),
        at_most("MASE h6 / AutoETS", ours / h6["AutoETS"], 0.99),
        at_most("MASE h6 / Prophet alone", ours / h6["Prophet, defaults"], 0.82),
        at_most("MASE h6 / linear regression", linear, 0.70),
        *ranges,
    ]


# ---------------------------------------------------------------- a user's file


def read(table: Table, horizon: int, limit: int) -> list[Series]:
    """Monthly series of a file: dated rows are summed by month, each series held back at its end.

    Rows without a date, open deals say, are no income yet; with an outcome column only won rows
    count. One series is cut at up to twelve successive months, many are cut once. Raises
    BadFileError when nothing is long enough.
    """
    date, value = table.need("date", DATES), table.need("value", VALUES)
    name = table.find("series", NAMES)
    names = table.columns[name] if name else ["all"] * len(table)
    months, values = _months(table, date), np.nan_to_num(table.numbers(value))
    won = table.find("won", WON)
    kept = ~table.empty(date) & (table.outcomes(won) == 1 if won else True)
    parts: dict[str, list[int]] = {}
    for row in np.flatnonzero(kept):
        parts.setdefault(names[row], []).append(int(row))
    histories = {key: _sum_by_month(months[rows], values[rows]) for key, rows in parts.items()}
    cuts = MONTHS_BACK if len(histories) == 1 else 1
    found = [
        Series(key, past, whole[len(past) : len(past) + horizon], seasonal_scale(past, SEASON))
        for key, whole in sorted(histories.items())[:limit]
        for past in _pasts(whole, horizon, cuts)
    ]
    if not found:
        raise BadFileError(
            f"{table.path.name}: no series has {MIN_MONTHS} months and {horizon} more to test on."
        )
    return found


def _months(table: Table, column: str) -> NDArray[np.int64]:
    """Month numbers: whole numbers are taken as they are, dates are counted in months."""
    if table.is_numeric(column) and max(map(len, table.columns[column])) <= 4:
        return np.nan_to_num(table.numbers(column)).astype(np.int64)
    dates = table.dates(column)
    return dates.astype("datetime64[M]").astype(np.int64)


def _sum_by_month(months: NDArray[np.int64], values: Floats) -> Floats:
    """Money per month from the first to the last month seen; a month without rows is zero."""
    return np.bincount(months - months.min(), weights=values).astype(np.float64)


def _pasts(whole: Floats, horizon: int, cuts: int) -> list[Floats]:
    ends = [len(whole) - horizon - back for back in range(cuts)]
    return [whole[:end] for end in reversed(ends) if end >= MIN_MONTHS]
