"""Clients and activities as events tell them, whatever the events' order.

Values and presence are versioned apart: a deletion says nothing of the values, and an event that
comes late may bring values older than the deletion that is known already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Table, case, func, select
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters import many
from analytics.adapters.tables import activities, activity_states, clients
from kit.database import Statement
from kit.unit_of_work import UnitOfWork

_PRESENCE = ("presence_version", "deleted_at")


def _keep(table: Table, key: str, rows: CTE) -> Statement:
    given = insert(table).from_select([*rows.c.keys()], select(*rows.c))
    new = given.excluded
    fixed = ("workspace_id", key)
    set_: dict[str, ColumnElement[object]] = {
        c.name: case((new.version > table.c.version, new[c.name]), else_=c)
        for c in table.c
        if c.name not in (*fixed, *_PRESENCE)
    }
    later = new.presence_version > table.c.presence_version
    set_["deleted_at"] = case((later, new.deleted_at), else_=table.c.deleted_at)
    set_["presence_version"] = func.greatest(new.presence_version, table.c.presence_version)
    return Statement(
        given.on_conflict_do_update(index_elements=[table.c[name] for name in fixed], set_=set_)
    )


_CLIENTS, _ACTIVITIES = many.given(clients.c), many.given(activities.c)
_STATES = many.given(activity_states.c)
KEEP_CLIENTS = _keep(clients, "client_id", _CLIENTS)
KEEP_ACTIVITIES = _keep(activities, "activity_id", _ACTIVITIES)
_states = insert(activity_states).from_select([*_STATES.c.keys()], select(*_STATES.c))
KEEP_STATES = Statement(_states.on_conflict_do_nothing())


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
    told = [fact for fact in facts if isinstance(fact, ClientFact)]
    if told:
        rows = _newest(uow.workspace_id, ((fact.client_id, fact) for fact in told))
        await uow.run(KEEP_CLIENTS, **many.arrays(rows, _CLIENTS))
    done = [fact for fact in facts if isinstance(fact, ActivityFact)]
    if done:
        rows = _newest(uow.workspace_id, ((fact.activity_id, fact) for fact in done))
        await uow.run(KEEP_ACTIVITIES, **many.arrays(rows, _ACTIVITIES))
        states = [_as_state(uow.workspace_id, fact) for fact in done]
        await uow.run(KEEP_STATES, **many.arrays(states, _STATES))


def _newest(
    workspace_id: UUID, facts: Iterable[tuple[UUID, ClientFact | ActivityFact]]
) -> list[dict[str, Any]]:
    """Each record once, in an order that everybody who keeps some of them has."""
    rows: dict[UUID, dict[str, Any]] = {}
    for id_, fact in facts:
        row = {**vars(fact), "workspace_id": workspace_id}
        there = rows.get(id_)
        if there is None:
            rows[id_] = row
            continue
        presence = max((there, row), key=lambda one: one["presence_version"])
        values = max((there, row), key=lambda one: one["version"])
        rows[id_] = values | {name: presence[name] for name in _PRESENCE}
    return [rows[id_] for id_ in sorted(rows, key=lambda one: one.int)]


def _as_state(workspace_id: UUID, fact: ActivityFact) -> dict[str, object]:
    return {
        **vars(fact),
        "workspace_id": workspace_id,
        "version": fact.presence_version,  # a deletion has one as well, and no values
        "deleted": fact.deleted_at is not None,
    }
