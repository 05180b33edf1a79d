"""Signing in in two steps: set up, asked for, used once, lost, ended."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest
from pydantic import ValidationError

from auth.adapters.sealing import Sealing
from auth.config import Settings
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import two_step_service_pb2 as pb
from freelanceflow.auth.v1 import two_step_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.clock import FakeClock
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.browser import Browser
from services.auth.tests.factories import PASSWORD, Door, Person, refused
from services.auth.tests.provider import Provider
from services.auth.tests.recovering import OTHER, link_of, reset

KEYS = "second:" + "k" * 32 + ",first:" + "f" * 32


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


@dataclass
class Phone:
    """Somebody with an application for codes."""

    door: Door
    steps: grpc_api.TwoStepServiceStub
    person: Person
    clock: FakeClock
    seed: str = ""
    codes: tuple[str, ...] = ()

    async def ask(self, method: Any, request: Any, **given: Any) -> Any:
        return await self.door.call(method, request, **given)

    @property
    def code(self) -> str:
        return str(pyotp.TOTP(self.seed).at(self.clock.now()))

    async def start(self, password: str = PASSWORD) -> Any:
        request = pb.StartTwoStepRequest(password=password)
        return await self.ask(self.steps.StartTwoStep, request, identity=self.person.identity)

    async def confirm(self, code: str) -> Any:
        request = pb.ConfirmTwoStepRequest(code=code)
        return await self.ask(self.steps.ConfirmTwoStep, request, identity=self.person.identity)

    async def set_up(self) -> None:
        self.seed = (await self.start()).secret
        self.codes = tuple((await self.confirm(self.code)).codes)
        self.clock.advance(timedelta(seconds=60))  # the code of setting up is used

    async def challenge(self) -> str:
        tokens = await self.door.log_in(self.person.email)
        assert not tokens.access_token
        assert not tokens.refresh_token
        return str(tokens.challenge)

    async def answer(self, challenge: str, code: str) -> Any:
        request = pb.AnswerChallengeRequest(
            challenge=challenge, code=code, device="Firefox", client_address="192.0.2.7"
        )
        return await self.ask(self.steps.AnswerChallenge, request)

    async def state(self) -> Any:
        return await self.ask(
            self.steps.GetTwoStep, pb.GetTwoStepRequest(), identity=self.person.identity
        )

    async def end(self, password: str = PASSWORD) -> None:
        request = pb.EndTwoStepRequest(password=password)
        await self.ask(self.steps.EndTwoStep, request, identity=self.person.identity)


@pytest.fixture
async def phone(caller: Caller, clock: FakeClock) -> Phone:
    door = Door(caller)
    steps = grpc_api.TwoStepServiceStub(caller.channel)
    return Phone(door, steps, await door.register(), clock)


async def test_a_code_is_asked_for_once_a_code_was_seen(phone: Phone) -> None:
    started = await phone.start()
    assert started.uri.startswith("otpauth://totp/FreelanceFlow:")
    assert (await phone.door.log_in(phone.person.email)).access_token  # it does not count yet
    assert await refused(phone.confirm("000000")) == "CODE_WRONG"
    await phone.set_up()
    assert (await phone.state()).on
    tokens = await phone.answer(await phone.challenge(), phone.code)
    assert tokens.user_id == phone.person.tokens.user_id


async def test_turning_it_on_and_off_ends_the_other_sessions_and_is_told(
    phone: Phone, database: ServiceDatabase
) -> None:
    other = await phone.door.log_in(phone.person.email)
    await phone.set_up()
    assert await refused(phone.door.refresh(other.refresh_token)) == "SESSION_ENDED"
    another = await phone.answer(await phone.challenge(), phone.code)
    assert await refused(phone.end("wrong by far")) == "CREDENTIALS_WRONG"
    await phone.end()
    assert await refused(phone.door.refresh(another.refresh_token)) == "SESSION_ENDED"
    assert (await phone.door.log_in(phone.person.email)).access_token
    assert await refused(phone.end()) == "TWO_STEP_NOT_STARTED"
    for key, kind in (
        (phone.person.workspace_id, "auth.member.v1.two_step_changed"),
        (UUID(phone.person.tokens.user_id), "auth.two_step.v1.changed"),
    ):
        rows = await database.owner.fetch(
            "SELECT body FROM outbox WHERE workspace_id = $1 AND type = $2 ORDER BY number",
            key,
            kind,
        )
        message = (
            events_pb.TwoStepChanged if "member" not in kind else events_pb.MemberTwoStepChanged
        )
        assert [message.FromString(row["body"]).on for row in rows] == [True, False]


async def test_a_code_lets_in_once_whoever_has_seen_it(phone: Phone) -> None:
    await phone.set_up()
    challenges = [await phone.challenge() for _ in range(4)]
    code = phone.code
    answers = await asyncio.gather(
        *(phone.answer(challenge, code) for challenge in challenges), return_exceptions=True
    )
    assert sum(isinstance(answer, auth_pb.TokenPair) for answer in answers) == 1
    assert await refused(phone.answer(await phone.challenge(), code)) == "CODE_WRONG"


async def test_a_challenge_is_ended_once_and_outlives_a_wrong_code(phone: Phone) -> None:
    await phone.set_up()
    challenge = await phone.challenge()
    assert await refused(phone.answer(challenge, "000000")) == "CODE_WRONG"
    assert (await phone.answer(challenge, phone.code)).access_token
    phone.clock.advance(timedelta(seconds=30))
    assert await refused(phone.answer(challenge, phone.code)) == "SIGN_IN_NOT_VALID"
    late = await phone.challenge()
    phone.clock.advance(timedelta(minutes=10))
    assert await refused(phone.answer(late, phone.code)) == "SIGN_IN_NOT_VALID"


async def test_guesses_are_counted_at_a_challenge_and_over_all_of_them(phone: Phone) -> None:
    await phone.set_up()
    challenge = await phone.challenge()
    guesses = await asyncio.gather(
        *(refused(phone.answer(challenge, f"{n:06}")) for n in range(20))
    )
    assert guesses.count("CODE_WRONG") == 5
    assert guesses.count("TOO_MANY_ATTEMPTS") == 15
    assert await refused(phone.answer(challenge, phone.code)) == "TOO_MANY_ATTEMPTS"
    others = [await refused(phone.answer(await phone.challenge(), "1")) for _ in range(6)]
    assert others == [*["CODE_WRONG"] * 5, "TOO_MANY_ATTEMPTS"]
    # The person's own place has a budget of its own.
    request = pb.AnswerChallengeRequest(
        challenge=await phone.challenge(), code=phone.code, client_address="198.51.100.9"
    )
    assert (await phone.ask(phone.steps.AnswerChallenge, request)).access_token


async def test_a_code_on_paper_lets_in_once(phone: Phone, database: ServiceDatabase) -> None:
    await phone.set_up()
    spoken = f" {phone.codes[0].upper()} "
    assert (await phone.answer(await phone.challenge(), spoken)).access_token
    assert await refused(phone.answer(await phone.challenge(), phone.codes[0])) == "CODE_WRONG"
    assert (await phone.state()).recovery_codes_left == 9
    request = pb.RenewRecoveryCodesRequest(password=PASSWORD)
    fresh = await phone.ask(phone.steps.RenewRecoveryCodes, request, identity=phone.person.identity)
    assert await refused(phone.answer(await phone.challenge(), phone.codes[1])) == "CODE_WRONG"
    assert (await phone.answer(await phone.challenge(), fresh.codes[0])).access_token
    rows = await database.owner.fetch("SELECT code_hash FROM recovery_codes")
    assert all(code.encode() not in row["code_hash"] for row in rows for code in fresh.codes)


async def test_a_new_password_does_not_pass_the_second_step_by(phone: Phone) -> None:
    await phone.set_up()
    challenge = await phone.challenge()
    changed = account_pb.ChangePasswordRequest(
        current_password=PASSWORD, password="nine blue otters climb a ladder"
    )
    await phone.ask(phone.door.account.ChangePassword, changed, identity=phone.person.identity)
    # What was proven with the old one is worth nothing.
    assert await refused(phone.answer(challenge, phone.code)) == "SIGN_IN_NOT_VALID"
    tokens = await phone.door.log_in(phone.person.email, "nine blue otters climb a ladder")
    assert (tokens.access_token, bool(tokens.challenge)) == ("", True)


async def test_a_link_for_a_new_password_does_not_either(
    phone: Phone, app: App, database: ServiceDatabase
) -> None:
    await phone.set_up()
    await reset(phone.door, await link_of(app, database, phone.door, phone.person.email))
    tokens = await phone.door.log_in(phone.person.email, OTHER)
    assert (tokens.access_token, tokens.refresh_token) == ("", "")
    assert tokens.challenge


async def test_google_does_not_pass_the_second_step_by(phone: Phone, ada: Browser) -> None:
    ada.claims |= {"sub": phone.person.email, "email": phone.person.email}
    await phone.set_up()
    ticket = (await ada.sign_in()).ticket
    assert await refused(ada.connect(ticket)) == "CODE_NEEDED"
    assert await refused(ada.connect(ticket, code="000000")) == "CODE_WRONG"
    assert (await ada.connect(ticket, code=phone.code)).access_token
    tokens = (await ada.sign_in()).tokens
    assert not tokens.access_token
    phone.clock.advance(timedelta(seconds=30))
    assert (await phone.answer(tokens.challenge, phone.code)).access_token


async def test_an_invitation_does_not_pass_the_second_step_by(phone: Phone) -> None:
    await phone.set_up()
    host = await phone.door.register()
    invited = workspace_pb.CreateInvitationRequest(email=phone.person.email, role="viewer")
    invitation = await phone.ask(
        phone.door.workspace.CreateInvitation, invited, identity=host.identity
    )
    accept = auth_pb.AcceptInvitationRequest(token=invitation.token, password=PASSWORD)
    tokens = await phone.ask(phone.door.auth.AcceptInvitation, accept)
    assert not tokens.access_token
    entered = await phone.answer(tokens.challenge, phone.code)
    assert UUID(entered.workspace_id) == host.workspace_id


async def test_a_second_phone_takes_no_place_by_itself(phone: Phone) -> None:
    await phone.set_up()
    assert await refused(phone.start()) == "TWO_STEP_ON"
    assert await refused(phone.start("wrong by far")) == "CREDENTIALS_WRONG"


async def test_nobody_without_a_password_sets_it_up(phone: Phone, ada: Browser) -> None:
    phone.person = await ada.settle()
    assert await refused(phone.start()) == "PASSWORD_NOT_SET"


async def test_a_copy_of_the_database_makes_no_codes(
    phone: Phone, database: ServiceDatabase
) -> None:
    await phone.set_up()
    row = await database.owner.fetchrow(
        "SELECT * FROM totp_devices WHERE user_id = $1", UUID(phone.person.tokens.user_id)
    )
    assert row is not None
    assert phone.seed.encode() not in row["sealed"]


def test_keys_change_and_what_was_sealed_can_be_read() -> None:
    before, after = Sealing("first:" + "f" * 32), Sealing(KEYS)
    old = before.seal("seed")
    assert (after.open(old), after.seal("seed").key_id) == ("seed", "second")
    with pytest.raises(RuntimeError, match="second"):
        before.open(after.seal("seed"))


@pytest.mark.parametrize("keys", ["", "short:k", "k" * 40, KEYS + ","])
def test_keys_that_cannot_be_meant_are_refused(keys: str, database: ServiceDatabase) -> None:
    with pytest.raises(ValidationError, match="id:secret"):
        Settings(
            database_url_app=database.dsns["app"],  # type: ignore[arg-type]
            database_url_system=database.dsns["system"],  # type: ignore[arg-type]
            signing_key_file="keys.json",  # type: ignore[arg-type]
            sealing_keys=keys,  # type: ignore[arg-type]
        )
