"""A workspace is closed for some days, reopened or erased."""

from datetime import datetime, timedelta
from uuid import UUID

from auth.adapters import closing, leaving, sessions, users, workspaces
from auth.adapters.sealing import Sealing
from auth.adapters.tokens import TokenSigner
from auth.application import two_step
from auth.application.leaving import erase_person
from auth.application.sessions import Tokens, end_sessions_of_workspace, hold_proof, start
from auth.domain.errors import NameDiffers, SessionEnded, WorkspaceNotClosed
from auth.domain.facts import WorkspaceErased
from auth.domain.user import User
from kit.unit_of_work import UnitOfWork


async def close_workspace(
    uow: UnitOfWork,
    signer: TokenSigner,
    sealing: Sealing,
    *,
    user: User,
    session_id: UUID,
    name: str,
    code: str,
    erase_at: datetime,
    now: datetime,
) -> Tokens:
    """By an owner who has proven who they are; a session of theirs that can reopen it.

    Raises CredentialsWrong, CodeNeeded, CodeWrong, NameDiffers, SessionEnded.
    """
    await hold_proof(uow, user)
    await two_step.expect(uow, sealing, user_id=user.id, code=code, now=now)
    workspace = await workspaces.load_for_update(uow)
    if " ".join(name.split()) != workspace.name:
        said = "This is not the workspace's name."
        raise NameDiffers(said, fields={"name": said})
    owners = await closing.owners(uow)
    workspace.close(erase_at=erase_at, owners=owners, at=now, by=user.id)
    await workspaces.save(uow, workspace)
    return await _go_on(uow, signer, user_id=user.id, session_id=session_id, now=now)


async def reopen_workspace(
    uow: UnitOfWork, signer: TokenSigner, *, user_id: UUID, session_id: UUID, now: datetime
) -> Tokens:
    """As it was. Raises WorkspaceNotClosed, also once its time is over; SessionEnded."""
    await users.held_password(uow, user_id)  # as a session begins: see hold_proof
    workspace = await workspaces.load_for_update(uow)
    if workspace.erase_at is not None and workspace.erase_at <= now:
        raise WorkspaceNotClosed("It is too late: this workspace is being erased.")
    workspace.reopen(owners=await closing.owners(uow), at=now, by=user_id)
    await workspaces.save(uow, workspace)
    return await _go_on(uow, signer, user_id=user_id, session_id=session_id, now=now)


async def warn(uow: UnitOfWork, *, before: timedelta, now: datetime) -> None:
    """Say that the workspace is about to be erased, unless that is no longer so."""
    workspace = await workspaces.load_for_update(uow)
    at = workspace.erase_at
    if at is not None and at < now + before and workspace.warned_at is None:
        workspace.warn(owners=await closing.owners(uow), at=now)
        await workspaces.save(uow, workspace)
        await uow.commit()


async def erase_workspace(uow: UnitOfWork, *, now: datetime) -> None:
    """Its time is over, unless it was reopened: with it go those who belong nowhere else."""
    await closing.hold_people(uow)
    workspace = await workspaces.load_for_update(uow)
    if workspace.erase_at is None or workspace.erase_at > now:
        return
    await end_sessions_of_workspace(uow, now=now, by=None)
    for user in await closing.only_here(uow):
        await erase_person(uow, user, by=None, now=now)
    await closing.remove_members(uow)
    await leaving.erase_workspace(uow, workspace.id)
    uow.tell_facts(
        WorkspaceErased(aggregate_id=workspace.id, version=workspace.version + 1, at=now, by=None)
    )
    await uow.commit()


async def _go_on(
    uow: UnitOfWork, signer: TokenSigner, *, user_id: UUID, session_id: UUID, now: datetime
) -> Tokens:
    """Everybody's sessions end, for their tokens say the old rights; this one under a new one."""
    old = await sessions.load_for_update(uow, session_id)
    if old.ended_at is not None:  # and its access token has not heard of it yet
        raise SessionEnded("This session has ended. Sign in again.")
    await end_sessions_of_workspace(uow, now=now, by=user_id)
    member = await workspaces.member(uow, user_id)
    tokens = await start(uow, signer, grant=member.grant, device=old.device, now=now)
    await uow.commit()
    return tokens
