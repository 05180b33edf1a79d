"""A workspace's facts as arrays: every deal as it stood at any moment, and every contact.

Read from two tables in CSV, as a database copies them out; nobody makes an object per value. Times
are seconds since 1970, values are money in the workspace's currency.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Names = NDArray[np.str_]

OPEN, WON, LOST = 0, 1, 2
DAY = 86_400.0
STATE_COLUMNS = (
    "deal", "happened", "told", "client", "owner", "value", "stage", "type", "source", "due",
    "created", "entered", "closed", "deleted",
)  # fmt: skip
CONTACT_COLUMNS = ("deal", "client", "at")
_TYPES = {"open": OPEN, "won": WON, "lost": LOST}


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
    no deal or no client. `zone` says where days and months begin.
    """

    at: float
    zone: str
    states: States
    contact_deal: Ints
    contact_client: Ints
    contact_at: Floats
    deals: Names
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


def read(states_csv: bytes, contacts_csv: bytes, *, at: float, zone: str) -> Facts:
    """Facts from the two tables, rows in any order but a deal's states by version.

    The columns are `STATE_COLUMNS` and `CONTACT_COLUMNS`; ids are texts, empty for none.
    """
    import pandas as pd

    texts = dict.fromkeys(("deal", "client", "owner", "stage", "type", "source"), "category")
    table = pd.read_csv(io.BytesIO(states_csv), dtype=texts, keep_default_na=False, na_values=[""])
    contacts = pd.read_csv(
        io.BytesIO(contacts_csv),
        dtype={"deal": "category", "client": "category"},
        keep_default_na=False,
        na_values=[""],
    )
    deals, clients = (
        _names(table["deal"], contacts["deal"]),
        _names(table["client"], contacts["client"]),
    )
    owners, stages, sources = (_names(table[c]) for c in ("owner", "stage", "source"))
    kinds = np.array([_TYPES[str(t)] for t in table["type"].cat.categories], dtype=np.int64)
    states = States(
        deal=_codes(table["deal"], deals),
        happened=_floats(table["happened"]),
        told=_floats(table["told"]),
        client=_codes(table["client"], clients),
        owner=_codes(table["owner"], owners),
        value=_floats(table["value"]),
        stage=_codes(table["stage"], stages),
        type=kinds[table["type"].cat.codes.to_numpy()] if len(table) else np.zeros(0, np.int64),
        source=_codes(table["source"], sources),
        due=_floats(table["due"]),
        created=_floats(table["created"]),
        entered=_floats(table["entered"]),
        closed=_floats(table["closed"]),
        deleted=table["deleted"].to_numpy(dtype=np.bool_),
    )
    order = np.argsort(_floats(contacts["at"]), kind="stable")
    return Facts(
        at=at,
        zone=zone,
        states=_in_order(states),
        contact_deal=_codes(contacts["deal"], deals)[order],
        contact_client=_codes(contacts["client"], clients)[order],
        contact_at=_floats(contacts["at"])[order],
        deals=deals,
        clients=clients,
        owners=owners,
        stages=stages,
        sources=sources,
    )


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


def _names(*columns: pd.Series[object]) -> Names:
    found = {str(name) for column in columns for name in column.cat.categories}
    return np.array(sorted(found), dtype=np.str_)


def _codes(column: pd.Series[object], names: Names) -> Ints:
    """Positions among the names, -1 for none."""
    own = column.cat.categories.astype(str).to_numpy(dtype=np.str_)
    place = np.append(np.searchsorted(names, own), -1).astype(np.int64)
    codes: Ints = place[column.cat.codes.to_numpy()]
    return codes


def _floats(column: pd.Series[object]) -> Floats:
    numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _in_order(states: States) -> States:
    """By deal, then version; without states that a later version had overtaken.

    Business time may run backwards from one version to the next (a date was corrected): the higher
    version is then the truth from its own time on.
    """
    by_deal = states.take(np.argsort(states.deal, kind="stable"))
    if len(by_deal) == 0:
        return by_deal
    # The earliest time of any later version: a running minimum from each deal's end, over ranks, so
    # that deals are kept apart without rounding.
    rank = np.unique(by_deal.happened, return_inverse=True)[1].astype(np.int64)
    apart = by_deal.deal << 32
    following = np.minimum.accumulate((rank + apart)[::-1])[::-1]
    later = np.append(following[1:], np.iinfo(np.int64).max) - apart
    return by_deal.take(rank < later)
