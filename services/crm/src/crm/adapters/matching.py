"""Clients that may be meant: by the keys they have in common with what comes in."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, text

from crm.domain.client import ClientKind
from crm.domain.matching import KINDS, is_match, kind_of
from kit.database import Statement, Transaction

MOST = 20  # candidates for one key; a key that more have says nothing

FIND = Statement(
    text(
        "SELECT given.key, found.id, found.name, found.kind, found.external_id "
        "FROM unnest(:keys) AS given (key) CROSS JOIN LATERAL ("
        "  SELECT c.id, c.name, c.kind, c.external_id FROM client_keys k JOIN clients c"
        "    ON c.workspace_id = :workspace AND c.id = k.client_id AND c.deleted_at IS NULL"
        "  WHERE k.workspace_id = :workspace AND k.key = given.key"
        "  ORDER BY c.created_at, c.id LIMIT :most) found"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        bindparam("keys", type_=ARRAY(Text())),
        bindparam("most", type_=Integer()),
    )
)


class Candidate(NamedTuple):
    """A client that has a key."""

    id: UUID
    name: str
    kind: ClientKind
    external_id: str | None


class Found(NamedTuple):
    """Who is meant, and by what it shows."""

    candidate: Candidate
    by: str


async def candidates(tx: Transaction, keys: Iterable[str]) -> dict[str, list[Candidate]]:
    """Who has these keys, the oldest first."""
    wanted = sorted(set(keys))
    by_key: dict[str, list[Candidate]] = {}
    if wanted:
        for row in await tx.rows(FIND, workspace=tx.workspace_id, keys=wanted, most=MOST):
            there = Candidate(row["id"], row["name"], ClientKind(row["kind"]), row["external_id"])
            by_key.setdefault(row["key"], []).append(there)
    return by_key


def matches(
    name: str, kind: ClientKind, keys: Iterable[str], by_key: dict[str, list[Candidate]]
) -> list[Found]:
    """Everybody who may be meant, the surest first, each once."""
    found: dict[UUID, Found] = {}
    for key in sorted(keys, key=lambda key: KINDS.index(kind_of(key))):
        for there in by_key.get(key, ()):
            if there.kind is kind and there.id not in found and is_match(key, name, there.name):
                found[there.id] = Found(there, kind_of(key))
    return list(found.values())
