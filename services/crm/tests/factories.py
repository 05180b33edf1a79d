"""People who call crm, and what they find there: made through the door that everybody uses."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from crm.application.imports import JOB
from crm.entrypoints.app import App
from crm.entrypoints.tasks import HANDLERS, run_failed
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import activity_service_pb2_grpc as activity_api
from freelanceflow.crm.v1 import bulk_service_pb2_grpc as bulk_api
from freelanceflow.crm.v1 import calendar_service_pb2_grpc as calendar_api
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import client_service_pb2_grpc as client_api
from freelanceflow.crm.v1 import contact_service_pb2_grpc as contact_api
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import deal_service_pb2_grpc as deal_api
from freelanceflow.crm.v1 import duplicate_service_pb2_grpc as duplicate_api
from freelanceflow.crm.v1 import export_service_pb2_grpc as export_api
from freelanceflow.crm.v1 import field_service_pb2_grpc as field_api
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import import_service_pb2_grpc as import_api
from freelanceflow.crm.v1 import rate_service_pb2_grpc as rate_api
from freelanceflow.crm.v1 import record_service_pb2_grpc as record_api
from freelanceflow.crm.v1 import search_service_pb2_grpc as search_api
from freelanceflow.crm.v1 import setup_service_pb2_grpc as setup_api
from freelanceflow.crm.v1 import snapshot_service_pb2_grpc as snapshot_api
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from freelanceflow.crm.v1 import stage_service_pb2_grpc as stage_api
from freelanceflow.crm.v1 import timeline_service_pb2_grpc as timeline_api
from freelanceflow.crm.v1 import view_service_pb2_grpc as view_api
from freelanceflow.type.v1 import filter_pb2, money_pb2
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.jobs.worker import JobWorker
from kit.rpc.client import Caller
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity
from kit.sight import EVERYTHING, Sight
from kit.testing.rpc import Issuer

PERMISSIONS = (
    *(
        f"{noun}.{verb}"
        for noun in ("clients", "deals", "activities", "imports", "exports")
        for verb in ("read", "write")
    ),
    "settings.write",
    "workspace.export",
    "analytics.read",
)
PIECE = 100_000
ANY = "127.0.0.1:0"
_numbers = count(1)


class Crm:
    """All of crm's stubs on one channel, found by the name of the method."""

    def __init__(self, caller: Caller, issuer: Issuer) -> None:
        self.caller = caller
        self.issuer = issuer
        self.stubs: list[Any] = [
            stub(caller.channel)
            for stub in (
                deal_api.DealServiceStub,
                client_api.ClientServiceStub,
                stage_api.StageServiceStub,
                rate_api.RateServiceStub,
                field_api.FieldServiceStub,
                view_api.ViewServiceStub,
                activity_api.ActivityServiceStub,
                import_api.ImportServiceStub,
                export_api.ExportServiceStub,
                duplicate_api.DuplicateServiceStub,
                record_api.RecordServiceStub,
                bulk_api.BulkServiceStub,
                search_api.SearchServiceStub,
                snapshot_api.SnapshotServiceStub,
                contact_api.ContactServiceStub,
                timeline_api.TimelineServiceStub,
                calendar_api.CalendarServiceStub,
                setup_api.SetupServiceStub,
            )
        ]

    def method(self, name: str) -> Any:
        """The stub's callable."""
        return next(getattr(stub, name) for stub in self.stubs if hasattr(stub, name))

    async def ask(
        self, method: str, request: Message, identity: CallIdentity, *, within: float = 20
    ) -> Any:
        """Call a method by its name; of one that answers with a stream, all that comes."""
        stub, caller = self.method(method), self.caller
        if isinstance(stub, grpc.aio.UnaryStreamMultiCallable):
            sent = caller.stream(stub, request, identity=identity, timeout=within)
            return [answer async for answer in sent]
        return await caller.call(stub, request, identity=identity, timeout=within)


@dataclass
class Person:
    """A caller in one workspace."""

    crm: Crm
    workspace_id: UUID = field(default_factory=new_id)
    user_id: UUID = field(default_factory=new_id)
    permissions: tuple[str, ...] = PERMISSIONS
    sight: Sight = EVERYTHING

    def identity(self, idempotency_key: str | None = None) -> CallIdentity:
        """A token for this person."""
        return self.crm.issuer.identity(
            *self.permissions,
            workspace_id=self.workspace_id,
            user_id=self.user_id,
            idempotency_key=idempotency_key,
            sight=self.sight,
        )

    async def call(
        self, method: str, request: Message, *, key: str | None = None, within: float = 20
    ) -> Any:
        """Call a method by its name, with an idempotency key or without."""
        return await self.crm.ask(method, request, self.identity(key), within=within)

    async def download(self, method: str, request: Message) -> bytes:
        """All bytes that a method sends."""
        return b"".join(piece.chunk for piece in await self.call(method, request))

    async def stages(self) -> dict[str, str]:
        """The ids of the stages by name."""
        found = await self.call("ListStages", stage_pb.ListStagesRequest())
        return {stage.name: stage.id for stage in found.stages}

    async def lost_reasons(self) -> dict[str, str]:
        """The ids of the lost reasons by name."""
        found = await self.call("ListLostReasons", stage_pb.ListLostReasonsRequest())
        return {reason.name: reason.id for reason in found.lost_reasons}

    async def deal(self, deal_id: str) -> deal_pb.Deal:
        """A deal as it stands."""
        found: deal_pb.Deal = await self.call("GetDeal", deal_pb.GetDealRequest(deal_id=deal_id))
        return found

    async def move(
        self, deal: deal_pb.Deal, stage_id: str, *, key: str | None = None, **over: str
    ) -> deal_pb.Deal:
        """Move a deal, as it was seen."""
        usual = {"deal_id": deal.id, "stage_id": stage_id, "etag": deal.etag}
        moved: deal_pb.Deal = await self.call(
            "MoveDeal", deal_pb.MoveDealRequest(**usual | over), key=key
        )
        return moved

    async def board(self, *conditions: filter_pb2.Condition) -> dict[str, deal_pb.BoardColumn]:
        """The columns by name."""
        found = await self.call("GetBoard", deal_pb.GetBoardRequest(conditions=conditions))
        return {column.stage.name: column for column in found.columns}

    async def list_deals(self, *conditions: filter_pb2.Condition, **over: Any) -> Any:
        """A page of deals."""
        request = deal_pb.ListDealsRequest(conditions=conditions, **over)
        return await self.call("ListDeals", request)


async def upload(
    person: Person,
    text: str | bytes,
    resource: import_pb.ImportResource.ValueType = import_pb.IMPORT_RESOURCE_DEALS,
    file_name: str = "deals.csv",
) -> import_pb.Import:
    """A file that was uploaded in pieces."""
    content = text.encode() if isinstance(text, str) else text

    async def requests() -> AsyncIterator[import_pb.CreateImportRequest]:
        header = import_pb.ImportHeader(resource=resource, file_name=file_name)
        yield import_pb.CreateImportRequest(header=header)
        for start in range(0, len(content), PIECE):
            yield import_pb.CreateImportRequest(chunk=content[start : start + PIECE])

    crm = person.crm
    made: import_pb.Import = await crm.caller.upload(
        crm.method("CreateImport"), requests(), identity=person.identity(), timeout=60
    )
    return made


async def commit(person: Person, import_id: str) -> import_pb.Import:
    """Have an import's rows written, some time."""
    request = import_pb.CommitImportRequest(import_id=import_id)
    committed: import_pb.Import = await person.call("CommitImport", request)
    return committed


async def work_off(app: App, job_id: str, kind: str = JOB) -> None:
    """What a worker does with a job, without the broker in between."""
    worker = JobWorker(
        app.jobs,
        open_app=lambda: nullcontext(app),
        handlers=HANDLERS,
        listen=ANY,
        failed=run_failed,
    )
    await worker.begin()
    await worker.work(kind, UUID(job_id))
    await worker.end()


async def import_of(person: Person, import_id: str) -> import_pb.Import:
    """An import as it stands."""
    request = import_pb.GetImportRequest(import_id=import_id)
    found: import_pb.Import = await person.call("GetImport", request)
    return found


async def imported(app: App, person: Person, text: str | bytes, **over: Any) -> import_pb.Import:
    """A file whose rows were written."""
    committed = await commit(person, (await upload(person, text, **over)).id)
    await work_off(app, committed.job_id)
    return await import_of(person, committed.id)


async def make_deal(person: Person, **over: Any) -> deal_pb.Deal:
    """A deal on the first open stage."""
    usual: dict[str, Any] = {
        "name": f"Website {next(_numbers)}",
        "amount": euros(1_200_00),
    }
    request = deal_pb.CreateDealRequest(deal=deal_pb.Deal(**usual | over))
    deal: deal_pb.Deal = await person.call("CreateDeal", request)
    return deal


async def make_client(person: Person, **over: Any) -> client_pb.Client:
    """A company."""
    usual: dict[str, Any] = {
        "name": f"Company {next(_numbers)}",
        "kind": client_pb.CLIENT_KIND_COMPANY,
    }
    made = client_pb.Client(**usual | over)
    request = client_pb.CreateClientRequest(client=made, allow_duplicate=True)
    client: client_pb.Client = await person.call("CreateClient", request)
    return client


async def make_activity(person: Person, **over: Any) -> activity_pb.Activity:
    """A call, on whatever `over` names."""
    usual: dict[str, Any] = {"subject": "Ask", "kind": activity_pb.ACTIVITY_KIND_CALL}
    request = activity_pb.CreateActivityRequest(activity=activity_pb.Activity(**usual | over))
    activity: activity_pb.Activity = await person.call("CreateActivity", request)
    return activity


def euros(amount_minor: int) -> money_pb2.Money:
    """Money in the currency a workspace has until auth tells another."""
    return money_pb2.Money(amount_minor=amount_minor, currency_code="EUR")


@contextmanager
def refused(kind: ErrorKind, reason: str) -> Iterator[pytest.ExceptionInfo[RemoteError]]:
    """What runs inside is refused for this reason."""
    with pytest.raises(RemoteError) as refusal:
        yield refusal
    assert (refusal.value.kind, refusal.value.reason) == (kind, reason)


def mask(*paths: str) -> FieldMask:
    """The fields that are meant."""
    return FieldMask(paths=paths)


def where(field: str, operator: str, *values: str) -> filter_pb2.Condition:
    """`where("name", "EQ", "Website")`."""
    return filter_pb2.Condition(
        field=field,
        operator=filter_pb2.Operator.Value(f"OPERATOR_{operator}"),
        values=values,
    )


def by(field: str, descending: bool = False) -> filter_pb2.SortKey:
    """A key of an order."""
    return filter_pb2.SortKey(field=field, descending=descending)
