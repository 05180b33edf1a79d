"""Clients that may be one: asked of a new one, and found among all."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

from crm.adapters import matching
from crm.adapters.client_queries import shown
from crm.adapters.reading import WORKSPACE, Read, in_sight
from crm.adapters.tables import clients, known_as_two
from crm.domain.client import Client
from crm.domain.errors import ClientAlike
from crm.domain.matching import KINDS, is_match, kind_of, match_keys
from kit.database import Statement, Transaction

MOST_NAMED = 5  # candidates that a refusal names
MOST_WITH_ONE_KEY = 10  # a key that more have says nothing
MOST_PAIRS = 200

# Keys stand side by side in their index: one walk through it finds those that several have.
SHARED = Statement(
    text(
        "SELECT one.key, a.id AS one_id, a.name AS one_name, b.id AS other_id,"
        "   b.name AS other_name FROM ("
        "  SELECT k.key FROM client_keys k WHERE k.workspace_id = :workspace"
        "  GROUP BY k.key HAVING count(*) BETWEEN 2 AND :most) shared "
        "JOIN client_keys one ON one.workspace_id = :workspace AND one.key = shared.key "
        "JOIN client_keys other ON other.workspace_id = :workspace AND other.key = shared.key"
        "  AND other.client_id > one.client_id "
        "JOIN clients a ON a.workspace_id = :workspace AND a.id = one.client_id"
        "  AND a.deleted_at IS NULL "
        "JOIN clients b ON b.workspace_id = :workspace AND b.id = other.client_id"
        "  AND b.deleted_at IS NULL AND b.kind = a.kind "
        "WHERE NOT EXISTS (SELECT 1 FROM known_as_two t WHERE t.workspace_id = :workspace"
        "  AND t.one_id = one.client_id AND t.other_id = other.client_id) "
        "ORDER BY array_position(:kinds, split_part(one.key, ':', 1)), one.key, a.id, b.id "
        "LIMIT :size"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        bindparam("most", type_=Integer()),
        bindparam("kinds", type_=ARRAY(Text())),
        bindparam("size", type_=Integer()),
    )
)
SHOWN = Read(
    shown(
        select(clients)
        .where(
            clients.c.workspace_id == WORKSPACE,
            clients.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
            clients.c.deleted_at.is_(None),
            in_sight(clients),
        )
        .subquery("page")
    )
)
DISMISS = Statement(
    insert(known_as_two)
    .values(
        {
            name: bindparam(name, type_=known_as_two.c[name].type)
            for name in ("workspace_id", "one_id", "other_id", "created_by", "created_at")
        }
    )
    .on_conflict_do_nothing()
)


class Pair(NamedTuple):
    """Two clients, and what they have in common."""

    one_id: UUID
    other_id: UUID
    by: str


async def expect_none_alike(tx: Transaction, client: Client) -> None:
    """Raises ClientAlike, with those that are like a new client."""
    state = client.state
    keys = match_keys(state.kind, state.name, state.emails, state.phones, state.website)
    found = matching.matches(state.name, state.kind, keys, await matching.candidates(tx, keys))
    if found:
        named = [
            {"id": str(one.candidate.id), "name": one.candidate.name, "matched_by": one.by}
            for one in found[:MOST_NAMED]
        ]
        raise ClientAlike(
            f"“{found[0].candidate.name}” looks like the same client.",
            candidates=json.dumps(named, ensure_ascii=False),
        )


async def pairs(tx: Transaction) -> list[Pair]:
    """The surest first, each once."""
    found: dict[tuple[UUID, UUID], Pair] = {}
    rows = await tx.rows(
        SHARED,
        workspace=tx.workspace_id,
        most=MOST_WITH_ONE_KEY,
        kinds=list(KINDS),
        size=MOST_PAIRS * 4,
    )
    for row in rows:
        both = row["one_id"], row["other_id"]
        if both not in found and is_match(row["key"], row["one_name"], row["other_name"]):
            found[both] = Pair(*both, kind_of(row["key"]))
    return list(found.values())[:MOST_PAIRS]


async def dismiss(tx: Transaction, ids: Sequence[UUID], *, by: UUID, now: datetime) -> bool:
    """These two are two; whether that was not known before."""
    one_id, other_id = sorted(ids)
    count = await tx.run(
        DISMISS,
        workspace_id=tx.workspace_id,
        one_id=one_id,
        other_id=other_id,
        created_by=by,
        created_at=now,
    )
    return count == 1
