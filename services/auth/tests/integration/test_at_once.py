"""Somebody comes in, or rights change, in the moment in which a workspace or an owner goes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.application import closing
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import api_key_service_pb2 as key_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.clock import FakeClock
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused, unique_email

WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
LIVE = "SELECT count(*) FROM sessions WHERE workspace_id = $1 AND ended_at IS NULL"
OWNERS = "SELECT count(*) FROM members WHERE workspace_id = $1 AND role = 'owner'"


class Moment:
    """What is begun in it waits, and all of it goes on when it is over."""

    def __init__(self, database: ServiceDatabase) -> None:
        self._database = database
        self.begun: list[asyncio.Task[Any]] = []

    async def begin(self, work: Coroutine[Any, Any, object]) -> None:
        self.begun.append(task := asyncio.create_task(work))
        while not task.done() and await self._waiting() < len(self.begun):  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.01)

    async def _waiting(self) -> int:
        return int(await self._database.owner.fetchval(WAITING))


@asynccontextmanager
async def moment(database: ServiceDatabase, hold: str) -> AsyncIterator[Moment]:
    """While a table is held, whoever writes there waits."""
    held = Moment(database)
    async with database.owner.acquire() as other, other.transaction():
        await other.execute(hold)
        yield held
    await asyncio.wait(held.begun)


async def close(door: Door, owner: Person) -> auth_pb.TokenPair:
    asked = workspace_pb.CloseWorkspaceRequest(
        workspace_id=str(owner.workspace_id), name="Okafor Studio", password=PASSWORD
    )
    return await door.call(door.workspace.CloseWorkspace, asked, identity=owner.identity)


async def reopen(door: Door, tokens: auth_pb.TokenPair) -> None:
    person = Person("", tokens)
    asked = workspace_pb.ReopenWorkspaceRequest(workspace_id=str(person.workspace_id))
    await door.call(door.workspace.ReopenWorkspace, asked, identity=person.identity)


async def delete(door: Door, person: Person) -> None:
    asked = account_pb.DeleteMeRequest(password=PASSWORD)
    await door.call(door.account.DeleteMe, asked, identity=person.identity)


async def demote(door: Door, person: Person) -> None:
    asked = workspace_pb.ChangeMemberRoleRequest(user_id=person.tokens.user_id, role="sales")
    await door.call(door.workspace.ChangeMemberRole, asked, identity=person.identity)


async def invite(door: Door, host: Person, email: str = "") -> str:
    email = email or unique_email()
    asked = workspace_pb.CreateInvitationRequest(email=email, role="sales")
    made = await door.call(door.workspace.CreateInvitation, asked, identity=host.identity)
    return str(made.token)


async def join(door: Door, token: str) -> auth_pb.TokenPair:
    asked = auth_pb.AcceptInvitationRequest(token=token, name="Noor Vance", password=PASSWORD)
    return await door.call(door.auth.AcceptInvitation, asked)


async def switch(door: Door, person: Person, workspace_id: UUID) -> auth_pb.TokenPair:
    asked = account_pb.SwitchWorkspaceRequest(workspace_id=str(workspace_id))
    return await door.call(door.account.SwitchWorkspace, asked, identity=person.identity)


async def erase(app: App, workspace_id: UUID) -> None:
    async with app.system_unit(workspace_id) as uow:
        await closing.erase_workspace(uow, now=app.clock.now())


async def is_there(database: ServiceDatabase, email: str) -> bool:
    return bool(await database.owner.fetchval("SELECT 1 FROM users WHERE email = $1", email))


async def allowed(door: Door, tokens: auth_pb.TokenPair) -> list[str]:
    identity = Person("", tokens).identity
    me = await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=identity)
    return list(me.permissions)


async def make_key(door: Door, person: Person) -> str:
    asked = key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD)
    made = await door.call(door.api_keys.CreateApiKey, asked, identity=person.identity)
    return str(made.key)


async def exchange(door: Door, key: str) -> None:
    asked = key_pb.ExchangeApiKeyRequest(key=key, client_address="192.0.2.9")
    await door.call(door.api_keys.ExchangeApiKey, asked)


async def test_of_two_owners_who_step_down_at_once_one_stays(
    door: Door, database: ServiceDatabase
) -> None:
    host = await door.register()
    second = await door.invite(host, "owner")
    async with moment(database, "LOCK TABLE former_members IN SHARE MODE") as now:
        await now.begin(delete(door, host))
        await now.begin(demote(door, second))
    assert await database.owner.fetchval(OWNERS, host.workspace_id) == 1


async def test_nobody_is_invited_into_a_workspace_that_is_gone(
    door: Door, database: ServiceDatabase
) -> None:
    host = await door.register()
    token = await invite(door, host)
    await delete(door, host)
    assert await refused(join(door, token)) == "INVITATION_NOT_FOUND"
    people = "SELECT count(*) FROM members WHERE workspace_id = $1"
    assert await database.owner.fetchval(people, host.workspace_id) == 0


async def test_an_invitation_waits_until_the_workspace_is_reopened(door: Door) -> None:
    host = await door.register()
    token = await invite(door, host)
    tokens = await close(door, host)
    assert await refused(join(door, token)) == "WORKSPACE_CLOSED"
    await reopen(door, tokens)
    assert (await join(door, token)).workspace_id == str(host.workspace_id)


@pytest.mark.parametrize("closes_first", [True, False])
async def test_nobody_comes_in_with_the_rights_of_before(
    door: Door, database: ServiceDatabase, closes_first: bool
) -> None:
    host, other = await door.register(), await door.register()
    guest = await door.invite(host, "sales")
    await join(door, await invite(door, host, other.email))
    key, token = await make_key(door, guest), await invite(door, host)
    coming = [
        door.log_in(guest.email),
        switch(door, other, host.workspace_id),
        exchange(door, key),
        join(door, token),
    ]
    works = [close(door, host), *coming] if closes_first else [*coming, close(door, host)]
    async with moment(database, "LOCK TABLE sessions IN SHARE MODE") as now:
        for work in works:
            await now.begin(work)
    if closes_first:
        _, logged_in, switched, exchanged, joined = now.begun
        for tokens in (logged_in.result(), switched.result()):
            assert await allowed(door, tokens) == []
        for outcome in (exchanged, joined):
            assert await refused(outcome) == "WORKSPACE_CLOSED"
    else:
        assert await database.owner.fetchval(LIVE, host.workspace_id) == 1  # who has closed it


async def test_whoever_is_in_two_workspaces_that_end_at_once_goes_with_them(
    door: Door, app: App, database: ServiceDatabase, clock: FakeClock
) -> None:
    one, two = await door.register(), await door.register()
    guest = await door.invite(one, "sales")
    await join(door, await invite(door, two, guest.email))
    for host in (one, two):
        await close(door, host)
    clock.advance(timedelta(days=15))
    async with moment(database, "LOCK TABLE erasures IN SHARE MODE") as now:
        for host in (one, two):
            await now.begin(erase(app, host.workspace_id))
    for erased in now.begun:
        erased.result()
    for gone in (one, two, guest):
        assert not await is_there(database, gone.email)


async def test_whoever_joins_elsewhere_as_their_workspace_ends_stays(
    door: Door, app: App, database: ServiceDatabase, clock: FakeClock
) -> None:
    host, other = await door.register(), await door.register()
    guest = await door.invite(host, "sales")
    await close(door, host)
    clock.advance(timedelta(days=15))
    other = Person(other.email, await door.log_in(other.email))
    token = await invite(door, other, guest.email)
    async with moment(database, "LOCK TABLE members IN SHARE MODE") as now:
        await now.begin(join(door, token))
        await now.begin(erase(app, host.workspace_id))
    joined, erased = now.begun
    erased.result()
    assert joined.result().workspace_id == str(other.workspace_id)
    assert (await door.log_in(guest.email)).workspace_id == str(other.workspace_id)
