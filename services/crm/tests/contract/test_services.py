"""What every RPC of crm promises: a permission, a deadline, typed refusals, nothing else."""

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from crm.config import Settings
from crm.entrypoints.app import App
from crm.entrypoints.rpc.services import services
from freelanceflow.crm.v1 import (
    activity_service_pb2,
    bulk_service_pb2,
    calendar_service_pb2,
    client_service_pb2,
    contact_service_pb2,
    deal_service_pb2,
    duplicate_service_pb2,
    export_service_pb2,
    field_service_pb2,
    import_service_pb2,
    rate_service_pb2,
    record_service_pb2,
    search_service_pb2,
    setup_service_pb2,
    snapshot_service_pb2,
    stage_service_pb2,
    timeline_service_pb2,
    view_service_pb2,
)
from kit.errors import ErrorKind
from kit.rpc.access import access_of
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity
from kit.settings import LOCAL_PAGE_TOKEN_KEY, load
from services.crm.tests.factories import Crm, Person, make_deal

FILES = (
    deal_service_pb2,
    calendar_service_pb2,
    bulk_service_pb2,
    client_service_pb2,
    activity_service_pb2,
    field_service_pb2,
    duplicate_service_pb2,
    export_service_pb2,
    import_service_pb2,
    rate_service_pb2,
    record_service_pb2,
    search_service_pb2,
    snapshot_service_pb2,
    stage_service_pb2,
    setup_service_pb2,
    timeline_service_pb2,
    contact_service_pb2,
    view_service_pb2,
)
PUBLIC = {"GetCalendar"}  # its secret is what lets in
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.client_streaming
    and not access_of(service)[method.name].internal
    and method.name not in PUBLIC
]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


async def test_every_service_of_the_contract_is_served(app: App) -> None:
    served = {type(servicer).__name__ for _, servicer in services(app)}
    assert served == {name for file in FILES for name in file.DESCRIPTOR.services_by_name}


@every_method
async def test_nobody_comes_in_without_the_permission(crm: Crm, method: MethodDescriptor) -> None:
    access = access_of(method.containing_service)[method.name]
    assert access.permission
    request = GetMessageClass(method.input_type)()
    for identity, kind in (
        (CallIdentity(), ErrorKind.UNAUTHENTICATED),
        (crm.issuer.identity("members.read"), ErrorKind.FORBIDDEN),
    ):
        with pytest.raises(RemoteError) as refusal:
            await crm.ask(method.name, request, identity)
        assert refusal.value.kind is kind


@every_method
async def test_an_empty_request_is_answered_or_refused_never_broken(
    person: Person, method: MethodDescriptor
) -> None:
    request = GetMessageClass(method.input_type)()
    try:
        await person.call(method.name, request)
    except RemoteError as refusal:
        assert refusal.kind is ErrorKind.INVALID  # noqa: PT017 – or an answer, which is as good


async def test_a_call_without_a_deadline_is_not_taken(crm: Crm, person: Person) -> None:
    metadata = (("authorization", f"Bearer {person.identity().token}"),)
    request = deal_service_pb2.ListDealsRequest()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await crm.method("ListDeals")(request, metadata=metadata)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_origin_of_a_change_travels_with_its_event(
    crm: Crm, person: Person, app: App
) -> None:
    identity = person.identity()
    request = deal_service_pb2.CreateDealRequest(deal=deal_service_pb2.Deal(name="x"))
    await crm.caller.call(
        crm.method("CreateDeal"),
        request,
        identity=CallIdentity(identity.token, origin="page-1"),
        timeout=20,
    )
    await make_deal(person)
    rows = await app.system.fetch(
        "SELECT headers FROM outbox WHERE workspace_id = $1 AND type LIKE 'crm.deal.%'"
        " ORDER BY number",
        person.workspace_id,
    )
    assert [row["headers"].get("ff-origin") for row in rows] == ["page-1", None]


def test_production_is_given_a_key_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("APP", "SYSTEM"):
        monkeypatch.setenv(f"CRM_DATABASE_URL_{name}", "postgresql://db/crm")
    assert load(Settings).page_token_key.get_secret_value() == LOCAL_PAGE_TOKEN_KEY
    monkeypatch.setenv("CRM_PROFILE", "production")
    with pytest.raises(SystemExit):
        load(Settings)
    assert "CRM_PAGE_TOKEN_KEY" in capsys.readouterr().err
