"""A new password: changed by whoever knows the present one, or set with the link from a mail."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.application import sessions as session_cases
from auth.application.new_passwords import LINK_LIFE
from auth.domain.errors import CredentialsWrong, SessionEnded
from auth.entrypoints.app import App
from auth.entrypoints.upkeep import sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.rpc.identity import CallIdentity
from kit.testing.background import until
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, newcomer, refused, unique_email
from services.auth.tests.recovering import ELSEWHERE, OTHER, forget, heard, link_of, reset, told


def change(door: Door, person: Person, current: str = PASSWORD, password: str = OTHER) -> Any:
    request = account_pb.ChangePasswordRequest(current_password=current, password=password)
    identity = CallIdentity(person.tokens.access_token, address=ELSEWHERE)
    return door.call(door.account.ChangePassword, request, identity=identity)


async def me(door: Door, identity: CallIdentity) -> account_pb.User:
    return await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=identity)


class TestChanging:
    async def test_other_sessions_end_and_this_one_goes_on(self, door: Door) -> None:
        mira = await door.register()
        phone = await door.log_in(mira.email)
        await change(door, mira)
        assert (await me(door, mira.identity)).has_password
        assert (await door.refresh(mira.tokens.refresh_token)).access_token
        assert await refused(door.refresh(phone.refresh_token)) == "SESSION_ENDED"
        assert await refused(me(door, CallIdentity(phone.access_token))) == "SESSION_REVOKED"
        assert await refused(door.log_in(mira.email)) == "CREDENTIALS_WRONG"
        assert (await door.log_in(mira.email, OTHER)).access_token

    async def test_the_present_password_and_a_good_new_one_are_needed(self, door: Door) -> None:
        mira = await door.register()
        wrong = await refusal_of(change(door, mira, current="not this one at all"))
        assert (wrong.reason, list(wrong.fields)) == ("PASSWORD_WRONG", ["current_password"])
        for bad in ("short", "password12345", "x" * 129, "miraokafor1234"):
            here = await refusal_of(change(door, mira, password=bad))
            there = await refusal_of(door.register(password=bad))
            assert (here.reason, here.fields) == (there.reason, there.fields)
            assert list(here.fields) == ["password"]
        assert (await door.log_in(mira.email)).access_token

    async def test_guessing_is_slowed_down(self, door: Door, clock: FakeClock) -> None:
        mira = await door.register()
        guesses = [change(door, mira, current=f"guess number {n} of many") for n in range(13)]
        reasons = await asyncio.gather(*(refused(guess) for guess in guesses))
        assert sorted(reasons) == ["PASSWORD_WRONG"] * 10 + ["TOO_MANY_ATTEMPTS"] * 3
        assert await refused(change(door, mira)) == "TOO_MANY_ATTEMPTS"
        clock.advance(timedelta(minutes=16))
        tokens = await door.log_in(mira.email)
        await change(door, Person(mira.email, tokens))

    async def test_of_many_at_once_one_holds(self, door: Door) -> None:
        mira = await door.register()
        wanted = [f"{n} heron{n} over the {n} weir" for n in range(5)]
        done = await asyncio.gather(
            *(change(door, mira, password=one) for one in wanted), return_exceptions=True
        )
        (held,) = [one for one, was in zip(wanted, done, strict=True) if not is_refusal(was)]
        assert (await door.log_in(mira.email, held)).access_token

    async def test_it_is_told_to_the_person_once_and_to_each_workspace(
        self, door: Door, database: ServiceDatabase
    ) -> None:
        mira, host = await door.register(), await door.register()
        there = await join(door, host, mira)
        await change(door, mira)
        (mine,) = await told(database, UUID(mira.tokens.user_id), "auth.password.v1.changed")
        said = events_pb.PasswordChanged.FromString(mine["body"])
        assert (said.email, said.name, said.by_link) == (mira.email, "Mira Okafor", False)
        assert mine["headers"]["ff-address"] == ELSEWHERE
        for workspace_id in (mira.workspace_id, host.workspace_id):
            (line,) = await told(database, workspace_id, "auth.member.v1.password_changed")
            headers = line["headers"]
            assert (headers["ff-actor"], headers["ff-address"]) == (
                mira.tokens.user_id,
                ELSEWHERE,
            )
            assert "ff-detail" not in headers
        # The session that is over was in the other workspace, and its end is told there.
        (row,) = await told(database, host.workspace_id, "auth.session.v1.revoked")
        over = events_pb.SessionRevoked.FromString(row["body"])
        assert (over.user_id, over.cause) == (mira.tokens.user_id, "password_changed")
        assert await refused(door.refresh(there.refresh_token)) == "SESSION_ENDED"


class TestForgetting:
    async def test_known_and_unknown_addresses_leave_the_same_behind(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira, nobody = await door.register(), unique_email()
        before = await database.owner.fetchval("SELECT count(*) FROM one_time_tokens")
        count = "SELECT count(*) FROM outbox"
        steps = []
        for email in (mira.email, nobody, "no address at all", "nul\0@studio.example"):
            rows = await database.owner.fetchval(count)
            answer = await forget(door, email)
            assert answer == auth_pb.RequestPasswordResetResponse()
            steps.append(await database.owner.fetchval(count) - rows)
        assert steps == [1, 1, 1, 1]
        assert await database.owner.fetchval("SELECT count(*) FROM one_time_tokens") == before
        await heard(app, database, nobody)
        await heard(app, database, "nul@studio.example")
        assert await database.owner.fetchval("SELECT count(*) FROM one_time_tokens") == before

    async def test_the_link_sets_a_password_once(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira = await door.register()
        token = await link_of(app, database, door, mira.email)
        assert await refused(reset(door, token, "short")) == "PASSWORD_TOO_SHORT"
        assert await reset(door, token) == auth_pb.ResetPasswordResponse()
        assert await refused(reset(door, token)) == "LINK_NOT_VALID"
        assert await refused(door.log_in(mira.email)) == "CREDENTIALS_WRONG"
        assert (await door.log_in(mira.email, OTHER)).access_token

    async def test_of_twenty_uses_at_once_one_works(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira = await door.register()
        token = await link_of(app, database, door, mira.email)
        wanted = [f"{n} heron{n} over the {n} weir" for n in range(20)]
        done = await asyncio.gather(
            *(reset(door, token, one) for one in wanted), return_exceptions=True
        )
        (held,) = [one for one, was in zip(wanted, done, strict=True) if not is_refusal(was)]
        refusals = {was.reason for was in done if isinstance(was, DomainError)}
        assert refusals == {"LINK_NOT_VALID"}
        assert (await door.log_in(mira.email, held)).access_token
        changed = await told(database, UUID(mira.tokens.user_id), "auth.password.v1.changed")
        assert len(changed) == 1

    async def test_a_link_ends_with_its_time_with_the_next_one_and_with_a_change(
        self, door: Door, app: App, database: ServiceDatabase, clock: FakeClock
    ) -> None:
        mira = await door.register()
        first = await link_of(app, database, door, mira.email)
        second = await link_of(app, database, door, mira.email)
        assert await refused(reset(door, first)) == "LINK_NOT_VALID"
        await change(door, mira)
        assert await refused(reset(door, second)) == "LINK_NOT_VALID"
        third = await link_of(app, database, door, mira.email)
        clock.advance(LINK_LIFE)
        assert await refused(reset(door, third)) == "LINK_NOT_VALID"
        assert await refused(reset(door, "no such secret")) == "LINK_NOT_VALID"

    async def test_who_hears_of_it_too_late_makes_no_link(
        self, door: Door, app: App, database: ServiceDatabase, clock: FakeClock
    ) -> None:
        mira = await door.register()
        await forget(door, mira.email)
        clock.advance(LINK_LIFE)
        await heard(app, database, mira.email)
        issued = await told(database, UUID(mira.tokens.user_id), "auth.password.v1.link_issued")
        assert issued == []

    async def test_links_whose_time_is_over_are_forgotten(
        self, door: Door, app: App, database: ServiceDatabase, clock: FakeClock
    ) -> None:
        mira = await door.register()
        await link_of(app, database, door, mira.email)
        count = "SELECT count(*) FROM one_time_tokens WHERE user_id = $1"
        user_id = UUID(mira.tokens.user_id)
        await sweep_once(app)
        assert await database.owner.fetchval(count, user_id) == 1
        clock.advance(LINK_LIFE + timedelta(seconds=1))
        await sweep_once(app)
        assert await database.owner.fetchval(count, user_id) == 0

    async def test_all_sessions_end_in_all_workspaces(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira, host = await door.register(), await door.register()
        there = await join(door, host, mira)
        await reset(door, await link_of(app, database, door, mira.email))
        for tokens in (mira.tokens, there):
            assert await refused(door.refresh(tokens.refresh_token)) == "SESSION_ENDED"
            assert await refused(me(door, CallIdentity(tokens.access_token))) == "SESSION_REVOKED"
        assert (await door.refresh(host.tokens.refresh_token)).access_token
        for workspace_id in (mira.workspace_id, host.workspace_id):
            (line,) = await told(database, workspace_id, "auth.member.v1.password_changed")
            assert line["headers"]["ff-detail"] == "with the link from a mail"
            assert line["headers"]["ff-address"] == ELSEWHERE
            assert len(await told(database, workspace_id, "auth.session.v1.revoked")) == 1

    async def test_who_signs_in_elsewhere_only_gets_a_first_password(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira = await door.register()
        await database.owner.execute(
            "UPDATE users SET password_hash = NULL WHERE email = $1", mira.email
        )
        assert not (await me(door, mira.identity)).has_password
        assert await refused(change(door, mira)) == "PASSWORD_NOT_SET"
        await reset(door, await link_of(app, database, door, mira.email))
        assert (await door.log_in(mira.email, OTHER)).access_token

    async def test_asking_is_limited_for_one_place_and_not_for_ever(
        self, door: Door, clock: FakeClock
    ) -> None:
        email = unique_email()
        asked = [forget(door, email, "192.0.2.201") for _ in range(5)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [r.reason for r in done if isinstance(r, DomainError)] == ["TOO_MANY_ATTEMPTS"] * 2
        await forget(door, email, "192.0.2.202")
        clock.advance(timedelta(minutes=16))
        await forget(door, email, "192.0.2.201")


class TestAnUnprovenAddress:
    @pytest.fixture
    def email_verification(self) -> bool:
        return True

    async def test_the_link_proves_it(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        """Whoever has registered somebody else's address is out, and its owner is in."""
        request = newcomer()
        await door.call(door.auth.Register, request)
        user_id = await database.owner.fetchval(
            "SELECT id FROM users WHERE email = $1", request.email
        )
        (row,) = await told(database, user_id, "auth.verification.v1.requested")
        first = events_pb.VerificationRequested.FromString(row["body"])
        await reset(door, await link_of(app, database, door, request.email))
        assert await refused(door.log_in(request.email)) == "CREDENTIALS_WRONG"
        assert (await door.log_in(request.email, OTHER)).access_token
        verify = auth_pb.VerifyEmailRequest(token=first.token)
        assert await refused(door.call(door.auth.VerifyEmail, verify)) == "LINK_NOT_VALID"


class TestSessionsThatBeginMeanwhile:
    async def test_a_password_that_was_proven_before_lets_nobody_in_after(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira = await door.register()
        user = await session_cases.prove(
            app.system, app.passwords, email=mira.email, password=PASSWORD
        )
        await reset(door, await link_of(app, database, door, mira.email))
        with pytest.raises(CredentialsWrong):
            async with app.system_unit(mira.workspace_id) as uow:
                await session_cases.log_in(
                    uow, app.signer, user=user, new_hash=None, device="", now=app.clock.now()
                )

    async def test_a_reset_waits_for_a_session_that_begins_and_ends_it(
        self, door: Door, app: App, database: ServiceDatabase
    ) -> None:
        mira = await door.register()
        token = await link_of(app, database, door, mira.email)
        user = await session_cases.prove(
            app.system, app.passwords, email=mira.email, password=PASSWORD
        )
        async with app.system_unit(mira.workspace_id) as uow:
            with uow.holding_commit():
                tokens = await session_cases.log_in(
                    uow, app.signer, user=user, new_hash=None, device="", now=app.clock.now()
                )
            resetting = asyncio.ensure_future(reset(door, token))
            await until(lambda: waits_for_a_lock(database))
            await uow.commit()
        await resetting
        assert await refused(door.refresh(tokens.refresh)) == "SESSION_ENDED"

    async def test_a_session_that_is_over_leads_into_no_other_workspace(
        self, door: Door, app: App
    ) -> None:
        mira, host = await door.register(), await door.register()
        await join(door, host, mira)
        listed = await door.call(
            door.account.ListSessions, account_pb.ListSessionsRequest(), identity=mira.identity
        )
        mine = next(UUID(s.id) for s in listed.sessions if s.current)
        await door.call(
            door.auth.LogOut, auth_pb.LogOutRequest(refresh_token=mira.tokens.refresh_token)
        )
        with pytest.raises(SessionEnded):
            async with app.system_unit(host.workspace_id) as uow:
                await session_cases.switch_workspace(
                    uow,
                    app.signer,
                    user_id=UUID(mira.tokens.user_id),
                    session_id=mine,
                    now=app.clock.now(),
                )


async def join(door: Door, host: Person, guest: Person) -> auth_pb.TokenPair:
    """A session of the guest in the host's workspace."""
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=guest.email, role="sales"),
        identity=host.identity,
    )
    accept = auth_pb.AcceptInvitationRequest(token=invitation.token, password=PASSWORD)
    return await door.call(door.auth.AcceptInvitation, accept)


async def refusal_of(work: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        await work
    return refusal.value


def is_refusal(answer: object) -> bool:
    return isinstance(answer, DomainError)


async def waits_for_a_lock(database: ServiceDatabase) -> bool:
    """Whether somebody stands before a row."""
    return bool(await database.owner.fetchval("SELECT true FROM pg_locks WHERE NOT granted"))
