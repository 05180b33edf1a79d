"""Clients by workspace and id, locked when they will be written, and saved."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    FromClause,
    Select,
    Uuid,
    bindparam,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.selectable import Join

from crm.adapters.reading import WORKSPACE, in_sight
from crm.adapters.regions import region_of
from crm.adapters.tables import clients, owners, workspaces
from crm.domain.client import Client, ClientKind, ClientState, Parent
from crm.domain.entries import Named
from crm.domain.errors import ClientNotFound, ExternalIdTaken
from crm.domain.matching import match_keys
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

CLIENT, PARENT, OWNER = (bindparam(name, type_=Uuid()) for name in ("client", "parent", "owner"))
KEPT = (
    "kind",
    "name",
    "parent_id",
    "emails",
    "phones",
    "address",
    "website",
    "owner_id",
    "tags",
    "custom_fields",
    "notes",
    "external_id",
    "updated_at",
    "deleted_at",
    "match_keys",
)

_locked = (
    select(clients)
    .where(
        clients.c.workspace_id == WORKSPACE,
        clients.c.id == CLIENT,
        clients.c.deleted_at.is_(None),
        in_sight(clients),
    )
    .with_for_update()
    .cte("locked")
)
_parent, _owner = clients.alias("parent"), owners.alias("owner")
_wanted_parent, _wanted_owner = clients.alias("wanted_parent"), owners.alias("wanted_owner")
_is_wanted_parent = (
    (_wanted_parent.c.workspace_id == WORKSPACE)
    & (_wanted_parent.c.id == PARENT)
    & _wanted_parent.c.deleted_at.is_(None)
    & in_sight(_wanted_parent)
)
_is_wanted_owner = (
    (_wanted_owner.c.workspace_id == WORKSPACE)
    & (_wanted_owner.c.id == OWNER)
    & _wanted_owner.c.removed_at.is_(None)
)
_wanted = (
    _wanted_parent.c.id.label("wanted_parent_id"),
    _wanted_parent.c.name.label("wanted_parent_name"),
    _wanted_parent.c.kind.label("wanted_parent_kind"),
    _wanted_owner.c.id.label("wanted_owner_id"),
    _wanted_owner.c.name.label("wanted_owner_name"),
    select(workspaces.c.time_zone)
    .where(workspaces.c.workspace_id == WORKSPACE)
    .scalar_subquery()
    .label("time_zone"),
)


def _named(locked: FromClause) -> Join:
    return locked.outerjoin(
        _parent, (_parent.c.workspace_id == WORKSPACE) & (_parent.c.id == locked.c.parent_id)
    ).outerjoin(_owner, (_owner.c.workspace_id == WORKSPACE) & (_owner.c.id == locked.c.owner_id))


_names = (
    _parent.c.name.label("parent_name"),
    _parent.c.kind.label("parent_kind"),
    _owner.c.name.label("owner_name"),
)


def with_its_names(locked: FromClause) -> Select[Any]:
    """All that `client_of` needs."""
    return select(locked, *_names).select_from(_named(locked))


LOAD = Statement(
    select(_locked, *_names, *_wanted).select_from(
        _named(_locked)
        .outerjoin(_wanted_parent, _is_wanted_parent)
        .outerjoin(_wanted_owner, _is_wanted_owner)
    )
)
REFERENCES = Statement(
    select(*_wanted).select_from(
        select(literal_column("1"))
        .subquery("once")
        .outerjoin(_wanted_parent, _is_wanted_parent)
        .outerjoin(_wanted_owner, _is_wanted_owner)
    )
)
_kept = {name: bindparam(name, type_=clients.c[name].type) for name in KEPT}
_new = {
    name: bindparam(name, type_=clients.c[name].type)
    for name in ("id", "workspace_id", "version", "created_at")
}
ADD = Statement(insert(clients).values(_new | _kept).inline())
SAVE = Statement(
    update(clients)
    .where(
        clients.c.workspace_id == WORKSPACE,
        clients.c.id == CLIENT,
        clients.c.version == bindparam("read"),
    )
    .values(version=clients.c.version + literal_column("1"), **_kept)
)


class References(NamedTuple):
    """What the wanted ids stand for, as far as they can be used, and the workspace's country."""

    parent: Parent | None
    owner: Named | None
    region: str


async def load_to_edit(
    tx: Transaction,
    client_id: UUID,
    *,
    parent_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> tuple[Client, References]:
    """The client, locked, and what the wanted ids stand for. Raises ClientNotFound."""
    row = await tx.row(
        LOAD, workspace=tx.workspace_id, client=client_id, parent=parent_id, owner=owner_id
    )
    if row is None:
        raise ClientNotFound("There is no such client.")
    return client_of(row), _references(row)


async def references(
    tx: Transaction, *, parent_id: UUID | None, owner_id: UUID | None
) -> References:
    """What the wanted ids stand for."""
    row = await tx.row(REFERENCES, workspace=tx.workspace_id, parent=parent_id, owner=owner_id)
    assert row is not None  # outer joins to a constant
    return _references(row)


async def add(uow: UnitOfWork, client: Client) -> None:
    """Write a new client. Raises ExternalIdTaken."""
    new = {
        "id": client.id,
        "workspace_id": client.workspace_id,
        "version": client.version,
        "created_at": client.state.created_at,
    }
    await _write(uow, ADD, **new, **kept_values(client.state))
    uow.tell(client)


async def save(uow: UnitOfWork, client: Client) -> None:
    """Write what can change in a client. Raises ChangedMeanwhile, ExternalIdTaken."""
    count = await _write(
        uow,
        SAVE,
        workspace=uow.workspace_id,
        client=client.id,
        read=client.version,
        **kept_values(client.state),
    )
    uow.saved(client, rows=count)


def kept_values(state: ClientState) -> dict[str, Any]:
    """A state as its columns."""
    return {
        "kind": state.kind.value,
        "name": state.name,
        "parent_id": state.parent and state.parent.id,
        "emails": state.emails,
        "phones": state.phones,
        "address": state.address,
        "website": state.website,
        "owner_id": state.owner and state.owner.id,
        "tags": state.tags,
        "custom_fields": state.custom_fields,
        "notes": state.notes,
        "external_id": state.external_id,
        "updated_at": state.updated_at,
        "deleted_at": state.deleted_at,
        "match_keys": match_keys(state.kind, state.name, state.emails, state.phones, state.website),
    }


async def _write(uow: UnitOfWork, statement: Statement, **values: Any) -> int:
    try:
        return await uow.run(statement, **values)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "ux_clients_external_id":
            raise
        raise ExternalIdTaken("Another client has this external id.") from None


def client_of(row: asyncpg.Record) -> Client:
    """The entity behind a row of `with_its_names`."""
    state = ClientState(
        kind=ClientKind(row["kind"]),
        name=row["name"],
        parent=_parent_of(row, "parent"),
        emails=tuple(row["emails"]),
        phones=tuple(row["phones"]),
        address=row["address"],
        website=row["website"],
        owner=Named(row["owner_id"], row["owner_name"]) if row["owner_id"] else None,
        tags=tuple(row["tags"]),
        custom_fields=row["custom_fields"],
        notes=row["notes"],
        external_id=row["external_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
    return Client(
        id=row["id"], workspace_id=row["workspace_id"], version=row["version"], state=state
    )


def _references(row: asyncpg.Record) -> References:
    owner_id = row["wanted_owner_id"]
    return References(
        parent=_parent_of(row, "wanted_parent"),
        owner=Named(owner_id, row["wanted_owner_name"]) if owner_id else None,
        region=region_of(row["time_zone"] or ""),
    )


def _parent_of(row: asyncpg.Record, what: str) -> Parent | None:
    if row[f"{what}_id"] is None:
        return None
    return Parent(row[f"{what}_id"], row[f"{what}_name"], ClientKind(row[f"{what}_kind"]))
