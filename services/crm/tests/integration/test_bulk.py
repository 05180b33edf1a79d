"""One change of many records: each for itself, seen by the caller, told as one."""

import csv
import io
from typing import Any
from uuid import UUID

import pytest

from crm.application import bulk_changes
from crm.application.bulk_changes import JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.jobs.worker import Task
from kit.sight import Sight
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from services.crm.tests.factories import (
    Crm,
    Person,
    commit,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
    upload,
    where,
    work_off,
)
from services.crm.tests.integration.test_events import told


async def change(person: Person, what: str = "ChangeDeals", **over: Any) -> pb.BulkResponse:
    """Change many."""
    answer: pb.BulkResponse = await person.call(
        what, getattr(pb, f"{what}Request")(change=pb.BulkChange(**over))
    )
    return answer


async def ends(database: ServiceDatabase, person: Person) -> list[Any]:
    """What was told of changes of many that ended."""
    everything = await told(database, person.workspace_id)
    return [body for kind, body, _ in everything if kind == "crm.bulk.v1.finished"]


async def test_deals_are_changed_each_for_itself(
    person: Person, stranger: Person, app: App
) -> None:
    stages = await person.stages()
    made = [await make_deal(person, tags=["a"]) for _ in range(3)]
    other = await make_deal(stranger)
    ids = [deal.id for deal in made]
    answer = await change(
        person, action=pb.BULK_ACTION_MOVE, ids=[*ids, other.id], stage_id=stages["Engaging"]
    )
    assert [result.reason for result in answer.results] == ["", "", "", "DEAL_NOT_FOUND"]
    assert not any(result.name for result in answer.results)  # another workspace's has none
    assert (answer.total, answer.job_id) == (4, "")
    again = await change(person, action=pb.BULK_ACTION_MOVE, ids=ids, stage_id=stages["Engaging"])
    assert not any(result.reason for result in again.results)
    await change(person, action=pb.BULK_ACTION_TAG, ids=ids, add_tags=["b", "a"], remove_tags=["c"])
    found = await person.deal(ids[0])
    assert (list(found.tags), found.stage_name, found.version) == (["a", "b"], "Engaging", 3)
    await change(
        person,
        action=pb.BULK_ACTION_UPDATE,
        ids=ids,
        deal=deal_pb.Deal(source="fair"),
        update_mask=mask("source"),
    )
    lost = await change(person, action=pb.BULK_ACTION_MOVE, ids=ids[:1], stage_id=stages["Lost"])
    assert lost.results[0].reason == "LOST_REASON_MISSING"
    assert (lost.results[0].id, lost.results[0].name) == (ids[0], made[0].name)
    gone = await change(
        person, action=pb.BULK_ACTION_DELETE, conditions=[where("source", "EQ", "fair")]
    )
    assert {result.id for result in gone.results} == set(ids)
    assert not (await person.list_deals()).deals
    assert (await stranger.deal(other.id)).version == 1
    rows = await app.system.fetch(
        "SELECT type, headers->>'ce-bulkid' AS bulk FROM outbox WHERE workspace_id = $1"
        " AND type = 'crm.deal.v1.moved'",
        person.workspace_id,
    )
    assert len(rows) == 3
    assert len({row["bulk"] for row in rows} - {None}) == 1


async def test_a_repeat_with_its_key_gets_the_first_answer_and_changes_nothing(
    person: Person, app: App
) -> None:
    stages = await person.stages()
    deals = [await make_deal(person) for _ in range(2)]
    request = pb.ChangeDealsRequest(
        change=pb.BulkChange(
            action=pb.BULK_ACTION_MOVE,
            ids=[*(deal.id for deal in deals), str(new_id())],
            stage_id=stages["Engaging"],
        )
    )
    first = await person.call("ChangeDeals", request, key="k")
    assert [result.reason for result in first.results] == ["", "", "DEAL_NOT_FOUND"]
    for deal in deals:  # they moved on since
        await person.move(await person.deal(deal.id), stages["Prospecting"])
    assert await person.call("ChangeDeals", request, key="k") == first
    assert {(await person.deal(deal.id)).stage_name for deal in deals} == {"Prospecting"}
    other = pb.ChangeDealsRequest(change=request.change)
    other.change.stage_id = stages["Prospecting"]
    with refused(ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED"):
        await person.call("ChangeDeals", other, key="k")
    assert await person.call("ChangeDeals", request) == first  # without a key it is another one
    assert {(await person.deal(deal.id)).stage_name for deal in deals} == {"Engaging"}


async def test_one_that_is_refused_leaves_the_others_changed_and_nothing_told(
    crm: Crm, person: Person, app: App
) -> None:
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    own = [await make_deal(seller) for _ in range(2)]
    other = await make_deal(person)
    # Given away, a record would be out of the seller's sight: the policy itself refuses.
    answer = await change(
        seller,
        action=pb.BULK_ACTION_ASSIGN,
        ids=[deal.id for deal in own],
        owner_id=str(person.user_id),
    )
    assert {result.reason for result in answer.results} == {"RECORD_OUT_OF_SIGHT"}
    assert [result.name for result in answer.results] == [deal.name for deal in own]
    ids = [own[0].id, other.id, own[1].id]
    answer = await change(seller, action=pb.BULK_ACTION_TAG, ids=ids, add_tags=["x"])
    assert [result.reason for result in answer.results] == ["", "DEAL_NOT_FOUND", ""]
    assert not answer.results[1].name  # it is the colleague's
    rows = await app.system.fetch(
        "SELECT aggregate_id FROM outbox WHERE workspace_id = $1 AND type = 'crm.deal.v1.updated'"
        " ORDER BY number",
        person.workspace_id,
    )
    assert [str(row["aggregate_id"]) for row in rows] == [own[0].id, own[1].id]


async def test_a_job_is_seen_by_whoever_asked_for_it_and_who_sees_all(
    crm: Crm, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 0)
    seller, colleague = (Person(crm, person.workspace_id) for _ in range(2))
    for one in (seller, colleague):
        one.sight = Sight((seller.user_id, colleague.user_id))
    deal = await make_deal(seller)
    jobs = [(await change(seller, action=pb.BULK_ACTION_DELETE, ids=[deal.id])).job_id]
    export = export_pb.CreateExportRequest(
        resource=export_pb.EXPORT_RESOURCE_DEALS, format=export_pb.EXPORT_FORMAT_CSV
    )
    jobs.append((await seller.call("CreateExport", export)).job_id)
    jobs.append((await commit(seller, (await upload(seller, "name\nx\n")).id)).job_id)
    for job_id in jobs:
        asked = pb.GetJobRequest(job_id=job_id)
        assert (await seller.call("GetJob", asked)).id == job_id
        assert (await person.call("GetJob", asked)).id == job_id
        with refused(ErrorKind.NOT_FOUND, "JOB_NOT_FOUND"):
            await colleague.call("GetJob", asked)


async def test_clients_and_activities_are_changed(person: Person, crm: Crm) -> None:
    colleague = Person(crm, person.workspace_id)
    await make_deal(colleague)  # so that the colleague is known as an owner
    client = await make_client(person)
    await change(
        person,
        "ChangeClients",
        action=pb.BULK_ACTION_ASSIGN,
        ids=[client.id],
        owner_id=str(colleague.user_id),
    )
    await change(
        person, "ChangeClients", action=pb.BULK_ACTION_TAG, ids=[client.id], add_tags=["vip"]
    )
    found = await person.call("GetClient", client_pb.GetClientRequest(client_id=client.id))
    assert (found.owner_id, list(found.tags)) == (str(colleague.user_id), ["vip"])
    activity = await make_activity(person, client_id=client.id)
    await change(
        person,
        "ChangeActivities",
        action=pb.BULK_ACTION_UPDATE,
        ids=[activity.id],
        activity=activity_pb.Activity(subject="Write"),
    )
    request = activity_pb.GetActivityRequest(activity_id=activity.id)
    assert (await person.call("GetActivity", request)).subject == "Write"
    for what, action in (
        ("ChangeClients", pb.BULK_ACTION_MOVE),
        ("ChangeActivities", pb.BULK_ACTION_TAG),
        ("ChangeDeals", pb.BULK_ACTION_UNSPECIFIED),
    ):
        with refused(ErrorKind.INVALID, "ACTION_UNKNOWN"):
            await change(person, what, action=action, ids=[client.id])


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"action": pb.BULK_ACTION_DELETE}, "BULK_EMPTY"),
        ({"action": pb.BULK_ACTION_MOVE, "ids": ["x"]}, "ACTION_INCOMPLETE"),
        ({"action": pb.BULK_ACTION_TAG, "ids": ["x"]}, "ACTION_INCOMPLETE"),
        ({"action": pb.BULK_ACTION_ASSIGN, "ids": ["x"]}, "ACTION_INCOMPLETE"),
        ({"action": pb.BULK_ACTION_UPDATE, "ids": ["x"]}, "ACTION_INCOMPLETE"),
        ({"action": pb.BULK_ACTION_DELETE, "ids": ["x"]}, "INVALID_INPUT"),
    ],
)
async def test_what_cannot_be_meant_changes_nothing(
    person: Person, over: dict[str, Any], reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await change(person, **over)


async def test_more_than_a_hundred_become_a_job_with_the_callers_sight(
    crm: Crm, person: Person, app: App, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 2)
    monkeypatch.setattr(bulk_changes, "REPORT_EVERY", 1)
    monkeypatch.setattr("crm.entrypoints.rpc.bulk.TOLD", 3)
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    own = [await make_deal(seller) for _ in range(3)]
    other = await make_deal(person)
    trashed = await make_deal(seller, name="=Trashed")
    await change(seller, action=pb.BULK_ACTION_DELETE, ids=[trashed.id])
    ids = [*(deal.id for deal in own), other.id, trashed.id, str(new_id()), str(new_id())]
    answer = await change(seller, action=pb.BULK_ACTION_TAG, ids=ids, add_tags=["x"])
    assert (len(answer.results), answer.total) == (0, 7)
    job = await seller.call("GetJob", pb.GetJobRequest(job_id=answer.job_id))
    assert (job.status, job.total) == ("queued", 7)
    with refused(ErrorKind.NOT_FOUND, "JOB_NOT_FOUND"):  # nothing is known yet
        await seller.download("DownloadRefusals", pb.DownloadRefusalsRequest(job_id=job.id))
    await work_off(app, answer.job_id, JOB)
    job = await seller.call("GetJob", pb.GetJobRequest(job_id=answer.job_id))
    assert (job.status, job.progress) == ("done", 7)
    assert (job.resource, job.refused_total) == ("deals", 4)  # of which three are named
    assert [(result.id, result.reason, result.name) for result in job.refused] == [
        (other.id, "DEAL_NOT_FOUND", ""),
        (trashed.id, "DEAL_NOT_FOUND", trashed.name),
        (ids[-2], "DEAL_NOT_FOUND", ""),
    ]
    asked = pb.DownloadRefusalsRequest(job_id=job.id)
    content = (await seller.download("DownloadRefusals", asked)).decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(content))
    assert head == ["Why it was not changed", "Name", "Id", "Reason"]
    assert [line[1:] for line in lines] == [
        ["", other.id, "DEAL_NOT_FOUND"],
        ["'" + trashed.name, trashed.id, "DEAL_NOT_FOUND"],
        *(["", id, "DEAL_NOT_FOUND"] for id in ids[-2:]),
    ]
    (ended,) = await ends(database, person)
    assert (ended.job_id, ended.resource, ended.actor_id) == (job.id, "deals", str(seller.user_id))
    assert (ended.changed, ended.refused, ended.stopped) == (3, 4, False)
    assert [list((await person.deal(deal.id)).tags) for deal in own] == [["x"]] * 3
    assert not (await person.deal(other.id)).tags
    with refused(ErrorKind.NOT_FOUND, "JOB_NOT_FOUND"):
        await Person(crm).call("GetJob", pb.GetJobRequest(job_id=answer.job_id))
    assert await app.system.fetchval(
        "SELECT count(*) FROM outbox WHERE headers->>'ce-bulkid' = $1", str(UUID(answer.job_id))
    )


@pytest.mark.parametrize("dies", ["before its end is committed", "after that"])
async def test_the_end_of_a_job_whose_worker_dies_is_told_once(
    person: Person,
    app: App,
    database: ServiceDatabase,
    monkeypatch: pytest.MonkeyPatch,
    dies: str,
) -> None:
    monkeypatch.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 2)
    end, runs = Task.end_with, 0

    async def dying(task: Task, uow: UnitOfWork, result: dict[str, Any]) -> None:
        nonlocal runs
        runs += 1
        if runs > 1 or dies == "after that":
            await end(task, uow, result)
        if runs == 1:
            raise ConnectionResetError

    monkeypatch.setattr(Task, "end_with", dying)
    ids = [(await make_deal(person)).id for _ in range(3)]
    begun = await change(person, action=pb.BULK_ACTION_DELETE, ids=[*ids, str(new_id())])
    for _ in range(3):
        await work_off(app, begun.job_id, JOB)
    assert runs == (2 if dies == "before its end is committed" else 1)
    job = await person.call("GetJob", pb.GetJobRequest(job_id=begun.job_id))
    # What the first attempt has put into the trash was not refused to the second.
    assert (job.status, job.refused_total, len(job.refused)) == ("done", 1, 1)
    (ended,) = await ends(database, person)
    assert (ended.job_id, ended.changed, ended.refused) == (job.id, 3, 1)
