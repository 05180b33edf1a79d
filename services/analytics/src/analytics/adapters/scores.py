"""Score rows: what is there, and what replaces it."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    delete,
    exists,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from analytics.adapters.tables import (
    accuracies,
    churn_feedback,
    churn_scores,
    deal_scores,
    deals,
    editions,
    forecasts,
    projections,
    said_forecasts,
    said_odds,
    velocities,
)
from kit.database import Statement, Transaction

NOW = "now"
CHUNK = 2000
"""Rows of one statement: what is on its way twice, as objects and as JSON, stays small."""

WORKSPACE, EDITION = bindparam("workspace", type_=Uuid()), bindparam("edition", type_=Text())

Row = Mapping[str, Any]


def _upsert(table: Table, *, once: bool = False) -> Statement:
    """One statement for any number of rows: they come as JSON, typed by the table itself.

    `once`: what is there stays as it is. Columns with a default are left to the database.
    """
    names = ", ".join(c.name for c in table.c if c.server_default is None)
    key = ", ".join(c.name for c in table.primary_key)
    changed = ", ".join(
        f"{c.name} = excluded.{c.name}"
        for c in table.c
        if not c.primary_key and c.server_default is None
    )
    conflict = "NOTHING" if once else f"UPDATE SET {changed}"
    return Statement(
        text(
            f"INSERT INTO {table.name} ({names}) "
            f"SELECT {names} FROM jsonb_populate_recordset(NULL\\:\\:{table.name}, :rows) "
            f"ON CONFLICT ({key}) DO {conflict}"
        ).bindparams(bindparam("rows", type_=JSONB()))
    )


_WRITTEN = (
    deal_scores,
    churn_scores,
    editions,
    forecasts,
    projections,
    velocities,
    said_odds,
    said_forecasts,
    accuracies,
)
UPSERT = {table.name: _upsert(table) for table in _WRITTEN}
ONCE = {table.name: _upsert(table, once=True) for table in (said_odds, said_forecasts)}

WRITTEN = Statement(
    update(editions)
    .where(editions.c.workspace_id == WORKSPACE)
    .values(written=editions.c.written + 1)
)
RESTED = Statement(
    update(editions)
    .where(editions.c.workspace_id == WORKSPACE, editions.c.edition == EDITION)
    .values(
        rest_as_of=bindparam("as_of", type_=DateTime(timezone=True)),
        rest_version=bindparam("version", type_=BigInteger()),
    )
)
_sc, _d = deal_scores.c, deals.c
_open = and_(_d.workspace_id == WORKSPACE, _d.deleted_at.is_(None), _d.closed_at.is_(None))
# Of every open deal, what its row says now; of one not scored yet, nothing.
STANDING = Statement(
    select(
        _d.deal_id,
        _d.version,
        *(
            _sc[name]
            for name in (
                "deal_version",
                "probability",
                "lower",
                "upper",
                "advice",
                "priority",
                "value_minor",
                "age_days",
                "days_in_stage",
                "days_silent",
                "told_probability",
                "peak_probability",
                "told_at",
            )
        ),
    )
    .outerjoin_from(
        deals,
        deal_scores,
        and_(
            _sc.workspace_id == _d.workspace_id,
            _sc.deal_id == _d.deal_id,
            _sc.edition == EDITION,
        ),
    )
    .where(_open)
    .order_by(_d.deal_id)
)
GONE = Statement(
    delete(deal_scores)
    .where(
        _sc.workspace_id == WORKSPACE,
        _sc.edition == EDITION,
        ~exists().where(_open, _d.deal_id == _sc.deal_id),
    )
    .returning(_sc.deal_id)
)
_cc = churn_scores.c
CHURN_STANDING = Statement(
    select(
        _cc.client_id,
        _cc.probability,
        _cc.days_silent,
        _cc.purchases,
        _cc.won,
        _cc.lost,
        _cc.won_minor,
        _cc.at_stake_minor,
        _cc.open_minor,
        _cc.last_contact_at,
        _cc.horizon_days,
        _cc.told_level,
        _cc.told_at,
    ).where(_cc.workspace_id == WORKSPACE, _cc.edition == EDITION)
)
CHURN_GONE = Statement(
    delete(churn_scores).where(
        _cc.workspace_id == WORKSPACE,
        _cc.edition == EDITION,
        _cc.client_id != bindparam("ids", type_=ARRAY(Uuid())).all_(),
    )
)
FEEDBACK = Statement(select(churn_feedback).where(churn_feedback.c.workspace_id == WORKSPACE))
_fc = forecasts.c
FORECASTS = Statement(
    select(
        _fc.metric, _fc.owner_id, _fc.first_month, _fc.history, _fc.told_minor, _fc.told_at,
        _fc.computed_at, _fc.path, _fc.method, _fc.n_used, _fc.evidence, _fc.confidence,
        _fc.backtest, _fc.factors, _fc.lines, _fc.version,
    ).where(_fc.workspace_id == WORKSPACE, _fc.edition == EDITION)
)  # fmt: skip


class Standing(NamedTuple):
    """What an open deal's row says; nothing but its id and version when it has none."""

    deal_id: UUID
    version: int
    deal_version: int | None
    probability: float | None
    lower: float | None
    upper: float | None
    advice: str | None
    priority: float | None
    value_minor: int | None
    age_days: int | None
    days_in_stage: int | None
    days_silent: int | None
    told_probability: float | None
    peak_probability: float | None
    told_at: datetime | None


async def standing(tx: Transaction, edition: str = NOW) -> dict[str, Standing]:
    """By id, as text."""
    rows = await tx.rows(STANDING, workspace=tx.workspace_id, edition=edition)
    return {str(row["deal_id"]): Standing(*row) for row in rows}


async def drop_closed(tx: Transaction, edition: str = NOW) -> list[UUID]:
    """Closed and deleted deals have no odds; which ones had."""
    rows = await tx.rows(GONE, workspace=tx.workspace_id, edition=edition)
    return [row["deal_id"] for row in rows]


async def churn_standing(tx: Transaction, edition: str = NOW) -> dict[UUID, asyncpg.Record]:
    """What was told of each client."""
    rows = await tx.rows(CHURN_STANDING, workspace=tx.workspace_id, edition=edition)
    return {row["client_id"]: row for row in rows}


async def keep_only_clients(tx: Transaction, ids: Sequence[UUID], edition: str = NOW) -> None:
    """Whoever is no client any more has no score."""
    await tx.run(CHURN_GONE, workspace=tx.workspace_id, edition=edition, ids=list(ids))


async def feedback(tx: Transaction) -> dict[UUID, asyncpg.Record]:
    """What people answered to a client's risk."""
    rows = await tx.rows(FEEDBACK, workspace=tx.workspace_id)
    return {row["client_id"]: row for row in rows}


async def forecasts_there(
    tx: Transaction, edition: str = NOW
) -> dict[tuple[str, UUID], asyncpg.Record]:
    """By metric and owner."""
    rows = await tx.rows(FORECASTS, workspace=tx.workspace_id, edition=edition)
    return {(row["metric"], row["owner_id"]): row for row in rows}


async def written(tx: Transaction) -> None:
    """What reports read is another from now on; to be said in the transaction that changes it."""
    await tx.run(WRITTEN, workspace=tx.workspace_id)


async def rested(tx: Transaction, edition: str, *, as_of: datetime, version: int) -> None:
    """Risks, forecasts and projections know the facts up to here."""
    await tx.run(RESTED, workspace=tx.workspace_id, edition=edition, as_of=as_of, version=version)


async def write(tx: Transaction, table: str, rows: Sequence[Row]) -> None:
    """Put rows in the place of those with their keys."""
    for start in range(0, len(rows), CHUNK):
        await tx.run(UPSERT[table], rows=list(rows[start : start + CHUNK]))


def pack(rows: Sequence[Row]) -> bytes:
    """Rows as `write_packed` takes them, a tenth of their size; no more than a chunk at once."""
    return zlib.compress(orjson.dumps(list(rows)), 1)


async def write_packed(tx: Transaction, table: str, chunks: Sequence[bytes]) -> None:
    """As `write`."""
    for chunk in chunks:
        await tx.run(UPSERT[table], rows=orjson.Fragment(zlib.decompress(chunk)))


async def write_once(tx: Transaction, table: str, rows: Sequence[Row]) -> None:
    """Add rows; what was said before under the same key stays said."""
    for start in range(0, len(rows), CHUNK):
        await tx.run(ONCE[table], rows=list(rows[start : start + CHUNK]))


def instant(moment: datetime) -> str:
    """As JSON."""
    return moment.isoformat()
