"""Somebody wants an account with another's address, before its owner comes or while they do."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest

from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.errors import DomainError
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.browser import Browser
from services.auth.tests.factories import PASSWORD, Door, Person, newcomer, refused, unique_email
from services.auth.tests.provider import Provider

PROVEN = "UPDATE users SET email_verified_at = now() WHERE email = $1"
OTHER_PASSWORD = "UPDATE users SET password_hash = 'x' WHERE email = $1"
TWO_STEPS = """INSERT INTO totp_devices (user_id, key_id, sealed, confirmed_at)
SELECT id, 'any', 'any', now() FROM users WHERE email = $1"""
BLOCKED = "SELECT true FROM pg_locks WHERE NOT granted"


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


async def invited(door: Door, host: Person, email: str) -> workspace_pb.Invitation:
    asked = workspace_pb.CreateInvitationRequest(email=email, role="viewer")
    return await door.call(door.workspace.CreateInvitation, asked, identity=host.identity)


async def mailed(database: ServiceDatabase, invitation: workspace_pb.Invitation) -> str:
    """The secret that goes out by mail."""
    body = await database.owner.fetchval(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND type = 'auth.invitation.v1.sent'",
        UUID(invitation.id),
    )
    return events_pb.InvitationSent.FromString(body).token


async def joined(door: Door, token: str, password: str = PASSWORD) -> auth_pb.TokenPair:
    asked = auth_pb.AcceptInvitationRequest(token=token, name="Ada", password=password)
    return await door.call(door.auth.AcceptInvitation, asked)


async def meanwhile(
    database: ServiceDatabase, change: str, email: str, work: Coroutine[Any, Any, object]
) -> asyncio.Task[object]:
    """`work` comes to the person's row while a change to it is about to be committed."""
    async with database.owner.acquire() as other, other.transaction():
        await other.execute("SELECT FROM users WHERE email = $1 FOR UPDATE", email)
        await other.execute(change, email)
        task = asyncio.create_task(work)
        while not (task.done() or await database.owner.fetchval(BLOCKED)):  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.01)
    return task


class TestWithVerification:
    @pytest.fixture
    def email_verification(self) -> bool:
        return True

    async def test_an_invitation_does_not_let_in_who_has_not_proven_the_address(
        self,
        ada: Browser,
        caller: Caller,
        provider: Provider,
        door: Door,
        database: ServiceDatabase,
    ) -> None:
        """Whoever got the mail need not be who registered: both would be in one account."""
        intruder = await Browser(caller, provider).settle()
        await door.call(door.auth.Register, newcomer(email=ada.email))
        made = await invited(door, intruder, ada.email)
        assert not made.token  # who invites is not told what proves another's address
        token = await mailed(database, made)
        assert await refused(joined(door, token, "wrong by far")) == "CREDENTIALS_WRONG"
        assert await refused(joined(door, token)) == "EMAIL_NOT_PROVEN"

    @pytest.mark.parametrize("form", [str.upper, " {} ".format])
    async def test_whoever_registers_before_or_after_the_owner_gets_nothing(
        self, ada: Browser, door: Door, form: Callable[[str], str]
    ) -> None:
        intruder = newcomer(email=form(ada.email), password="nine blue otters climb a ladder")
        await door.call(door.auth.Register, intruder)
        settled = await ada.settle()
        await door.call(door.auth.Register, intruder)
        assert await refused(door.log_in(ada.email, intruder.password)) == "CREDENTIALS_WRONG"
        assert (await ada.sign_in()).tokens.user_id == settled.tokens.user_id

    async def test_an_address_that_is_proven_just_now_is_not_taken_over(
        self, ada: Browser, door: Door, database: ServiceDatabase
    ) -> None:
        await door.call(door.auth.Register, newcomer(email=ada.email))
        ticket = (await ada.sign_in()).ticket
        late = await meanwhile(database, PROVEN, ada.email, ada.register(ticket))
        assert await refused(late) == "EMAIL_TAKEN"
        assert (await door.log_in(ada.email)).access_token
        assert (await ada.sign_in()).address_known


async def test_of_many_addresses_of_one_google_account_one_is_registered(
    ada: Browser, database: ServiceDatabase
) -> None:
    tickets, emails = [], [unique_email() for _ in range(8)]
    for ada.claims["email"] in emails:
        tickets.append((await ada.sign_in()).ticket)
    ends = await asyncio.gather(*map(ada.register, tickets), return_exceptions=True)
    reasons = [end.reason for end in ends if isinstance(end, DomainError)]
    assert reasons == ["IDENTITY_TAKEN"] * 7
    people = "SELECT count(*) FROM users WHERE email = ANY($1::text[])"
    assert await database.owner.fetchval(people, emails) == 1


async def test_a_password_that_is_changed_just_now_connects_nothing(
    ada: Browser, door: Door, database: ServiceDatabase
) -> None:
    await door.register(email=ada.email)
    ticket = (await ada.sign_in()).ticket
    late = await meanwhile(database, OTHER_PASSWORD, ada.email, ada.connect(ticket))
    assert await refused(late) == "CREDENTIALS_WRONG"
    assert not (await ada.sign_in()).HasField("tokens")


async def test_two_steps_that_are_turned_on_just_now_are_both_asked_for(
    ada: Browser, door: Door, database: ServiceDatabase
) -> None:
    await door.register(email=ada.email)
    ticket = (await ada.sign_in()).ticket
    late = await meanwhile(database, TWO_STEPS, ada.email, ada.connect(ticket))
    assert await refused(late) == "CODE_NEEDED"


async def test_guesses_with_an_invitation_are_counted(door: Door) -> None:
    mira, noor = await door.register(), await door.register()
    token = (await invited(door, mira, noor.email)).token
    guesses = [await refused(joined(door, token, "wrong by far")) for _ in range(11)]
    assert guesses == [*["CREDENTIALS_WRONG"] * 10, "TOO_MANY_ATTEMPTS"]
    assert (await door.log_in(noor.email)).access_token
