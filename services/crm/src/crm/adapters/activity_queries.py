"""How activities are read: straight from rows to whoever shows them."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    FromClause,
    Select,
    Text,
    Uuid,
    bindparam,
    desc,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from crm.adapters.filters import Field, Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import activities, clients, deals, owners, workspaces

ACTIVITY = bindparam("activity", type_=Uuid())
ALIVE = activities.c.deleted_at.is_(None)


def _touches(table: Any, key: Any) -> Any:
    return exists().where(table.c.workspace_id == WORKSPACE, table.c.id == key, in_sight(table))


# Whoever sees a deal or a client sees what was done for it, by anybody.
SEEN = or_(
    in_sight(activities),
    _touches(deals, activities.c.deal_id),
    _touches(clients, activities.c.client_id),
)
SHOWN = (
    "id",
    "version",
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
    "done_at",
    "created_at",
    "updated_at",
)
CHOICES = 5
_client, _deal, _owner = clients.alias("client"), deals.alias("deal"), owners.alias("owner")


def shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.activity_messages.activity_message."""
    return select(
        *(page.c[name] for name in SHOWN),
        _client.c.name.label("client_name"),
        _deal.c.name.label("deal_name"),
        _owner.c.name.label("owner_name"),
    ).select_from(
        page.outerjoin(_client, is_row(_client, page.c.client_id))
        .outerjoin(_deal, is_row(_deal, page.c.deal_id))
        .outerjoin(_owner, is_row(_owner, page.c.owner_id))
    )


GET = Read(
    shown(
        select(activities)
        .where(activities.c.workspace_id == WORKSPACE, activities.c.id == ACTIVITY, ALIVE, SEEN)
        .subquery("activity")
    )
)
ACTIVITIES = Listing(
    activities,
    Fields(
        {
            "subject": Field(Kind.TEXT, activities.c.subject),
            "kind": Field(Kind.CHOICE, activities.c.kind),
            "client_id": Field(Kind.ID, activities.c.client_id),
            "deal_id": Field(Kind.ID, activities.c.deal_id),
            "owner_id": Field(Kind.ID, activities.c.owner_id),
            "due_at": sortable(Kind.INSTANT, activities.c.due_at),
            "done_at": sortable(Kind.INSTANT, activities.c.done_at),
            "created_at": sortable(Kind.INSTANT, activities.c.created_at),
            "updated_at": sortable(Kind.INSTANT, activities.c.updated_at),
        }
    ),
    usual=(("due_at", True),),
    shown=shown,
    where=[ALIVE, SEEN],
)

TIME_ZONE = Read(select(workspaces.c.time_zone).where(workspaces.c.workspace_id == WORKSPACE))

# Whose whole name stands in the line, the longest first, then those whose first name does. Linear
# in the clients of the workspace, as the words of the line are in no index.
_line, _words = bindparam("line", type_=Text()), bindparam("words", type_=ARRAY(Text()))
_blank = literal_column("' '", Text)
_whole = func.strpos(_line, _blank + clients.c.sort_name + _blank) > literal_column("0")
_first_name = func.rtrim(  # of “Acme, Inc.” as well
    func.split_part(clients.c.sort_name, _blank, literal_column("1")), literal_column("',.;'", Text)
)
MENTIONED = Read(
    select(clients.c.id, clients.c.name, _whole.label("whole"))
    .where(
        clients.c.workspace_id == WORKSPACE,
        clients.c.deleted_at.is_(None),
        in_sight(clients),
        _whole | func.array_position(_words, _first_name).is_not(None),
    )
    .order_by(desc("whole"), func.length(clients.c.name).desc(), clients.c.sort_name, clients.c.id)
    .limit(literal_column(str(CHOICES)))
)
