"""Activities by workspace and id, locked when they will be written, and saved."""

from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy import FromClause, Select, Uuid, bindparam, insert, literal_column, select, update
from sqlalchemy.sql.selectable import Join

from crm.adapters.activity_queries import ACTIVITY, ALIVE, SEEN
from crm.adapters.reading import WORKSPACE, in_sight, is_row
from crm.adapters.tables import activities, clients, deals, owners, workspaces
from crm.domain.activity import Activity, ActivityKind, ActivityState
from crm.domain.entries import Named
from crm.domain.errors import ActivityNotFound
from crm.domain.repetition import Repetition, zone_of
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

CLIENT, DEAL, OWNER = (bindparam(name, type_=Uuid()) for name in ("client", "deal", "owner"))
KEPT = (
    "kind",
    "subject",
    "body",
    "client_id",
    "deal_id",
    "owner_id",
    "due_at",
    "all_day",
    "remind_at",
    "repetition",
    "repeats_from",
    "done_at",
    "updated_at",
    "deleted_at",
)
_this = activities.c.workspace_id == WORKSPACE, activities.c.id == ACTIVITY, ALIVE, SEEN

_locked = select(activities).where(*_this).with_for_update().cte("locked")
_client, _deal, _owner = clients.alias("client"), deals.alias("deal"), owners.alias("owner")
_there = {
    "client": (clients.alias("wanted_client"), CLIENT, "deleted_at"),
    "deal": (deals.alias("wanted_deal"), DEAL, "deleted_at"),
    "owner": (owners.alias("wanted_owner"), OWNER, "removed_at"),
}
# A deal's own client, whom an activity on the deal is with, too.
_deal_client, _wanted_deal = clients.alias("deal_client"), _there["deal"][0]
_wanted = [
    *(
        column
        for name, (table, _, _) in _there.items()
        for column in (
            table.c.id.label(f"wanted_{name}_id"),
            table.c.name.label(f"wanted_{name}_name"),
        )
    ),
    _deal_client.c.id.label("deal_client_id"),
    _deal_client.c.name.label("deal_client_name"),
    select(workspaces.c.time_zone)
    .where(workspaces.c.workspace_id == WORKSPACE)
    .scalar_subquery()
    .label("time_zone"),
]


def _with_wanted(source: Any) -> Any:
    for table, key, gone in _there.values():
        is_usable = is_row(table, key) & table.c[gone].is_(None)
        if "owner_id" in table.c:
            is_usable &= in_sight(table)
        source = source.outerjoin(table, is_usable)
    is_its_client = is_row(_deal_client, _wanted_deal.c.client_id) & in_sight(_deal_client)
    return source.outerjoin(_deal_client, is_its_client & _deal_client.c.deleted_at.is_(None))


def _named_through(locked: FromClause) -> Join:
    return (
        locked.outerjoin(_client, is_row(_client, locked.c.client_id))
        .outerjoin(_deal, is_row(_deal, locked.c.deal_id))
        .outerjoin(_owner, is_row(_owner, locked.c.owner_id))
    )


_names = (
    _client.c.name.label("client_name"),
    _deal.c.name.label("deal_name"),
    _owner.c.name.label("owner_name"),
)


def with_its_names(locked: FromClause) -> Select[Any]:
    """All that `activity_of` needs."""
    return select(locked, *_names).select_from(_named_through(locked))


LOAD = Statement(
    select(_locked, *_names, *_wanted).select_from(_with_wanted(_named_through(_locked)))
)
REFERENCES = Statement(
    select(*_wanted).select_from(_with_wanted(select(literal_column("1")).subquery("once")))
)
_kept = {name: bindparam(name, type_=activities.c[name].type) for name in KEPT}
_new = {
    name: bindparam(name, type_=activities.c[name].type)
    for name in ("id", "workspace_id", "version", "created_at", "follows")
}
ADD = Statement(insert(activities).values(_new | _kept).inline())
SAVE = Statement(
    update(activities)
    .where(*_this, activities.c.version == bindparam("read"))
    .values(version=activities.c.version + literal_column("1"), **_kept)
)


FOLLOWER = Statement(
    select(activities.c.id).where(
        activities.c.workspace_id == WORKSPACE, activities.c.follows == ACTIVITY, ALIVE
    )
)


class References(NamedTuple):
    """What the wanted ids stand for, as far as they can be used, and where the clocks stand."""

    client: Named | None
    deal: Named | None
    owner: Named | None
    deal_client: Named | None
    zone: ZoneInfo


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
    return activity_of(row), _references(row)


async def references(
    tx: Transaction, *, client_id: UUID | None, deal_id: UUID | None, owner_id: UUID | None
) -> References:
    """What the wanted ids stand for."""
    row = await tx.row(
        REFERENCES, workspace=tx.workspace_id, client=client_id, deal=deal_id, owner=owner_id
    )
    assert row is not None  # outer joins to a constant
    return _references(row)


async def follower_of(tx: Transaction, activity_id: UUID) -> Activity | None:
    """The next one of its series, locked, if there is one."""
    follower_id = await tx.value(FOLLOWER, workspace=tx.workspace_id, activity=activity_id)
    if follower_id is None:
        return None
    follower, _ = await load_to_edit(tx, follower_id)
    return follower


async def add(uow: UnitOfWork, activity: Activity) -> None:
    """Write a new activity."""
    await uow.run(
        ADD,
        id=activity.id,
        workspace_id=activity.workspace_id,
        version=activity.version,
        created_at=activity.state.created_at,
        follows=activity.state.follows,
        **kept_values(activity.state),
    )
    uow.tell(activity)


async def save(uow: UnitOfWork, activity: Activity) -> None:
    """Write what can change in an activity. Raises ChangedMeanwhile."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        activity=activity.id,
        read=activity.version,
        **kept_values(activity.state),
    )
    uow.saved(activity, rows=count)


def kept_values(state: ActivityState) -> dict[str, Any]:
    """A state as its columns."""
    return {
        "kind": state.kind.value,
        "subject": state.subject,
        "body": state.body,
        "client_id": state.client and state.client.id,
        "deal_id": state.deal and state.deal.id,
        "owner_id": state.owner and state.owner.id,
        "due_at": state.due_at,
        "all_day": state.all_day,
        "remind_at": state.remind_at,
        "repetition": state.repetition.value,
        "repeats_from": state.repeats_from,
        "done_at": state.done_at,
        "updated_at": state.updated_at,
        "deleted_at": state.deleted_at,
    }


def activity_of(row: asyncpg.Record) -> Activity:
    """The entity behind a row of `with_its_names`."""
    state = ActivityState(
        kind=ActivityKind(row["kind"]),
        subject=row["subject"],
        body=row["body"],
        client=_named(row, "client"),
        deal=_named(row, "deal"),
        owner=_named(row, "owner"),
        due_at=row["due_at"],
        all_day=row["all_day"],
        remind_at=row["remind_at"],
        repetition=Repetition(row["repetition"]),
        repeats_from=row["repeats_from"],
        follows=row["follows"],
        done_at=row["done_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
    return Activity(
        id=row["id"], workspace_id=row["workspace_id"], version=row["version"], state=state
    )


def _references(row: asyncpg.Record) -> References:
    return References(
        client=_named(row, "wanted_client"),
        deal=_named(row, "wanted_deal"),
        owner=_named(row, "wanted_owner"),
        deal_client=_named(row, "deal_client"),
        zone=zone_of(row["time_zone"] or ""),
    )


def _named(row: asyncpg.Record, what: str) -> Named | None:
    return Named(row[f"{what}_id"], row[f"{what}_name"]) if row[f"{what}_id"] else None
