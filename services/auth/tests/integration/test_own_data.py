"""What is kept of a person, for themselves: from all their workspaces, and of nobody else."""

from datetime import timedelta

import pytest

from auth.entrypoints.app import App
from auth.entrypoints.consumers import keep_all
from freelanceflow.auth.v1 import api_key_service_pb2 as key_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import own_data_service_pb2 as pb
from freelanceflow.auth.v1 import own_data_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.bus.events import Event
from kit.errors import DomainError
from kit.ids import new_id, parse_id
from kit.rpc.client import Caller
from kit.rpc.identity import NOBODY, CallIdentity
from services.auth.tests.browser import Browser
from services.auth.tests.conftest import NOON
from services.auth.tests.factories import PASSWORD, Door, Person
from services.auth.tests.provider import Provider


class Own:
    """Whatever somebody may take along."""

    def __init__(self, caller: Caller) -> None:
        self.call = caller.call
        self.stub = grpc_api.OwnDataServiceStub(caller.channel)

    async def data(self, identity: CallIdentity) -> pb.OwnData:
        return await self.call(self.stub.GetOwnData, pb.GetOwnDataRequest(), identity=identity)

    async def page(
        self, person: Person, size: int = 0, token: str = ""
    ) -> pb.ListOwnAuditEntriesResponse:
        request = pb.ListOwnAuditEntriesRequest(page_size=size, page_token=token)
        return await self.call(self.stub.ListOwnAuditEntries, request, identity=person.identity)


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


@pytest.fixture
def own(caller: Caller) -> Own:
    return Own(caller)


async def did(app: App, person: Person, *, count: int, actor: str = "") -> list[str]:
    """Some events of a person in the workspace of their token; the ids, latest first."""
    events = [
        Event(
            id=new_id(),
            type="crm.deal.v1.moved",
            workspace_id=person.workspace_id,
            subject_id=new_id(),
            time=NOON - timedelta(days=3),
            version=2,
            bulk_id=None,
            actor_id=parse_id(actor or person.tokens.user_id, "actor"),
            origin="",
            body=b"",
            headers={"ff-address": "192.0.2.7"},
        )
        for _ in range(count)
    ]
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_all(uow, events)
    return [str(event.id) for event in reversed(events)]


async def joined(door: Door, host: Person, guest: Person) -> Person:
    """The guest, with a token of the host's workspace."""
    invitation = await door.call(
        door.workspace.CreateInvitation,
        workspace_pb.CreateInvitationRequest(email=guest.email, role="sales"),
        identity=host.identity,
    )
    tokens = await door.call(
        door.auth.AcceptInvitation,
        auth_pb.AcceptInvitationRequest(token=invitation.token, name="", password=PASSWORD),
    )
    return Person(guest.email, tokens)


async def test_all_of_a_person_comes_along_and_no_secret(
    own: Own, door: Door, ada: Browser
) -> None:
    settled = await ada.settle()
    host = await door.register()
    made = await door.call(
        door.api_keys.CreateApiKey,
        key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD),
        identity=host.identity,
    )
    kept = await own.data(host.identity)
    assert (kept.email, kept.name, kept.has_password) == (host.email, "Mira Okafor", True)
    assert [(one.workspace_name, one.role) for one in kept.memberships] == [
        (kept.memberships[0].workspace_name, "owner")
    ]
    assert [key.key.name for key in kept.api_keys] == ["Nightly"]
    assert made.key not in str(kept)
    assert [(one.workspace_id, one.by_api_key) for one in kept.sessions] == [
        (host.tokens.workspace_id, False)
    ]
    of_ada = await own.data(settled.identity)
    assert [(one.issuer, one.email) for one in of_ada.identities] == [
        (ada.provider.settings["google_issuer"], ada.email)
    ]
    assert not of_ada.has_password
    assert not of_ada.api_keys


async def test_what_was_done_comes_from_every_workspace_page_by_page(
    own: Own, door: Door, app: App
) -> None:
    host, guest = await door.register(), await door.register()
    at_home = await did(app, guest, count=3)
    there = await joined(door, host, guest)
    abroad = await did(app, there, count=2)
    await did(app, there, count=1, actor=host.tokens.user_id)
    seen, token = [], ""
    while True:
        page = await own.page(guest, 2, token)
        seen += [(found.workspace_id, found.entry.id) for found in page.entries]
        token = page.next_page_token
        if not token:
            break
    expected = [(guest.tokens.workspace_id, id) for id in at_home]
    expected += [(host.tokens.workspace_id, id) for id in abroad]
    assert seen == sorted(expected, reverse=True)
    (entry, *_) = (await own.page(guest)).entries
    assert entry.entry.address == "192.0.2.7"
    names = [one.workspace_id for one in (await own.data(guest.identity)).memberships]
    assert sorted(names) == sorted([guest.tokens.workspace_id, host.tokens.workspace_id])


async def test_a_page_token_is_its_owners(own: Own, door: Door, app: App) -> None:
    mira, noor = await door.register(), await door.register()
    await did(app, mira, count=3)
    token = (await own.page(mira, 2)).next_page_token
    with pytest.raises(DomainError) as refusal:
        await own.page(noor, 2, token)
    assert refusal.value.reason == "PAGE_TOKEN_INVALID"


async def test_nobody_and_no_program_takes_it(own: Own, door: Door) -> None:
    host = await door.register()
    made = await door.call(
        door.api_keys.CreateApiKey,
        key_pb.CreateApiKeyRequest(name="Nightly", password=PASSWORD),
        identity=host.identity,
    )
    answer = await door.call(
        door.api_keys.ExchangeApiKey, key_pb.ExchangeApiKeyRequest(key=made.key)
    )
    for identity in (NOBODY, CallIdentity(answer.access_token)):
        with pytest.raises(DomainError):
            await own.data(identity)
