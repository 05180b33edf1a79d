"""Keys for programs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    DateTime,
    LargeBinary,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from auth.adapters.tables import api_keys
from auth.domain.api_key import ApiKey
from auth.domain.errors import ApiKeyInvalid, ApiKeyNotFound
from kit.database import Statement, SystemTransaction, Transaction
from kit.unit_of_work import UnitOfWork

KEY, USER = bindparam("key", type_=Uuid()), bindparam("user", type_=Uuid())
NOW = bindparam("now", type_=DateTime(timezone=True))

_shown = [c for c in api_keys.c if c.name != "secret_hash"]
_owned = (
    api_keys.c.workspace_id == bindparam("workspace", type_=Uuid()),
    api_keys.c.user_id == USER,
)
ADD = Statement(
    insert(api_keys).values(
        {c.name: bindparam(c.name) for c in api_keys.c if c.name != "last_used_at"}
    )
)
ALL_OF = Statement(select(*_shown).where(*_owned).order_by(api_keys.c.id.desc()))
COUNT = Statement(select(func.count()).select_from(api_keys).where(*_owned))
REMOVE = Statement(delete(api_keys).where(*_owned, api_keys.c.id == KEY).returning(*_shown))
REMOVE_ALL = Statement(delete(api_keys).where(*_owned))
FIND = Statement(
    select(*_shown).where(api_keys.c.secret_hash == bindparam("hash", type_=LargeBinary()))
)
USE = Statement(update(api_keys).where(api_keys.c.id == KEY).values(last_used_at=NOW))
PURGE = Statement(delete(api_keys).where(api_keys.c.expires_at < NOW))


async def add(uow: UnitOfWork, key: ApiKey, secret_hash: bytes) -> None:
    """A new one."""
    values = {c.name: getattr(key, c.name) for c in _shown if c.name != "last_used_at"}
    await uow.run(ADD, **values, secret_hash=secret_hash)


async def all_of(tx: Transaction, user_id: UUID) -> list[ApiKey]:
    """A person's in the workspace, newest first."""
    rows = await tx.rows(ALL_OF, workspace=tx.workspace_id, user=user_id)
    return [ApiKey(**row) for row in rows]


async def count(tx: Transaction, user_id: UUID) -> int:
    """How many a person has in the workspace."""
    return int(await tx.value(COUNT, workspace=tx.workspace_id, user=user_id))


async def remove(tx: Transaction, user_id: UUID, key_id: UUID) -> ApiKey:
    """What it was. Raises ApiKeyNotFound."""
    row = await tx.row(REMOVE, workspace=tx.workspace_id, user=user_id, key=key_id)
    if row is None:
        raise ApiKeyNotFound("There is no such API key.")
    return ApiKey(**row)


async def remove_all(tx: Transaction, user_id: UUID) -> None:
    """Every one of a person in the workspace."""
    await tx.run(REMOVE_ALL, workspace=tx.workspace_id, user=user_id)


async def find(tx: SystemTransaction, secret_hash: bytes) -> ApiKey | None:
    """Of whatever workspace."""
    row = await tx.row(FIND, hash=secret_hash)
    return None if row is None else ApiKey(**row)


async def use(tx: SystemTransaction, key_id: UUID, now: datetime) -> None:
    """Note it, and hold the key until the commit. Raises ApiKeyInvalid if it is gone."""
    if await tx.run(USE, key=key_id, now=now) != 1:
        raise ApiKeyInvalid("This API key is not valid.")


async def purge(tx: SystemTransaction, expired_before: datetime) -> int:
    """Forget those whose time was over long ago; how many."""
    return await tx.run(PURGE, now=expired_before)
