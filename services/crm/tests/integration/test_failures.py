"""A job on a file that fails for good: its row and the word of it are one commit."""

from datetime import timedelta
from uuid import UUID

import pytest

from crm.application.bulk_changes import JOB as BULK_JOB
from crm.application.exports import JOB as EXPORT_JOB
from crm.application.imports import CHECK_JOB, JOB
from crm.application.uploads import OPEN_JOB
from crm.entrypoints import tasks
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.jobs.table import ATTEMPTS
from kit.jobs.worker import Task
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Person,
    commit,
    import_of,
    make_client,
    make_deal,
    upload,
    work_off,
)
from services.crm.tests.integration.test_events import told
from services.crm.tests.integration.test_import_workbooks import HEAD, SHEET, archive, sheet

EXPIRY = "UPDATE files SET expires_at = now() + $1 WHERE workspace_id = $2"
DEEP = {SHEET: sheet(HEAD + "<a>" * 100_000)}


async def failures(database: ServiceDatabase, person: Person) -> list[tuple[str, str, str]]:
    """Type, what it was about to do, and why; of the events that somebody waits for."""
    return [
        (kind, getattr(body, "step", ""), body.why)
        for kind, body, _ in await told(database, person.workspace_id)
        if kind.endswith(".failed")
    ]


async def test_a_file_that_is_gone_is_told_once_and_the_import_goes_on(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    made = await upload(person, "name\nA\n")
    await database.owner.execute(EXPIRY, timedelta(days=-1), person.workspace_id)
    check = await person.call("CheckImport", pb.CheckImportRequest(import_id=made.id))
    await work_off(app, check.job_id, CHECK_JOB)
    committed = await commit(person, made.id)
    for _ in range(2):  # delivered once more
        await work_off(app, committed.job_id)
    why = "There is no such file."
    assert await failures(database, person) == [
        ("crm.import.v1.failed", "check", why),
        ("crm.import.v1.failed", "write", why),
    ]
    failed = await import_of(person, made.id)
    assert (failed.status, failed.error) == (pb.IMPORT_STATUS_FAILED, why)
    await database.owner.execute(EXPIRY, timedelta(days=1), person.workspace_id)
    await work_off(app, (await commit(person, made.id)).job_id)
    assert (await import_of(person, made.id)).created_rows == 1


async def test_a_workbook_that_cannot_be_opened_is_told(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    made = await upload(person, archive(DEEP), file_name="deals.xlsx")
    await work_off(app, made.job_id, OPEN_JOB)
    ((kind, step, why),) = await failures(database, person)
    assert (kind, step) == ("crm.import.v1.failed", "open")
    assert why == "This workbook cannot be read; save it again, or as CSV."
    (body,) = [
        body
        for kind, body, _ in await told(database, person.workspace_id)
        if kind.endswith("failed")
    ]
    assert (body.import_id, body.file_name, body.resource, body.actor_id) == (
        made.id,
        "deals.xlsx",
        "deals",
        str(person.user_id),
    )


async def test_what_breaks_on_our_side_is_told_when_it_is_given_up(
    app: App, person: Person, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(app: App, task: Task) -> None:
        raise ZeroDivisionError("nobody outside needs to know")

    await make_client(person)
    asked = export_pb.CreateExportRequest(
        resource=export_pb.EXPORT_RESOURCE_CLIENTS, format=export_pb.EXPORT_FORMAT_CSV
    )
    made = await person.call("CreateExport", asked)
    with monkeypatch.context() as patched:
        patched.setitem(tasks.HANDLERS, EXPORT_JOB, broken)
        for attempt in range(ATTEMPTS):
            assert await failures(database, person) == [], attempt
            await work_off(app, made.job_id, EXPORT_JOB)
    assert await failures(database, person) == [("crm.export.v1.failed", "", "")]
    found = await person.call("GetExport", export_pb.GetExportRequest(export_id=made.id))
    assert found.status == export_pb.EXPORT_STATUS_FAILED


async def test_a_change_of_many_that_is_given_up_is_told_too(
    app: App, person: Person, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(app: App, task: Task) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 0)
    monkeypatch.setitem(tasks.HANDLERS, BULK_JOB, broken)
    deal = await make_deal(person)
    change = bulk_pb.BulkChange(action=bulk_pb.BULK_ACTION_DELETE, ids=[deal.id])
    begun = await person.call("ChangeDeals", bulk_pb.ChangeDealsRequest(change=change))
    for _ in range(ATTEMPTS):
        await work_off(app, begun.job_id, BULK_JOB)
    (told_of,) = [
        body
        for kind, body, _ in await told(database, person.workspace_id)
        if kind == "crm.bulk.v1.finished"
    ]
    assert (told_of.job_id, told_of.stopped, told_of.why) == (begun.job_id, True, "")


async def test_what_kills_its_worker_each_time_is_told_as_well(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    committed = await commit(person, (await upload(person, "name\nA\n")).id)
    await database.owner.execute(
        "UPDATE jobs SET status = 'running', attempts = $1, lease_until = now() - interval '1 min'"
        " WHERE id = $2",
        ATTEMPTS,
        UUID(committed.job_id),
    )
    other = await commit(person, (await upload(person, "name\nB\n")).id)
    await work_off(app, other.job_id, JOB)  # a worker that looks around
    assert await failures(database, person) == [("crm.import.v1.failed", "write", "")]
    assert (await import_of(person, committed.id)).status == pb.IMPORT_STATUS_FAILED
