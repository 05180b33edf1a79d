"""Records that are gone for good, and facts that make way for new ones."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import (
    activities,
    activity_states,
    clients,
    close_date_changes,
    currency_rates,
    deal_states,
    deals,
    purged_records,
    stage_entries,
    stages,
)
from kit.database import Statement
from kit.unit_of_work import UnitOfWork

WORKSPACE = bindparam("workspace", type_=Uuid())


def _forget(table: Table, key: str) -> Statement:
    return Statement(
        delete(table).where(
            table.c.workspace_id == WORKSPACE,
            table.c[key] == bindparam("record", type_=Uuid()),
        )
    )


_OF_DEALS = (deals, deal_states, stage_entries, close_date_changes)
_OF_ACTIVITIES = (activities, activity_states)
FORGET = [
    *(_forget(table, "deal_id") for table in _OF_DEALS),
    _forget(clients, "client_id"),
    *(_forget(table, "activity_id") for table in _OF_ACTIVITIES),
]
_CLIENT = bindparam("client", type_=Uuid())


def _detach(table: Table, states: Table, key: str) -> list[Statement]:
    """What a client had is nobody's now, and was nobody's on past days either."""
    theirs = (table.c.workspace_id == WORKSPACE, table.c.client_id == _CLIENT)
    those = select(table.c[key]).where(*theirs)
    return [
        Statement(
            update(states)
            .where(
                states.c.workspace_id == WORKSPACE,
                states.c[key].in_(those),
                states.c.client_id == _CLIENT,
            )
            .values(client_id=None)
        ),
        Statement(update(table).where(*theirs).values(client_id=None)),
    ]


DETACH = [
    *_detach(deals, deal_states, "deal_id"),
    *_detach(activities, activity_states, "activity_id"),
]
_gone = insert(purged_records).values(
    workspace_id=WORKSPACE, record_id=bindparam("record", type_=Uuid())
)
PURGED = Statement(_gone.on_conflict_do_nothing())
PURGED_AMONG = Statement(
    select(purged_records.c.record_id).where(
        purged_records.c.workspace_id == WORKSPACE,
        purged_records.c.record_id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
    )
)
# Everything that events tell, for building it anew; what is purged comes back with them as well.
EMPTY = [
    Statement(delete(table).where(table.c.workspace_id == WORKSPACE))
    for table in (
        *_OF_DEALS, stages, clients, *_OF_ACTIVITIES, currency_rates, purged_records
    )
]  # fmt: skip


async def forget_purged(uow: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Of records that are gone for good nothing comes back, however late its events arrive."""
    for row in await uow.rows(PURGED_AMONG, workspace=uow.workspace_id, ids=list(set(ids))):
        await _forget_all(uow, row["record_id"])


async def forget(uow: UnitOfWork, record_id: UUID, *, is_client: bool) -> None:
    """Delete all that is kept of a record, for good. What a client had stays, as in crm."""
    await uow.run(PURGED, workspace=uow.workspace_id, record=record_id)
    await _forget_all(uow, record_id)
    if is_client:
        for statement in DETACH:
            await uow.run(statement, workspace=uow.workspace_id, client=record_id)


async def _forget_all(uow: UnitOfWork, record_id: UUID) -> None:
    for statement in FORGET:
        await uow.run(statement, workspace=uow.workspace_id, record=record_id)


async def empty(uow: UnitOfWork) -> None:
    """Delete every fact that crm has told of the workspace."""
    for statement in EMPTY:
        await uow.run(statement, workspace=uow.workspace_id)
