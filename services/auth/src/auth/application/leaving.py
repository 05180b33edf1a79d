"""A person leaves for good."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from auth.adapters import leaving, users
from auth.adapters.sealing import Sealing
from auth.application import two_step
from auth.application.sessions import hold_proof
from auth.domain.errors import OnlyOwner
from auth.domain.facts import Cause, MemberErased, MemberRemoved, UserDeleted, WorkspaceErased
from auth.domain.user import User
from kit.unit_of_work import UnitOfWork

LAST = 2**31 - 1  # no version comes after it


async def delete_account(
    uow: UnitOfWork, sealing: Sealing, *, user: User, code: str, now: datetime
) -> None:
    """Of a person who has proven who they are: at once, with the workspaces that are theirs alone.

    Raises CredentialsWrong, CodeNeeded, CodeWrong, OnlyOwner.
    """
    memberships = await leaving.hold_memberships(uow, user.id)
    await hold_proof(uow, user)
    await two_step.expect(uow, sealing, user_id=user.id, code=code, now=now)
    await _leave(uow, user, memberships, now=now)


async def delete_again(uow: UnitOfWork, *, user_id: UUID, now: datetime) -> None:
    """Of a person who had deleted it and came back with a backup.

    Raises UserNotFound, OnlyOwner.
    """
    memberships = await leaving.hold_memberships(uow, user_id)
    await _leave(uow, await users.get(uow, user_id), memberships, now=now)


async def _leave(
    uow: UnitOfWork, user: User, memberships: Sequence[leaving.Membership], *, now: datetime
) -> None:
    if unowned := [_named(one) for one in memberships if one.only_owner]:
        raise OnlyOwner(
            f"You are the only owner of {', '.join(unowned)}, and others belong there."
            " Make somebody else an owner first, or remove the others."
        )
    for membership in memberships:
        if membership.sole_member:
            await leaving.erase_workspace(uow, membership.workspace_id)
        uow.tell_facts(_end_of(membership, user, now))
    await erase_person(uow, user, by=user.id, now=now)
    await uow.commit()


async def erase_person(uow: UnitOfWork, user: User, *, by: UUID | None, now: datetime) -> None:
    """Part of a larger use case: the person goes, and every workspace that ever knew them hears."""
    uow.tell_facts(
        *(
            MemberErased(
                aggregate_id=user.id, version=LAST, at=now, by=by, workspace_id=workspace_id
            )
            for workspace_id in await leaving.note(uow, user.id, now)
        )
    )
    for session in await leaving.live_sessions(uow, user.id):
        session.end(Cause.ACCOUNT_DELETED, at=now, by=by)
        uow.tell(session)
    uow.tell_facts(
        UserDeleted(
            aggregate_id=user.id,
            version=user.version + 1,
            at=now,
            by=by,
            email=user.email,
            name=user.name,
        )
    )
    await leaving.remove(uow, user)


def _named(membership: leaving.Membership) -> str:
    return f"“{membership.name}”" + (" (closed: reopen it first)" if membership.closed else "")


def _end_of(
    membership: leaving.Membership, user: User, now: datetime
) -> WorkspaceErased | MemberRemoved:
    if membership.sole_member:
        return WorkspaceErased(
            aggregate_id=membership.workspace_id,
            version=membership.workspace_version + 1,
            at=now,
            by=user.id,
        )
    return MemberRemoved(
        aggregate_id=user.id,
        version=membership.version + 1,
        at=now,
        by=user.id,
        workspace_id=membership.workspace_id,
    )
