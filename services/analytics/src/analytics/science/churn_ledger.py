"""Purchases as arrays: who bought on which day for how much, and what was known at any moment."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Wholes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Ledger:
    """One row per client and day with a purchase, by client, then day.

    `client` [m] position of the client, `day` [m] days since 1970, `value` [m] the day's net amount
    (NaN unknown); `clients` how many clients there are, with or without a purchase.
    """

    client: Wholes
    day: Wholes
    value: Floats
    clients: int

    def take(self, chosen: Ints) -> "Ledger":
        """The same for some clients, renumbered in the order given."""
        place = np.full(self.clients, -1, dtype=np.int32)
        place[chosen] = np.arange(len(chosen), dtype=np.int32)
        client = place[self.client]
        rows = np.flatnonzero(client >= 0)
        rows = rows[np.argsort(client[rows], kind="stable")]
        return Ledger(client[rows], self.day[rows], self.value[rows], len(chosen))


@dataclass(frozen=True, slots=True)
class Standing:
    """What was known of each client on one day, arrays [n] over all clients of the ledger.

    `count` purchase days (0 for a prospect), `first` and `last` days since 1970, `value` mean known
    """

    on: int
    count: Ints
    first: Ints
    last: Ints
    value: Floats

    def take(self, rows: slice) -> "Standing":
        """Some of the clients."""
        parts = (self.count[rows], self.first[rows], self.last[rows], self.value[rows])
        return Standing(self.on, *parts)

    @property
    def repeats(self) -> Floats:
        """Purchases after the first: x of BG/NBD."""
        return np.maximum(self.count - 1, 0).astype(np.float64)

    @property
    def active_days(self) -> Floats:
        """Days from the first purchase to the last: t_x of BG/NBD."""
        return (self.last - self.first).astype(np.float64)

    @property
    def age_days(self) -> Floats:
        """Days from the first purchase to today: T of BG/NBD."""
        return (self.on - self.first).astype(np.float64)

    @property
    def silent_days(self) -> Floats:
        """Days since the last purchase."""
        return (self.on - self.last).astype(np.float64)

    @property
    def rhythm_days(self) -> Floats:
        """Mean gap between purchases in days; NaN before the second."""
        repeats = self.repeats
        return np.where(repeats > 0, self.active_days / np.maximum(repeats, 1.0), np.nan)


def days_of(dates: "pd.Series") -> Ints:
    """Days since 1970 [n]; a date that is missing is the smallest integer.

    Raises:
        ValueError: a value is not a date; the row is named.
    """
    import pandas as pd

    if not str(dates.dtype).startswith("datetime"):
        read = pd.to_datetime(dates, errors="coerce", format="mixed", utc=True)
        bad = read.isna().to_numpy() & dates.notna().to_numpy()
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"column 'date', row {row}: {dates.iloc[row]!r} is not a date")
        dates = read
    if getattr(dates.dtype, "tz", None) is not None:
        dates = dates.dt.tz_localize(None)
    return np.asarray(dates.to_numpy().astype("datetime64[D]").view(np.int64))


def read_ledger(purchases: "pd.DataFrame", as_of: object) -> tuple[Ledger, "pd.Index", int]:
    """The ledger up to `as_of`, the client ids in order of appearance, and `as_of` as a day.

    Amounts of one day are added up; a day whose known net is not above zero (a refund, a free
    order) is no purchase. Later purchases and rows without a client are left out.

    Raises:
        ValueError: a column is missing, or a date or value cannot be read.
    """
    import pandas as pd

    missing = [c for c in ("client_id", "date", "value") if c not in purchases.columns]
    if missing:
        raise ValueError(f"purchases lack the columns {missing}")
    today = int(days_of(pd.Series([pd.Timestamp(as_of)]))[0])
    value = _values(purchases["value"])
    code, ids = pd.factorize(purchases["client_id"], use_na_sentinel=True)
    day = days_of(purchases["date"])
    keep = (code >= 0) & (day > np.iinfo(np.int64).min) & (day <= today)
    if not keep.all():
        code, day, value = code[keep], day[keep], value[keep]
    first = int(day.min(initial=today))
    span = int(day.max(initial=today)) - first + 1
    code *= span
    code += day
    code -= first
    rows = _Rows(code, value)
    del code, day, keep, value
    rows.sort()
    rows.merge()
    return rows.ledger(span, first, len(ids)), ids, today


def _values(column: "pd.Series") -> Floats:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if isinstance(numbers.dtype, np.dtype):
        value = numbers.to_numpy(np.float64)  # the caller's own array when it holds floats
    else:
        value = numbers.to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(value)
    if bad.any() and (bad := bad & column.notna().to_numpy()).any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"column 'value', row {row}: {column.iloc[row]!r} is not a number")
    return np.asarray(value)


@dataclass(slots=True)
class _Rows:
    """Purchases [m] on their way into a ledger; key = client * span + day - first.

    A million clients have millions of purchases: only this object holds the two arrays, and each
    step lets go of the old one before it makes the next, so that they fit a worker's memory.
    """

    key: Ints
    value: Floats

    def sort(self) -> None:
        """By key, equal keys in the order given."""
        if bool((self.key[1:] >= self.key[:-1]).all()):
            return
        self.value = self.value[np.argsort(self.key, kind="stable")]
        self.key.sort()

    def merge(self) -> None:
        """Sorted rows of one key become one row with their net amount, purchases only."""
        if len(self.key) == 0:
            return
        start = np.flatnonzero(np.r_[True, self.key[1:] != self.key[:-1]])
        self.key = self.key[start]
        unknown = np.isnan(self.value)
        known = np.where(unknown, 0.0, self.value) if unknown.any() else self.value
        self.value = np.add.reduceat(known, start)
        self.value[np.logical_and.reduceat(unknown, start)] = np.nan
        del start, known
        bought = ~(self.value <= 0)
        if not bought.all():
            self.key, self.value = self.key[bought], self.value[bought]

    def ledger(self, span: int, first: int, clients: int) -> Ledger:
        """The rows as a ledger of so many clients."""
        client = (self.key // span).astype(np.int32)
        self.key %= span
        self.key += first
        return Ledger(client, self.key.astype(np.int32), self.value, clients)


def standing(ledger: Ledger, on: int) -> Standing:
    """What was known of every client on the day `on`."""
    client, day, value = ledger.client, ledger.day, ledger.value
    if len(day) and int(day.max()) > on:
        rows = day <= on
        client, day, value = client[rows], day[rows], value[rows]
    n = ledger.clients
    count = np.bincount(client, minlength=n).astype(np.int64)
    end = np.cumsum(count)
    first, last = np.full(n, on), np.full(n, on)
    has = count > 0
    first[has] = day[(end - count)[has]]
    last[has] = day[end[has] - 1]
    known = ~np.isnan(value)
    total = np.bincount(client, value if known.all() else np.where(known, value, 0.0), n)
    valued = count if known.all() else np.bincount(client[known], minlength=n)
    mean = np.where(valued > 0, total / np.maximum(valued, 1), np.nan)
    return Standing(on, count, first, last, mean)


def bought_between(ledger: Ledger, after: int, until: int) -> NDArray[np.bool_]:
    """Whether each client [n] bought after the day `after`, up to and including `until`."""
    rows = (ledger.day > after) & (ledger.day <= until)
    return np.bincount(ledger.client[rows], minlength=ledger.clients) > 0
