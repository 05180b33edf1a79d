"""People, found by id or address; only the system role reaches them."""

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import LargeBinary, Text, Uuid, bindparam, delete, insert, select, update

from auth.adapters.tables import one_time_tokens, users
from auth.domain.errors import EmailTaken, UserNotFound
from auth.domain.user import User
from kit.database import Statement, SystemTransaction
from kit.unit_of_work import UnitOfWork

USER = bindparam("user", type_=Uuid())
HASH = bindparam("hash", type_=LargeBinary())
_PURPOSE = bindparam("purpose", type_=Text())
_NOW = bindparam("now", type_=one_time_tokens.c.expires_at.type)
KEPT = ("name", "password_hash", "locale", "email_verified_at")

BY_ID = Statement(select(users).where(users.c.id == USER))
LOCK = Statement(select(users).where(users.c.id == USER).with_for_update())
# Held until the commit: whoever sets a new password locks the row first, and waits.
HOLD = Statement(
    select(users.c.password_hash)
    .where(users.c.id == USER)
    .with_for_update(read=True, key_share=True)
)
BY_EMAIL = Statement(select(users).where(users.c.email == bindparam("email", type_=Text())))
ADD = Statement(insert(users).values({c.name: bindparam(c.name) for c in users.c}))
SAVE = Statement(
    update(users)
    .where(users.c.id == USER, users.c.version == bindparam("read"))
    .values(
        version=users.c.version + 1,
        **{name: bindparam(name, type_=users.c[name].type) for name in KEPT},
    )
)
ADD_LINK = Statement(
    insert(one_time_tokens).values(
        {n: bindparam(n) for n in ("secret_hash", "purpose", "user_id", "expires_at")}
    )
)
_good = (
    one_time_tokens.c.secret_hash == HASH,
    one_time_tokens.c.purpose == _PURPOSE,
    one_time_tokens.c.used_at.is_(None),
    one_time_tokens.c.expires_at > _NOW,
)
WHOSE_LINK = Statement(select(one_time_tokens.c.user_id).where(*_good))
USE_LINK = Statement(
    update(one_time_tokens).where(*_good).values(used_at=_NOW).returning(one_time_tokens.c.user_id)
)
DROP_LINKS = Statement(delete(one_time_tokens).where(one_time_tokens.c.user_id == USER))
DROP_LINKS_FOR = Statement(
    delete(one_time_tokens).where(
        one_time_tokens.c.user_id == USER, one_time_tokens.c.purpose == _PURPOSE
    )
)
FORGET_LINKS = Statement(delete(one_time_tokens).where(one_time_tokens.c.expires_at < _NOW))


def _user(row: asyncpg.Record) -> User:
    return User(workspace_id=row["id"], **row)


async def get(tx: SystemTransaction, user_id: UUID) -> User:
    """Raises UserNotFound."""
    row = await tx.row(BY_ID, user=user_id)
    if row is None:
        raise UserNotFound("This account is gone.")
    return _user(row)


async def load_for_update(tx: SystemTransaction, user_id: UUID) -> User:
    """Raises UserNotFound."""
    row = await tx.row(LOCK, user=user_id)
    if row is None:
        raise UserNotFound("This account is gone.")
    return _user(row)


async def held_password(tx: SystemTransaction, user_id: UUID) -> str | None:
    """The hash of the person's password, which stays as it is until the commit."""
    found: str | None = await tx.value(HOLD, user=user_id)
    return found


async def by_email(tx: SystemTransaction, email: str) -> User | None:
    """By the address in its normal form."""
    row = await tx.row(BY_EMAIL, email=email)
    return None if row is None else _user(row)


async def add(uow: UnitOfWork, user: User) -> None:
    """Raises EmailTaken, also when two register at once."""
    values = {c.name: getattr(user, c.name) for c in users.c}
    try:
        await uow.run(ADD, **values)
    except asyncpg.UniqueViolationError:
        said = "Somebody has registered with this address already."
        raise EmailTaken(said, fields={"email": said}) from None
    uow.tell(user)


async def save(uow: UnitOfWork, user: User) -> None:
    """Write what can change in a person. Raises ChangedMeanwhile."""
    values = {name: getattr(user, name) for name in KEPT}
    uow.saved(user, rows=await uow.run(SAVE, user=user.id, read=user.version, **values))


async def add_link(
    tx: SystemTransaction, *, secret_hash: bytes, purpose: str, user_id: UUID, expires_at: datetime
) -> None:
    """Keep a link's secret as its hash."""
    await tx.run(
        ADD_LINK, secret_hash=secret_hash, purpose=purpose, user_id=user_id, expires_at=expires_at
    )


async def use_link(
    tx: SystemTransaction, *, secret_hash: bytes, purpose: str, now: datetime
) -> UUID | None:
    """Whose link it is, once; of many at a time one gets it."""
    found: UUID | None = await tx.value(USE_LINK, hash=secret_hash, purpose=purpose, now=now)
    return found


async def whose_link(
    tx: SystemTransaction, *, secret_hash: bytes, purpose: str, now: datetime
) -> UUID | None:
    """Whose link it is, without using it up."""
    found: UUID | None = await tx.value(WHOSE_LINK, hash=secret_hash, purpose=purpose, now=now)
    return found


async def drop_links(tx: SystemTransaction, user_id: UUID, purpose: str | None = None) -> None:
    """A person's links, or those for one purpose, work no more."""
    if purpose is None:
        await tx.run(DROP_LINKS, user=user_id)
    else:
        await tx.run(DROP_LINKS_FOR, user=user_id, purpose=purpose)


async def forget_links(tx: SystemTransaction, now: datetime) -> int:
    """Those whose time is over; their number."""
    return await tx.run(FORGET_LINKS, now=now)
