"""A request that is sent twice happens once, and is answered twice with the same bytes."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)

from kit.database import Statement, SystemTransaction
from kit.errors import DomainError, ErrorKind
from kit.outbox import Message, metadata
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_idempotency_keys_created_at", idempotency_keys.c.created_at)

_key = (
    idempotency_keys.c.workspace_id == bindparam("workspace", type_=Uuid()),
    idempotency_keys.c.user_id == bindparam("user", type_=Uuid()),
    idempotency_keys.c.method == bindparam("method", type_=Text()),
    idempotency_keys.c.key == bindparam("key", type_=Text()),
)
_ours = select(
    func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger())).label("free")
).subquery()

LOOK = Statement(
    select(_ours.c.free, idempotency_keys.c.fingerprint, idempotency_keys.c.response).select_from(
        _ours.outerjoin(idempotency_keys, (_key[0]) & (_key[1]) & (_key[2]) & (_key[3]))
    )
)
KEEP = Statement(
    insert(idempotency_keys).values(
        {
            name: bindparam(name)
            for name in ("workspace_id", "user_id", "method", "key", "fingerprint", "response")
        }
    )
)
PURGE = Statement(
    delete(idempotency_keys).where(
        idempotency_keys.c.created_at < func.now() - text("interval '24 hours'")
    )
)


class KeyReused(DomainError):
    """The key came before with another request."""

    kind, reason = ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED"


class KeyInFlight(DomainError):
    """The first request with this key has not ended yet."""

    kind, reason = ErrorKind.REFUSED, "IDEMPOTENCY_KEY_IN_FLIGHT"


class Once(NamedTuple):
    """What makes a request the same one: who, what, under which key, with which body."""

    user_id: UUID
    method: str
    key: str
    body: bytes


M = TypeVar("M", bound=Message)


async def once(
    uow: UnitOfWork,
    request: Once | None,
    *,
    parse: Callable[[bytes], M],
    work: Callable[[], Awaitable[M]],
) -> M:
    """Do the work and keep its answer in the same commit, or give the answer that was kept.

    Without a request (no key was sent) it only does the work. The work's own commit waits until
    the answer stands beside it; work that does not ask for a commit keeps nothing. Errors are not
    kept: the transaction is undone and the key is free again.

    Raises KeyReused, KeyInFlight.
    """
    if request is None:
        return await work()
    fingerprint = hashlib.sha256(request.body).digest()
    kept = await _kept(uow, request, fingerprint)
    if kept is not None:
        return parse(kept)
    with uow.holding_commit():
        answer = await work()
    if uow.commit_asked:
        await _keep(uow, request, fingerprint, answer.SerializeToString())
        await uow.commit()
    return answer


async def purge(pool: Pool) -> int:
    """Forget keys older than 24 hours."""
    async with SystemTransaction(pool) as tx:
        count = await tx.run(PURGE)
        await tx.commit()
    return count


async def _kept(uow: UnitOfWork, request: Once, fingerprint: bytes) -> bytes | None:
    row = await uow.row(
        LOOK,
        lock=_lock_number(uow.workspace_id, request),
        workspace=uow.workspace_id,
        user=request.user_id,
        method=request.method,
        key=request.key,
    )
    assert row is not None  # the lock's answer is always a row
    if row["response"] is None:
        if not row["free"]:
            raise KeyInFlight("The first request with this key is still running.")
        return None
    if row["fingerprint"] != fingerprint:
        raise KeyReused("This idempotency key was used for another request.")
    return bytes(row["response"])


async def _keep(uow: UnitOfWork, request: Once, fingerprint: bytes, response: bytes) -> None:
    try:
        await uow.run(
            KEEP,
            workspace_id=uow.workspace_id,
            user_id=request.user_id,
            method=request.method,
            key=request.key,
            fingerprint=fingerprint,
            response=response,
        )
    except asyncpg.UniqueViolationError:
        # The first one committed between our look, which is older than our lock, and now.
        raise KeyInFlight("The first request with this key has just ended.") from None


def _lock_number(workspace_id: UUID, request: Once) -> int:
    name = f"{workspace_id} {request.user_id} {request.method} {request.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
