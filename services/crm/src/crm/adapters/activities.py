"""Activities by workspace and id, locked when they will be written, saved, and listed."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    FromClause,
    Select,
    Uuid,
    bindparam,
    exists,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from crm.adapters.filters import Field, Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read, in_sight
from crm.adapters.tables import activities, clients, deals, owners
from crm.domain.activity import Activity, ActivityKind, ActivityState
from crm.domain.entries import Named
from crm.domain.errors import ActivityNotFound
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

ACTIVITY, CLIENT, DEAL, OWNER = (
    bindparam(name, type_=Uuid()) for name in ("activity", "client", "deal", "owner")
)
KEPT = (
    "kind",
    "subject",
    "body",
    "client_id",
    "deal_id",
    "owner_id",
    "due_at",
    "remind_at",
    "done_at",
    "updated_at",
    "deleted_at",
)
ALIVE = activities.c.deleted_at.is_(None)


def _touches(table: Any, key: Any) -> Any:
    return exists().where(table.c.workspace_id == WORKSPACE, table.c.id == key, in_sight(table))


# Whoever sees a deal or a client sees what was done for it, by anybody.
SEEN = or_(
    in_sight(activities),
    _touches(deals, activities.c.deal_id),
    _touches(clients, activities.c.client_id),
)
_this = activities.c.workspace_id == WORKSPACE, activities.c.id == ACTIVITY, ALIVE, SEEN

# ---------------------------------------------------------------- reads


def _shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.mapping.activity_message."""
    return select(
        page.c.id,
        page.c.version,
        *(page.c[name] for name in KEPT if name != "deleted_at"),
        page.c.created_at,
    )


GET = Read(_shown(select(activities).where(*_this).subquery("activity")))
ACTIVITIES = Listing(
    activities,
    Fields(
        {
            "kind": Field(Kind.CHOICE, activities.c.kind),
            "client_id": Field(Kind.ID, activities.c.client_id),
            "deal_id": Field(Kind.ID, activities.c.deal_id),
            "owner_id": Field(Kind.ID, activities.c.owner_id),
            "due_at": sortable(Kind.INSTANT, activities.c.due_at),
            "done_at": Field(Kind.INSTANT, activities.c.done_at),
            "created_at": sortable(Kind.INSTANT, activities.c.created_at),
        }
    ),
    usual=(("due_at", True),),
    shown=_shown,
    where=[ALIVE, SEEN],
)

# ---------------------------------------------------------------- writes

_locked = select(activities).where(*_this).with_for_update().cte("locked")
_client, _deal, _owner = clients.alias("client"), deals.alias("deal"), owners.alias("owner")
_there = {
    "client": (clients.alias("wanted_client"), CLIENT, "deleted_at"),
    "deal": (deals.alias("wanted_deal"), DEAL, "deleted_at"),
    "owner": (owners.alias("wanted_owner"), OWNER, "removed_at"),
}
_wanted = [
    column
    for name, (table, _, _) in _there.items()
    for column in (
        table.c.id.label(f"wanted_{name}_id"),
        table.c.name.label(f"wanted_{name}_name"),
    )
]


def _with_wanted(source: Any) -> Any:
    for table, key, gone in _there.values():
        is_it = (table.c.workspace_id == WORKSPACE) & (table.c.id == key) & table.c[gone].is_(None)
        source = source.outerjoin(table, is_it)
    return source


def _is_its(table: Any, key: Any) -> Any:
    return (table.c.workspace_id == WORKSPACE) & (table.c.id == key)


LOAD = Statement(
    select(
        _locked,
        _client.c.name.label("client_name"),
        _deal.c.name.label("deal_name"),
        _owner.c.name.label("owner_name"),
        *_wanted,
    ).select_from(
        _with_wanted(
            _locked.outerjoin(_client, _is_its(_client, _locked.c.client_id))
            .outerjoin(_deal, _is_its(_deal, _locked.c.deal_id))
            .outerjoin(_owner, _is_its(_owner, _locked.c.owner_id))
        )
    )
)
REFERENCES = Statement(
    select(*_wanted).select_from(_with_wanted(select(literal_column("1")).subquery("once")))
)
_kept = {name: bindparam(name, type_=activities.c[name].type) for name in KEPT}
_new = {
    name: bindparam(name, type_=activities.c[name].type)
    for name in ("id", "workspace_id", "version", "created_at")
}
ADD = Statement(insert(activities).values(_new | _kept).inline())
SAVE = Statement(
    update(activities)
    .where(*_this, activities.c.version == bindparam("read"))
    .values(version=activities.c.version + literal_column("1"), **_kept)
)


class References(NamedTuple):
    """What the wanted ids stand for, as far as they can be used."""

    client: Named | None
    deal: Named | None
    owner: Named | None


async def load_to_edit(
    tx: Transaction,
    activity_id: UUID,
    *,
    client_id: UUID | None = None,
    deal_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> tuple[Activity, References]:
    """The activity, locked, and what the wanted ids stand for. Raises ActivityNotFound."""
    row = await tx.row(
        LOAD,
        workspace=tx.workspace_id,
        activity=activity_id,
        client=client_id,
        deal=deal_id,
        owner=owner_id,
    )
    if row is None:
        raise ActivityNotFound("There is no such activity.")
    return _activity(row), _references(row)


async def references(
    tx: Transaction, *, client_id: UUID | None, deal_id: UUID | None, owner_id: UUID | None
) -> References:
    """What the wanted ids stand for."""
    row = await tx.row(
        REFERENCES, workspace=tx.workspace_id, client=client_id, deal=deal_id, owner=owner_id
    )
    assert row is not None  # outer joins to a constant
    return _references(row)


async def add(uow: UnitOfWork, activity: Activity) -> None:
    """Write a new activity."""
    await uow.run(
        ADD,
        id=activity.id,
        workspace_id=activity.workspace_id,
        version=activity.version,
        created_at=activity.state.created_at,
        **_values(activity.state),
    )
    uow.tell(activity)


async def save(uow: UnitOfWork, activity: Activity) -> None:
    """Write what can change in an activity. Raises ChangedMeanwhile."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        activity=activity.id,
        read=activity.version,
        **_values(activity.state),
    )
    uow.saved(activity, rows=count)


def _values(state: ActivityState) -> dict[str, Any]:
    return {
        "kind": state.kind.value,
        "subject": state.subject,
        "body": state.body,
        "client_id": state.client and state.client.id,
        "deal_id": state.deal and state.deal.id,
        "owner_id": state.owner and state.owner.id,
        "due_at": state.due_at,
        "remind_at": state.remind_at,
        "done_at": state.done_at,
        "updated_at": state.updated_at,
        "deleted_at": state.deleted_at,
    }


def _activity(row: asyncpg.Record) -> Activity:
    state = ActivityState(
        kind=ActivityKind(row["kind"]),
        subject=row["subject"],
        body=row["body"],
        client=_named(row, "client"),
        deal=_named(row, "deal"),
        owner=_named(row, "owner"),
        due_at=row["due_at"],
        remind_at=row["remind_at"],
        done_at=row["done_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
    return Activity(
        id=row["id"], workspace_id=row["workspace_id"], version=row["version"], state=state
    )


def _references(row: asyncpg.Record) -> References:
    return References(*(_named(row, f"wanted_{name}") for name in _there))


def _named(row: asyncpg.Record, what: str) -> Named | None:
    return Named(row[f"{what}_id"], row[f"{what}_name"]) if row[f"{what}_id"] else None
