"""Keys for programs: one function per use case, one transaction each."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from auth.adapters import api_keys, sessions, workspaces
from auth.adapters.tokens import TokenSigner
from auth.domain.api_key import MOST, ApiKey, make
from auth.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    MemberNotFound,
    TooManyApiKeys,
    WorkspaceIsClosed,
)
from auth.domain.facts import Cause
from auth.domain.session import ACCESS_TOKEN_LIFE, Session
from auth.domain.workspace import Member
from kit.api_key import digest_of, new_api_key
from kit.database import Pool, SystemTransaction
from kit.ids import new_id
from kit.rpc.identity import KeyScope
from kit.unit_of_work import UnitOfWork


class NewApiKey(NamedTuple):
    """With the key itself, which is shown once."""

    key: ApiKey
    secret: str


class KeyToken(NamedTuple):
    """What stands for a key for some minutes."""

    access: str
    expires_in: int


async def create(
    uow: UnitOfWork, *, user_id: UUID, name: str, read_only: bool, days: int, now: datetime
) -> NewApiKey:
    """For a person who has proven who they are.

    Raises NameMissing, ApiKeyLifeInvalid, TooManyApiKeys.
    """
    owner = await workspaces.member_for_update(uow, user_id)  # of two at once one counts the other
    key, secret = make(owner, name=name, read_only=read_only, days=days, now=now), new_api_key()
    if await api_keys.count(uow, user_id) >= MOST:
        raise TooManyApiKeys(f"You have {MOST} API keys here, and no more fit. Revoke one first.")
    await api_keys.add(uow, key, digest_of(secret))
    uow.tell_facts(key.created(owner))
    await uow.commit()
    return NewApiKey(key, secret)


async def revoke(uow: UnitOfWork, *, user_id: UUID, key_id: UUID, now: datetime) -> None:
    """It works no more, and neither do the tokens that stand for it. Raises ApiKeyNotFound.

    The key goes first: an exchange holds it, and so has its session written or finds no key.
    """
    key = await api_keys.remove(uow, user_id, key_id)
    session = await sessions.live_of_key(uow, key_id)
    if session is not None:
        session.end(Cause.KEY_REVOKED, at=now, by=user_id)
        await sessions.save(uow, session)
    uow.tell_facts(key.revoked(now))
    await uow.commit()


async def known(system: Pool, secret: str) -> ApiKey | None:
    """Whose key it is, and where."""
    async with SystemTransaction(system) as tx:
        return await api_keys.find(tx, digest_of(secret))


async def exchange(uow: UnitOfWork, signer: TokenSigner, *, key: ApiKey, now: datetime) -> KeyToken:
    """A token with what the key's owner may do now, as far as the key reaches.

    The member is held: whoever changes their rights or takes them out comes before, and counts, or
    after, and ends the session. Raises ApiKeyExpired, ApiKeyInvalid.
    """
    if key.is_expired(now):
        raise ApiKeyExpired("This API key has expired. Make a new one.")
    try:
        member = await workspaces.member_coming_in(uow, key.user_id)
    except MemberNotFound:
        raise ApiKeyInvalid("This API key is not valid.") from None
    if member.closed:
        raise WorkspaceIsClosed("This workspace is closed.")
    await api_keys.use(uow, key.id, now)
    session = await _session(uow, key, member, now)
    until = now + ACCESS_TOKEN_LIFE
    if key.expires_at is not None:
        until = min(until, key.expires_at)
    scope = KeyScope.READ if key.read_only else KeyScope.ALL
    access = signer.sign(member.grant, session_id=session.id, now=now, until=until, key=scope)
    await uow.commit()
    return KeyToken(access, int((until - now).total_seconds()))


async def _session(uow: UnitOfWork, key: ApiKey, member: Member, now: datetime) -> Session:
    """The key's one live session; a new one where another change of rights has ended it."""
    session = await sessions.live_of_key(uow, key.id)
    if session is not None:
        session.last_seen_at = now
        await sessions.save(uow, session)
        return session
    session = Session(
        id=new_id(),
        workspace_id=key.workspace_id,
        version=1,
        user_id=member.id,
        device=key.name,
        created_at=now,
        last_seen_at=now,
        api_key_id=key.id,
    )
    await sessions.add(uow, session)
    return session
