"""Roles of one's own: what they allow, whom a change reaches, and whose they are."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from auth.adapters.audit import MOST
from auth.application import roles as cases
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import account_events_pb2 as events
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import api_key_service_pb2 as key_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import own_data_service_pb2 as own_pb
from freelanceflow.auth.v1 import own_data_service_pb2_grpc as own_grpc
from freelanceflow.auth.v1 import role_events_pb2 as role_events
from freelanceflow.auth.v1 import role_service_pb2 as pb
from freelanceflow.auth.v1 import role_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.database import Transaction
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused, unique_email

ANALYTICS, EXPORTS = "analytics.read", "exports.write"


class Office(Door):
    """A door behind which roles are made."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.roles = grpc_api.RoleServiceStub(caller.channel)

    async def make(
        self,
        person: Person,
        name: str = "Bookkeeper",
        *,
        base: str = "finance",
        permissions: Iterable[str] = (EXPORTS,),
    ) -> pb.Role:
        request = pb.CreateRoleRequest(name=name, base=base, permissions=permissions)
        return await self.call(self.roles.CreateRole, request, identity=person.identity)

    async def listed(self, person: Person) -> dict[str, pb.Role]:
        request = pb.ListRolesRequest()
        answer = await self.call(self.roles.ListRoles, request, identity=person.identity)
        return {role.name: role for role in answer.roles}

    async def change(self, person: Person, role: pb.Role, *paths: str) -> pb.Role:
        mask = FieldMask(paths=paths or ("permissions",))
        request = pb.UpdateRoleRequest(role=role, update_mask=mask, etag=role.etag)
        return await self.call(self.roles.UpdateRole, request, identity=person.identity)

    async def delete(self, person: Person, role: pb.Role, move_to: str = "") -> None:
        request = pb.DeleteRoleRequest(role_id=role.id, move_to=move_to, etag=role.etag)
        await self.call(self.roles.DeleteRole, request, identity=person.identity)

    async def give(self, host: Person, person: Person, role: str) -> workspace_pb.Member:
        request = workspace_pb.ChangeMemberRoleRequest(user_id=person.tokens.user_id, role=role)
        return await self.call(self.workspace.ChangeMemberRole, request, identity=host.identity)

    async def back(self, person: Person) -> Person:
        """Somebody whose session has ended signs in again."""
        return Person(person.email, await self.log_in(person.email))

    async def me(self, person: Person) -> account_pb.User:
        request = account_pb.GetMeRequest()
        return await self.call(self.account.GetMe, request, identity=person.identity)


@pytest.fixture
def office(caller: Caller) -> Office:
    return Office(caller)


async def told(database: ServiceDatabase, person: Person, type: str) -> list[asyncpg.Record]:
    sql = "SELECT * FROM outbox WHERE workspace_id = $1 AND type = $2 ORDER BY number"
    return await database.system.fetch(sql, person.workspace_id, type)


async def test_who_is_given_one_may_do_what_it_allows(office: Office) -> None:
    mira = await office.register()
    noor = await office.invite(mira, "sales")
    role = await office.make(mira, "  Book  keeper ")
    assert (role.name, role.base, role.etag) == ("Book keeper", "finance", "1")
    member = await office.give(mira, noor, role.id)
    assert (member.role, member.custom_role_id, member.custom_role_name) == (
        *("finance", role.id),
        "Book keeper",
    )
    assert await refused(office.me(noor)) == "SESSION_REVOKED"
    me = await office.me(await office.back(noor))
    assert (me.role, me.custom_role_name) == ("finance", "Book keeper")
    assert set(me.permissions) == set(role.permissions)
    assert ANALYTICS not in me.permissions
    assert EXPORTS in me.permissions
    assert (await office.listed(mira))["Book keeper"].member_count == 1
    again = await office.give(mira, noor, "finance")
    assert (again.role, again.custom_role_id) == ("finance", "")
    assert ANALYTICS in (await office.me(await office.back(noor))).permissions


async def test_the_built_in_ones_are_listed_first_and_never_change(office: Office) -> None:
    mira = await office.register()
    await office.make(mira, "Zeta")
    await office.make(mira, "Alpha")
    found = await office.listed(mira)
    names = ["Owner", "Admin", "Manager", "Sales", "Finance", "Viewer", "Alpha", "Zeta"]
    assert list(found) == names
    assert (found["Owner"].id, found["Owner"].etag, found["Owner"].member_count) == ("owner", "", 1)
    assert await refused(office.delete(mira, found["Viewer"])) == "INVALID_INPUT"


async def test_a_change_reaches_who_has_it_as_a_change_of_role_does(
    office: Office, database: ServiceDatabase
) -> None:
    mira = await office.register()
    noor, theo = await office.invite(mira, "sales"), await office.invite(mira, "viewer")
    role = await office.make(mira)
    await office.give(mira, noor, role.id)
    noor = await office.back(noor)
    key = await office.call(
        office.api_keys.CreateApiKey,
        key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD),
        identity=noor.identity,
    )
    role.permissions[:] = [ANALYTICS]
    changed = await office.change(mira, role)
    assert (changed.etag, changed.member_count) == ("2", 1)
    assert await refused(office.refresh(noor.tokens.refresh_token)) == "SESSION_ENDED"
    await office.refresh(theo.tokens.refresh_token)  # has another role
    permissions = set((await office.me(await office.back(noor))).permissions)
    assert permissions == set(changed.permissions)
    assert {ANALYTICS, EXPORTS} & permissions == {ANALYTICS}
    exchange = key_pb.ExchangeApiKeyRequest(key=key.key)
    by_key = await office.call(office.api_keys.ExchangeApiKey, exchange)
    program = Person(noor.email, auth_pb.TokenPair(access_token=by_key.access_token))
    assert set((await office.me(program)).permissions) == permissions
    last = (await told(database, mira, "auth.member.v1.role_changed"))[-1]
    member = events.MemberAdded.FromString(last["body"])
    assert (member.user_id, member.role) == (noor.tokens.user_id, "finance")
    assert set(member.permissions) == permissions  # crm goes by these
    (event,) = await told(database, mira, "auth.role.v1.changed")
    message = role_events.RoleChanged.FromString(event["body"])
    assert EXPORTS in message.previous_permissions
    assert set(message.permissions) == permissions
    assert event["headers"]["ff-detail"] == f"Bookkeeper: +{ANALYTICS} −{EXPORTS}"


async def test_another_name_ends_no_session(office: Office, database: ServiceDatabase) -> None:
    mira = await office.register()
    noor = await office.invite(mira, "sales")
    role = await office.make(mira)
    await office.give(mira, noor, role.id)
    noor = await office.back(noor)
    role.name = "Accountant"
    role = await office.change(mira, role, "name")
    assert (await office.me(noor)).custom_role_name == "Accountant"
    stale = office.change(mira, pb.Role(id=role.id, name="Late", etag="1"), "name")
    assert await refused(stale) == "ROLE_HAS_CHANGED"
    (event,) = await told(database, mira, "auth.role.v1.changed")
    assert event["headers"]["ff-detail"] == "Bookkeeper → Accountant"


async def test_two_roles_are_not_called_the_same(office: Office) -> None:
    mira, other = await office.register(), await office.register()
    await office.make(mira)
    assert await refused(office.make(mira, "BOOKKEEPER")) == "ROLE_NAME_TAKEN"
    await office.make(other)  # elsewhere they may
    second = await office.make(mira, "Second")
    second.name = "bookkeeper"
    assert await refused(office.change(mira, second, "name")) == "ROLE_NAME_TAKEN"


async def test_a_role_in_use_goes_only_when_somebody_says_what_comes_after(
    office: Office,
) -> None:
    mira = await office.register()
    noor = await office.invite(mira, "sales")
    role, other = await office.make(mira), await office.make(mira, "Other", permissions=())
    await office.give(mira, noor, role.id)
    noor = await office.back(noor)
    assert await refused(office.delete(mira, role)) == "ROLE_IN_USE"
    assert await refused(office.delete(mira, role, role.id)) == "ROLE_UNKNOWN"
    assert await refused(office.delete(mira, role, "boss")) == "ROLE_UNKNOWN"
    await office.delete(mira, role, other.id)
    assert await refused(office.me(noor)) == "SESSION_REVOKED"
    noor = await office.back(noor)
    assert (await office.me(noor)).custom_role_name == "Other"
    await office.delete(mira, other, "viewer")
    me = await office.me(await office.back(noor))
    assert (me.role, me.custom_role_name) == ("viewer", "")
    assert await refused(office.delete(mira, other)) == "ROLE_NOT_FOUND"


async def test_an_invitation_leads_into_it_and_elsewhere_once_it_is_gone(office: Office) -> None:
    mira = await office.register()
    role = await office.make(mira)
    noor = await office.invite(mira, role.id)
    me = await office.me(noor)
    assert (me.custom_role_name, set(me.permissions)) == ("Bookkeeper", set(role.permissions))
    await office.give(mira, noor, "viewer")
    invite = workspace_pb.CreateInvitationRequest(email=unique_email(), role=role.id)
    open_one = await office.call(office.workspace.CreateInvitation, invite, identity=mira.identity)
    assert (open_one.role, open_one.custom_role_name) == ("finance", "Bookkeeper")
    assert await refused(office.delete(mira, role)) == "ROLE_IN_USE"
    await office.delete(mira, role, "viewer")
    accept = auth_pb.AcceptInvitationRequest(token=open_one.token, name="Theo", password=PASSWORD)
    theo = Person(invite.email, await office.call(office.auth.AcceptInvitation, accept))
    assert (await office.me(theo)).role == "viewer"


async def test_nobody_gives_what_they_do_not_have(office: Office) -> None:
    mira = await office.register()
    noor, theo = await office.invite(mira, "sales"), await office.invite(mira, "finance")
    people = ("members.write", "audit.read")
    role = await office.make(mira, "People", base="admin", permissions=people)
    await office.give(mira, noor, role.id)
    noor = await office.back(noor)
    for reason in (
        await refused(office.give(noor, noor, "admin")),  # of the same rank, but with more
        await refused(office.give(noor, theo, "viewer")),  # who may export
        await refused(office.make(noor, "Mine", base="admin", permissions=("settings.write",))),
        await refused(office.delete(noor, role, "admin")),
        await refused(office.invite(noor, "finance")),
    ):
        assert reason == "ROLE_TOO_HIGH"
    role.permissions.append("settings.write")
    assert await refused(office.change(noor, role)) == "ROLE_TOO_HIGH"
    await office.make(noor, "Watcher", base="viewer", permissions=())
    sales = await office.invite(mira, "sales")
    assert await refused(office.make(sales)) == "PERMISSION_MISSING"


async def test_there_is_an_end_to_roles(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST", 2)
    mira = await office.register()
    await office.make(mira, "First")

    async def make(name: str) -> str:
        try:
            await office.make(mira, name)
        except DomainError as refusal:
            return refusal.reason
        return "made"

    assert sorted(await asyncio.gather(make("Second"), make("Third"))) == [
        *("TOO_MANY_ROLES", "made"),
    ]


async def test_another_workspaces_role_is_not_there(
    office: Office, database: ServiceDatabase, app: App
) -> None:
    mira, other = await office.register(), await office.register()
    noor = await office.invite(other, "sales")
    role = await office.make(mira)
    assert "Bookkeeper" not in await office.listed(other)
    assert await refused(office.give(other, noor, role.id)) == "ROLE_UNKNOWN"
    assert await refused(office.change(other, role)) == "ROLE_NOT_FOUND"
    assert await refused(office.delete(other, role)) == "ROLE_NOT_FOUND"
    assert await database.app.fetch("SELECT 1 FROM custom_roles") == []
    async with Transaction(database.app, other.workspace_id) as tx:
        assert await tx._connection.fetch("SELECT 1 FROM custom_roles") == []
        moved = "UPDATE custom_roles SET name = 'x' WHERE id = $1"
        assert await tx._connection.execute(moved, UUID(role.id)) == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with Transaction(database.app, other.workspace_id) as tx:
            await tx._connection.execute(
                "INSERT INTO custom_roles VALUES ($1, $2, 1, 'x', 'viewer', '{}')",
                mira.workspace_id,
                new_id(),
            )
    with pytest.raises(asyncpg.ForeignKeyViolationError):  # nor can a member point there
        async with Transaction(database.app, other.workspace_id) as tx:
            await tx._connection.execute("UPDATE members SET custom_role_id = $1", UUID(role.id))


async def test_two_who_change_a_role_at_once_do_not_meet_half_way(office: Office) -> None:
    """Whoever is given a role while it is changed has what it allows in the end."""
    mira = await office.register()
    noor = await office.invite(mira, "sales")
    role = await office.make(mira)
    role.permissions[:] = [ANALYTICS]
    await asyncio.gather(office.change(mira, role), office.give(mira, noor, role.id))
    me = await office.me(await office.back(noor))
    assert {ANALYTICS, EXPORTS} & set(me.permissions) == {ANALYTICS}


async def test_the_longest_change_fits_into_the_audit_log(
    office: Office, database: ServiceDatabase
) -> None:
    mira = await office.register()
    everything = (await office.listed(mira))["Admin"].permissions
    role = await office.make(mira, "x" * 50, base="admin", permissions=everything)
    role.permissions[:] = []
    role.name = "y" * 50
    await office.change(mira, role, "name", "permissions")
    (event,) = await told(database, mira, "auth.role.v1.changed")
    assert event["headers"]["ff-detail"].endswith("−workspace.write")
    assert len(event["headers"]["ff-detail"]) <= MOST


async def test_what_is_kept_of_a_person_names_it(office: Office, caller: Caller) -> None:
    mira = await office.register()
    noor = await office.invite(mira, (await office.make(mira)).id)
    own_data = own_grpc.OwnDataServiceStub(caller.channel)
    request = own_pb.GetOwnDataRequest()
    kept = await office.call(own_data.GetOwnData, request, identity=noor.identity)
    (membership,) = kept.memberships
    assert (membership.role, membership.custom_role_name) == ("finance", "Bookkeeper")
    listing = account_pb.ListMyWorkspacesRequest()
    mine = await office.call(office.account.ListMyWorkspaces, listing, identity=noor.identity)
    assert [one.custom_role_name for one in mine.memberships] == ["Bookkeeper"]
