"""A request that is sent twice happens once, and is answered twice with the same bytes."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import (
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

from kit.database import ReadTransaction, Statement, SystemTransaction
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
LOOK = Statement(select(idempotency_keys.c.fingerprint, idempotency_keys.c.response).where(*_key))
# Whoever does not get the lock fails at the BEGIN: one round trip less for everybody else.
_LOCK = "SELECT 1 / pg_try_advisory_xact_lock(%d)::int"
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
    """The key came before with another request; `first_id` is what that one made."""

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
    open_unit: Callable[[], UnitOfWork],
    request: Once | None,
    *,
    parse: Callable[[bytes], M],
    work: Callable[[UnitOfWork], Awaitable[M]],
) -> M:
    """Do the work and keep its answer in the same commit, or give the answer that was kept.

    Without a request (no key was sent) it only does the work. The work's own commit waits until
    the answer stands beside it; work that does not ask for a commit keeps nothing. Errors are not
    kept: the transaction is undone and the key is free again.

    Most keys are new, so nobody looks first: a repeated request does the work once more, fails
    at the key or sooner, is undone, and only then the kept answer is looked for.

    Raises KeyReused, KeyInFlight.
    """
    if request is None:
        async with open_unit() as uow:
            return await work(uow)
    fingerprint = hashlib.sha256(request.body).digest()
    uow = open_unit()
    try:
        async with _alone(uow, request):
            with uow.holding_commit():
                answer = await work(uow)
            if uow.commit_asked:
                await _keep(uow, request, fingerprint, answer.SerializeToString())
                await uow.commit()
                return answer
    except KeyInFlight:
        raise
    except DomainError:
        kept = await _kept(uow, request, fingerprint, parse)
        if kept is None:
            raise
        return kept
    kept = await _kept(uow, request, fingerprint, parse)
    return answer if kept is None else kept


async def purge(pool: Pool) -> int:
    """Forget keys older than 24 hours."""
    async with SystemTransaction(pool) as tx:
        count = await tx.run(PURGE)
        await tx.commit()
    return count


class _KeyTaken(DomainError):
    """The key's row is there: this request has been answered before."""

    kind, reason = ErrorKind.REFUSED, "IDEMPOTENCY_KEY_TAKEN"


@asynccontextmanager
async def _alone(uow: UnitOfWork, request: Once) -> AsyncIterator[None]:
    """Inside the unit of work, with no other request under the same key. Raises KeyInFlight."""
    uow.begin_with(_LOCK % _lock_number(uow.workspace_id, request))
    try:
        await uow.__aenter__()
    except asyncpg.DivisionByZeroError:
        raise KeyInFlight("The first request with this key is still running.") from None
    async with AsyncExitStack() as stack:
        stack.push_async_exit(uow)
        yield


async def _kept(
    uow: UnitOfWork, request: Once, fingerprint: bytes, parse: Callable[[bytes], M]
) -> M | None:
    """The answer that an earlier request got. Raises KeyReused if that was another request."""
    async with ReadTransaction(uow.pool, uow.workspace_id) as tx:
        row = await tx.row(
            LOOK,
            workspace=uow.workspace_id,
            user=request.user_id,
            method=request.method,
            key=request.key,
        )
    if row is None:
        return None
    first = parse(bytes(row["response"]))
    if row["fingerprint"] != fingerprint:
        said = "This idempotency key was used for another request."
        raise KeyReused(said, first_id=str(getattr(first, "id", "")))
    return first


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
        raise _KeyTaken("This request was answered before.") from None


def _lock_number(workspace_id: UUID, request: Once) -> int:
    name = f"{workspace_id} {request.user_id} {request.method} {request.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
