"""Signing in with Google: who is known, who is new, and what is not believed."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr, ValidationError
from starlette.types import Receive, Scope, Send

from auth.bootstrap import open_app
from auth.config import Settings
from auth.entrypoints.app import App
from auth.entrypoints.upkeep import sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import google_service_pb2 as pb
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.clock import FakeClock
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.browser import Browser
from services.auth.tests.factories import PASSWORD, Door, Person, newcomer, refused, unique_email
from services.auth.tests.provider import (
    SECRET,
    WEB,
    Provider,
)

CALLBACK = "http://localhost:8700/auth/google/callback"
VERIFIER = "a verifier that a program has made up for itself, forty-three and more"


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


async def me(door: Door, person: Person) -> account_pb.User:
    return await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=person.identity)


async def test_google_is_told_no_more_than_it_needs(ada: Browser) -> None:
    url = urlsplit(await ada.begin())
    asked = {name: values for name, values in parse_qs(url.query).items()}
    assert asked.keys() == {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "prompt",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid email profile"]


async def test_a_newcomer_chooses_a_name_and_is_known_from_then_on(
    ada: Browser, door: Door, database: ServiceDatabase
) -> None:
    answer = await ada.sign_in()
    assert (answer.email, answer.name, answer.address_known) == (ada.email, "Ada Quill", False)
    assert not answer.HasField("tokens")
    tokens = await ada.register(answer.ticket, currency_code="CHF")
    settled = Person(ada.email, tokens)
    who = await me(door, settled)
    assert (who.email, who.workspace_name, who.currency_code, who.role) == (
        ada.email,
        "Quill & Co.",
        "CHF",
        "owner",
    )
    again = await ada.sign_in()
    assert again.tokens.user_id == tokens.user_id
    assert again.following == "/pipeline"
    (body,) = await database.owner.fetchval(
        "SELECT array_agg(body) FROM outbox WHERE workspace_id = $1 AND type = $2",
        settled.workspace_id,
        "auth.identity.v1.connected",
    )
    told = events_pb.IdentityChanged.FromString(body)
    assert (told.user_id, told.email) == (tokens.user_id, ada.email)


async def test_an_address_may_change_hands_and_an_account_does_not(
    ada: Browser, caller: Caller, provider: Provider
) -> None:
    settled = await ada.settle()
    ada.claims["email"] = unique_email()
    assert (await ada.sign_in()).tokens.user_id == settled.tokens.user_id
    heir = Browser(caller, provider, sub="somebody else", email=settled.email)
    answer = await heir.sign_in()
    assert (answer.address_known, bool(answer.ticket)) == (True, True)
    # There is no password that could prove it.
    assert await refused(heir.connect(answer.ticket)) == "CREDENTIALS_WRONG"


async def test_an_account_with_a_password_is_connected_by_it(ada: Browser, door: Door) -> None:
    mira = await door.register(email=ada.email)
    answer = await ada.sign_in()
    assert answer.address_known
    assert await refused(ada.register(answer.ticket)) == "EMAIL_TAKEN"
    assert await refused(ada.connect(answer.ticket, "not her password")) == "CREDENTIALS_WRONG"
    tokens = await ada.connect(answer.ticket)
    assert tokens.user_id == mira.tokens.user_id
    assert await refused(ada.connect(answer.ticket)) == "SIGN_IN_NOT_VALID"
    assert (await ada.sign_in()).tokens.user_id == mira.tokens.user_id
    assert (await door.log_in(mira.email)).user_id == mira.tokens.user_id


async def test_guesses_at_a_password_are_counted_here_as_well(ada: Browser, door: Door) -> None:
    await door.register(email=ada.email)
    answer = await ada.sign_in()
    guesses = [await refused(ada.connect(answer.ticket, "wrong by far")) for _ in range(11)]
    assert guesses == [*["CREDENTIALS_WRONG"] * 10, "TOO_MANY_ATTEMPTS"]


async def test_what_google_has_not_proven_is_nobodys(ada: Browser, door: Door) -> None:
    ada.claims["email_verified"] = False
    assert await refused(ada.sign_in()) == "EMAIL_NOT_PROVEN"
    await door.register(email=ada.email)
    assert await refused(ada.sign_in()) == "EMAIL_NOT_PROVEN"


class TestWithVerification:
    @pytest.fixture
    def email_verification(self) -> bool:
        return True

    async def test_whoever_registered_the_address_before_its_owner_is_out(
        self, ada: Browser, door: Door, database: ServiceDatabase
    ) -> None:
        intruder = newcomer(email=ada.email, name="Not Ada", workspace_name="Trap")
        await door.call(door.auth.Register, intruder)
        answer = await ada.sign_in()
        assert not answer.address_known  # by nobody who has proven it
        settled = Person(ada.email, await ada.register(answer.ticket))
        who = await me(door, settled)
        assert (who.name, who.workspace_name) == ("Ada Quill", "Quill & Co.")
        assert await refused(door.log_in(ada.email, intruder.password)) == "CREDENTIALS_WRONG"
        links = "SELECT count(*) FROM one_time_tokens WHERE user_id = $1::uuid"
        assert await database.owner.fetchval(links, settled.tokens.user_id) == 0
        workspaces = "SELECT count(*) FROM members WHERE user_id = $1::uuid"
        assert await database.owner.fetchval(workspaces, settled.tokens.user_id) == 1


async def test_a_sign_in_is_ended_once_and_by_who_began_it(
    ada: Browser, caller: Caller, provider: Provider
) -> None:
    back = provider.agree(await ada.begin(), **ada.claims)
    other = Browser(caller, provider)
    await other.begin()
    assert await refused(other.finish(**back)) == "SIGN_IN_NOT_VALID"
    assert await refused(other.finish(**back, browser_secret="made up")) == "SIGN_IN_NOT_VALID"
    assert (await ada.finish(**back)).ticket
    assert await refused(ada.finish(**back)) == "SIGN_IN_NOT_VALID"


async def test_of_many_at_once_one_ends_it(ada: Browser) -> None:
    back = ada.provider.agree(await ada.begin(), **ada.claims)
    ends = await asyncio.gather(*(ada.finish(**back) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(end, pb.GoogleSignIn) for end in ends) == 1


async def test_of_many_at_once_one_uses_a_ticket(ada: Browser, database: ServiceDatabase) -> None:
    ticket = (await ada.sign_in()).ticket
    ends = await asyncio.gather(*(ada.register(ticket) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(end, TokenPair) for end in ends) == 1
    people = "SELECT count(*) FROM users WHERE email = $1"
    assert await database.owner.fetchval(people, ada.email) == 1


async def test_what_takes_ten_minutes_is_over_and_forgotten(
    ada: Browser, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    ticket = (await ada.sign_in()).ticket
    back = ada.provider.agree(await ada.begin(), **ada.claims)
    clock.advance(timedelta(minutes=10))
    assert await refused(ada.finish(**back)) == "SIGN_IN_NOT_VALID"
    assert await refused(ada.register(ticket)) == "SIGN_IN_NOT_VALID"
    await sweep_once(app)
    over = "SELECT count(*) FROM sign_in_flows WHERE expires_at <= $1"
    assert await database.owner.fetchval(over, clock.now()) == 0


async def test_what_is_typed_wrong_leaves_the_ticket(ada: Browser) -> None:
    ticket = (await ada.sign_in()).ticket
    assert await refused(ada.register(ticket, name=" ")) == "NAME_MISSING"
    assert await refused(ada.register(ticket, currency_code="money")) == "CURRENCY_UNKNOWN"
    assert (await ada.register(ticket)).access_token


async def test_nothing_that_is_kept_can_be_read(ada: Browser, database: ServiceDatabase) -> None:
    await ada.begin()
    await ada.sign_in()
    rows = await database.owner.fetch("SELECT * FROM sign_in_flows")
    assert len(rows) >= 2
    assert all(ada.email.encode() not in row["sealed"] for row in rows)
    assert all(b"nonce" not in row["sealed"] for row in rows)


async def test_a_connected_account_is_listed_and_taken_away_by_the_password(
    ada: Browser, door: Door
) -> None:
    mira = await door.register(email=ada.email)
    await ada.connect((await ada.sign_in()).ticket)
    listed = await door.call(
        ada.google.ListGoogleAccounts, pb.ListGoogleAccountsRequest(), identity=mira.identity
    )
    assert [account.email for account in listed.accounts] == [ada.email]

    async def disconnect(password: str) -> None:
        request = pb.DisconnectGoogleRequest(password=password)
        await door.call(ada.google.DisconnectGoogle, request, identity=mira.identity)

    assert await refused(disconnect("wrong by far")) == "CREDENTIALS_WRONG"
    await disconnect(PASSWORD)
    assert await refused(disconnect(PASSWORD)) == "GOOGLE_NOT_CONNECTED"
    assert (await ada.sign_in()).address_known


async def test_while_google_is_silent_others_get_in(
    ada: Browser, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who waits for it holds a connection to the database: there are fewer of those."""
    mira = await door.register()
    monkeypatch.setattr("auth.adapters.google.PATIENCE", 600.0)
    asked, over = asyncio.Semaphore(0), asyncio.Event()

    async def silence(scope: Scope, receive: Receive, send: Send) -> None:
        asked.release()
        await over.wait()

    ada.provider.instead["/token_endpoint"] = silence
    waiting = []
    for _ in range(40):
        back = ada.provider.agree(await ada.begin(), **ada.claims)
        waiting.append(asyncio.create_task(ada.finish(**back)))
        await asked.acquire()
    assert (await door.log_in(mira.email)).access_token
    over.set()
    await asyncio.gather(*waiting, return_exceptions=True)


def test_half_a_client_is_refused_and_production_asks_google_itself(key_file: Path) -> None:
    def settings(**over: Any) -> Settings:
        return Settings(
            database_url_app=SecretStr("postgresql://app@db/auth"),
            database_url_system=SecretStr("postgresql://system@db/auth"),
            signing_key_file=key_file,
            **over,
        )

    with pytest.raises(ValidationError, match="go together"):
        settings(google_client_id=WEB)
    with pytest.raises(ValidationError, match="go together"):
        settings(google_client_secret=SecretStr(SECRET))
    with pytest.raises(ValidationError, match="asks Google itself"):
        settings(profile="production", google_issuer="https://issuer.example")


async def test_where_it_is_not_set_up_nobody_is_sent_away(
    database: ServiceDatabase, key_file: Path, clock: FakeClock
) -> None:
    settings = Settings(
        profile="test",
        database_url_app=SecretStr(database.dsns["app"]),
        database_url_system=SecretStr(database.dsns["system"]),
        signing_key_file=key_file,
    )
    async with open_app(settings, clock=clock) as app:
        assert app.google is None
