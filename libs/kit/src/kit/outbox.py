"""Facts that wait for the bus.

A row is the truth until the stream has acknowledged it, and stays seven days after.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    FromClause,
    Identity,
    Index,
    Insert,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from kit.aggregate import Fact
from kit.bus.subjects import subject
from kit.database import Statement
from kit.ids import new_id
from kit.rpc.identity import address_of_caller
from kit.telemetry import inject

metadata = MetaData()  # of every table that kit brings along

outbox = Table(
    "outbox",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("happened_at", DateTime(timezone=True), nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
)
OF_A_BULK = "headers ? 'ce-bulkid'"  # part of an import or a bulk edit: single changes go first
Index(
    "ix_outbox_unsent",
    text(f"({OF_A_BULK})"),
    outbox.c.number,
    postgresql_where=outbox.c.sent_at.is_(None),
)
Index("ix_outbox_sent", outbox.c.sent_at, postgresql_where=outbox.c.sent_at.is_not(None))


class OutboxRow(TypedDict):
    """What a service gives; number and times are the database's."""

    event_id: UUID
    workspace_id: UUID
    subject: str
    type: str
    aggregate_id: UUID
    happened_at: datetime
    headers: dict[str, str]
    body: bytes


class Message(Protocol):
    """The one thing an event needs of its protobuf message."""

    def SerializeToString(self) -> bytes:
        """The bytes on the wire."""


def event_row(
    service: str,
    workspace_id: UUID,
    fact: Fact,
    name: str,
    message: Message,
    *,
    bulk_id: UUID | None = None,
) -> OutboxRow:
    """A fact on its way: `name` is `deal.v1.moved`; its type on the bus is `crm.deal.v1.moved`.

    `bulk_id` marks the events of one import or bulk edit; those of a bulk that nobody has done by
    hand are an import's. The running trace goes along.
    """
    headers = {"ff-version": str(fact.version)}
    inject(headers)
    if fact.by is not None:
        headers["ff-actor"] = str(fact.by)
        if address := address_of_caller():
            headers["ff-address"] = address
    if bulk_id is not None:
        headers["ce-bulkid"] = str(bulk_id)
    return OutboxRow(
        event_id=new_id(),
        workspace_id=workspace_id,
        subject=subject(
            service, workspace_id, name, imported=bulk_id is not None and fact.by is None
        ),
        type=f"{service}.{name}",
        aggregate_id=fact.aggregate_id,
        happened_at=fact.at,
        headers=headers,
        body=message.SerializeToString(),
    )


_TOLD = "told_"


def telling(row: OutboxRow) -> dict[str, Any]:
    """The values that a statement made with `told_with` asks for."""
    return {f"{_TOLD}{name}": value for name, value in row.items()}


def told_with(change: FromClause) -> Insert:
    """The end of a statement that tells of one row it changed, in the same round trip.

    `change` is the CTE that changes the row, and so holds its lock before the outbox row gets its
    number. Nothing changed, nothing told.
    """
    values = [bindparam(f"{_TOLD}{name}", type_=outbox.c[name].type) for name in _WRITTEN]
    return insert(outbox).from_select(_WRITTEN, select(*values).select_from(change)).inline()


_WRITTEN = list(OutboxRow.__annotations__)
_EACH = "each_"
_told = (
    func.unnest(
        *(bindparam(f"{_EACH}{name}", type_=ARRAY(outbox.c[name].type)) for name in _WRITTEN)
    )
    .table_valued(*_WRITTEN, with_ordinality="number", name="told")
    .render_derived()
)
# Any number of rows; they get their numbers in the order in which they are given.
# inline: the app role may write here, not read, and fetching the number back would need SELECT.
TELL = (
    insert(outbox)
    .from_select(_WRITTEN, select(*(_told.c[name] for name in _WRITTEN)).order_by(_told.c.number))
    .inline()
)
WRITE = Statement(TELL)


def written(rows: Sequence[OutboxRow]) -> dict[str, list[Any]]:
    """The values that `WRITE` asks for."""
    return {
        f"{_EACH}{name}": [cast(dict[str, Any], row)[name] for row in rows] for name in _WRITTEN
    }
