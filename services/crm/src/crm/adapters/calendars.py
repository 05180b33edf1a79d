"""Calendar feeds: found by the hash of their secret, before a workspace is known."""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from crm.adapters import activity_queries
from crm.adapters.reading import WORKSPACE, Read, is_row
from crm.adapters.tables import (
    activities,
    calendar_feeds,
    clients,
    deals,
    owners,
    stages,
    workspaces,
)
from kit.closures import is_open
from kit.database import Statement, Transaction
from kit.pool import Pool

MOST = literal_column("1000", Integer)
USER = bindparam("user", type_=Uuid())
_own = calendar_feeds.c.workspace_id == WORKSPACE, calendar_feeds.c.user_id == USER
FEED = Read(select(calendar_feeds.c.created_at).where(*_own))
_new = insert(calendar_feeds).values(
    workspace_id=WORKSPACE,
    user_id=USER,
    token_hash=bindparam("hash", type_=LargeBinary()),
    created_at=bindparam("now", type_=DateTime(timezone=True)),
)
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=["workspace_id", "user_id"],
        set_={name: _new.excluded[name] for name in ("token_hash", "created_at")},
    ).returning(literal_column("xmax <> 0").label("replaced"))  # of a new row it is 0
)
END = Statement(delete(calendar_feeds).where(*_own))


def _may(permission: str) -> ColumnElement[bool]:
    """Whether the member's role reaches this far; who is known from before it was told may."""
    named = literal_column(f"'{permission}'") == func.any(owners.c.permissions)
    return owners.c.permissions.is_(None) | named


# Who has left, or may not read activities any more, reads nothing though their secret is known;
# in a closed workspace nobody does.
FIND = Statement(
    select(
        calendar_feeds.c.workspace_id,
        calendar_feeds.c.user_id,
        _may("deals.read").label("reads_deals"),
    )
    .select_from(
        calendar_feeds.join(
            owners,
            (owners.c.workspace_id == calendar_feeds.c.workspace_id)
            & (owners.c.id == calendar_feeds.c.user_id),
        )
    )
    .where(
        calendar_feeds.c.token_hash == bindparam("hash", type_=LargeBinary()),
        is_open(calendar_feeds.c.workspace_id),
        owners.c.removed_at.is_(None),
        _may("activities.read"),
    )
)
WORKSPACE_OF = Read(
    select(workspaces.c.name, workspaces.c.time_zone).where(workspaces.c.workspace_id == WORKSPACE)
)
PLANNED = Read(
    activity_queries.shown(
        select(activities)
        .where(
            activities.c.workspace_id == WORKSPACE,
            activities.c.owner_id == USER,
            activities.c.due_at.is_not(None),
            activities.c.done_at.is_(None),
            activities.c.deleted_at.is_(None),
        )
        .order_by(activities.c.due_at, activities.c.id)
        .limit(MOST)
        .subquery("activity")
    )
)
CLOSES = Read(
    select(
        deals.c.id,
        deals.c.name,
        clients.c.name.label("client_name"),
        deals.c.amount_minor,
        deals.c.currency,
        deals.c.expected_close_date,
        deals.c.updated_at,
    )
    .select_from(
        deals.join(stages, is_row(stages, deals.c.stage_id)).outerjoin(
            clients, is_row(clients, deals.c.client_id)
        )
    )
    .where(
        deals.c.workspace_id == WORKSPACE,
        deals.c.owner_id == USER,
        deals.c.expected_close_date.is_not(None),
        deals.c.deleted_at.is_(None),
        stages.c.type == literal_column("'open'"),
    )
    .order_by(deals.c.expected_close_date, deals.c.id)
    .limit(MOST)
)


class Whose(NamedTuple):
    """Whom a secret belongs to."""

    workspace_id: UUID
    user_id: UUID
    reads_deals: bool


async def keep(tx: Transaction, user_id: UUID, now: datetime) -> tuple[str, bool]:
    """A new secret, and whether an older one has stopped for it."""
    token = secrets.token_urlsafe(32)
    replaced = await tx.value(
        KEEP, workspace=tx.workspace_id, user=user_id, hash=_hash(token), now=now
    )
    return token, bool(replaced)


async def end(tx: Transaction, user_id: UUID) -> bool:
    """No secret any more; whether there was one."""
    return await tx.run(END, workspace=tx.workspace_id, user=user_id) == 1


async def whose(system: Pool, token: str) -> Whose | None:
    """Whom a secret belongs to, if to anybody."""
    found = await system.fetch(FIND.sql, *FIND.arguments({"hash": _hash(token)}))
    return Whose(*found[0]) if found else None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
