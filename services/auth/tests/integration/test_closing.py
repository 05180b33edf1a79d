"""Workspaces that are deleted: closed for some days, reopened, or erased with who is only there."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.entrypoints.app import App
from auth.entrypoints.upkeep import WARN_BEFORE, sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import api_key_service_pb2 as key_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as pb
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused

NAME = "Harbour Works"


@dataclass(frozen=True)
class House:
    """A workspace with an owner."""

    door: Door
    app: App
    database: ServiceDatabase
    clock: FakeClock
    owner: Person

    @property
    def id(self) -> str:
        return str(self.owner.workspace_id)

    async def close(self, who: Person | None = None, **over: str) -> auth_pb.TokenPair:
        given = {"workspace_id": self.id, "name": NAME, "password": PASSWORD, **over}
        request = pb.CloseWorkspaceRequest(**given)
        identity = (who or self.owner).identity
        return await self.door.call(self.door.workspace.CloseWorkspace, request, identity=identity)

    async def reopen(self, tokens: auth_pb.TokenPair) -> auth_pb.TokenPair:
        request = pb.ReopenWorkspaceRequest(workspace_id=self.id)
        identity = CallIdentity(tokens.access_token)
        return await self.door.call(self.door.workspace.ReopenWorkspace, request, identity=identity)

    async def me(self, tokens: auth_pb.TokenPair) -> account_pb.User:
        identity = CallIdentity(tokens.access_token)
        request = account_pb.GetMeRequest()
        return await self.door.call(self.door.account.GetMe, request, identity=identity)

    async def told(self, type_: str) -> list[Any]:
        rows = await self.database.owner.fetch(
            "SELECT * FROM outbox WHERE type = $1 AND workspace_id = $2", type_, UUID(self.id)
        )
        return list(rows)

    async def pass_by(self, days: float) -> None:
        self.clock.advance(timedelta(days=days))
        await sweep_once(self.app)


@pytest.fixture
async def house(caller: Caller, app: App, database: ServiceDatabase, clock: FakeClock) -> House:
    door = Door(caller)
    return House(door, app, database, clock, await door.register(workspace_name=NAME))


async def test_a_closed_workspace_lets_nobody_work(house: House) -> None:
    member = await house.door.invite(house.owner, "admin")
    create, key = house.door.api_keys.CreateApiKey, key_pb.CreateApiKeyRequest(name="N")
    key.password = PASSWORD
    secret = (await house.door.call(create, key, identity=house.owner.identity)).key
    tokens = await house.close()
    me = await house.me(tokens)
    assert list(me.permissions) == ["workspace.delete"]
    assert me.erase_time.ToDatetime() == (house.clock.now() + timedelta(days=14)).replace(
        tzinfo=None
    )
    for old in (house.owner, member):
        assert await refused(house.door.refresh(old.tokens.refresh_token)) == "SESSION_ENDED"
    again = await house.door.log_in(member.email)
    assert list((await house.me(again)).permissions) == []
    asked = key_pb.ExchangeApiKeyRequest(key=secret, client_address="192.0.2.9")
    exchange = house.door.api_keys.ExchangeApiKey
    assert await refused(house.door.call(exchange, asked)) == "WORKSPACE_CLOSED"
    (event,) = await house.told("auth.workspace.v1.closed")
    told = events_pb.WorkspaceClosed.FromString(event["body"])
    assert [owner.email for owner in told.owners] == [house.owner.email]


async def test_an_owner_reopens_it_as_it_was(house: House) -> None:
    tokens = await house.reopen(await house.close())
    assert "deals.write" in (await house.me(tokens)).permissions
    assert not (await house.me(tokens)).HasField("erase_time")
    assert len(await house.told("auth.workspace.v1.reopened")) == 1
    assert await refused(house.reopen(tokens)) == "WORKSPACE_NOT_CLOSED"
    await house.pass_by(20)
    assert await house.told("auth.workspace.v1.erased") == []


async def test_whoever_leaves_others_in_it_is_told_to_reopen_it(house: House) -> None:
    await house.door.invite(house.owner, "sales")
    tokens = await house.close()
    request = account_pb.DeleteMeRequest(password=PASSWORD)
    identity = CallIdentity(tokens.access_token)
    with pytest.raises(DomainError, match="“Harbour Works” \\(closed: reopen it first\\)"):
        await house.door.call(house.door.account.DeleteMe, request, identity=identity)


async def test_only_an_owner_deletes_who_is_sure_and_proves_it(house: House) -> None:
    admin = await house.door.invite(house.owner, "admin")
    assert await refused(house.close(admin)) == "PERMISSION_MISSING"
    assert await refused(house.close(name="Harbour")) == "NAME_DIFFERS"
    assert await refused(house.close(password="not the password")) == "CREDENTIALS_WRONG"
    stranger = await house.door.register()
    assert await refused(house.close(stranger)) == "WORKSPACE_NOT_FOUND"
    assert await house.told("auth.workspace.v1.closed") == []


async def test_it_is_erased_after_its_days_with_a_word_before(house: House) -> None:
    member = await house.door.invite(house.owner, "sales")
    guest = await house.door.register()
    guest_id = UUID((await house.me(guest.tokens)).id)
    await house.database.owner.execute(
        "INSERT INTO members SELECT $1, $2, 1, 'sales', now()", UUID(house.id), guest_id
    )
    tokens = await house.close()
    await house.pass_by(14 - WARN_BEFORE.days - 1)
    assert await house.told("auth.workspace.v1.erasure_near") == []
    for _ in range(2):
        await house.pass_by(0.6)
    assert len(await house.told("auth.workspace.v1.erasure_near")) == 1
    assert await house.told("auth.workspace.v1.erased") == []
    await house.pass_by(2)
    assert len(await house.told("auth.workspace.v1.erased")) == 1
    assert await refused(house.reopen(tokens))
    for gone in (house.owner, member):
        assert await refused(house.door.log_in(gone.email)) == "CREDENTIALS_WRONG"
        rows = await house.database.owner.fetch("SELECT 1 FROM users WHERE email = $1", gone.email)
        assert rows == []
    assert (await house.door.log_in(guest.email)).workspace_id == guest.tokens.workspace_id


async def test_who_has_another_workspace_comes_into_that(house: House) -> None:
    guest = await house.door.register()
    guest_id = UUID((await house.me(guest.tokens)).id)
    await house.database.owner.execute(
        "INSERT INTO members SELECT $1, $2, 1, 'sales', now() - interval '9 years'",
        UUID(house.id),
        guest_id,
    )
    assert (await house.door.log_in(guest.email)).workspace_id == house.id
    await house.close()
    assert (await house.door.log_in(guest.email)).workspace_id == guest.tokens.workspace_id
    (there,) = [
        one
        for one in (
            await house.door.call(
                house.door.account.ListMyWorkspaces,
                account_pb.ListMyWorkspacesRequest(),
                identity=guest.identity,
            )
        ).memberships
        if one.workspace_id == house.id
    ]
    assert there.HasField("erase_time")
