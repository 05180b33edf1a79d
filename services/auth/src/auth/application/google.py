"""Signing in with Google: one function per use case.

A sign-in is begun in a browser and ended by the same one. Whoever is known by their Google account
is in; for anybody else it brings a ticket, with which they make an account or connect theirs.
"""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from auth.adapters import flows, identities, secrets, two_step, users, workspaces
from auth.adapters.google import Asked, Google
from auth.adapters.sealing import Sealing
from auth.adapters.tokens import TokenSigner
from auth.application import sessions as session_cases
from auth.application import two_step as two_step_cases
from auth.application.registration import move_in
from auth.application.sessions import Tokens
from auth.domain.errors import EmailNotProven, EmailTaken, GoogleNotConnected, SignInNotValid
from auth.domain.facts import Cause
from auth.domain.identity import Claims
from auth.domain.user import User
from auth.domain.workspace import Workspace
from kit.database import Pool, SystemTransaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork

BROWSER, TICKET = "google_browser", "google_ticket"


class Begun(NamedTuple):
    """Where the browser goes, and what it must bring back."""

    authorization_url: str
    browser_secret: str


class Ticket(NamedTuple):
    """For somebody whom Google knows and we do not."""

    secret: str
    address_known: bool
    claims: Claims


async def begin(
    system: Pool, google: Google, *, redirect_uri: str, following: str, now: datetime
) -> Begun:
    """Raises GoogleUnavailable."""
    asked = Asked(redirect_uri, secrets.new_secret(), secrets.new_secret())
    state = secrets.new_secret()
    url = await google.authorization_url(asked, state)
    content = {**asked._asdict(), "state": state, "following": following}
    async with SystemTransaction(system) as tx:
        secret = await flows.begin(tx, BROWSER, content, now)
        await tx.commit()
    return Begun(url, secret)


async def come_back(
    system: Pool, google: Google, *, browser_secret: str, state: str, code: str, now: datetime
) -> tuple[Claims, str]:
    """Who came back, and where they want to be. It is over before Google is asked for the code.

    Raises SignInNotValid, GoogleRefused, GoogleUnavailable.
    """
    async with SystemTransaction(system) as tx:
        begun = await flows.end(tx, BROWSER, browser_secret, now)
        await tx.commit()
    if begun is None or not secrets.same(begun["state"], state):
        raise _not_valid()
    asked = Asked(begun["redirect_uri"], begun["nonce"], begun["code_verifier"])
    return await google.claims(code, asked), begun["following"]


async def recognise(system: Pool, claims: Claims, now: datetime) -> User | Ticket:
    """Who it is, by issuer and subject alone; else a ticket. Raises EmailNotProven."""
    async with SystemTransaction(system) as tx:
        user_id = await identities.whose(tx, claims)
        if user_id is not None:
            return await users.get(tx, user_id)
        if not claims.email_verified:
            raise EmailNotProven("Google has not seen it proven that this address is yours.")
        known = await users.by_email(tx, claims.email)
        secret = await flows.begin(tx, TICKET, asdict(claims), now)
        await tx.commit()
    return Ticket(secret, known is not None and known.email_verified_at is not None, claims)


async def holder(system: Pool, ticket: str, now: datetime) -> tuple[Claims, User | None]:
    """Whose ticket it is, and who is known by their address. Raises SignInNotValid."""
    async with SystemTransaction(system) as tx:
        content = await flows.look(tx, TICKET, ticket, now)
        if content is None:
            raise _not_valid()
        claims = Claims(**content)
        return claims, await users.by_email(tx, claims.email)


class Newcomer(NamedTuple):
    """What somebody who comes from Google tells us themselves."""

    name: str
    workspace_name: str
    currency: str
    time_zone: str
    device: str


async def register(
    uow: UnitOfWork,
    signer: TokenSigner,
    *,
    ticket: str,
    claims: Claims,
    newcomer: Newcomer,
    now: datetime,
) -> Tokens:
    """A person with the unit's workspace: a new one, or that of an address nobody had proven.

    Raises SignInNotValid, EmailTaken, NameMissing, and what Workspace complains about.
    """
    await _use(uow, ticket, now)
    known = await users.by_email(uow, claims.email)
    if known is None:
        user = await _settle(uow, claims, newcomer, now)
    else:
        user = await _take_over(uow, known.id, newcomer, now)
    return await _connect(uow, signer, user, claims, device=newcomer.device, now=now)


async def connect(
    uow: UnitOfWork,
    signer: TokenSigner,
    sealing: Sealing,
    *,
    ticket: str,
    claims: Claims,
    user: User,
    code: str,
    device: str,
    now: datetime,
) -> Tokens:
    """Let a person, who has just proven their password, in by this account from now on.

    The code is asked for while the proof is held: nobody who is just turning it on is passed by.
    Raises SignInNotValid, IdentityTaken, CredentialsWrong, CodeNeeded, CodeWrong.
    """
    await session_cases.hold_proof(uow, user)
    await two_step_cases.expect(uow, sealing, user_id=user.id, code=code, now=now)
    await _use(uow, ticket, now)
    return await _connect(uow, signer, user, claims, device=device, now=now)


async def disconnect(uow: UnitOfWork, *, user: User, now: datetime) -> None:
    """Take the way in away from a person who has just proven their password.

    Raises GoogleNotConnected, CredentialsWrong.
    """
    await session_cases.hold_proof(uow, user)
    gone = await identities.remove(uow, user.id)
    if not gone:
        raise GoogleNotConnected("No Google account is connected.")
    for email in gone:
        user.disconnected(email, at=now)
    uow.tell(user)
    await uow.commit()


async def _use(uow: UnitOfWork, ticket: str, now: datetime) -> None:
    if await flows.end(uow, TICKET, ticket, now) is None:
        raise _not_valid()


async def _settle(uow: UnitOfWork, claims: Claims, newcomer: Newcomer, now: datetime) -> User:
    user = User.arriving(new_id(), email=claims.email, name=newcomer.name, at=now)
    workspace = Workspace.found(
        uow.workspace_id,
        name=newcomer.workspace_name or user.name,
        currency=newcomer.currency or "EUR",
        time_zone=newcomer.time_zone or "UTC",
        at=now,
        by=user.id,
    )
    await move_in(uow, user, workspace, now=now)
    return user


async def _take_over(uow: UnitOfWork, user_id: UUID, newcomer: Newcomer, now: datetime) -> User:
    """Whoever registered the address had no say yet, and has none from now on."""
    user = await users.load_for_update(uow, user_id)
    if user.email_verified_at is not None:  # perhaps just now, by the link from a mail
        raise EmailTaken("Somebody has registered with this address meanwhile. Sign in again.")
    user.claim(name=newcomer.name, at=now)
    await users.save(uow, user)
    await users.drop_links(uow, user.id)
    await two_step.remove(uow, user.id)
    await session_cases.end_sessions_of(uow, user_id=user.id, but=None, cause=Cause.ENDED, now=now)
    workspace = await workspaces.load_for_update(uow)
    workspace.change(
        name=newcomer.workspace_name or user.name,
        currency=newcomer.currency or None,
        time_zone=newcomer.time_zone or None,
        at=now,
        by=user.id,
    )
    await workspaces.save(uow, workspace)
    return user


async def _connect(
    uow: UnitOfWork,
    signer: TokenSigner,
    user: User,
    claims: Claims,
    *,
    device: str,
    now: datetime,
) -> Tokens:
    await identities.add(uow, claims, user.id, now)
    user.connected(claims.email, at=now)
    uow.tell(user)
    grant = await session_cases.coming_in(uow, user.id)
    tokens = await session_cases.start(uow, signer, grant=grant, device=device, now=now)
    await uow.commit()
    return tokens


def _not_valid() -> SignInNotValid:
    return SignInNotValid("This sign-in was ended before, took too long, or began elsewhere.")
