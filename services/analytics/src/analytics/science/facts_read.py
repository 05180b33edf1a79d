"""Facts from two tables as PostgreSQL copies them out, in its binary format.

Every row is as long as every other: ids have sixteen bytes, numbers eight or four, and what is not
known is the nil id or NaN. So a table is one array already, and nobody makes an object per value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.science.facts import Codes, Facts, Floats, Ints, States

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
    # Columns are put in order as they are taken out, so that the table is never there twice.
    kept = _in_order(deal, _floats(rows["happened"]), rows["version"])
    moments = _floats(heard["at"])
    order = np.argsort(moments, kind="stable")
    return Facts(
        at=at,
        zone=zone,
        states=States(
            deal=deal[kept],
            happened=_floats(rows["happened"][kept]),
            told=_floats(rows["told"][kept]),
            client=client[kept],
            owner=owner[kept],
            value=_floats(rows["value"][kept]),
            stage=stage[kept],
            type=rows["type"][kept].astype(np.int64),
            source=rows["source"][kept].astype(np.int64),
            due=_floats(rows["due"][kept]),
            created=_floats(rows["created"][kept]),
            entered=_floats(rows["entered"][kept]),
            closed=_floats(rows["closed"][kept]),
            deleted=rows["deleted"][kept] != 0,
        ),
        contact_deal=on_deal[order],
        contact_client=with_client[order],
        contact_at=moments[order],
        deals=deals,
        clients=clients.astype(np.str_),
        owners=owners.astype(np.str_),
        stages=stages.astype(np.str_),
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


def _coded(*columns: Ids) -> tuple[Codes, list[Ints]]:
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


def _texts(ids: Ids) -> Codes:
    """Ids as they are written, a byte a letter."""
    digits = np.frombuffer(ids.astype(">u8").tobytes().hex().encode(), "S1").reshape(-1, 32)
    texts = np.full((len(ids), 36), b"-", dtype="S1")
    texts[:, [place for place in range(36) if place not in _DASHES]] = digits
    return texts.view("S36").reshape(-1)


def _floats(column: NDArray[np.float64]) -> Floats:
    return column.astype(np.float64)


def _in_order(deal: Ints, happened: Floats, version: NDArray[np.int32]) -> Ints:
    """Places of the states by deal, then version, without those that a later one had overtaken.

    Business time may run backwards from one version to the next (a date was corrected): the higher
    version is then the truth from its own time on.
    """
    order = np.lexsort((version, deal))
    if len(order) == 0:
        return order
    # The earliest time of any later version: a running minimum from each deal's end, over ranks, so
    # that deals are kept apart without rounding.
    rank = np.unique(happened[order], return_inverse=True)[1].astype(np.int64)
    apart = deal[order] << 32
    following = np.minimum.accumulate((rank + apart)[::-1])[::-1]
    later = np.append(following[1:], np.iinfo(np.int64).max) - apart
    kept: Ints = order[rank < later]
    return kept
