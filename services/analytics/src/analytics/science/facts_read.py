"""Facts from two tables as PostgreSQL copies them out, in its binary format.

Every row is as long as every other: ids have sixteen bytes, numbers eight or four, and what is not
known is the nil id or NaN. So a table is one array already, and nobody makes an object per value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.science.facts import Facts, Floats, Ints, Names, States

Table = NDArray[np.void]
Ids = NDArray[np.uint64]

STATE_COLUMNS = {
    "deal": "id", "version": "i4", "happened": "f8", "told": "f8", "client": "id", "owner": "id",
    "value": "f8", "stage": "id", "type": "i4", "source": "i4", "due": "f8", "created": "f8",
    "entered": "f8", "closed": "f8", "deleted": "i4",
}  # fmt: skip
"""`type` is one of OPEN, WON, LOST; `source` a place among the sources, -1 for none."""

CONTACT_COLUMNS = {"deal": "id", "client": "id", "at": "f8"}

_HEAD, _TAIL = 19, 2  # signature, flags and length of an extension; the end
_DASHES = (8, 13, 18, 23)


def read(states: bytes, contacts: bytes, sources: list[str], *, at: float, zone: str) -> Facts:
    """Facts from the two tables, their rows in any order. Raises ValueError for another format.

    The columns are `STATE_COLUMNS` and `CONTACT_COLUMNS`.
    """
    rows, heard = _table(states, STATE_COLUMNS), _table(contacts, CONTACT_COLUMNS)
    deals, (deal, on_deal) = _coded(rows["deal"], heard["deal"])
    clients, (client, with_client) = _coded(rows["client"], heard["client"])
    owners, (owner,) = _coded(rows["owner"])
    stages, (stage,) = _coded(rows["stage"])
    table = States(
        deal=deal,
        happened=_floats(rows["happened"]),
        told=_floats(rows["told"]),
        client=client,
        owner=owner,
        value=_floats(rows["value"]),
        stage=stage,
        type=rows["type"].astype(np.int64),
        source=rows["source"].astype(np.int64),
        due=_floats(rows["due"]),
        created=_floats(rows["created"]),
        entered=_floats(rows["entered"]),
        closed=_floats(rows["closed"]),
        deleted=rows["deleted"] != 0,
    )
    moments = _floats(heard["at"])
    order = np.argsort(moments, kind="stable")
    return Facts(
        at=at,
        zone=zone,
        states=_in_order(table, rows["version"]),
        contact_deal=on_deal[order],
        contact_client=with_client[order],
        contact_at=moments[order],
        deals=deals,
        clients=clients,
        owners=owners,
        stages=stages,
        sources=np.array(sources, dtype=np.str_),
    )


def _table(copied: bytes, columns: dict[str, str]) -> Table:
    fields: list[tuple[str, str] | tuple[str, str, int]] = [("fields", ">i2")]
    for name, kind in columns.items():
        fields.append((f"{name} length", ">i4"))
        fields.append((name, ">u8", 2) if kind == "id" else (name, f">{kind}"))
    row = np.dtype(fields)
    count, rest = divmod(len(copied) - _HEAD - _TAIL, row.itemsize)
    if rest or count < 0:
        raise ValueError(f"rows of {row.itemsize} bytes were expected")
    table = np.frombuffer(copied, row, count, _HEAD)
    if np.any(table["fields"] != len(columns)):
        raise ValueError(f"rows of {len(columns)} columns were expected")
    return table


def _coded(*columns: Ids) -> tuple[Names, list[Ints]]:
    """The distinct ids of all columns, in order, and each column as places among them; -1 none."""
    pairs = np.concatenate(columns).astype(np.uint64)
    high, low = pairs[:, 0], pairs[:, 1]
    order = np.lexsort((low, high))
    known = order[(high[order] != 0) | (low[order] != 0)]
    new = np.ones(len(known), dtype=np.bool_)
    new[1:] = (high[known[1:]] != high[known[:-1]]) | (low[known[1:]] != low[known[:-1]])
    codes = np.full(len(pairs), -1, dtype=np.int64)
    codes[known] = np.cumsum(new) - 1
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return _texts(pairs[known[new]]), np.split(codes, ends)


def _texts(ids: Ids) -> Names:
    """Ids as they are written."""
    digits = np.frombuffer(ids.astype(">u8").tobytes().hex().encode(), "S1").reshape(-1, 32)
    texts = np.full((len(ids), 36), b"-", dtype="S1")
    texts[:, [place for place in range(36) if place not in _DASHES]] = digits
    return texts.view("S36").reshape(-1).astype(np.str_)


def _floats(column: NDArray[np.float64]) -> Floats:
    return column.astype(np.float64)


def _in_order(states: States, version: NDArray[np.int32]) -> States:
    """By deal, then version; without states that a later version had overtaken.

    Business time may run backwards from one version to the next (a date was corrected): the higher
    version is then the truth from its own time on.
    """
    by_deal = states.take(np.lexsort((version, states.deal)))
    if len(by_deal) == 0:
        return by_deal
    # The earliest time of any later version: a running minimum from each deal's end, over ranks, so
    # that deals are kept apart without rounding.
    rank = np.unique(by_deal.happened, return_inverse=True)[1].astype(np.int64)
    apart = by_deal.deal << 32
    following = np.minimum.accumulate((rank + apart)[::-1])[::-1]
    later = np.append(following[1:], np.iinfo(np.int64).max) - apart
    return by_deal.take(rank < later)
