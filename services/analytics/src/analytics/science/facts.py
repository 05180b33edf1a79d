"""A workspace's facts as arrays: every deal as it stood at any moment, and every contact.

Times are seconds since 1970, values are money in the workspace's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Names = NDArray[np.str_]
Codes = NDArray[np.bytes_]

OPEN, WON, LOST = 0, 1, 2
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class States:
    """Deals after each of their changes, by deal, then time; every array has shape (n,).

    `happened` is business time, `told` when it was learnt. `deal`, `client`, `owner`, `stage` and
    `source` are positions in the names of `Facts`, -1 for none. `value` and `due` (expected close,
    days since 1970) are NaN when unknown, `closed` while open. Of one deal's states none was
    overtaken by a later one that happened before it.
    """

    deal: Ints
    happened: Floats
    told: Floats
    client: Ints
    owner: Ints
    value: Floats
    stage: Ints
    type: Ints
    source: Ints
    due: Floats
    created: Floats
    entered: Floats
    closed: Floats
    deleted: Bools

    def __len__(self) -> int:
        return len(self.deal)

    def take(self, rows: Ints | Bools) -> States:
        """Some of them."""
        return States(*(getattr(self, field.name)[rows] for field in fields(self)))

    def over(self, other: States, where: Bools) -> States:
        """These where it is true, the others' elsewhere."""
        names = [field.name for field in fields(self)]
        pairs = ((getattr(self, name), getattr(other, name)) for name in names)
        return States(*(np.where(where, mine, theirs) for mine, theirs in pairs))


@dataclass(frozen=True, slots=True)
class Facts:
    """What was known of a workspace at the moment `at`.

    Contacts (calls, meetings, mails that took place) have shape (m,), by time; -1 where they are on
    no deal or no client. `zone` says where days and months begin. The names of deals have a byte
    a letter: there are many of them, and other names have four.
    """

    at: float
    zone: str
    states: States
    contact_deal: Ints
    contact_client: Ints
    contact_at: Floats
    deals: Codes
    clients: Names
    owners: Names
    stages: Names
    sources: Names

    def last(self) -> States:
        """Every deal as it stood at the moment, without those deleted."""
        states = self.states
        ends = np.flatnonzero(np.append(states.deal[1:] != states.deal[:-1], len(states) > 0))
        final = states.take(ends)
        return final.take(~final.deleted)

    def until(self, moment: float) -> Facts:
        """The same workspace as it was known before an earlier moment."""
        heard = self.contact_at < moment
        return replace(
            self,
            at=moment,
            states=self.states.take(self.states.happened < moment),
            contact_deal=self.contact_deal[heard],
            contact_client=self.contact_client[heard],
            contact_at=self.contact_at[heard],
        )

    def day(self, moments: Floats) -> Floats:
        """Days since 1970 in the workspace's zone, NaN for NaN."""
        return local_days(moments, self.zone)


def local_days(moments: Floats, zone: str) -> Floats:
    """Days since 1970 on which instants fall in a time zone, NaN for NaN."""
    return np.floor(_local(moments, zone) / DAY)


def local_months(moments: Floats, zone: str) -> Floats:
    """Months since January 1970 in which instants fall in a time zone, NaN for NaN."""
    local = _local(moments, zone)
    known = ~np.isnan(local)
    months = np.full(len(local), np.nan)
    stamps = local[known].astype("datetime64[s]")
    months[known] = stamps.astype("datetime64[M]").astype(np.int64)
    return months


def _local(moments: Floats, zone: str) -> Floats:
    import pandas as pd

    known = ~np.isnan(moments)
    local = np.full(len(moments), np.nan)
    stamps = pd.to_datetime(np.floor(moments[known]), unit="s", utc=True).tz_convert(zone)
    local[known] = stamps.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return local
