"""Reminders whose time has come: found in all workspaces, told in their own."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, bindparam, func, select, update

from crm.adapters.activities import activity_of, with_its_names
from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import activities, workspaces
from crm.adapters.tables.activities import UNTOLD
from crm.domain.activity import Activity
from kit.closures import IS_OPEN
from kit.database import Statement, Transaction
from kit.pool import Pool

DUE = f"""
SELECT DISTINCT workspace_id FROM (
    SELECT workspace_id FROM activities AS one
    WHERE {IS_OPEN} AND deleted_at IS NULL AND done_at IS NULL AND remind_at IS NOT NULL
        AND reminded_for IS DISTINCT FROM remind_at AND remind_at <= $1
    ORDER BY remind_at LIMIT $2
) due"""

_due = (
    select(activities.c.id)
    .where(
        activities.c.workspace_id == WORKSPACE,
        UNTOLD,
        activities.c.remind_at <= bindparam("now", type_=DateTime(timezone=True)),
    )
    .order_by(activities.c.remind_at)
    .limit(bindparam("size", type_=Integer()))
    .with_for_update(skip_locked=True)  # whoever edits it now may move it; the next look tells
    .cte("due")
)
_told = (
    update(activities)
    .where(activities.c.workspace_id == WORKSPACE, activities.c.id == _due.c.id)
    .values(reminded_for=activities.c.remind_at)
    .returning(activities)
    .cte("told")
)
_named = with_its_names(_told)
TAKE = Statement(
    _named.add_columns(func.coalesce(workspaces.c.time_zone, "").label("time_zone"))
    .outerjoin(workspaces, workspaces.c.workspace_id == WORKSPACE)
    .order_by(_told.c.remind_at, _told.c.id)
)


class Due(NamedTuple):
    """An activity whose reminder is to be told, and where its workspace's clocks stand."""

    activity: Activity
    time_zone: str


async def workspaces_due(system: Pool, now: datetime, limit: int) -> list[UUID]:
    """Where somebody is to be reminded of something."""
    return [row["workspace_id"] for row in await system.fetch(DUE, now, limit)]


async def take(tx: Transaction, now: datetime, limit: int) -> list[Due]:
    """What is due in this workspace, marked as told; it is, if the transaction commits."""
    rows = await tx.rows(TAKE, workspace=tx.workspace_id, now=now, size=limit)
    return [Due(activity_of(row), row["time_zone"]) for row in rows]
