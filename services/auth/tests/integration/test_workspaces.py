"""Workspaces and members: who sees what, who may change whom, and what a tenant cannot reach."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from auth.application import workspaces as cases
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.database import Transaction
from kit.errors import DomainError
from kit.ids import new_id
from kit.migrations import WITHOUT_TENANT
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, refused

# Tables without row-level security, each with its reason.
GLOBAL = {
    **WITHOUT_TENANT,
    "identities": "a person's sign-in elsewhere; people belong to no workspace; system role only",
    "sign_in_flows": "looked up by hash before anybody is known; system role only",
    "totp_devices": "a person's second step; people belong to no workspace; system role only",
    "recovery_codes": "the same; system role only",
    "one_time_tokens": "links, looked up by hash before anybody is known; system role only",
    "attempts": "guesses by hashed address; no workspace is known; system role only",
    "refresh_tokens": "looked up by hash before a workspace is known; system role only",
}


async def members(door: Door, person: Person) -> dict[str, str]:
    listed = await door.call(
        door.workspace.ListMembers, workspace_pb.ListMembersRequest(), identity=person.identity
    )
    return {member.email: member.role for member in listed.members}


async def test_a_workspace_is_changed_on_its_latest_version(door: Door) -> None:
    mira = await door.register()
    get = workspace_pb.GetWorkspaceRequest(workspace_id=mira.tokens.workspace_id)
    before = await door.call(door.workspace.GetWorkspace, get, identity=mira.identity)
    change = workspace_pb.UpdateWorkspaceRequest(
        workspace=workspace_pb.Workspace(id=before.id, name="Weir & Heron", currency_code="CHF"),
        update_mask=FieldMask(paths=["name"]),
        etag=before.etag,
    )
    after = await door.call(door.workspace.UpdateWorkspace, change, identity=mira.identity)
    assert (after.name, after.currency_code, after.etag) == ("Weir & Heron", "EUR", "2")
    stale = door.call(door.workspace.UpdateWorkspace, change, identity=mira.identity)
    assert await refused(stale) == "WORKSPACE_HAS_CHANGED"
    change.update_mask.paths.append("create_time")
    strange = door.call(door.workspace.UpdateWorkspace, change, identity=mira.identity)
    assert await refused(strange) == "FIELD_NOT_WRITABLE"


async def test_other_services_are_told_what_a_workspace_is_set_to(door: Door) -> None:
    mira = await door.register()
    asked = workspace_pb.GetWorkspaceSettingsRequest(workspace_id=mira.tokens.workspace_id)
    told = await door.call(door.workspace.GetWorkspaceSettings, asked)
    get = workspace_pb.GetWorkspaceRequest(workspace_id=mira.tokens.workspace_id)
    workspace = await door.call(door.workspace.GetWorkspace, get, identity=mira.identity)
    assert (told.name, told.time_zone) == (workspace.name, workspace.time_zone)
    assert told.version == int(workspace.etag)
    nowhere = workspace_pb.GetWorkspaceSettingsRequest(workspace_id=str(new_id()))
    reason = await refused(door.call(door.workspace.GetWorkspaceSettings, nowhere))
    assert reason == "WORKSPACE_NOT_FOUND"


async def test_another_tenants_workspace_is_not_there(door: Door) -> None:
    mira, other = await door.register(), await door.register()
    get = workspace_pb.GetWorkspaceRequest(workspace_id=mira.tokens.workspace_id)
    foreign = door.call(door.workspace.GetWorkspace, get, identity=other.identity)
    assert await refused(foreign) == "WORKSPACE_NOT_FOUND"
    switch = account_pb.SwitchWorkspaceRequest(workspace_id=mira.tokens.workspace_id)
    entering = door.call(door.account.SwitchWorkspace, switch, identity=other.identity)
    assert await refused(entering) == "WORKSPACE_NOT_FOUND"
    assert mira.email not in await members(door, other)


async def test_a_new_role_ends_the_tokens_that_say_the_old_one(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "sales")
    change = workspace_pb.ChangeMemberRoleRequest(user_id=noor.tokens.user_id, role="finance")
    await door.call(door.workspace.ChangeMemberRole, change, identity=mira.identity)
    assert (await members(door, mira))[noor.email] == "finance"
    assert await refused(members(door, noor)) == "SESSION_REVOKED"


async def rights(door: Door, host: Person, person: Person, **to: str) -> None:
    """Another role, visibility or team for somebody."""
    change = workspace_pb.ChangeMemberRoleRequest(user_id=person.tokens.user_id, **to)
    await door.call(door.workspace.ChangeMemberRole, change, identity=host.identity)


async def sees(door: Door, app: App, person: Person) -> tuple[set[UUID] | None, frozenset[str]]:
    """What a new token of the person says."""
    tokens = await door.log_in(person.email)
    verifier, _ = app.verifier(clock=app.clock)
    principal = await verifier.verify(f"Bearer {tokens.access_token}")
    owners = principal.sight.owners
    return (None if owners is None else set(owners)), principal.permissions


async def test_tokens_say_whose_records_are_seen(door: Door, app: App) -> None:
    mira = await door.register()
    noor, theo = await door.invite(mira, "sales"), await door.invite(mira, "manager")
    ids = {UUID(person.tokens.user_id) for person in (noor, theo)}
    assert (await sees(door, app, noor))[0] is None
    await rights(door, mira, noor, visibility="own")
    assert (await sees(door, app, noor))[0] == {UUID(noor.tokens.user_id)}
    assert await refused(rights(door, mira, noor, visibility="team")) == "TEAM_MISSING"
    await rights(door, mira, noor, visibility="team", team="  North   coast ")
    assert (await sees(door, app, noor))[0] == {UUID(noor.tokens.user_id)}
    assert "imports.write" in (await sees(door, app, theo))[1]
    await rights(door, mira, theo, visibility="team", team="North coast")
    for person in (noor, theo):
        owners, permissions = await sees(door, app, person)
        assert owners == ids
        assert "imports.write" not in permissions  # it takes somebody who sees everything
    await rights(door, mira, theo, role="admin")
    assert (await sees(door, app, theo))[0] is None
    assert await refused(rights(door, mira, theo, visibility="own")) == "ROLE_SEES_ALL"
    assert await refused(rights(door, mira, noor, visibility="some")) == "VISIBILITY_UNKNOWN"
    listed = await door.call(
        door.workspace.ListMembers, workspace_pb.ListMembersRequest(), identity=mira.identity
    )
    assert {(m.email, m.visibility, m.team) for m in listed.members} == {
        (mira.email, "all", ""),
        (noor.email, "team", "North coast"),
        (theo.email, "all", "North coast"),
    }


async def test_another_visibility_ends_the_tokens_that_say_the_old_one(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "sales")
    await rights(door, mira, noor, visibility="own")
    assert await refused(members(door, noor)) == "SESSION_REVOKED"


async def test_a_team_is_small_enough_for_its_tokens(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "LARGEST_TEAM", 1)
    mira = await door.register()
    noor, theo = await door.invite(mira, "sales"), await door.invite(mira, "sales")
    await rights(door, mira, noor, team="North")
    await rights(door, mira, noor, visibility="team")
    assert await refused(rights(door, mira, theo, team="North")) == "TEAM_FULL"


async def test_who_is_removed_is_out(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "sales")
    remove = workspace_pb.RemoveMemberRequest(user_id=noor.tokens.user_id)
    await door.call(door.workspace.RemoveMember, remove, identity=mira.identity)
    assert await members(door, mira) == {mira.email: "owner"}
    assert await refused(door.refresh(noor.tokens.refresh_token)) == "SESSION_ENDED"
    assert (await door.log_in(noor.email)).workspace_id == ""


async def test_whoever_comes_back_is_news_to_all_who_heard_of_the_leaving(
    door: Door, database: ServiceDatabase
) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "sales")
    for _ in range(2):
        remove = workspace_pb.RemoveMemberRequest(user_id=noor.tokens.user_id)
        await door.call(door.workspace.RemoveMember, remove, identity=mira.identity)
        assert (await door.invite(mira, "sales", noor.email)).email == noor.email
    told = await database.owner.fetch(
        "SELECT headers ->> 'ff-version' AS version FROM outbox"
        " WHERE aggregate_id = $1 AND type LIKE 'auth.member.v1.%' ORDER BY number",
        UUID(noor.tokens.user_id),
    )
    assert [int(row["version"]) for row in told] == [1, 2, 3, 4, 5]


async def test_two_owners_cannot_leave_at_once(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "owner")

    async def leave(person: Person) -> str:
        remove = workspace_pb.RemoveMemberRequest(user_id=person.tokens.user_id)
        try:
            await door.call(door.workspace.RemoveMember, remove, identity=person.identity)
        except DomainError as refusal:
            return refusal.reason
        return "left"

    assert sorted(await asyncio.gather(leave(mira), leave(noor))) == ["LAST_OWNER", "left"]


async def test_a_person_moves_between_workspaces(door: Door) -> None:
    mira, host = await door.register(), await door.register()
    own = mira.tokens.workspace_id
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=mira.email, role="viewer"),
        identity=host.identity,
    )
    accept = auth_pb.AcceptInvitationRequest(token=invitation.token, password=PASSWORD)
    away = Person(mira.email, await door.call(door.auth.AcceptInvitation, accept))
    switch = account_pb.SwitchWorkspaceRequest(workspace_id=own)
    home = Person(
        mira.email, await door.call(door.account.SwitchWorkspace, switch, identity=away.identity)
    )
    me = await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=home.identity)
    assert (me.workspace_id, me.role) == (own, "owner")
    assert await refused(door.refresh(away.tokens.refresh_token)) == "SESSION_ENDED"


async def test_the_profile_changes_and_keeps_its_version(door: Door) -> None:
    mira = await door.register()
    change = account_pb.UpdateMeRequest(user=account_pb.User(name="Mira O.", locale="de"), etag="1")
    me = await door.call(door.account.UpdateMe, change, identity=mira.identity)
    assert (me.name, me.locale, me.etag) == ("Mira O.", "de", "2")
    stale = door.call(door.account.UpdateMe, change, identity=mira.identity)
    assert await refused(stale) == "USER_HAS_CHANGED"


async def test_only_listed_tables_are_without_row_level_security(database: ServiceDatabase) -> None:
    rows = await database.owner.fetch(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE n.nspname = 'public' AND relkind = 'r'"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert {row["relname"] for row in rows} <= set(GLOBAL)


async def test_the_app_role_sees_its_workspace_and_no_password(
    door: Door, database: ServiceDatabase
) -> None:
    mira, other = await door.register(), await door.register()
    for table in ("workspaces", "members", "invitations", "sessions"):
        assert await database.app.fetch(f"SELECT 1 FROM {table}") == []
    assert await database.app.fetch("SELECT id FROM users") == []
    async with Transaction(database.app, mira.workspace_id) as tx:
        seen = await tx._connection.fetch("SELECT email FROM users")
    assert {row["email"] for row in seen} == {mira.email} != {other.email}
    for table in ("refresh_tokens", "one_time_tokens", "attempts", "identities", "sign_in_flows"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.app.fetch(f"SELECT 1 FROM {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.app.fetch("SELECT password_hash FROM users")
