"""Changing by the hundred: records loaded with their locks, and saved with what they tell."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, bindparam, func, select, text

from crm.adapters import activities, clients, deals
from crm.adapters.activities import KEPT as ACTIVITY_KEPT
from crm.adapters.bulk import NEW, add_history, add_rows, facts_of, new_values, one_of_an_id
from crm.adapters.deal_columns import deal_columns, with_names
from crm.adapters.deal_statements import KEPT as DEAL_KEPT
from crm.adapters.many import as_json, insert_many, update_many
from crm.adapters.reading import WORKSPACE, in_sight
from crm.adapters.tables import activities as activities_table
from crm.adapters.tables import clients as clients_table
from crm.adapters.tables import deals as deals_table
from crm.domain.activity import Activity
from crm.domain.client import Client
from crm.domain.deal import Deal
from kit.database import Statement, Transaction
from kit.unit_of_work import ChangedMeanwhile, UnitOfWork

ADD_ACTIVITIES = insert_many(activities_table, (*NEW, *ACTIVITY_KEPT))


SAVE_CLIENTS = update_many(clients_table, ("version", *clients.KEPT))
SAVE_DEALS = update_many(deals_table, ("version", *DEAL_KEPT))
SAVE_ACTIVITIES = update_many(activities_table, ("version", *ACTIVITY_KEPT))


LOCK = {
    table.name: Statement(
        select(table.c.id)
        .where(
            table.c.workspace_id == WORKSPACE,
            table.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
        )
        .order_by(table.c.id)
        .with_for_update()
    )
    for table in (clients_table, deals_table, activities_table)
}


async def lock(tx: Transaction, resource: str, ids: Iterable[UUID]) -> set[UUID]:
    """Have records to oneself, in the order of ids: nobody waits for somebody who waits for us.

    Those that are there, in the trash or out of sight as well.
    """
    rows = await tx.rows(LOCK[resource], workspace=tx.workspace_id, ids=list(ids))
    return {row["id"] for row in rows}


CALLED = {
    table.name: Statement(
        select(table.c.id, column.label("name"), table.c.deleted_at).where(
            table.c.workspace_id == WORKSPACE,
            table.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
            in_sight(table),
        )
    )
    for table, column in (
        (clients_table, clients_table.c.name),
        (deals_table, deals_table.c.name),
        (activities_table, activities_table.c.subject),
    )
}


async def names(tx: Transaction, resource: str, ids: Collection[UUID]) -> dict[UUID, str]:
    """What records are called, also those in the trash; of those in sight only."""
    rows = await tx.rows(CALLED[resource], workspace=tx.workspace_id, ids=list(ids))
    return {row["id"]: row["name"] for row in rows}


async def in_trash(tx: Transaction, resource: str, ids: Collection[UUID]) -> set[UUID]:
    """Which of these are in the trash; of those in sight only."""
    rows = await tx.rows(CALLED[resource], workspace=tx.workspace_id, ids=list(ids))
    return {row["id"] for row in rows if row["deleted_at"]}


def _locked(table: Table) -> Any:
    """In the order of ids: two that lock several of the same do not wait for each other."""
    return (
        select(table)
        .where(
            table.c.workspace_id == WORKSPACE,
            table.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
            table.c.deleted_at.is_(None),
            in_sight(table),
        )
        .order_by(table.c.id)
        .with_for_update()
        .cte("locked")
    )


_deals = _locked(deals_table)
LOAD_DEALS = Statement(select(*deal_columns(_deals)).select_from(with_names(_deals)))
LOAD_CLIENTS = Statement(clients.with_its_names(_locked(clients_table)))
LOAD_ACTIVITIES = Statement(activities.with_its_names(_locked(activities_table)))


# Clients that something of somebody else hangs on: a deal, or a person under a company.
NEEDED = Statement(
    text(
        "SELECT DISTINCT g.id FROM unnest(:ids) AS g (id) WHERE EXISTS (SELECT 1 FROM deals d"
        "  WHERE d.workspace_id = :workspace AND d.client_id = g.id AND d.deleted_at IS NULL)"
        " OR EXISTS (SELECT 1 FROM clients c WHERE c.workspace_id = :workspace"
        "  AND c.parent_id = g.id AND c.deleted_at IS NULL AND NOT c.id = ANY(:ids))"
    ).bindparams(bindparam("workspace", type_=Uuid()), bindparam("ids", type_=ARRAY(Uuid())))
)


async def with_others(tx: Transaction, ids: Iterable[UUID]) -> set[UUID]:
    """Which of these clients are still needed by deals or by others than these."""
    rows = await tx.rows(NEEDED, workspace=tx.workspace_id, ids=list(ids))
    return {row["id"] for row in rows}


async def load_clients(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Client]:
    """Those that are there, locked."""
    rows = await tx.rows(LOAD_CLIENTS, workspace=tx.workspace_id, ids=list(ids))
    return {row["id"]: clients.client_of(row) for row in rows}


async def load_deals(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Deal]:
    """Those that are there, locked."""
    rows = await tx.rows(LOAD_DEALS, workspace=tx.workspace_id, ids=list(ids))
    return {row["id"]: deals.deal_of(tx.workspace_id, row) for row in rows}


async def load_activities(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Activity]:
    """Those that are there, locked."""
    rows = await tx.rows(LOAD_ACTIVITIES, workspace=tx.workspace_id, ids=list(ids))
    return {row["id"]: activities.activity_of(row) for row in rows}


async def save_clients(uow: UnitOfWork, changed: Collection[Client]) -> None:
    """Write clients that were loaded here, and tell what happened to them."""
    await _save(uow, SAVE_CLIENTS, changed, clients.kept_values)
    uow.tell(*changed)


async def save_deals(uow: UnitOfWork, changed: Collection[Deal]) -> None:
    """Write deals that were loaded here with their history, and tell what happened to them."""
    facts = await facts_of(uow, list(changed))
    await _save(uow, SAVE_DEALS, changed, deals.kept_values)
    await add_history(uow, facts)


async def save_activities(uow: UnitOfWork, changed: Collection[Activity]) -> None:
    """Write activities that were loaded here, and tell what happened to them."""
    await _save(uow, SAVE_ACTIVITIES, changed, activities.kept_values)
    uow.tell(*changed)


async def add_activities(uow: UnitOfWork, new: Sequence[Activity]) -> None:
    """Write activities, and tell of them."""
    rows = [new_values(activity, activities.kept_values) for activity in new]
    await add_rows(uow, ADD_ACTIVITIES, rows)
    uow.tell(*new)


async def _save(uow: UnitOfWork, statement: Statement, changed: Collection[Any], kept: Any) -> None:
    rows = [{"id": one.id, "version": one.version, **kept(one.state)} for one in changed]
    with one_of_an_id():
        saved = await uow.run(statement, workspace=uow.workspace_id, rows=as_json(rows))
    if saved != len(rows):
        raise ChangedMeanwhile("One of these was changed by someone else.")
