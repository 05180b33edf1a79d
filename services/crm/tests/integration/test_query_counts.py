"""What each RPC costs in statements: declared here for every one, and the same for many rows.

BEGIN and COMMIT count. An idempotency key costs one more. What is told by the outbox's own rows, or
changed record by record (a bulk change), is counted for one.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import Message

from crm.application.bulk_changes import JOB as BULK_JOB
from crm.application.exports import JOB as EXPORT_JOB
from crm.application.import_revert import REVERT_JOB
from crm.application.imports import CHECK_JOB, JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from freelanceflow.crm.v1 import calendar_service_pb2 as calendar_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import rate_service_pb2 as rate_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from freelanceflow.crm.v1 import search_service_pb2 as search_pb
from freelanceflow.crm.v1 import setup_service_pb2 as setup_pb
from freelanceflow.crm.v1 import snapshot_service_pb2 as snapshot_pb
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from freelanceflow.crm.v1 import timeline_service_pb2 as timeline_pb
from freelanceflow.crm.v1 import view_service_pb2 as view_pb
from kit.ids import new_id
from kit.rpc.identity import NOBODY
from kit.testing.database import recorded_queries
from services.crm.tests.factories import Person, euros, make_client, make_deal, mask, work_off

COUNTS = {
    "AddSamples": 21, "ChangeActivities": 7, "ChangeClients": 9, "ChangeDeals": 8, "CheckImport": 6,
    "ChooseView": 5, "CommitImport": 8, "CreateActivity": 6, "CreateCalendarFeed": 4,
    "CreateClient": 7, "CreateCustomField": 6, "CreateDeal": 4, "CreateExport": 8,
    "CreateImport": 16, "CreateLostReason": 5, "CreateStage": 7, "CreateView": 6,
    "CreateWorkspaceExport": 7,
    "DeleteActivity": 5, "DeleteCalendarFeed": 4, "DeleteClient": 5, "DeleteCustomField": 7,
    "DeleteDeal": 4, "DeleteLostReason": 5, "DeleteRate": 4, "DeleteStage": 9, "DeleteTag": 7,
    "DeleteView": 5, "DismissDuplicate": 5, "DownloadExport": 7, "DownloadImportErrors": 12,
    "DownloadRefusals": 2, "DraftActivity": 2, "GetActivity": 1, "GetBoard": 3, "GetCalendar": 4,
    "GetCalendarFeed": 1, "GetClient": 1, "GetDeal": 1, "GetExport": 1, "GetImport": 1, "GetJob": 2,
    "GetSetup": 1, "GetView": 1, "ImportRates": 5, "ListActivities": 2, "ListActivityHistory": 2,
    "ListCards": 1, "ListClientHistory": 2, "ListClients": 2, "ListCurrencies": 1,
    "ListCustomFields": 1, "ListDealContacts": 1, "ListDealHistory": 2, "ListDeals": 3,
    "ListDuplicates": 4, "ListExports": 1, "ListImportErrors": 2, "ListImportRows": 2,
    "ListImports": 1, "ListLostReasons": 2, "ListMerges": 1, "ListOwners": 1, "ListRates": 1,
    "ListStages": 1, "ListTags": 1, "ListTimeline": 1, "ListTrash": 1, "ListViews": 1,
    "ListWorkspaces": 1, "MergeClients": 21, "MoveDeal": 4, "PurgeRecord": 11, "PutDealContact": 7,
    "PutRates": 5, "PutTag": 6, "RemoveDealContact": 6, "RemoveSamples": 19, "RenameTag": 9,
    "ReopenDeal": 6, "ReorderLostReasons": 5, "ReorderStages": 4, "RestoreRecord": 6,
    "RevertImport": 6, "Search": 1, "SetActivityDone": 6, "StreamWorkspace": 3, "UndoMerge": 20,
    "UpdateActivity": 6, "UpdateClient": 6, "UpdateCustomField": 7, "UpdateDeal": 4,
    "UpdateImport": 11, "UpdateLostReason": 5, "UpdateStage": 5, "UpdateView": 7,
}  # fmt: skip
PARTS = (
    activity_pb, bulk_pb, calendar_pb, client_pb, contact_pb, deal_pb, duplicate_pb, export_pb,
    field_pb, import_pb, rate_pb, record_pb, search_pb, setup_pb, snapshot_pb, stage_pb,
    timeline_pb, view_pb,
)  # fmt: skip


class Asker:
    """Asks, and remembers what each method cost."""

    def __init__(self, person: Person, app: App, many: int) -> None:
        self.person, self.app, self.many = person, app, many
        self.counts: dict[str, int] = {}

    async def __call__(self, method: str, **fields: Any) -> Any:
        """The answer of a method of the person's, whole."""
        request = self._request(method, fields)
        with recorded_queries(self.app.pool) as own, recorded_queries(self.app.system) as systems:
            answer = await self.person.call(method, request)
            if isinstance(answer, AsyncIterator):
                answer = [part async for part in answer]
        self._note(method, len(own) + len(systems))
        return answer

    async def as_service(self, method: str, **fields: Any) -> Any:
        """The same, of whoever needs no person."""
        crm, request = self.person.crm, self._request(method, fields)
        rpc = crm.method(method)
        with recorded_queries(self.app.pool) as own, recorded_queries(self.app.system) as systems:
            if isinstance(rpc, grpc.aio.UnaryStreamMultiCallable):
                answer: Any = [
                    part async for part in crm.caller.stream(rpc, request, identity=NOBODY)
                ]
            else:
                answer = await crm.caller.call(rpc, request, identity=NOBODY, timeout=20)
        self._note(method, len(own) + len(systems))
        return answer

    async def upload(self, content: str) -> import_pb.Import:
        """An import of deals."""
        header = import_pb.ImportHeader(
            resource=import_pb.IMPORT_RESOURCE_DEALS, file_name="deals.csv"
        )

        async def pieces() -> AsyncIterator[import_pb.CreateImportRequest]:
            yield import_pb.CreateImportRequest(header=header)
            yield import_pb.CreateImportRequest(chunk=content.encode())

        crm = self.person.crm
        with recorded_queries(self.app.pool) as own:
            made: import_pb.Import = await crm.caller.upload(
                crm.method("CreateImport"), pieces(), identity=self.person.identity(), timeout=60
            )
        self._note("CreateImport", len(own))
        return made

    def _request(self, method: str, fields: dict[str, Any]) -> Message:
        made: Message = next(
            getattr(part, f"{method}Request")(**fields)
            for part in PARTS
            if hasattr(part, f"{method}Request")
        )
        return made

    def _note(self, method: str, count: int) -> None:
        self.counts[method] = max(count, self.counts.get(method, 0))


async def clients(ask: Asker) -> None:
    new = client_pb.Client(name="Heron", kind=client_pb.CLIENT_KIND_COMPANY, emails=["a@heron.eu"])
    client = await ask("CreateClient", client=new)
    client = await ask(
        "UpdateClient",
        client=client_pb.Client(id=client.id, notes="x"),
        update_mask=mask("notes"),
        etag=client.etag,
    )
    for _ in range(ask.many):
        await make_client(ask.person, name="Heron GmbH", emails=["a@heron.eu"])
        await make_deal(ask.person, client_id=client.id)
    await ask("GetClient", client_id=client.id)
    await ask("ListClients", with_total=True)
    await ask("ListDuplicates")
    others = [await make_client(ask.person, name=f"Other {number}") for number in range(2)]
    await ask("DismissDuplicate", client_id=others[0].id, other_id=others[1].id)
    for _ in range(ask.many):
        await make_deal(ask.person, client_id=others[0].id)
    merge = await ask(
        "MergeClients",
        client_id=client.id,
        etag=client.etag,
        other_id=others[0].id,
        other_etag=others[0].etag,
    )
    await ask("ListMerges")
    await ask("UndoMerge", merge_id=merge.id)
    await ask("ListClientHistory", client_id=client.id)
    await ask("ListTimeline", client_id=client.id)
    await ask("DeleteClient", client_id=others[1].id, etag=others[1].etag)


async def deals(ask: Asker) -> None:
    stages = await ask.person.stages()
    client = await make_client(ask.person)
    deal = await ask(
        "CreateDeal", deal=deal_pb.Deal(name="Poster", client_id=client.id, amount=euros(100))
    )
    change = deal_pb.Deal(id=deal.id, source="fair", owner_id=str(ask.person.user_id))
    deal = await ask(
        "UpdateDeal", deal=change, update_mask=mask("source", "owner_id"), etag=deal.etag
    )
    for _ in range(ask.many):
        made = await make_deal(ask.person, client_id=client.id)
        deal = await ask("MoveDeal", deal_id=deal.id, stage_id=stages["Won"], etag=deal.etag)
        deal = await ask("ReopenDeal", deal_id=deal.id, etag=deal.etag)
        contact = {"deal_id": deal.id, "client_id": (await make_client(ask.person)).id}
        await ask("PutDealContact", **contact, role="Buyer")
        await ask("DeleteDeal", deal_id=made.id, etag=made.etag)
        deal = await ask.person.deal(deal.id)  # a contact changes its version
    await ask("GetDeal", deal_id=deal.id)
    await ask("ListDeals", with_total=True)
    await ask("GetBoard")
    await ask("ListCards", stage_id=deal.stage_id)
    await ask("ListDealHistory", deal_id=deal.id)
    await ask("ListDealContacts", deal_id=deal.id)
    await ask("RemoveDealContact", **contact)
    await ask("ListTrash")
    await ask("RestoreRecord", record_id=made.id)
    made = await ask.person.deal(made.id)
    await ask("DeleteDeal", deal_id=made.id, etag=made.etag)
    await ask("PurgeRecord", record_id=made.id)
    await ask("Search", text="poster")


async def activities(ask: Asker) -> None:
    deal = await make_deal(ask.person)
    await ask("DraftActivity", text="Call Heron Fri 14:00")
    for _ in range(ask.many):
        new = activity_pb.Activity(
            subject="Ask", kind=activity_pb.ACTIVITY_KIND_CALL, deal_id=deal.id
        )
        made = await ask("CreateActivity", activity=new)
    change = activity_pb.Activity(id=made.id, subject="Write")
    made = await ask("UpdateActivity", activity=change, update_mask=mask("subject"), etag=made.etag)
    await ask("SetActivityDone", activity_id=made.id, done=True)
    await ask("GetActivity", activity_id=made.id)
    await ask("ListActivities", with_total=True)
    await ask("ListActivityHistory", activity_id=made.id)
    await ask("DeleteActivity", activity_id=made.id, etag="3")
    await ask("GetCalendarFeed")
    feed = await ask("CreateCalendarFeed")
    await ask.as_service("GetCalendar", token=feed.token)
    await ask("DeleteCalendarFeed")


async def bulk(ask: Asker) -> None:
    deal, client = await make_deal(ask.person), await make_client(ask.person)
    new = activity_pb.Activity(subject="x", kind=activity_pb.ACTIVITY_KIND_NOTE, deal_id=deal.id)
    activity = await ask("CreateActivity", activity=new)
    tag: dict[str, Any] = {"action": bulk_pb.BULK_ACTION_TAG, "add_tags": ["bulk"]}
    await ask("ChangeDeals", change=bulk_pb.BulkChange(ids=[deal.id], **tag))
    await ask("ChangeClients", change=bulk_pb.BulkChange(ids=[client.id], **tag))
    assign = bulk_pb.BulkChange(
        action=bulk_pb.BULK_ACTION_ASSIGN, ids=[activity.id], owner_id=str(ask.person.user_id)
    )
    await ask("ChangeActivities", change=assign)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 0)
        missing = [str(new_id()) for _ in range(ask.many)]
        begun = await ask.person.call(
            "ChangeDeals", bulk_pb.ChangeDealsRequest(change=bulk_pb.BulkChange(ids=missing, **tag))
        )
    await work_off(ask.app, begun.job_id, BULK_JOB)
    await ask("DownloadRefusals", job_id=begun.job_id)


async def settings(ask: Asker) -> None:
    for number in range(ask.many):
        stage = await ask(
            "CreateStage",
            stage=stage_pb.Stage(name=f"Stage {number}", type=stage_pb.STAGE_TYPE_OPEN),
        )
        reason = stage_pb.LostReason(name=f"Reason {number}")
        reason = await ask("CreateLostReason", lost_reason=reason)
        new = field_pb.CustomField(name=f"field_{number}", type="text", resource="deals")
        custom = await ask("CreateCustomField", custom_field=new)
        await ask("PutTag", tag=field_pb.Tag(name=f"Tag {number}", color="teal"))
        await make_deal(ask.person, tags=["Tag 0"])
    stage = await ask(
        "UpdateStage",
        stage=stage_pb.Stage(id=stage.id, name="Last"),
        update_mask=mask("name"),
        etag=stage.etag,
    )
    stages = list((await ask("ListStages")).stages)
    await ask("ReorderStages", stage_ids=[one.id for one in stages])
    stage = next(one for one in (await ask("ListStages")).stages if one.id == stage.id)
    await ask("DeleteStage", stage_id=stage.id, etag=stage.etag)
    reason.name = "Other reason"
    await ask("UpdateLostReason", lost_reason=reason)
    reasons = list((await ask("ListLostReasons")).lost_reasons)
    await ask("ReorderLostReasons", lost_reason_ids=[one.id for one in reasons])
    await ask("DeleteLostReason", lost_reason_id=reason.id)
    await ask("ListOwners")
    await ask("ListCustomFields", resource="deals")
    custom = await ask(
        "UpdateCustomField",
        custom_field=field_pb.CustomField(id=custom.id, name="other"),
        update_mask=mask("name"),
        etag=custom.etag,
    )
    await ask("DeleteCustomField", custom_field_id=custom.id, etag=custom.etag)
    await ask("ListTags")
    await ask("RenameTag", name="Tag 0", new_name="Renamed")
    await ask("DeleteTag", name="Renamed")


async def money(ask: Asker) -> None:
    rates = [
        rate_pb.Rate(currency_code="USD", valid_from=f"2026-01-0{number + 1}", rate="0.9")
        for number in range(ask.many)
    ]
    await ask("PutRates", rates=rates)
    await ask("ImportRates", content=b"date,currency,rate\n2026-02-01,CHF,1.04\n")
    await ask("ListRates")
    await ask("ListCurrencies")
    await ask("DeleteRate", currency_code="USD", valid_from="2026-01-01")


async def views(ask: Asker) -> None:
    for number in range(ask.many):
        view = await ask("CreateView", view=view_pb.View(resource="deals", name=f"V{number}"))
    await ask("GetView", view_id=view.id)
    await ask("ListViews", resource="deals")
    await ask("ChooseView", resource="deals", view_id=view.id)
    view.name = "Renamed"
    view = await ask("UpdateView", view=view, etag=view.etag)
    await ask("DeleteView", view_id=view.id, etag=view.etag)


async def files(ask: Asker) -> None:
    rows = "".join(f"Imported {number},10,Nowhere\n" for number in range(ask.many))
    made = await ask.upload(f"name,amount,stage\n{rows}Fine,1,\n")
    await ask("UpdateImport", import_id=made.id, date_order="dmy")
    checked = await ask("CheckImport", import_id=made.id)
    await ask("GetJob", job_id=checked.job_id)
    await work_off(ask.app, checked.job_id, CHECK_JOB)
    await ask("ListImportErrors", import_id=made.id)
    await ask("ListImportRows", import_id=made.id)
    await ask("DownloadImportErrors", import_id=made.id)
    committed = await ask("CommitImport", import_id=made.id)
    await work_off(ask.app, committed.job_id, JOB)
    await ask("GetImport", import_id=made.id)
    await ask("ListImports")
    reverted = await ask("RevertImport", import_id=made.id)
    await work_off(ask.app, reverted.job_id, REVERT_JOB)
    export = await ask(
        "CreateExport",
        resource=export_pb.EXPORT_RESOURCE_DEALS,
        format=export_pb.EXPORT_FORMAT_CSV,
    )
    await work_off(ask.app, export.job_id, EXPORT_JOB)
    await ask("GetExport", export_id=export.id)
    await ask("ListExports")
    await ask("DownloadExport", export_id=export.id)
    await ask("CreateWorkspaceExport")


async def the_whole(ask: Asker) -> None:
    await ask("GetSetup")
    await ask("AddSamples")
    await ask("RemoveSamples")
    await ask.as_service("ListWorkspaces", page_size=ask.many)
    await ask.as_service("StreamWorkspace", workspace_id=str(ask.person.workspace_id))


@pytest.mark.parametrize("many", [1, 4])
async def test_every_rpc_costs_what_is_declared_however_many_rows_there_are(
    person: Person, app: App, many: int
) -> None:
    ask = Asker(person, app, many)
    chapters = (the_whole, clients, deals, activities, bulk, settings, money, views, files)
    for chapter in chapters:
        await chapter(ask)
    assert ask.counts == COUNTS


def test_every_rpc_has_declared_what_it_costs() -> None:
    methods = {
        method.name
        for part in PARTS
        for service in part.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert methods == set(COUNTS)
