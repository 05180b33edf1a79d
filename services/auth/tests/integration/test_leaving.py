"""Accounts that are deleted: at once, for good, and with nothing left that names the person."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest

from auth.application.leaving import LAST
from auth.entrypoints.again import delete_accounts
from auth.entrypoints.app import App
from auth.entrypoints.upkeep import sweep_once
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as pb
from freelanceflow.auth.v1 import api_key_service_pb2 as key_pb
from freelanceflow.auth.v1 import audit_service_pb2 as audit_pb
from freelanceflow.auth.v1 import two_step_service_pb2 as two_step_pb
from freelanceflow.auth.v1 import two_step_service_pb2_grpc as two_step_grpc
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit import erasure, inbox
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'outbox'"
ERASED, REMOVED = "auth.workspace.v1.erased", "auth.member.v1.removed"


@dataclass(frozen=True)
class House:
    """Who lives in it, and its books."""

    door: Door
    app: App
    database: ServiceDatabase

    async def delete(self, person: Person, password: str = PASSWORD, code: str = "") -> None:
        request = pb.DeleteMeRequest(password=password, code=code)
        await self.door.call(self.door.account.DeleteMe, request, identity=person.identity)

    async def id_of(self, person: Person) -> UUID:
        request = pb.GetMeRequest()
        me = await self.door.call(self.door.account.GetMe, request, identity=person.identity)
        return UUID(me.id)

    async def memberships(self, person: Person) -> list[pb.Membership]:
        answer = await self.door.call(
            self.door.account.ListMyWorkspaces,
            pb.ListMyWorkspacesRequest(),
            identity=person.identity,
        )
        return list(answer.memberships)

    async def change_role(self, host: Person, member: UUID, role: str) -> None:
        request = workspace_pb.ChangeMemberRoleRequest(user_id=str(member), role=role)
        change = self.door.workspace.ChangeMemberRole
        await self.door.call(change, request, identity=host.identity)

    async def told(self, type_: str, workspace_id: UUID) -> list[Any]:
        rows = await self.database.owner.fetch(
            "SELECT * FROM outbox WHERE type = $1 AND workspace_id = $2", type_, workspace_id
        )
        return list(rows)

    async def naming(self, *words: str) -> dict[str, int]:
        """The tables that hold one of the words anywhere, what waits to be told aside."""
        found = {}
        for row in await self.database.owner.fetch(TABLES):
            table = row["tablename"]
            count = await self.database.owner.fetchval(
                f"SELECT count(*) FROM {table} t WHERE t::text ILIKE ANY ($1)",
                [f"%{word}%" for word in words],
            )
            if count:
                found[table] = count
        return found

    async def note(self, workspace_id: UUID, actor: UUID, **over: object) -> None:
        """A line of the audit log."""
        values = {
            "workspace_id": workspace_id, "event_id": new_id(), "type": "crm.deal.v1.updated",
            "subject_id": new_id(), "actor_id": actor, "version": 2, "address": "192.0.2.81",
            "detail": "", **over,
        }  # fmt: skip
        names = ", ".join(values)
        given = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.database.owner.execute(
            f"INSERT INTO audit_entries ({names}, happened_at, recorded_at)"
            f" VALUES ({given}, now(), now())",
            *values.values(),
        )


@pytest.fixture
async def house(caller: Caller, app: App, database: ServiceDatabase) -> House:
    return House(Door(caller), app, database)


async def test_whoever_is_alone_takes_the_workspace_along(house: House) -> None:
    person = await house.door.register(name="Ines Quiroga-Sand")
    user_id, workspace_id = await house.id_of(person), person.workspace_id
    request = key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD)
    create = house.door.api_keys.CreateApiKey
    key = (await house.door.call(create, request, identity=person.identity)).key
    await house.note(workspace_id, user_id)
    (mine,) = await house.memberships(person)
    assert (mine.sole_member, mine.only_owner) == (True, False)
    await house.delete(person)
    assert await refused(house.door.log_in(person.email)) == "CREDENTIALS_WRONG"
    assert await refused(house.door.refresh(person.tokens.refresh_token)) == "REFRESH_TOKEN_INVALID"
    exchange = house.door.api_keys.ExchangeApiKey
    asked = key_pb.ExchangeApiKeyRequest(key=key, client_address="192.0.2.9")
    assert await refused(house.door.call(exchange, asked)) == "API_KEY_INVALID"
    (event,) = await house.told(ERASED, workspace_id)
    assert events_pb.WorkspaceErased.FromString(event["body"]).workspace_id == str(workspace_id)
    (event,) = await house.told("auth.user.v1.deleted", user_id)
    assert events_pb.UserDeleted.FromString(event["body"]).email == person.email
    revoked = await house.told("auth.session.v1.revoked", workspace_id)
    causes = [events_pb.SessionRevoked.FromString(row["body"]).cause for row in revoked]
    assert causes == ["account_deleted"]
    await erasure.erase(house.database.system, workspace_id)
    assert await house.naming(person.email, "Quiroga-Sand") == {}
    left = await house.naming(str(workspace_id), str(user_id))
    assert left == {"erasures": 1}


async def test_what_a_program_holds_ends_as_well(house: House) -> None:
    person = await house.door.register()
    request = key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD)
    create = house.door.api_keys.CreateApiKey
    key = (await house.door.call(create, request, identity=person.identity)).key
    asked = key_pb.ExchangeApiKeyRequest(key=key, client_address="192.0.2.9")
    await house.door.call(house.door.api_keys.ExchangeApiKey, asked)
    await house.delete(person)
    assert len(await house.told("auth.session.v1.revoked", person.workspace_id)) == 2


async def test_nobody_leaves_others_without_an_owner(house: House) -> None:
    host = await house.door.register(workspace_name="Harbour Works")
    guest = await house.door.invite(host, "sales")
    (mine,) = await house.memberships(host)
    assert (mine.sole_member, mine.only_owner) == (False, True)
    with pytest.raises(DomainError) as refusal:
        await house.delete(host)
    assert refusal.value.reason == "ONLY_OWNER"
    assert "“Harbour Works”" in refusal.value.message
    assert await house.memberships(host)  # nothing has changed
    await house.change_role(host, await house.id_of(guest), "owner")
    await house.delete(host)
    assert await house.told(ERASED, host.workspace_id) == []
    assert len(await house.told(REMOVED, host.workspace_id)) == 1


async def test_elsewhere_the_lines_stay_and_name_nobody(house: House, clock: FakeClock) -> None:
    host = await house.door.register()
    guest = await house.door.invite(host, "sales")
    user_id = await house.id_of(guest)
    invited = await house.database.owner.fetchval(
        "SELECT id FROM invitations WHERE email = $1", guest.email
    )
    await house.note(host.workspace_id, user_id)
    await house.note(
        host.workspace_id, await house.id_of(host), type="auth.invitation.v1.sent",
        subject_id=invited, detail=guest.email,
    )  # fmt: skip
    await house.delete(guest)
    await house.note(host.workspace_id, user_id)  # of just before, and heard of late
    await sweep_once(house.app)
    lines = await house.database.owner.fetch(
        "SELECT address FROM audit_entries WHERE actor_id = $1", user_id
    )
    assert [line["address"] for line in lines] == ["", ""]
    others = "SELECT count(*) FROM audit_entries WHERE workspace_id = $1 AND address <> ''"
    assert await house.database.owner.fetchval(others, host.workspace_id) == 1
    assert await house.naming(guest.email) == {}
    request = audit_pb.ListAuditEntriesRequest(actor_id=str(user_id))
    answer = await house.door.call(
        house.door.audit.ListAuditEntries, request, identity=host.identity
    )
    assert {entry.actor_name for entry in answer.entries} == {""}
    clock.advance(timedelta(hours=2))
    await sweep_once(house.app)
    assert await house.naming(str(user_id)) == {"audit_entries": 2}


async def test_where_somebody_once_was_they_are_erased_too(house: House) -> None:
    host = await house.door.register()
    guest = await house.door.invite(host, "sales")
    user_id = await house.id_of(guest)
    await house.note(host.workspace_id, user_id)
    await house.database.owner.execute(
        "INSERT INTO members SELECT workspace_id, $2, 1, 'sales', now() FROM workspaces"
        " WHERE workspace_id = $1",
        (other := await house.door.register()).workspace_id,
        user_id,
    )
    request = workspace_pb.RemoveMemberRequest(user_id=str(user_id))
    remove = house.door.workspace.RemoveMember
    await house.door.call(remove, request, identity=host.identity)
    tokens = await house.door.log_in(guest.email)
    await house.delete(Person(guest.email, tokens))
    for workspace_id in (host.workspace_id, other.workspace_id):
        (event,) = await house.told("auth.member.v1.erased", workspace_id)
        told = events_pb.MemberErased.FromString(event["body"])
        assert (told.user_id, told.version) == (str(user_id), LAST)


async def test_who_asks_must_prove_who_they_are(
    house: House, caller: Caller, clock: FakeClock
) -> None:
    person = await house.door.register()
    assert await refused(house.delete(person, "not the password")) == "CREDENTIALS_WRONG"
    steps = two_step_grpc.TwoStepServiceStub(caller.channel)
    started = await house.door.call(
        steps.StartTwoStep,
        two_step_pb.StartTwoStepRequest(password=PASSWORD),
        identity=person.identity,
    )
    totp = pyotp.TOTP(started.secret)
    await house.door.call(
        steps.ConfirmTwoStep,
        two_step_pb.ConfirmTwoStepRequest(code=str(totp.at(clock.now()))),
        identity=person.identity,
    )
    clock.advance(timedelta(seconds=60))
    assert await refused(house.delete(person)) == "CODE_NEEDED"
    assert await refused(house.delete(person, code="000000")) == "CODE_WRONG"
    await house.delete(person, code=str(totp.at(clock.now())))
    assert await house.naming(person.email) == {}


async def test_nobody_is_brought_back_by_a_late_event(house: House) -> None:
    person = await house.door.register()
    await house.delete(person)
    workspace_id, late = person.workspace_id, new_id()
    async with house.app.unit_of_work(workspace_id) as uow:
        assert await inbox.claim(uow, "auth-audit-auth", [late]) == set()
    elsewhere = (await house.door.register()).workspace_id
    async with house.app.unit_of_work(elsewhere) as uow:
        assert await inbox.claim(uow, "auth-audit-auth", [late]) == {late}


async def test_an_operator_deletes_again_whoever_a_backup_brought_back(house: House) -> None:
    host = await house.door.register()
    guest, second = [await house.door.invite(host, "sales") for _ in range(2)]
    ids = [await house.id_of(guest), new_id(), await house.id_of(host)]
    said: list[str] = []
    assert not await delete_accounts(house.app, ids, said.append)
    assert said[:2] == [f"{ids[0]}: deleted", f"{ids[1]}: is gone already"]
    assert said[2].startswith(f"{ids[2]}: not deleted.")
    assert "“Okafor Studio”" in said[2]
    assert await refused(house.door.log_in(guest.email)) == "CREDENTIALS_WRONG"
    assert len(await house.told(REMOVED, host.workspace_id)) == 1
    assert len(await house.told("auth.member.v1.erased", host.workspace_id)) == 1
    await house.change_role(host, await house.id_of(second), "owner")
    assert await delete_accounts(house.app, ids, said.append)
    assert await refused(house.door.log_in(host.email)) == "CREDENTIALS_WRONG"
