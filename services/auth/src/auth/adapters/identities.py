"""Accounts elsewhere that let somebody in; only the system role reaches them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Text, Uuid, bindparam, delete, insert, select

from auth.adapters.tables import identities
from auth.domain.errors import IdentityTaken
from auth.domain.identity import Claims
from kit.database import Statement, SystemTransaction

USER = bindparam("user", type_=Uuid())

WHOSE = Statement(
    select(identities.c.user_id).where(
        identities.c.issuer == bindparam("issuer", type_=Text()),
        identities.c.subject == bindparam("subject", type_=Text()),
    )
)
ADD = Statement(insert(identities).values({c.name: bindparam(c.name) for c in identities.c}))
OF_USER = Statement(
    select(identities.c.email, identities.c.linked_at)
    .where(identities.c.user_id == USER)
    .order_by(identities.c.linked_at, identities.c.subject)
)
REMOVE = Statement(
    delete(identities).where(identities.c.user_id == USER).returning(identities.c.email)
)


class Account(NamedTuple):
    """One that somebody has connected."""

    email: str
    linked_at: datetime


async def whose(tx: SystemTransaction, claims: Claims) -> UUID | None:
    """Whom it lets in."""
    found: UUID | None = await tx.value(WHOSE, issuer=claims.issuer, subject=claims.subject)
    return found


async def add(tx: SystemTransaction, claims: Claims, user_id: UUID, now: datetime) -> None:
    """Raises IdentityTaken."""
    try:
        await tx.run(
            ADD,
            issuer=claims.issuer,
            subject=claims.subject,
            user_id=user_id,
            linked_at=now,
            email=claims.email,
        )
    except asyncpg.UniqueViolationError:
        raise IdentityTaken(
            "This Google account lets somebody in already. Sign in again."
        ) from None


async def of_user(tx: SystemTransaction, user_id: UUID) -> list[Account]:
    """A person's, the first connected first."""
    return [Account(*row) for row in await tx.rows(OF_USER, user=user_id)]


async def remove(tx: SystemTransaction, user_id: UUID) -> list[str]:
    """Take all of a person's away; their addresses."""
    return [row["email"] for row in await tx.rows(REMOVE, user=user_id)]
