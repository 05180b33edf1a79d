"""What can be done with a workspace, its members and the people themselves."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from auth.adapters import api_keys, invitations, secrets, users, workspaces
from auth.application.roles import given
from auth.application.sessions import end_sessions_of_member
from auth.domain.custom_role import Given
from auth.domain.errors import RoleTooHigh, TeamFull, VisibilityUnknown
from auth.domain.facts import Cause, InvitationSent
from auth.domain.names import normal_email
from auth.domain.roles import Visibility
from auth.domain.user import User
from auth.domain.workspace import Member, Workspace
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork

INVITATION_LIFE = timedelta(days=7)
LARGEST_TEAM = 50  # the tokens of its members name them all


class NewInvitation(NamedTuple):
    """An open invitation, with its secret where it is shown."""

    id: UUID
    email: str
    given: Given
    token: str
    expires_at: datetime


async def change_workspace(
    uow: UnitOfWork,
    *,
    expected_version: int,
    name: str | None,
    currency: str | None,
    time_zone: str | None,
    by: UUID,
    now: datetime,
) -> Workspace:
    """Raises WorkspaceHasChanged, NameMissing, CurrencyUnknown, TimeZoneUnknown."""
    workspace = await workspaces.load_for_update(uow)
    workspace.expect(expected_version)
    workspace.change(name=name, currency=currency, time_zone=time_zone, at=now, by=by)
    await workspaces.save(uow, workspace)
    await uow.commit()
    return workspace


def known_visibility(name: str) -> Visibility:
    """Raises VisibilityUnknown."""
    try:
        return Visibility(name)
    except ValueError:
        said = f"Choose one of {', '.join(Visibility)}."
        raise VisibilityUnknown(said, fields={"visibility": said}) from None


async def change_rights(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    role: str | None,
    visibility: Visibility | None,
    team: str | None,
    by: UUID,
    now: datetime,
) -> Member:
    """Another role, visibility or team; what is None stays. The member's tokens end: they say the
    old ones. The tokens of a team's others name who is new in it when they are next renewed.

    Raises MemberNotFound, RoleUnknown, RoleTooHigh, LastOwner, RoleSeesAll, TeamMissing, TeamFull.
    """
    owners = await workspaces.lock_owners(uow)
    giver = await workspaces.member(uow, by)
    member = await workspaces.member_for_update(uow, user_id)
    if role is not None:
        new = await given(uow, role)
        member.take_role(new, giver=giver.standing, owners=owners, at=now, by=by)
        await workspaces.save_rights(uow, member)
    if visibility is not None or team is not None:
        member.take_visibility(
            member.visibility if visibility is None else visibility,
            member.team if team is None else team,
            giver=giver.standing,
            at=now,
            by=by,
        )
        if (
            member.team
            and await workspaces.team_size(uow, member.team, without=user_id) >= LARGEST_TEAM
        ):
            raise TeamFull(f"A team has at most {LARGEST_TEAM} members.")
        await workspaces.save_rights(uow, member)
    await end_sessions_of_member(uow, user_id=user_id, cause=Cause.ROLE_CHANGED, now=now, by=by)
    await uow.commit()
    return member


async def remove_member(uow: UnitOfWork, *, user_id: UUID, by: UUID, now: datetime) -> None:
    """Raises MemberNotFound, RoleTooHigh, LastOwner."""
    owners = await workspaces.lock_owners(uow)
    remover = await workspaces.member(uow, by)
    member = await workspaces.member_for_update(uow, user_id)
    member.leave(remover=remover.standing, owners=owners, at=now, by=by)
    await workspaces.remove_member(uow, member)
    await api_keys.remove_all(uow, user_id)
    await end_sessions_of_member(uow, user_id=user_id, cause=Cause.MEMBER_REMOVED, now=now, by=by)
    await uow.commit()


async def invite(
    uow: UnitOfWork, *, email: str, role: str, by: UUID, verify: bool, now: datetime
) -> NewInvitation:
    """By a mail, whose link proves the address: with `verify`, nobody else is told the secret.

    Raises EmailInvalid, RoleUnknown, RoleTooHigh.
    """
    inviter, into = await workspaces.member(uow, by), await given(uow, role)
    if not inviter.standing.reaches(into.standing):
        raise RoleTooHigh("You cannot invite somebody into a role that may do what you may not.")
    invitation = NewInvitation(
        id=new_id(),
        email=normal_email(email),
        given=into,
        token=secrets.new_secret(),
        expires_at=now + INVITATION_LIFE,
    )
    await invitations.add(
        uow,
        invitation_id=invitation.id,
        email=invitation.email,
        given=into,
        secret_hash=secrets.digest(invitation.token),
        invited_by=by,
        expires_at=invitation.expires_at,
    )
    workspace = await workspaces.get(uow)
    uow.tell_facts(
        InvitationSent(
            aggregate_id=invitation.id,
            version=1,
            at=now,
            by=by,
            email=invitation.email,
            workspace_name=workspace.name,
            inviter_name=inviter.name,
            role=into.name,
            token=invitation.token,
            expires_at=invitation.expires_at,
        )
    )
    await uow.commit()
    return invitation._replace(token="") if verify else invitation


async def change_profile(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    expected_version: int | None,
    name: str | None,
    locale: str | None,
) -> User:
    """Raises UserHasChanged, NameMissing, LocaleUnknown."""
    user = await users.load_for_update(uow, user_id)
    if expected_version is not None:
        user.expect(expected_version)
    user.change(name=name, locale=locale)
    await users.save(uow, user)
    await uow.commit()
    return user
