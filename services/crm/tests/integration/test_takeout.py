"""All of a workspace in one file, for whoever may take it out, and to be read back."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest

from crm.adapters import takeout
from crm.adapters.tables import deal_history
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import calendar_service_pb2 as calendar_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import export_service_pb2 as pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import view_service_pb2 as view_pb
from freelanceflow.type.v1 import money_pb2
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.sight import EVERYTHING, Sight
from services.crm.tests.factories import (
    PERMISSIONS,
    Person,
    euros,
    imported,
    make_activity,
    make_client,
    make_deal,
    refused,
    work_off,
)

FORMULA = "=HYPERLINK(1)"


async def taken_out(app: App, person: Person) -> ZipFile:
    """The archive, by the same way as any export."""
    made = await person.call("CreateWorkspaceExport", pb.CreateWorkspaceExportRequest())
    assert (made.resource, made.format) == (
        pb.EXPORT_RESOURCE_WORKSPACE,
        pb.EXPORT_FORMAT_ZIP,
    )
    await work_off(app, made.job_id)
    done = await person.call("GetExport", pb.GetExportRequest(export_id=made.id))
    assert (done.status, done.error) == (pb.EXPORT_STATUS_DONE, "")
    assert done.rows == done.total_rows
    asked = pb.DownloadExportRequest(export_id=made.id)
    content = await person.download("DownloadExport", asked)
    assert len(content) == done.size
    return ZipFile(io.BytesIO(content))


def lines(archive: ZipFile, name: str) -> list[dict[str, Any]]:
    content = archive.read(f"records/{name}.jsonl").decode()
    return [json.loads(line) for line in content.splitlines()]


def table(archive: ZipFile, name: str) -> list[dict[str, str]]:
    text = archive.read(f"records/{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_every_kind_comes_twice_and_the_manifest_says_what_is_there(
    app: App, person: Person
) -> None:
    client = await make_client(person, name="Acme", tags=["vip"])
    for number in range(3):
        await make_deal(person, client_id=client.id, name=f"Deal {number}")
    archive = await taken_out(app, person)
    assert archive.testzip() is None
    manifest = json.loads(archive.read("records/manifest.json"))
    assert manifest["workspace"]["id"] == str(person.workspace_id)
    assert datetime.fromisoformat(manifest["made_at"]).tzinfo is not None
    files = {entry["name"]: entry for entry in manifest["files"]}
    assert files.keys() | {"README.txt", "records/manifest.json"} == set(archive.namelist())
    for name, entry in files.items():
        content = archive.read(name)
        assert (entry["bytes"], entry["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    for part in takeout.PARTS:
        rows = files[f"records/{part.name}.jsonl"]["rows"]
        assert len(lines(archive, part.name)) == len(table(archive, part.name)) == rows
        assert files[f"records/{part.name}.csv"]["rows"] == rows
    assert (files["records/deals.csv"]["rows"], files["records/clients.csv"]["rows"]) == (3, 1)
    assert "clients, deals, activities" in archive.read("README.txt").decode()


async def test_lines_have_ids_amounts_with_their_currency_and_instants_in_utc(
    app: App, person: Person
) -> None:
    stages = await person.stages()
    yen = money_pb2.Money(amount_minor=1250, currency_code="JPY")
    deal = await make_deal(person, amount=yen, tags=["a", "b"])
    moved = await person.move(deal, stages["Won"])
    archive = await taken_out(app, person)
    (line,) = lines(archive, "deals")
    assert (line["id"], line["stage_id"]) == (deal.id, stages["Won"])
    assert line["amount"] == {"amount_minor": 1250, "currency": "JPY"}
    assert line["tags"] == ["a", "b"]
    assert line["closed_at"].endswith("Z")
    assert datetime.fromisoformat(line["closed_at"]) == moved.close_time.ToDatetime(UTC)
    history = lines(archive, "deal-history")
    assert [(step["kind"], step["to_stage"]) for step in history][-1] == ("moved", "Won")
    assert {step["deal_name"] for step in history} == {deal.name}
    assert not [name for name in line if name.startswith("key") or name == "workspace_id"]


async def test_many_batches_are_all_rows_once(
    app: App, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        await make_deal(person)
    monkeypatch.setattr(takeout, "BATCH", 3)
    small = takeout.TablePart("deal-history", deal_history)
    found = [
        row["id"]
        async for batch in small.batches(app.pool, person.workspace_id, person.user_id)
        for row in batch
    ]
    assert len(found) == len(set(found)) == 7
    assert len(lines(await taken_out(app, person), "deals")) == 7


async def test_private_views_of_others_and_secrets_stay(app: App, person: Person) -> None:
    colleague = Person(person.crm, person.workspace_id, new_id())
    for who, name, shared in (
        (person, "Mine", False),
        (colleague, "Confidential", False),
        (colleague, "For all", True),
    ):
        view = view_pb.View(resource="deals", name=name, shared=shared)
        await who.call("CreateView", view_pb.CreateViewRequest(view=view))
    feed = await colleague.call("CreateCalendarFeed", calendar_pb.CreateCalendarFeedRequest())
    archive = await taken_out(app, person)
    assert {view["name"] for view in lines(archive, "saved-views")} == {"Mine", "For all"}
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Confidential" not in everything
    assert feed.token.encode() not in everything
    assert b"hash" not in everything


async def test_formulas_are_text_in_every_csv(app: App, person: Person) -> None:
    client = await make_client(person, name=FORMULA, notes=FORMULA)
    deal = await make_deal(person, name=FORMULA, client_id=client.id, tags=[FORMULA])
    await make_activity(person, deal_id=deal.id, subject=FORMULA)
    fields = field_pb.CustomField(resource="deals", name=FORMULA, type="text")
    await person.call("CreateCustomField", field_pb.CreateCustomFieldRequest(custom_field=fields))
    await person.call("DeleteDeal", deal_pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
    archive = await taken_out(app, person)
    runs = tuple("=+-@\t\r＝＋－＠")
    for name in archive.namelist():
        if name.endswith(".csv"):
            rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
            assert not [cell for row in rows for cell in row if cell.startswith(runs)], name
    assert [row["name"] for row in table(archive, "trash-deals")] == ["'" + FORMULA]
    assert [line["name"] for line in lines(archive, "trash-deals")] == [FORMULA]


async def test_who_does_not_see_all_takes_nothing(app: App, person: Person) -> None:
    def like(user_id: UUID, permissions: tuple[str, ...], sight: Sight = EVERYTHING) -> Person:
        return Person(person.crm, person.workspace_id, user_id, permissions, sight)

    owner = like(person.user_id, PERMISSIONS)
    admin = like(person.user_id, tuple(set(PERMISSIONS) - {"workspace.export"}))
    narrow = like(person.user_id, PERMISSIONS, Sight((person.user_id,)))
    asked = pb.CreateWorkspaceExportRequest()
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await admin.call("CreateWorkspaceExport", asked)
    with refused(ErrorKind.FORBIDDEN, "EXPORT_OUT_OF_SIGHT"):
        await narrow.call("CreateWorkspaceExport", asked)
    made = await owner.call("CreateWorkspaceExport", asked)
    await work_off(app, made.job_id)
    file = pb.DownloadExportRequest(export_id=made.id)
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):  # an owner no longer
        await admin.download("DownloadExport", file)
    with refused(ErrorKind.FORBIDDEN, "EXPORT_OUT_OF_SIGHT"):
        await narrow.download("DownloadExport", file)
    with refused(ErrorKind.NOT_FOUND, "EXPORT_NOT_FOUND"):
        await like(new_id(), PERMISSIONS).download("DownloadExport", file)


async def test_nothing_of_another_workspace_is_in_it(
    app: App, person: Person, stranger: Person
) -> None:
    await make_deal(stranger, name="Elsewhere")
    await make_client(stranger, name="Elsewhere")
    await make_deal(person, name="Here")
    archive = await taken_out(app, person)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Here" in everything
    assert b"Elsewhere" not in everything
    assert str(stranger.workspace_id).encode() not in everything


@pytest.mark.parametrize("resource", [pb.EXPORT_RESOURCE_WORKSPACE, pb.EXPORT_RESOURCE_DEALS])
async def test_a_list_is_no_archive_and_an_archive_no_list(
    person: Person, resource: pb.ExportResource.ValueType
) -> None:
    with refused(ErrorKind.INVALID, "FORMAT_UNKNOWN" if resource == 2 else "RESOURCE_UNKNOWN"):
        request = pb.CreateExportRequest(resource=resource, format=pb.EXPORT_FORMAT_ZIP)
        await person.call("CreateExport", request)


async def test_it_is_told_when_asked_for_and_when_it_is_there(app: App, person: Person) -> None:
    await make_deal(person)
    await taken_out(app, person)
    rows = await app.system.fetch(
        "SELECT type, headers FROM outbox WHERE workspace_id = $1 "
        "AND type LIKE 'crm.export.%' ORDER BY number",
        person.workspace_id,
    )
    assert [row["type"] for row in rows] == ["crm.export.v1.requested", "crm.export.v1.finished"]
    assert rows[0]["headers"]["ff-detail"].endswith(" rows of all kinds, zip")


async def world(person: Person) -> None:
    """Something of all that an import can take."""
    stages, reasons = await person.stages(), await person.lost_reasons()
    acme = await make_client(person, name="=Acme", emails=["a@acme.com"], tags=["x"], notes="-- n")
    await make_client(person, name="Aa Noor", kind=client_pb.CLIENT_KIND_PERSON, parent_id=acme.id)
    await make_client(person, name="=Aa works", parent_id=acme.id)
    for number, stage in enumerate(stages):
        deal = await make_deal(
            person,
            name=f"@{stage} {number}",
            client_id=acme.id,
            amount=euros(1_000_01 * (number + 1)),
            tags=["t"],
            expected_close_date="2027-03-01",
        )
        if stage == "Lost":
            await person.move(deal, stages[stage], lost_reason_id=next(iter(reasons.values())))
        elif number:
            await person.move(deal, stages[stage])
        await make_activity(
            person, deal_id=deal.id, subject="Ask", kind=activity_pb.ACTIVITY_KIND_CALL
        )


async def board_of(person: Person) -> dict[str, tuple[int, int]]:
    return {
        name: (column.count, column.sum.amount_minor)
        for name, column in (await person.board()).items()
    }


async def test_what_was_taken_out_can_be_read_back(
    app: App, person: Person, stranger: Person
) -> None:
    await world(person)
    archive = await taken_out(app, person)
    for name in ("clients", "deals", "activities"):
        resource = import_pb.ImportResource.Value(f"IMPORT_RESOURCE_{name.upper()}")
        content = archive.read(f"records/{name}.csv")
        done = await imported(app, stranger, content, resource=resource)
        assert (done.failed_rows, done.skipped_rows) == (0, 0), name
        assert done.created_rows == len(table(archive, name))
    assert await board_of(stranger) == await board_of(person)
    again = await taken_out(app, Person(stranger.crm, stranger.workspace_id, new_id()))
    for name in ("clients", "deals", "activities"):
        left_out = {"Owner", "Changed on"}
        assert _cells(again, name, left_out) == _cells(archive, name, left_out)


def _cells(archive: ZipFile, name: str, without: set[str]) -> list[list[tuple[str, str]]]:
    return sorted(
        sorted((header, cell) for header, cell in row.items() if header not in without)
        for row in table(archive, name)
    )
