"""Signing in and staying so, over real gRPC and a real database."""

import asyncio
import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from auth.adapters.passwords import AT_ONCE
from auth.domain.session import ABSOLUTE_LIFE, REPEAT_GRACE
from auth.entrypoints.app import App
from auth.entrypoints.upkeep import sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import key_service_pb2 as key_pb
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.testing.background import until
from kit.testing.database import ServiceDatabase
from services.auth.tests.conftest import NOON
from services.auth.tests.factories import PASSWORD, Door, refused, unique_email

AFTER_GRACE = REPEAT_GRACE + timedelta(seconds=1)


async def test_who_signs_in_is_told_who_they_are(door: Door) -> None:
    mira = await door.register()
    tokens = await door.log_in(mira.email.upper())
    me = await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=mira.identity)
    assert (me.email, me.role, me.workspace_name) == (mira.email, "owner", "Okafor Studio")
    assert "deals.write" in me.permissions
    assert tokens.workspace_id == me.workspace_id


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(door: Door) -> None:
    mira = await door.register()
    answers = []
    for email in (mira.email, unique_email(), "no address at all", "nul\0@x.example"):
        with pytest.raises(DomainError) as refusal:
            await door.log_in(email, "wrong horse battery staple")
        answers.append((refusal.value.reason, refusal.value.message))
    assert set(answers) == {("CREDENTIALS_WRONG", "E-mail address or password is wrong.")}


async def test_guessing_is_slowed_down_and_not_for_ever(door: Door, clock: FakeClock) -> None:
    mira = await door.register()
    guesses = [door.log_in(mira.email, f"guess number {n} of many") for n in range(14)]
    reasons = await asyncio.gather(*(refused(guess) for guess in guesses))
    assert sorted(reasons) == ["CREDENTIALS_WRONG"] * 10 + ["TOO_MANY_ATTEMPTS"] * 4
    assert await refused(door.log_in(mira.email)) == "TOO_MANY_ATTEMPTS"
    clock.advance(timedelta(minutes=16))
    assert (await door.log_in(mira.email)).access_token


async def test_whose_password_waits_for_its_turn_holds_no_connection(door: Door, app: App) -> None:
    """More wait than there are connections, and nobody is turned away."""
    others_are_done = threading.Event()
    for _ in range(AT_ONCE):
        app.passwords._threads.submit(others_are_done.wait)
    guesses = [refused(door.log_in(unique_email())) for _ in range(12)]
    newcomers = [door.register() for _ in range(12)]
    rush = asyncio.gather(*guesses, *newcomers)
    try:
        await until(lambda: app.passwords._waiting == 24)
    finally:
        others_are_done.set()
    answers = await rush
    assert answers[:12] == ["CREDENTIALS_WRONG"] * 12


async def test_the_right_password_starts_the_count_afresh(door: Door) -> None:
    mira = await door.register()
    for _ in range(3):
        for n in range(5):
            assert await refused(door.log_in(mira.email, f"guess {n} of a tired person"))
        await door.log_in(mira.email)


async def test_a_refresh_token_works_once(door: Door, clock: FakeClock) -> None:
    mira = await door.register()
    second = await door.refresh(mira.tokens.refresh_token)
    assert second.refresh_token != mira.tokens.refresh_token
    clock.advance(AFTER_GRACE)
    third = await door.refresh(second.refresh_token)
    assert third.access_token


async def test_of_twenty_at_once_one_rotates_and_all_get_its_successor(door: Door) -> None:
    mira = await door.register()
    answers = await asyncio.gather(*(door.refresh(mira.tokens.refresh_token) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1


async def test_a_stolen_token_ends_the_session_and_everybody_is_told(
    door: Door, clock: FakeClock, database: ServiceDatabase
) -> None:
    mira = await door.register()
    second = await door.refresh(mira.tokens.refresh_token)
    clock.advance(AFTER_GRACE)
    assert await refused(door.refresh(mira.tokens.refresh_token)) == "SESSION_ENDED"
    assert await refused(door.refresh(second.refresh_token)) == "SESSION_ENDED"
    body = await database.owner.fetchval(
        "SELECT body FROM outbox WHERE workspace_id = $1 AND type = 'auth.session.v1.revoked'",
        mira.workspace_id,
    )
    told = events_pb.SessionRevoked.FromString(body)
    assert (told.user_id, told.cause) == (mira.tokens.user_id, "reuse_detected")


async def test_an_idle_session_ends(door: Door, clock: FakeClock) -> None:
    mira = await door.register()
    clock.advance(timedelta(days=7, seconds=1))
    assert await refused(door.refresh(mira.tokens.refresh_token)) == "REFRESH_TOKEN_INVALID"


async def test_a_used_session_ends_after_thirty_days(door: Door, clock: FakeClock) -> None:
    tokens = (await door.register()).tokens
    for _ in range(5):
        clock.advance(timedelta(days=6))
        if clock.now() - NOON >= ABSOLUTE_LIFE:
            break
        tokens = await door.refresh(tokens.refresh_token)
    assert await refused(door.refresh(tokens.refresh_token)) == "REFRESH_TOKEN_INVALID"


async def test_logging_out_ends_the_session_at_once(door: Door) -> None:
    mira = await door.register()
    request = auth_pb.LogOutRequest(refresh_token=mira.tokens.refresh_token)
    await door.call(door.auth.LogOut, request)
    await door.call(door.auth.LogOut, request)
    assert await refused(door.refresh(mira.tokens.refresh_token)) == "SESSION_ENDED"
    me = door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=mira.identity)
    assert await refused(me) == "SESSION_REVOKED"


async def test_logging_out_of_nothing_is_no_error(door: Door) -> None:
    await door.call(door.auth.LogOut, auth_pb.LogOutRequest(refresh_token="no such token"))


async def test_sessions_are_seen_and_ended_by_their_person_only(door: Door) -> None:
    mira, other = await door.register(), await door.register()
    await door.log_in(mira.email)
    listed = await door.call(
        door.account.ListSessions,
        account_pb.ListSessionsRequest(page_size=1),
        identity=mira.identity,
    )
    rest = await door.call(
        door.account.ListSessions,
        account_pb.ListSessionsRequest(page_token=listed.next_page_token),
        identity=mira.identity,
    )
    both = [*listed.sessions, *rest.sessions]
    assert [s.current for s in both] == [False, True]
    assert not rest.next_page_token
    end = account_pb.EndSessionRequest(session_id=both[0].id)
    foreign = door.call(door.account.EndSession, end, identity=other.identity)
    assert await refused(foreign) == "SESSION_NOT_FOUND"
    ended = await door.call(
        door.account.EndSession, account_pb.EndSessionRequest(), identity=mira.identity
    )
    assert ended.ended == 1
    again = door.call(door.account.EndSession, end, identity=mira.identity)
    assert await refused(again) == "SESSION_NOT_FOUND"


async def test_an_outdated_hash_is_renewed_at_sign_in(
    door: Door, database: ServiceDatabase
) -> None:
    mira = await door.register()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await database.owner.execute(
        "UPDATE users SET password_hash = $1 WHERE email = $2", weak, mira.email
    )
    await door.log_in(mira.email)
    kept = await database.owner.fetchval(
        "SELECT password_hash FROM users WHERE email = $1", mira.email
    )
    assert "m=47104" in kept
    assert (await door.log_in(mira.email)).access_token


async def test_auth_tells_whether_a_session_is_live(door: Door, app: App, clock: FakeClock) -> None:
    mira = await door.register()
    sessions = await door.call(
        door.account.ListSessions, account_pb.ListSessionsRequest(), identity=mira.identity
    )
    ask = key_pb.IsSessionActiveRequest(session_id=sessions.sessions[0].id)
    assert (await door.call(door.keys.IsSessionActive, ask)).active
    await door.call(
        door.auth.LogOut, auth_pb.LogOutRequest(refresh_token=mira.tokens.refresh_token)
    )
    assert not (await door.call(door.keys.IsSessionActive, ask)).active
    clock.advance(timedelta(days=31))
    await sweep_once(app)
    assert not (await door.call(door.keys.IsSessionActive, ask)).active
