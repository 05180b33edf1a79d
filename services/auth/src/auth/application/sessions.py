"""Signing in and staying so: one function per use case, one transaction each."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.adapters import secrets, sessions, users, workspaces
from auth.adapters.passwords import Passwords
from auth.adapters.tokens import TokenSigner
from auth.domain.errors import (
    CredentialsWrong,
    MemberNotFound,
    SessionEnded,
    SessionNotFound,
    WorkspaceNotFound,
)
from auth.domain.facts import Cause
from auth.domain.grant import Grant
from auth.domain.session import ACCESS_TOKEN_LIFE, DEVICE_LENGTH, IDLE_LIFE, Session
from auth.domain.user import User
from kit.database import Pool, SystemTransaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a signed-in client holds."""

    access: str
    refresh: str
    access_expires_in: int
    refresh_expires_in: int
    workspace_id: UUID | None
    user_id: UUID


async def prove(system: Pool, passwords: Passwords, *, email: str, password: str) -> User:
    """The person behind address and password. Raises CredentialsWrong, SignInBusy.

    Somebody who has not proven their address yet is not let in, and is not told so either. While
    a password waits for its turn no connection is held: a rush of guesses would hold them all.
    """
    async with SystemTransaction(system) as tx:
        user = await users.by_email(tx, email)
    right = await passwords.verify(password, user.password_hash if user else None)
    if user is None or not right or user.email_verified_at is None:
        raise CredentialsWrong("E-mail address or password is wrong.")
    return user


async def renewed(passwords: Passwords, user: User, password: str) -> str | None:
    """A new hash of a proven person's password if the old one is outdated."""
    if user.password_hash is not None and passwords.outdated(user.password_hash):
        return await passwords.hash(password)
    return None


async def log_in(
    uow: UnitOfWork,
    signer: TokenSigner,
    *,
    user: User,
    new_hash: str | None,
    device: str,
    now: datetime,
) -> Tokens:
    """Start a session of a proven person in the unit's workspace, or in none; keep a renewed hash.

    Raises CredentialsWrong when the password was changed since it was proven.
    """
    await hold_proof(uow, user)
    if new_hash is not None:
        user.password_hash = new_hash
        await users.save(uow, user)
    grant = await coming_in(uow, user.id)
    tokens = await start(uow, signer, grant=grant, device=device, now=now)
    await uow.commit()
    return tokens


async def coming_in(uow: UnitOfWork, user_id: UUID) -> Grant:
    """What somebody may do in the unit's workspace until the commit; a unit of the person's own is
    in none. Raises MemberNotFound.
    """
    if uow.workspace_id == user_id:
        return Grant.without_workspace(user_id)
    return (await workspaces.member_coming_in(uow, user_id)).grant


async def hold_proof(uow: UnitOfWork, user: User) -> None:
    """Nobody changes the password that was proven until the commit: a change ends sessions, and
    must not miss one that is about to begin. Raises CredentialsWrong if it was changed before.
    """
    if await users.held_password(uow, user.id) != user.password_hash:
        raise CredentialsWrong("E-mail address or password is wrong.")


async def start(
    uow: UnitOfWork, signer: TokenSigner, *, grant: Grant, device: str, now: datetime
) -> Tokens:
    """A new session with the first pair of tokens, as part of a larger use case."""
    session = Session(
        id=new_id(),
        workspace_id=uow.workspace_id,
        version=1,
        user_id=grant.user_id,
        device=device[:DEVICE_LENGTH],
        created_at=now,
        last_seen_at=now,
    )
    await sessions.add(uow, session)
    return await _issue(uow, signer, session, grant, refresh=secrets.new_secret(), now=now)


async def refresh_session(
    uow: UnitOfWork, signer: TokenSigner, *, refresh_token: str, session_id: UUID, now: datetime
) -> Tokens:
    """Use a refresh token up for the next pair; a repeat soon after gets the same successor.

    The session's row is the lock: of many at once one rotates and the others repeat its answer.

    Raises RefreshTokenInvalid and SessionEnded; what ends a session is committed before.
    """
    used = secrets.digest(refresh_token)
    session = await sessions.load_for_update(uow, session_id)
    token = await sessions.token(uow, used)
    try:
        fresh = token.usable(session, now)
    except SessionEnded:
        await sessions.save(uow, session)
        await uow.commit()
        raise
    try:
        grant = await _still(uow, session)
    except MemberNotFound:
        raise SessionEnded("You no longer belong to this workspace.") from None
    if not fresh:
        assert token.sealed_successor is not None  # written with used_at
        successor = secrets.unseal(token.sealed_successor, refresh_token)
        return _pair(signer, session, grant, refresh=successor, now=now)
    successor = secrets.new_secret()
    sealed = secrets.seal(successor, refresh_token)
    await sessions.use_token(uow, used, sealed_successor=sealed, now=now)
    session.last_seen_at = now
    await sessions.save(uow, session)
    tokens = await _issue(uow, signer, session, grant, refresh=successor, now=now)
    await uow.commit()
    return tokens


async def end_session(
    uow: UnitOfWork, *, session_id: UUID, user_id: UUID, cause: Cause, now: datetime
) -> bool:
    """End one session of a person; whether it was live. Raises SessionNotFound."""
    session = await sessions.load_for_update(uow, session_id)
    if session.user_id != user_id:
        raise SessionNotFound("There is no such session.")
    live = session.ended_at is None
    session.end(cause, at=now, by=user_id)
    if live:
        await sessions.save(uow, session)
        await uow.commit()
    return live


async def end_other_sessions(uow: UnitOfWork, *, user_id: UUID, but: UUID, now: datetime) -> int:
    """End all sessions of a person but one; how many were live."""
    ended = await end_sessions_of(uow, user_id=user_id, but=but, cause=Cause.ENDED, now=now)
    await uow.commit()
    return ended


async def end_sessions_of(
    uow: UnitOfWork, *, user_id: UUID, but: UUID | None, cause: Cause, now: datetime
) -> int:
    """Part of a larger use case: in all workspaces, all but one if it is given; how many."""
    ending = [s for s in await sessions.live_of_user(uow, user_id) if s.id != but]
    await _end_all(uow, ending, cause, now=now, by=user_id)
    return len(ending)


async def end_sessions_of_member(
    uow: UnitOfWork, *, user_id: UUID, cause: Cause, now: datetime, by: UUID
) -> None:
    """Part of a larger use case: what a member may do has changed, so the tokens must go."""
    live = await sessions.live_of_member(uow, user_id, uow.workspace_id)
    await _end_all(uow, live, cause, now=now, by=by)


async def end_sessions_of_workspace(uow: UnitOfWork, *, now: datetime, by: UUID | None) -> None:
    """Part of a larger use case: nobody works in the unit's workspace any more."""
    live = await sessions.live_of_workspace(uow, uow.workspace_id)
    for session in live:
        session.end(Cause.WORKSPACE_CLOSED, at=now, by=by)
        await sessions.save(uow, session)


async def switch_workspace(
    uow: UnitOfWork,
    signer: TokenSigner,
    *,
    user_id: UUID,
    session_id: UUID,
    now: datetime,
) -> Tokens:
    """Leave the present session for a new one in the unit's workspace.

    Raises WorkspaceNotFound, also for a workspace of others; SessionNotFound; SessionEnded.
    """
    await users.held_password(uow, user_id)  # as a session begins: see hold_proof
    try:
        grant = await coming_in(uow, user_id)
    except MemberNotFound:
        raise WorkspaceNotFound("There is no such workspace.") from None
    old = await sessions.load_for_update(uow, session_id)
    if old.ended_at is not None:  # and its access token has not heard of it yet
        raise SessionEnded("This session has ended. Sign in again.")
    old.end(Cause.SWITCHED, at=now, by=user_id)
    await sessions.save(uow, old)
    tokens = await start(uow, signer, grant=grant, device=old.device, now=now)
    await uow.commit()
    return tokens


async def _end_all(
    uow: UnitOfWork, ending: list[Session], cause: Cause, *, now: datetime, by: UUID
) -> None:
    for session in ending:
        session.end(cause, at=now, by=by)
        await sessions.save(uow, session)


async def _still(uow: UnitOfWork, session: Session) -> Grant:
    """What the session's person may do now. Raises MemberNotFound."""
    if not session.in_workspace:
        return Grant.without_workspace(session.user_id)
    return (await workspaces.member(uow, session.user_id)).grant


async def _issue(
    uow: UnitOfWork,
    signer: TokenSigner,
    session: Session,
    grant: Grant,
    *,
    refresh: str,
    now: datetime,
) -> Tokens:
    expires_at = session.refresh_expires_at(now)
    await sessions.add_token(uow, secrets.digest(refresh), session.id, expires_at)
    return _pair(signer, session, grant, refresh=refresh, now=now)


def _pair(
    signer: TokenSigner, session: Session, grant: Grant, *, refresh: str, now: datetime
) -> Tokens:
    access = signer.sign(grant, session_id=session.id, now=now)
    expires_at = session.refresh_expires_at(now)
    return Tokens(
        access=access,
        refresh=refresh,
        access_expires_in=int(ACCESS_TOKEN_LIFE.total_seconds()),
        refresh_expires_in=max(0, int(min(expires_at - now, IDLE_LIFE).total_seconds())),
        workspace_id=grant.workspace_id,
        user_id=session.user_id,
    )
