"""How every write runs: one unit of work, once per idempotency key, again after a deadlock."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message

from crm.entrypoints.app import App
from kit.idempotency import Once, once
from kit.rpc.identity import Context, idempotency_key_of, principal_of
from kit.unit_of_work import UnitOfWork, retrying

M = TypeVar("M", bound=Message)


async def write(
    app: App,
    context: Context,
    request: Message,
    response: type[M],
    work: Callable[[UnitOfWork], Awaitable[M]],
    *,
    bulk_id: UUID | None = None,
) -> M:
    """Run `work` for the caller. A repeat under the same key gets the first answer.

    `bulk_id` marks what it tells as parts of one large change.
    """
    principal, key = principal_of(context), idempotency_key_of(context)
    same = None
    if key:
        name = request.DESCRIPTOR.full_name
        body = request.SerializeToString(deterministic=True)
        same = Once(principal.user_id, name, key, body)

    async def attempt() -> M:
        return await once(
            lambda: app.unit_of_work(principal.workspace_id, principal.origin, bulk_id=bulk_id),
            same,
            parse=response.FromString,
            work=work,
        )

    return await retrying(attempt)
