"""Keys for programs: made, used, cut to what their owner may do, taken back."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.application.guesses import KEYS
from auth.entrypoints.app import App
from auth.entrypoints.upkeep import sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import api_key_service_pb2 as pb
from freelanceflow.auth.v1 import key_service_pb2 as key_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.api_key import digest_of, is_api_key, new_api_key
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity, KeyScope, Principal
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused


@dataclass(frozen=True)
class Keys:
    """Somebody's keys."""

    door: Door
    app: App
    clock: FakeClock
    person: Person
    identity: CallIdentity

    def of(self, person: Person) -> "Keys":
        return replace(self, person=person, identity=person.identity)

    async def signed_in_again(self) -> "Keys":
        return self.of(Person(self.person.email, await self.door.log_in(self.person.email)))

    async def make(self, name: str = "Nightly export", **over: Any) -> pb.ApiKey:
        request = pb.CreateApiKeyRequest(**{"name": name, "password": PASSWORD, **over})
        return await self.door.call(
            self.door.api_keys.CreateApiKey, request, identity=self.identity
        )

    async def all(self) -> list[pb.ApiKey]:
        answer = await self.door.call(
            self.door.api_keys.ListApiKeys, pb.ListApiKeysRequest(), identity=self.identity
        )
        return list(answer.keys)

    async def revoke(self, key_id: str) -> None:
        request = pb.RevokeApiKeyRequest(id=key_id)
        await self.door.call(self.door.api_keys.RevokeApiKey, request, identity=self.identity)

    async def exchange(self, key: str, address: str = "192.0.2.9") -> CallIdentity:
        request = pb.ExchangeApiKeyRequest(key=key, client_address=address)
        answer = await self.door.call(self.door.api_keys.ExchangeApiKey, request)
        return CallIdentity(answer.access_token)

    async def principal(self, key: str) -> Principal:
        verifier, _ = self.app.verifier(clock=self.clock)
        return await verifier.verify(f"Bearer {(await self.exchange(key)).token}")

    async def is_active(self, session_id: UUID) -> bool:
        request = key_pb.IsSessionActiveRequest(session_id=str(session_id))
        return bool((await self.door.call(self.door.keys.IsSessionActive, request)).active)

    async def sessions(self) -> list[str]:
        answer = await self.door.call(
            self.door.account.ListSessions,
            account_pb.ListSessionsRequest(),
            identity=self.identity,
        )
        return [session.id for session in answer.sessions]

    async def change_rights(self, user_id: UUID, **rights: str) -> None:
        request = workspace_pb.ChangeMemberRoleRequest(user_id=str(user_id), **rights)
        change = self.door.workspace.ChangeMemberRole
        await self.door.call(change, request, identity=self.identity)

    async def remove(self, user_id: str) -> None:
        request = workspace_pb.RemoveMemberRequest(user_id=user_id)
        await self.door.call(self.door.workspace.RemoveMember, request, identity=self.identity)


@pytest.fixture
async def keys(caller: Caller, app: App, clock: FakeClock) -> Keys:
    door = Door(caller)
    person = await door.register()
    return Keys(door, app, clock, person, person.identity)


async def told(database: ServiceDatabase, type_: str, subject: str) -> bytes:
    body = await database.owner.fetchval(
        "SELECT body FROM outbox WHERE type = $1 AND aggregate_id = $2", type_, UUID(subject)
    )
    assert isinstance(body, bytes)
    return body


async def test_a_key_is_shown_once_and_speaks_for_its_owner(
    keys: Keys, database: ServiceDatabase
) -> None:
    made = await keys.make(" Nightly   export ", expire_days=30)
    assert is_api_key(made.key)
    assert (made.name, made.read_only, made.expired) == ("Nightly export", False, False)
    assert made.expire_time.ToDatetime() - made.create_time.ToDatetime() == timedelta(days=30)
    me = await keys.door.call(
        keys.door.account.GetMe, account_pb.GetMeRequest(), identity=await keys.exchange(made.key)
    )
    assert me.email == keys.person.email
    assert "deals.write" in me.permissions
    (listed,) = await keys.all()
    assert listed.key == ""
    assert listed.last_use_time.ToDatetime() == keys.clock.now().replace(tzinfo=None)
    dump = await database.owner.fetch("SELECT api_keys::text AS row FROM api_keys")
    assert not any(made.key[4:40] in row["row"] for row in dump)
    body = await told(database, "auth.key.v1.created", made.id)
    fact = events_pb.ApiKeyCreated.FromString(body)
    assert (fact.email, fact.key_name) == (keys.person.email, "Nightly export")
    assert made.key.encode() not in body


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"name": "  "}, "NAME_MISSING"),
        ({"name": "x" * 101}, "NAME_MISSING"),
        ({"name": "a\x00b"}, "NAME_MISSING"),
        ({"expire_days": 367}, "KEY_LIFE_INVALID"),
        ({"expire_days": -1}, "KEY_LIFE_INVALID"),
        ({"password": "not the password at all"}, "CREDENTIALS_WRONG"),
    ],
)
async def test_what_cannot_be_made_is_not(keys: Keys, over: dict[str, Any], reason: str) -> None:
    assert await refused(keys.make(**over)) == reason
    assert await keys.all() == []


async def test_a_person_has_twenty_at_most_also_when_two_are_made_at_once(keys: Keys) -> None:
    for n in range(19):
        await keys.make(f"Key {n}")
    tried = await asyncio.gather(keys.make(), keys.make(), return_exceptions=True)
    (error,) = [t for t in tried if isinstance(t, DomainError)]
    assert error.reason == "TOO_MANY_API_KEYS"
    assert len(await keys.all()) == 20


async def test_a_read_only_key_reads_and_no_more(keys: Keys) -> None:
    principal = await keys.principal((await keys.make(read_only=True)).key)
    assert principal.key is KeyScope.READ
    assert principal.permissions
    assert all(name.endswith(".read") for name in principal.permissions)
    assert (await keys.principal((await keys.make()).key)).key is KeyScope.ALL


async def test_a_key_does_not_reach_its_owners_account(keys: Keys) -> None:
    made = await keys.make()
    program = replace(keys, identity=await keys.exchange(made.key))
    for work in (program.make(), program.all(), program.revoke(made.id), program.sessions()):
        assert await refused(work) == "API_KEY_NOT_ENOUGH"


async def test_a_revoked_key_takes_its_tokens_along(keys: Keys, database: ServiceDatabase) -> None:
    made, other = await keys.make("Bücher"), await keys.make("Other")
    session = (await keys.principal(made.key)).session_id
    assert session == (await keys.principal(made.key)).session_id  # one for all of its tokens
    assert await keys.is_active(session)
    await keys.revoke(made.id)
    assert not await keys.is_active(session)
    assert await refused(keys.exchange(made.key)) == "API_KEY_INVALID"
    assert await refused(keys.revoke(made.id)) == "API_KEY_NOT_FOUND"
    assert [key.id for key in await keys.all()] == [other.id]
    ended = await told(database, "auth.session.v1.revoked", str(session))
    assert events_pb.SessionRevoked.FromString(ended).cause == "key_revoked"
    revoked = await told(database, "auth.key.v1.revoked", made.id)
    assert events_pb.ApiKeyRevoked.FromString(revoked).key_name == "Bücher"


async def test_an_expired_key_is_refused_shown_as_such_and_forgotten_in_time(keys: Keys) -> None:
    made = await keys.make(expire_days=1)
    await keys.make("For ever")
    keys.clock.advance(timedelta(days=1) - timedelta(minutes=2))
    assert (await keys.principal(made.key)).expires_at - keys.clock.now().timestamp() == 120
    keys.clock.advance(timedelta(minutes=2))
    assert await refused(keys.exchange(made.key)) == "API_KEY_EXPIRED"
    assert [(key.name, key.expired) for key in await (await keys.signed_in_again()).all()] == [
        ("For ever", False),
        ("Nightly export", True),
    ]
    keys.clock.advance(timedelta(days=31))
    await sweep_once(keys.app)
    assert [key.name for key in await (await keys.signed_in_again()).all()] == ["For ever"]


async def test_a_key_may_do_what_its_owner_may_now(keys: Keys) -> None:
    noor = keys.of(await keys.door.invite(keys.person, "sales"))
    made = await noor.make()
    before = await noor.principal(made.key)
    await keys.change_rights(before.user_id, visibility="own")
    assert not await keys.is_active(before.session_id)  # the tokens with the old rights are over
    after = await noor.principal(made.key)
    assert after.session_id != before.session_id
    assert after.sight.owners == (before.user_id,)
    await keys.change_rights(before.user_id, role="viewer")
    assert "deals.write" not in (await noor.principal(made.key)).permissions


async def test_who_leaves_takes_the_keys_along(keys: Keys, database: ServiceDatabase) -> None:
    noor = keys.of(await keys.door.invite(keys.person, "sales"))
    made = await noor.make()
    principal = await noor.principal(made.key)
    await keys.remove(str(principal.user_id))
    assert not await keys.is_active(principal.session_id)
    assert await refused(keys.exchange(made.key)) == "API_KEY_INVALID"
    kept = "SELECT count(*) FROM api_keys WHERE user_id = $1"
    assert await database.owner.fetchval(kept, principal.user_id) == 0


async def test_nobody_is_removed_and_keeps_a_token_of_the_same_moment(keys: Keys) -> None:
    for _ in range(5):
        noor = keys.of(await keys.door.invite(keys.person, "sales"))
        made = await noor.make()
        tried = await asyncio.gather(
            *(noor.principal(made.key) for _ in range(4)),
            keys.remove(noor.person.tokens.user_id),
            return_exceptions=True,
        )
        for outcome in tried:
            if isinstance(outcome, Principal):
                assert not await keys.is_active(outcome.session_id)


async def test_keys_are_nobody_elses_to_see_or_to_take_back(keys: Keys) -> None:
    made = await keys.make()
    colleague = keys.of(await keys.door.invite(keys.person, "admin"))
    stranger = keys.of(await keys.door.register())
    for other in (colleague, stranger):
        assert await other.all() == []
        assert await refused(other.revoke(made.id)) == "API_KEY_NOT_FOUND"
    assert await keys.exchange(made.key)


async def test_programs_are_no_sessions_of_a_person(keys: Keys) -> None:
    made = await keys.make()
    session = (await keys.principal(made.key)).session_id
    assert str(session) not in await keys.sessions()
    end_others = account_pb.EndSessionRequest()
    await keys.door.call(keys.door.account.EndSession, end_others, identity=keys.identity)
    assert await keys.is_active(session)


async def test_who_does_not_give_up_is_told_to_wait_and_nobody_else_is(keys: Keys) -> None:
    made = await keys.make()
    address = digest_of(made.key).hex()  # nobody else's
    for _ in range(KEYS[0].allowed):
        assert await refused(keys.exchange(new_api_key(), address)) == "API_KEY_INVALID"
    assert await refused(keys.exchange(new_api_key(), address)) == "TOO_MANY_ATTEMPTS"
    assert await keys.exchange(made.key, address)


async def test_many_uses_at_once_have_one_session(keys: Keys) -> None:
    made = await keys.make()
    used = await asyncio.gather(*(keys.principal(made.key) for _ in range(20)))
    assert len({principal.session_id for principal in used}) == 1
