"""Clients and activities as events tell them, whatever the events' order.

Values and presence are versioned apart: a deletion says nothing of the values, and an event that
comes late may bring values older than the deletion that is known already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, case, func
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import activities, activity_states, clients
from kit.database import Statement
from kit.unit_of_work import UnitOfWork


def _keep(table: Table, key: str) -> Statement:
    given = insert(table).values({c.name: bindparam(c.name, type_=c.type) for c in table.c})
    new = given.excluded
    fixed = ("workspace_id", key)
    set_: dict[str, ColumnElement[object]] = {
        c.name: case((new.version > table.c.version, new[c.name]), else_=c)
        for c in table.c
        if c.name not in (*fixed, "presence_version", "deleted_at")
    }
    later = new.presence_version > table.c.presence_version
    set_["deleted_at"] = case((later, new.deleted_at), else_=table.c.deleted_at)
    set_["presence_version"] = func.greatest(new.presence_version, table.c.presence_version)
    return Statement(
        given.on_conflict_do_update(index_elements=[table.c[name] for name in fixed], set_=set_)
    )


KEEP_CLIENT = _keep(clients, "client_id")
KEEP_ACTIVITY = _keep(activities, "activity_id")
_state = insert(activity_states).values(
    {c.name: bindparam(c.name, type_=c.type) for c in activity_states.c}
)
KEEP_STATE = Statement(_state.on_conflict_do_nothing())


@dataclass(frozen=True, kw_only=True)
class ClientFact:
    """A client as one event tells it; `version` is 0 when it tells no values, only a deletion."""

    client_id: UUID
    version: int
    presence_version: int
    kind: str = ""
    name: str = ""
    parent_id: UUID | None = None
    owner_id: UUID | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ActivityFact:
    """An activity as one event tells it; `version` as for a client."""

    activity_id: UUID
    version: int
    presence_version: int
    happened_at: datetime
    kind: str = ""
    client_id: UUID | None = None
    deal_id: UUID | None = None
    owner_id: UUID | None = None
    due_at: datetime | None = None
    done_at: datetime | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None


async def keep(uow: UnitOfWork, facts: Sequence[ClientFact | ActivityFact]) -> None:
    """Keep what they say; of each record what its newest events say."""
    for statement, kind in ((KEEP_CLIENT, ClientFact), (KEEP_ACTIVITY, ActivityFact)):
        rows = [
            {**vars(fact), "workspace_id": uow.workspace_id}
            for fact in facts
            if isinstance(fact, kind)
        ]
        if rows:
            await uow.run_many(statement, rows)
    states = [_as_state(uow.workspace_id, f) for f in facts if isinstance(f, ActivityFact)]
    if states:
        await uow.run_many(KEEP_STATE, states)


def _as_state(workspace_id: UUID, fact: ActivityFact) -> dict[str, object]:
    return {
        **vars(fact),
        "workspace_id": workspace_id,
        "version": fact.presence_version,  # a deletion has one as well, and no values
        "deleted": fact.deleted_at is not None,
    }
