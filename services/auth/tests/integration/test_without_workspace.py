"""Whoever belongs to no workspace signs in all the same, and reaches what is about themselves."""

from datetime import timedelta
from typing import Any

import grpc
import pyotp
import pytest
from google.protobuf.descriptor_pool import Default

from auth.domain.session import ACCESS_TOKEN_LIFE
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import own_data_service_pb2 as own_pb
from freelanceflow.auth.v1 import own_data_service_pb2_grpc as own_grpc
from freelanceflow.auth.v1 import two_step_service_pb2 as two_step_pb
from freelanceflow.auth.v1 import two_step_service_pb2_grpc as two_step_grpc
from freelanceflow.auth.v1 import workspace_service_pb2 as pb
from kit.clock import FakeClock
from kit.rpc.access import access_of
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from services.auth.tests.browser import Browser
from services.auth.tests.factories import PASSWORD, Door, Person, refused, unique_email
from services.auth.tests.provider import Provider

SERVICES = ("Account", "ApiKey", "Audit", "OwnData", "Role", "TwoStep", "Workspace", "Google")


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


async def remove(door: Door, host: Person, person: Person) -> None:
    asked = pb.RemoveMemberRequest(user_id=person.tokens.user_id)
    await door.call(door.workspace.RemoveMember, asked, identity=host.identity)


@pytest.fixture
async def host(door: Door) -> Person:
    return await door.register()


@pytest.fixture
async def left(door: Door, host: Person) -> Person:
    """Somebody who was removed from their only workspace, signed in again."""
    guest = await door.invite(host, "admin")
    await remove(door, host, guest)
    return Person(guest.email, await door.log_in(guest.email))


async def me(door: Door, person: Person) -> account_pb.User:
    request = account_pb.GetMeRequest()
    return await door.call(door.account.GetMe, request, identity=person.identity)


async def test_whoever_was_removed_from_the_last_one_signs_in(
    door: Door, left: Person, clock: FakeClock
) -> None:
    assert left.tokens.workspace_id == ""
    told = await me(door, left)
    assert (told.email, told.workspace_id, told.role) == (left.email, "", "")
    assert list(told.permissions) == []
    clock.advance(ACCESS_TOKEN_LIFE)
    again = await door.refresh(left.tokens.refresh_token)
    assert (await me(door, Person(left.email, again))).workspace_id == ""


async def test_no_method_but_those_about_oneself_answers(
    caller: Caller, left: Person, database: ServiceDatabase
) -> None:
    """Each one of the contract, with nothing asked."""
    counted = 0
    metadata = [("authorization", f"Bearer {left.tokens.access_token}")]
    for name in SERVICES:
        service = Default().FindServiceByName(f"freelanceflow.auth.v1.{name}Service")
        for method, access in access_of(service).items():
            if not access.needs_identity or access.without_workspace:
                continue
            call: Any = caller.channel.unary_unary(f"/{service.full_name}/{method}")
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await call(b"", timeout=30, metadata=metadata)
            assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED, method
            assert refusal.value.details() == "You belong to no workspace.", method
            counted += 1
    assert counted > 15


async def test_they_delete_their_account(
    door: Door, left: Person, database: ServiceDatabase
) -> None:
    asked = account_pb.DeleteMeRequest(password=PASSWORD)
    await door.call(door.account.DeleteMe, asked, identity=left.identity)
    assert await refused(door.log_in(left.email)) == "CREDENTIALS_WRONG"
    found = await database.owner.fetch("SELECT 1 FROM users WHERE email = $1", left.email)
    assert found == []


async def test_they_take_their_data_along(caller: Caller, door: Door, left: Person) -> None:
    stub = own_grpc.OwnDataServiceStub(caller.channel)
    kept = await caller.call(stub.GetOwnData, own_pb.GetOwnDataRequest(), identity=left.identity)
    assert kept.email == left.email
    assert kept.sessions[0].workspace_id == ""
    assert list(kept.memberships) == []


async def test_they_found_a_workspace_and_enter_it(door: Door, left: Person) -> None:
    asked = pb.CreateWorkspaceRequest(name="Vance & Co", currency_code="CHF")
    made = await door.call(door.workspace.CreateWorkspace, asked, identity=left.identity)
    assert (made.name, made.currency_code, made.time_zone) == ("Vance & Co", "CHF", "UTC")
    switch = account_pb.SwitchWorkspaceRequest(workspace_id=made.id)
    tokens = await door.call(door.account.SwitchWorkspace, switch, identity=left.identity)
    told = await me(door, Person(left.email, tokens))
    assert (told.workspace_name, told.role) == ("Vance & Co", "owner")
    assert "workspace.delete" in told.permissions


async def test_a_workspace_needs_a_name_and_nobody_makes_hundreds(door: Door, left: Person) -> None:
    create = door.workspace.CreateWorkspace
    nameless = door.call(create, pb.CreateWorkspaceRequest(), identity=left.identity)
    assert await refused(nameless) == "NAME_MISSING"
    asked = pb.CreateWorkspaceRequest(name="One more")
    for _ in range(9):
        await door.call(create, asked, identity=left.identity)
    assert await refused(door.call(create, asked, identity=left.identity)) == "TOO_MANY_ATTEMPTS"


async def invitations(door: Door, person: Person) -> list[account_pb.MyInvitation]:
    asked = account_pb.ListMyInvitationsRequest()
    answer = await door.call(door.account.ListMyInvitations, asked, identity=person.identity)
    return list(answer.invitations)


async def accept(door: Door, person: Person, invitation_id: str) -> str:
    asked = account_pb.AcceptMyInvitationRequest(invitation_id=invitation_id)
    answer = await door.call(door.account.AcceptMyInvitation, asked, identity=person.identity)
    return str(answer.workspace_id)


async def invite(door: Door, host: Person, email: str) -> pb.Invitation:
    asked = pb.CreateInvitationRequest(email=email, role="sales")
    return await door.call(door.workspace.CreateInvitation, asked, identity=host.identity)


async def test_they_accept_an_invitation_without_its_mail(
    door: Door, host: Person, left: Person
) -> None:
    assert await invitations(door, left) == []
    made = await invite(door, host, left.email)
    (shown,) = await invitations(door, left)
    assert (shown.id, shown.workspace_name) == (made.id, "Okafor Studio")
    assert (shown.inviter_name, shown.role) == ("Mira Okafor", "Sales")
    assert await accept(door, left, shown.id) == str(host.workspace_id)
    assert await invitations(door, left) == []
    assert await refused(accept(door, left, shown.id)) == "INVITATION_NOT_FOUND"
    assert (await door.log_in(left.email)).workspace_id == str(host.workspace_id)
    join = auth_pb.AcceptInvitationRequest(token=made.token, password=PASSWORD)
    assert await refused(door.call(door.auth.AcceptInvitation, join)) == "INVITATION_NOT_FOUND"


async def test_an_invitation_is_nobody_elses(door: Door, host: Person, left: Person) -> None:
    made = await invite(door, host, unique_email())
    assert await invitations(door, left) == []
    assert await refused(accept(door, left, made.id)) == "INVITATION_NOT_FOUND"


async def test_an_invitation_that_is_over_is_none(
    door: Door, host: Person, left: Person, database: ServiceDatabase
) -> None:
    made = await invite(door, host, left.email)
    close = pb.CloseWorkspaceRequest(
        workspace_id=str(host.workspace_id), name="Okafor Studio", password=PASSWORD
    )
    await door.call(door.workspace.CloseWorkspace, close, identity=host.identity)
    assert await invitations(door, left) == []
    assert await refused(accept(door, left, made.id)) == "WORKSPACE_CLOSED"
    await database.owner.execute(
        "UPDATE invitations SET expires_at = now() - interval '9 years' WHERE id = $1::text::uuid",
        made.id,
    )
    assert await refused(accept(door, left, made.id)) == "INVITATION_NOT_FOUND"


async def test_they_sign_in_with_google_and_with_a_second_step(
    door: Door, caller: Caller, ada: Browser, clock: FakeClock
) -> None:
    person = await ada.settle()
    second = await door.invite(person, "owner")
    await remove(door, second, person)
    signed_in = Person(ada.email, (await ada.sign_in()).tokens)
    assert (await me(door, signed_in)).workspace_id == ""

    guest = await door.invite(second, "sales")
    steps = two_step_grpc.TwoStepServiceStub(caller.channel)
    start = two_step_pb.StartTwoStepRequest(password=PASSWORD)
    totp = pyotp.TOTP((await door.call(steps.StartTwoStep, start, identity=guest.identity)).secret)
    confirm = two_step_pb.ConfirmTwoStepRequest(code=totp.at(clock.now()))
    await door.call(steps.ConfirmTwoStep, confirm, identity=guest.identity)
    await remove(door, second, guest)
    clock.advance(timedelta(seconds=60))
    challenge = (await door.log_in(guest.email)).challenge
    answer = two_step_pb.AnswerChallengeRequest(challenge=challenge, code=totp.at(clock.now()))
    tokens = await door.call(steps.AnswerChallenge, answer)
    assert (await me(door, Person(guest.email, tokens))).workspace_id == ""
