"""Deals as arrays of days: the one place that reads the columns owner, created, closed, won, value.

Every date becomes a number of days relative to a moment, because hazards, rates and cycles are all
differences of dates, and because time zones and odd types are then dealt with once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COLUMNS = ("owner", "created", "closed", "won", "value")


@dataclass(frozen=True, slots=True)
class Deals:
    """Deals known at a moment, day 0: every array has shape (n,).

    `owner` is a number per owner, in the order of their names: a name in each row would be most of
    the memory. `created` and `closed` are days relative to that moment, `closed` is NaN while open;
    `won` is 1, 0, or NaN while open; `value` is money. `repaired` counts rows by what had to be
    repaired.
    """

    owner: NDArray[np.int64]
    created: Floats
    closed: Floats
    won: Floats
    value: Floats
    repaired: dict[str, int]

    def __len__(self) -> int:
        return len(self.created)

    @property
    def open(self) -> Bools:
        return np.isnan(self.closed)

    @property
    def is_won(self) -> Bools:
        return np.equal(self.won, 1.0)

    def keep(self, rows: Bools) -> Deals:
        """Only the rows where `rows` is true."""
        return Deals(
            self.owner[rows], self.created[rows], self.closed[rows],
            self.won[rows], self.value[rows], self.repaired,
        )  # fmt: skip

    def known_at(self, day: float, *, inclusive: bool = True) -> Deals:
        """The deals as they were known `day` days from the moment, with that day as the new zero.

        Deals created later are gone; closings that came later have not happened. What happened at
        the very moment counts as known unless `inclusive` is false.
        """
        happened = np.less_equal if inclusive else np.less
        rows = happened(self.created, day)
        closed = np.where(happened(self.closed[rows], day), self.closed[rows], np.nan)
        won = np.where(np.isnan(closed), np.nan, self.won[rows])
        return Deals(
            self.owner[rows], self.created[rows] - day, closed - day,
            won, self.value[rows], self.repaired,
        )  # fmt: skip


def read_deals(deals: pd.DataFrame | Deals, moment: object) -> Deals:
    """Read a frame with `COLUMNS`; day 0 is `moment`. Sorted, so that row order cannot matter.
    What was read before, for the same moment, is taken as it is.

    Repaired, and counted in `repaired`: a row without a creation date takes its closing date or is
    dropped; a closing before the creation happens on that day; an outcome without a closing date or
    a closing without an outcome is open; a value that is not known takes the median of the known.
    Deals created after the moment are dropped, later closings are open. Raises ValueError for a
    missing column, text in a number or a date, or an outcome that is not 1, 0 or empty.
    """
    if isinstance(deals, Deals):
        return deals
    import pandas as pd

    missing = [name for name in COLUMNS if name not in deals.columns]
    if missing:
        raise ValueError(
            f"deals lack the column {', '.join(missing)}; needed: {', '.join(COLUMNS)}"
        )
    created, closed = days_since(deals["created"], moment), days_since(deals["closed"], moment)
    won, value = _numbers(deals["won"], "won"), _numbers(deals["value"], "value")
    if np.any(~np.isnan(won) & (won != 0) & (won != 1)):
        raise ValueError("column won holds something other than 1, 0 or empty")
    owner = pd.factorize(deals["owner"].astype(object).fillna("").astype(str), sort=True)[0]
    return _repair(Deals(owner, created, closed, won, value, {}))


def days_since(dates: pd.Series[object], moment: object) -> Floats:
    """Days from `moment` to each date, NaN for none; aware times are compared in UTC."""
    import pandas as pd

    try:
        read = pd.to_datetime(dates, utc=True)
        start = pd.to_datetime(moment, utc=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {dates.name} holds something that is not a date") from error
    days: Floats = ((read - start) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    return days


def days_between(start: object, end: object) -> float:
    """Days from `start` to `end`; raises ValueError when either is not a date."""
    import pandas as pd

    return float(days_since(pd.Series([end], name="end"), start)[0])


def _numbers(column: pd.Series[object], name: str) -> Floats:
    try:
        numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name} holds something that is not a number") from error
    if np.any(np.isinf(numbers)):
        raise ValueError(f"column {name} holds an infinite number")
    return numbers


def _repair(raw: Deals) -> Deals:
    created = np.where(np.isnan(raw.created), raw.closed, raw.created)
    unknown = np.isnan(raw.value)
    usual = float(np.median(raw.value[~unknown])) if np.any(~unknown) else 0.0
    early = raw.closed < created
    half = np.isnan(raw.closed) != np.isnan(raw.won)
    later = raw.closed > 0
    closed = np.where(half | later, np.nan, np.maximum(raw.closed, created))
    repaired = {
        "created_unknown": int(np.isnan(raw.created).sum()),
        "value_unknown": int(unknown.sum()),
        "closed_before_created": int(early.sum()),
        "outcome_or_date_unknown": int(half.sum()),
    }
    kept = Deals(
        raw.owner, created, closed, np.where(np.isnan(closed), np.nan, raw.won),
        np.where(unknown, usual, raw.value), repaired,
    ).keep(created <= 0)  # fmt: skip
    order = np.lexsort((kept.value, kept.won, kept.closed, kept.created, kept.owner))
    return Deals(
        kept.owner[order], kept.created[order], kept.closed[order],
        kept.won[order], kept.value[order], repaired,
    )  # fmt: skip
