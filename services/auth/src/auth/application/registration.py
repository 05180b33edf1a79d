"""How people come in: by themselves, by a mail's link, or by invitation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.adapters import invitations, secrets, users, workspaces
from auth.adapters.passwords import Passwords
from auth.adapters.tokens import TokenSigner
from auth.application import guesses, sessions, two_step
from auth.application.sessions import Tokens
from auth.application.two_step import Challenge
from auth.domain.custom_role import Given
from auth.domain.errors import CredentialsWrong, EmailNotProven, EmailTaken, InvitationNotFound
from auth.domain.facts import VerificationRequested
from auth.domain.roles import Role
from auth.domain.user import User
from auth.domain.workspace import Member, Workspace
from kit.database import Pool, SystemTransaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork

VERIFY = "verify_email"
LINK_LIFE = timedelta(minutes=10)
NOT_VALID = "This invitation is not valid any more."
UNPROVEN = "Prove your address first: “Forgot your password?” at the sign-in sends you a link."


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """What somebody who registers tells us."""

    email: str
    password: str
    name: str
    workspace_name: str
    currency: str
    time_zone: str
    device: str


async def introduce(passwords: Passwords, newcomer: Newcomer, now: datetime) -> User:
    """The person, before any transaction: no connection is held while the password is hashed.

    Raises the complaints of User, and SignInBusy.
    """
    user = User.registering(
        new_id(), email=newcomer.email, name=newcomer.name, password=newcomer.password, at=now
    )
    user.password_hash = await passwords.hash(newcomer.password)
    return user


async def register(
    uow: UnitOfWork,
    signer: TokenSigner,
    *,
    user: User,
    newcomer: Newcomer,
    verify: bool,
    now: datetime,
) -> Tokens | None:
    """A person with the unit's workspace of their own; tokens unless the address is to be proven.

    With `verify` a known address gets the same answer after the same work, and a mail that says
    so. Raises the complaints of Workspace, and EmailTaken without `verify`.
    """
    workspace = Workspace.found(
        uow.workspace_id,
        name=newcomer.workspace_name or user.name,
        currency=newcomer.currency or "EUR",
        time_zone=newcomer.time_zone or "UTC",
        at=now,
        by=user.id,
    )
    known = await users.by_email(uow, user.email)
    if known is not None:
        if not verify:
            said = "Somebody has registered with this address already."
            raise EmailTaken(said, fields={"email": said})
        uow.tell_facts(_verification(known, token="", now=now))
        await uow.commit()
        return None
    user.email_verified_at = None if verify else now
    member = await move_in(uow, user, workspace, now=now)
    if verify:
        await _ask_for_proof(uow, user, now=now)
        await uow.commit()
        return None
    grant, device = member.grant, newcomer.device
    tokens = await sessions.start(uow, signer, grant=grant, device=device, now=now)
    await uow.commit()
    return tokens


async def verify_email(
    uow: UnitOfWork, signer: TokenSigner, *, user_id: UUID, device: str, now: datetime
) -> Tokens:
    """The link that was just used up proves the address, and signs in."""
    user = await users.load_for_update(uow, user_id)
    user.email_verified_at = user.email_verified_at or now
    await users.save(uow, user)
    grant = await sessions.coming_in(uow, user_id)
    tokens = await sessions.start(uow, signer, grant=grant, device=device, now=now)
    await uow.commit()
    return tokens


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Somebody who holds an invitation and has shown who they are."""

    user: User
    is_new: bool
    workspace_id: UUID


async def welcome(
    system: Pool, passwords: Passwords, *, token: str, name: str, password: str, now: datetime
) -> Guest:
    """Who comes with the secret of an invitation; no connection is held while a password is hashed.

    The secret came by mail, so a new person's address counts as proven. Somebody known proves
    theirs first: whoever invites could have registered it.
    Raises InvitationNotFound, CredentialsWrong, EmailNotProven, TooManyAttempts, SignInBusy, and
    what User complains about.
    """
    async with SystemTransaction(system) as tx:
        invited = await invitations.find(tx, secrets.digest(token), now)
        user = invited and await users.by_email(tx, invited.email)
    if invited is None:
        raise InvitationNotFound(NOT_VALID)
    if user is not None:
        await guesses.spend(system, guesses.JOINING, email=user.email, client_address="", now=now)
        if not await passwords.verify(password, user.password_hash):
            raise CredentialsWrong("The password of your account is wrong.")
        if user.email_verified_at is None:
            raise EmailNotProven(UNPROVEN)
        return Guest(user=user, is_new=False, workspace_id=invited.workspace_id)
    user = User.registering(new_id(), email=invited.email, name=name, password=password, at=now)
    user.password_hash, user.email_verified_at = await passwords.hash(password), now
    return Guest(user=user, is_new=True, workspace_id=invited.workspace_id)


async def accept_invitation(
    uow: UnitOfWork, signer: TokenSigner, *, guest: Guest, token: str, device: str, now: datetime
) -> Tokens | Challenge:
    """Join the unit's workspace; of many at a time one uses the invitation up.

    Raises InvitationNotFound, WorkspaceIsClosed, AlreadyMember, EmailTaken, CredentialsWrong.
    """
    await workspaces.hold_open(uow)
    given = await invitations.accept(uow, secrets.digest(token), now)
    if given is None:
        raise InvitationNotFound(NOT_VALID)
    if guest.is_new:
        await users.add(uow, guest.user)
    else:
        await sessions.hold_proof(uow, guest.user)
    member = await join(uow, guest.user, given, now=now)
    if not guest.is_new and (challenge := await two_step.challenge(uow, guest.user, now)):
        return challenge
    tokens = await sessions.start(uow, signer, grant=member.grant, device=device, now=now)
    await uow.commit()
    return tokens


async def move_in(uow: UnitOfWork, user: User, workspace: Workspace, *, now: datetime) -> Member:
    """Somebody new with a new workspace, as part of a larger use case. Raises EmailTaken."""
    await users.add(uow, user)
    await workspaces.add(uow, workspace)
    return await join(uow, user, Given(Role.OWNER), now=now)


async def join(uow: UnitOfWork, user: User, given: Given, *, now: datetime) -> Member:
    """Belong to the unit's workspace, as part of a larger use case. Raises AlreadyMember."""
    member = _member(user, uow.workspace_id, given, now)
    member.version = await workspaces.next_version(uow, user.id)
    member.join(by=user.id)
    await workspaces.add_member(uow, member)
    return member


async def _ask_for_proof(uow: UnitOfWork, user: User, *, now: datetime) -> None:
    token = secrets.new_secret()
    await users.add_link(
        uow,
        secret_hash=secrets.digest(token),
        purpose=VERIFY,
        user_id=user.id,
        expires_at=now + LINK_LIFE,
    )
    uow.tell_facts(_verification(user, token=token, now=now))


def _verification(user: User, *, token: str, now: datetime) -> VerificationRequested:
    return VerificationRequested(
        aggregate_id=user.id,
        version=1,
        at=now,
        by=None,
        email=user.email,
        name=user.name,
        token=token,
        expires_at=now + LINK_LIFE,
    )


def _member(user: User, workspace_id: UUID, given: Given, now: datetime) -> Member:
    return Member(
        id=user.id,
        workspace_id=workspace_id,
        version=1,
        email=user.email,
        name=user.name,
        locale=user.locale,
        role=given.role,
        custom=given.custom,
        joined_at=now,
    )
