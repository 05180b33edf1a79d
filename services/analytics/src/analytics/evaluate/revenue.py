"""Back-test the revenue projection against run rate, velocity and the weighted pipeline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate.report import Goal, Grid, Report, at_most, bar, number, percent, within
from analytics.evaluate.table import BadFileError, Table
from analytics.science.frames import frame
from analytics.science.metrics import bias, mean_of, wape
from analytics.science.revenue import project

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Bools = NDArray[np.bool_]

OWNERS = ("sales_agent", "owner_id", "seller", "assigned_to")
CREATED = ("engage_date", "created_at", "opened", "created_date")
CLOSED = ("close_date", "closed_at", "closed_date")
WON = ("deal_stage", "stage", "status", "outcome", "is_won")
VALUES = ("amount", "close_value", "deal_value", "revenue")
LEVELS = (80, 90)
MAX_CUTS = 12
WARM_UP = 90
TEXTBOOK = "velocity, textbook"

METHOD = (
    "At each cut-off every owner's coming revenue is projected from what was known then: deals "
    "opened later do not exist and deals closed later are open. WAPE is the sum of absolute errors "
    "over the revenue that came; bias is the signed sum (+ promised too much)."
)


@dataclass(frozen=True, slots=True)
class Book:
    """All deals ever, shape (n,): `value` as it was asked for, `paid` what a win brought."""

    owner: NDArray[np.str_]
    created: Dates
    closed: Dates
    won: Floats
    value: Floats
    paid: Floats

    def known_at(self, day: np.datetime64) -> dict[str, NDArray[np.generic]]:
        """Columns for `science.revenue` as a person knew them on `day`."""
        rows = self.created <= day
        later = ~(self.closed[rows] <= day)
        won = np.where(later, np.nan, self.won[rows])
        closed = self.closed[rows].copy()
        closed[later] = np.datetime64("NaT")
        value = np.where(won == 1, self.paid[rows], self.value[rows])
        return {
            "owner": self.owner[rows], "created": self.created[rows], "closed": closed,
            "won": won, "value": value,
        }  # fmt: skip


def read(table: Table) -> Book:
    """Deals of a file; one without a value was asked for at the median of the won."""
    created = table.dates(table.need("created", CREATED))
    closed = table.dates(table.need("closed", CLOSED))
    won = table.outcomes(table.need("won", WON))
    value = table.numbers(table.need("value", VALUES))
    owner_column = table.find("owner", OWNERS)
    owner = np.array(table.columns[owner_column] if owner_column else ["all"] * len(table))
    keep = ~np.isnat(created)
    known = value[keep & (won == 1)]
    usual = float(np.nanmedian(known)) if np.any(~np.isnan(known)) else 0.0
    asked = np.where(np.isnan(value) | (won == 0) & (value == 0), usual, value)
    won = np.where(np.isnat(closed), np.nan, won)
    book = Book(owner, created, closed, won, asked, np.nan_to_num(value))
    return Book(*(getattr(book, name)[keep] for name in Book.__slots__))


def cuts(book: Book, days: int) -> list[np.datetime64]:
    """First days of months that leave ninety days of closings before and the window after."""
    known = book.closed[~np.isnat(book.closed)]
    if len(known) == 0:
        raise BadFileError("no deal of the file is closed; there is nothing to test on.")
    first = known.min() + np.timedelta64(WARM_UP, "D")
    last = known.max() - np.timedelta64(days - 1, "D")
    months = np.arange(first.astype("datetime64[M]") + 1, last.astype("datetime64[M]") + 1)
    found = [month.astype("datetime64[D]") for month in months]
    found = [day for day in found if first <= day <= last][-MAX_CUTS:]
    if not found:
        raise BadFileError(
            f"the closings span {(known.max() - known.min()).astype(int)} days; "
            f"{WARM_UP + days} are needed to learn from and to test on."
        )
    return found


def report(book: Book, days: int, at: list[np.datetime64], title: str, *, goals: bool) -> Report:
    """Project every owner at each cut-off and tabulate."""
    came: list[float] = []
    said: dict[str, list[float]] = {}
    inside: dict[int, list[float]] = {level: [] for level in LEVELS}
    for day in bar(at, f"{days} days"):
        known = book.known_at(day)
        pool = frame(known)
        for owner in np.unique(book.owner[book.created <= day]):
            mine = {name: column[known["owner"] == owner] for name, column in known.items()}
            got = _came(book, owner, day, days)
            answer = project(frame(mine), day, days, pool=pool, levels=LEVELS)
            came.append(got)
            said.setdefault("recommended", []).append(answer.mean)
            said.setdefault("run rate, 90 days", []).append(answer.run_rate)
            part = answer.pipeline_part + answer.inflow_part
            said.setdefault("survival and inflow", []).append(part)
            for name, value in _baselines(mine, days).items():
                said.setdefault(name, []).append(value)
            for level in LEVELS:
                inside[level].append(float(answer.lower[level] <= got <= answer.upper[level]))
    rows = [
        [name, number(wape(came, x)), f"{bias(came, x):+.0%}", "–", "–"] for name, x in said.items()
    ]
    rows[0][3:] = [percent(mean_of(inside[level])) for level in LEVELS]
    rows = [rows[0], *sorted(rows[1:], key=lambda row: float(row[1].replace("–", "inf")))]
    note = f"{len(at)} cut-offs, {len(came)} projections of {days} days."
    grid = Grid(["method", "WAPE", "bias", "cov 80", "cov 90"], rows)
    return Report(title, METHOD, grid, [note], _goals(came, said, inside) if goals else [])


def _came(book: Book, owner: str, day: np.datetime64, days: int) -> float:
    end = day + np.timedelta64(days, "D")
    rows = (book.owner == owner) & (book.won == 1) & (book.closed > day) & (book.closed <= end)
    return float(book.paid[rows].sum())


def _baselines(deals: dict[str, NDArray[np.generic]], days: int) -> dict[str, float]:
    """Velocity read as a forecast, and the weighted pipeline, on one owner's known deals."""
    won, value = deals["won"].astype(np.float64), deals["value"].astype(np.float64)
    is_open, closed = np.isnan(won), ~np.isnan(won)
    rate = float(np.mean(won[closed] == 1)) if np.any(closed) else 0.0
    touched = np.mean(won == 1) if len(won) else 0.0
    ages = deals["closed"].astype("datetime64[D]") - deals["created"].astype("datetime64[D]")
    won_ages = ages[won == 1].astype(np.float64)
    cycle = max(float(won_ages.mean()), 1.0) if len(won_ages) else 30.0
    open_value = float(value[is_open].sum())
    return {
        TEXTBOOK: open_value * rate / cycle * days,
        "velocity, seed (30-day cycle, all deals)": float(value.sum() * touched) / 30 * days,
        "weighted pipeline (no timing)": open_value * rate,
    }


def _goals(
    came: list[float], said: dict[str, list[float]], inside: dict[int, list[float]]
) -> list[Goal]:
    ours = wape(came, said["recommended"])
    return [
        at_most("WAPE, 30 days", ours, 0.41),
        at_most("WAPE / textbook velocity", ours / wape(came, said[TEXTBOOK]), 0.40),
        within("bias", bias(came, said["recommended"]), -0.10, 0.10),
        within("90 % range covers", mean_of(inside[90]), 0.86, 0.96),
    ]
