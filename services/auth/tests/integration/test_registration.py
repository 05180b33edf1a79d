"""Coming in: by oneself, by a mail's link, by invitation."""

import asyncio

import pytest

from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.errors import DomainError
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import PASSWORD, Door, Person, newcomer, refused, unique_email


async def told(database: ServiceDatabase, key: object, kind: str) -> list[bytes]:
    rows = await database.owner.fetch(
        "SELECT body FROM outbox WHERE workspace_id = $1 AND type = $2 ORDER BY number", key, kind
    )
    return [row["body"] for row in rows]


async def test_registering_founds_a_workspace_and_tells_it(
    door: Door, database: ServiceDatabase
) -> None:
    mira = await door.register()
    (body,) = await told(database, mira.workspace_id, "auth.workspace.v1.created")
    workspace = events_pb.WorkspaceCreated.FromString(body)
    assert (workspace.name, workspace.currency_code) == ("Okafor Studio", "EUR")
    (body,) = await told(database, mira.workspace_id, "auth.member.v1.added")
    member = events_pb.MemberAdded.FromString(body)
    assert (member.email, member.role) == (mira.email, "owner")


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"email": "nobody"}, "EMAIL_INVALID"),
        ({"name": "  "}, "NAME_MISSING"),
        ({"name": "Mira\0Okafor"}, "NAME_MISSING"),
        ({"workspace_name": "Studio\0"}, "NAME_MISSING"),
        ({"password": "short"}, "PASSWORD_TOO_SHORT"),
        ({"password": "password12345"}, "PASSWORD_TOO_COMMON"),
        ({"currency_code": "money"}, "CURRENCY_UNKNOWN"),
        ({"time_zone": "Moon/Base"}, "TIME_ZONE_UNKNOWN"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    door: Door, over: dict[str, str], reason: str
) -> None:
    assert await refused(door.register(**over)) == reason


async def test_an_address_registers_once(door: Door) -> None:
    mira = await door.register()
    assert await refused(door.register(email=mira.email.title())) == "EMAIL_TAKEN"


class TestWithVerification:
    @pytest.fixture
    def email_verification(self) -> bool:
        return True

    async def test_known_and_unknown_addresses_are_answered_alike(self, door: Door) -> None:
        request = newcomer()
        first = await door.call(door.auth.Register, request)
        second = await door.call(door.auth.Register, request)
        assert first == second == auth_pb.RegisterResponse(verification_needed=True)

    async def test_the_link_lets_in_once(self, door: Door, database: ServiceDatabase) -> None:
        request = newcomer()
        await door.call(door.auth.Register, request)
        assert await refused(door.log_in(request.email)) == "CREDENTIALS_WRONG"
        user_id = await database.owner.fetchval(
            "SELECT id FROM users WHERE email = $1", request.email
        )
        (body,) = await told(database, user_id, "auth.verification.v1.requested")
        link = events_pb.VerificationRequested.FromString(body)
        prove = auth_pb.VerifyEmailRequest(token=link.token)
        assert (await door.call(door.auth.VerifyEmail, prove)).access_token
        assert await refused(door.call(door.auth.VerifyEmail, prove)) == "LINK_NOT_VALID"
        assert (await door.log_in(request.email)).access_token


async def test_somebody_invited_has_the_role_and_no_more(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "viewer")
    assert noor.workspace_id == mira.workspace_id
    me = await door.call(door.account.GetMe, account_pb.GetMeRequest(), identity=noor.identity)
    assert (me.role, "deals.write" in me.permissions) == ("viewer", False)
    invite = door.invite(noor, "viewer")
    assert await refused(invite) == "PERMISSION_MISSING"


async def test_an_invitation_works_once(door: Door) -> None:
    mira = await door.register()
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=unique_email(), role="sales"),
        identity=mira.identity,
    )
    accept = auth_pb.AcceptInvitationRequest(
        token=invitation.token, name="Noor Vance", password=PASSWORD
    )
    await door.call(door.auth.AcceptInvitation, accept)
    assert await refused(door.call(door.auth.AcceptInvitation, accept)) == "INVITATION_NOT_FOUND"


async def test_of_many_who_accept_at_once_one_gets_in(door: Door) -> None:
    mira = await door.register()
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=unique_email(), role="sales"),
        identity=mira.identity,
    )
    accept = auth_pb.AcceptInvitationRequest(
        token=invitation.token, name="Noor Vance", password=PASSWORD
    )
    answers = await asyncio.gather(
        *(door.call(door.auth.AcceptInvitation, accept) for _ in range(4)), return_exceptions=True
    )
    refusals = [answer.reason for answer in answers if isinstance(answer, DomainError)]
    assert refusals == ["INVITATION_NOT_FOUND"] * 3


async def test_a_known_person_proves_who_they_are(door: Door) -> None:
    mira, noor = await door.register(), await door.register()
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=noor.email, role="manager"),
        identity=mira.identity,
    )
    wrong = auth_pb.AcceptInvitationRequest(token=invitation.token, password="not this one at all")
    assert await refused(door.call(door.auth.AcceptInvitation, wrong)) == "CREDENTIALS_WRONG"
    right = auth_pb.AcceptInvitationRequest(token=invitation.token, password=PASSWORD)
    tokens = await door.call(door.auth.AcceptInvitation, right)
    listed = await door.call(
        door.account.ListMyWorkspaces,
        account_pb.ListMyWorkspacesRequest(),
        identity=Person(noor.email, tokens).identity,
    )
    assert {m.role for m in listed.memberships} == {"owner", "manager"}


async def test_an_admin_invites_no_owner(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "admin")
    assert await refused(door.invite(noor, "owner")) == "ROLE_TOO_HIGH"
    assert await refused(door.invite(noor, "emperor")) == "ROLE_UNKNOWN"


async def test_a_rush_of_invitations_is_stopped(door: Door) -> None:
    mira = await door.register()

    async def invite() -> workspace_pb.Invitation:
        asked = workspace_pb.CreateInvitationRequest(email=unique_email(), role="viewer")
        return await door.call(door.workspace.CreateInvitation, asked, identity=mira.identity)

    made = await asyncio.gather(*(invite() for _ in range(50)))
    assert all(invitation.token for invitation in made)  # here, no mail needs to prove anything
    assert await refused(invite()) == "TOO_MANY_ATTEMPTS"
