"""Lists become files that other programs open, and only their maker has them."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from crm.adapters import exports
from crm.domain import exports as domain
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import export_service_pb2 as pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1.export_events_pb2 import ExportFinished
from freelanceflow.type.v1 import money_pb2
from freelanceflow.type.v1.filter_pb2 import SortKey
from kit.clock import to_timestamp
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.sight import Sight
from services.crm.tests.factories import (
    Person,
    by,
    euros,
    imported,
    make_activity,
    make_client,
    make_deal,
    refused,
    where,
    work_off,
)

CLIENTS, DEALS = pb.EXPORT_RESOURCE_CLIENTS, pb.EXPORT_RESOURCE_DEALS
ACTIVITIES = pb.EXPORT_RESOURCE_ACTIVITIES
CSV, XLSX, PDF = pb.EXPORT_FORMAT_CSV, pb.EXPORT_FORMAT_XLSX, pb.EXPORT_FORMAT_PDF
# What spreadsheets would run, or take for a link.
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x")',
    "＝1+1",
    "http://example.com",
)


async def exported(app: App, person: Person, **asked: Any) -> bytes:
    """The file of an export that was made."""
    usual = {"resource": DEALS, "format": CSV}
    made = await person.call("CreateExport", pb.CreateExportRequest(**usual | asked))
    assert made.status == pb.EXPORT_STATUS_QUEUED
    await work_off(app, made.job_id)
    done = await person.call("GetExport", pb.GetExportRequest(export_id=made.id))
    assert (done.status, done.error) == (pb.EXPORT_STATUS_DONE, "")
    content = await person.download("DownloadExport", pb.DownloadExportRequest(export_id=made.id))
    assert len(content) == done.size
    return content


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet(content: bytes) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [list(row) for row in book.active.iter_rows()]


async def test_a_csv_holds_the_list_with_its_filter_order_and_columns(
    app: App, person: Person
) -> None:
    client = await make_client(person, name="Müller, Söhne")
    for name, amount in (("Website", 1_200_50), ("Logo", 90_00), ("Web shop", 5_000_00)):
        await make_deal(person, name=name, amount=euros(amount), client_id=client.id)
    content = await exported(
        app,
        person,
        conditions=[where("name", "CONTAINS", "web")],
        sort=[by("amount_minor", descending=True)],
        columns=["name", "amount", "client"],
    )
    assert content.startswith("\ufeff".encode())
    assert table(content) == [
        ["Name", "Amount", "Client"],
        ["Web shop", "5000.00", "Müller, Söhne"],
        ["Website", "1200.50", "Müller, Söhne"],
    ]


@pytest.mark.parametrize(
    "order",
    [
        (),
        (by("name"),),
        (by("expected_close_date", descending=True), by("name")),
        (by("win_probability"), by("amount_minor", descending=True), by("closed_at")),
    ],
    ids=["usual", "name", "two ways", "mostly empty"],
)
async def test_many_batches_are_the_list_once(
    app: App, person: Person, monkeypatch: pytest.MonkeyPatch, order: tuple[SortKey, ...]
) -> None:
    monkeypatch.setattr(exports, "BATCH", 3)
    for number in range(7):
        day = f"2026-07-0{number}" if number % 3 else ""
        await make_deal(person, expected_close_date=day, amount=euros(number % 2))
    content = await exported(app, person, sort=order, columns=["name"])
    listed = (await person.list_deals(sort=order)).deals
    assert table(content)[1:] == [[deal.name] for deal in listed]


async def test_clients_go_into_a_file_as_they_are_sorted(
    app: App, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 2)
    won = (await person.stages())["Won"]
    for name, amount in (("Acme", 20), ("Bolt", 50), ("Cove", 0), ("Dent", 30), ("Ems", 50)):
        client = await make_client(person, name=name)
        await make_deal(person, client_id=client.id, amount=euros(amount), stage_id=won)
    order = (by("won_value", descending=True), by("name"))
    columns = ["name", "won_value"]
    content = await exported(app, person, resource=CLIENTS, sort=order, columns=columns)
    assert table(content)[1:] == [
        ["Bolt", "0.50"], ["Ems", "0.50"], ["Dent", "0.30"], ["Acme", "0.20"], ["Cove", "0.00"],
    ]  # fmt: skip


async def test_formulas_are_text_in_a_csv(app: App, person: Person) -> None:
    for text in FORMULAS:
        await make_deal(person, name=f"{text} deal", source=text.strip())
    rows = table(await exported(app, person, columns=["name", "source", "amount"]))[1:]
    beginnings = tuple("=+-@\t\r＝＋－＠")
    assert len(rows) == len(FORMULAS)
    assert not [cell for row in rows for cell in row if cell.startswith(beginnings)]
    raw = table(await exported(app, person, columns=["name"], raw=True))[1:]
    assert {row[0] for row in raw} == {f"{text} deal".strip() for text in FORMULAS}


async def test_formulas_and_links_are_text_in_a_workbook(app: App, person: Person) -> None:
    for text in FORMULAS:
        await make_deal(person, name=f"{text} deal", source=text.strip())
    rows = sheet(await exported(app, person, format=XLSX, columns=["name", "source"]))
    assert {cell.data_type for row in rows for cell in row if cell.value} == {"s"}
    assert not [cell for row in rows for cell in row if cell.hyperlink]
    assert {row[0].value for row in rows[1:]} == {f"{text} deal".strip() for text in FORMULAS}


async def test_a_workbook_has_numbers_and_dates(app: App, person: Person) -> None:
    await make_deal(
        person, amount=euros(1_234_50), expected_close_date="2026-03-01", tags=["a", "b"]
    )
    header, row = sheet(await exported(app, person, format=XLSX))
    found = {cell.value: value for cell, value in zip(header, row, strict=True)}
    assert (found["Amount"].value, found["Amount"].number_format) == (1234.5, "#,##0.00")
    assert found["Expected close"].value == datetime(2026, 3, 1)  # noqa: DTZ001 – a sheet has no zones
    assert found["Created on"].is_date
    assert found["Tags"].value == "a; b"


async def test_amounts_of_a_workbook_have_the_places_of_their_currency(
    app: App, person: Person
) -> None:
    for minor, code in ((1250, "JPY"), (1250, "KWD"), (1250, "USD")):
        await make_deal(person, amount=money_pb2.Money(amount_minor=minor, currency_code=code))
    header, *rows = sheet(await exported(app, person, format=XLSX))
    place = [cell.value for cell in header].index("Amount")
    shown = {(row[place].value, row[place].number_format) for row in rows}
    assert shown == {(1250, "#,##0"), (1.25, "#,##0.000"), (12.5, "#,##0.00")}


async def test_a_pdf_is_one(app: App, person: Person) -> None:
    await make_deal(person, name='#sys.inputs $x$ "quoted" \\ *bold* <b> @ref')
    content = await exported(app, person, format=PDF)
    assert content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in content  # tagged: readable aloud


async def test_each_list_is_a_document(app: App, person: Person) -> None:
    client = await make_client(person, name="Acme Works")
    deal = await make_deal(person, name="Website", client_id=client.id)
    await make_activity(person, deal_id=deal.id, subject="Ask again")
    for resource, words in ((DEALS, "Website"), (CLIENTS, "Acme Works"), (ACTIVITIES, "Ask again")):
        content = await exported(app, person, resource=resource, format=PDF)
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
        assert words in " ".join(" ".join(pages).split())


async def test_a_name_that_no_font_can_draw_is_no_reason_for_no_pdf(
    app: App, person: Person
) -> None:
    for name in ("日本語 会社", "شركة النور", "Launch 🎉", "Bell \x07 \x1b[31m", "\u202eabc\ufffe"):
        await make_deal(person, name=name)
    assert (await exported(app, person, format=PDF)).startswith(b"%PDF-")


async def test_a_pdf_of_too_many_rows_is_refused_before_it_is_begun(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.application.exports.MAX_PDF_ROWS", 1)
    for _ in range(2):
        await make_deal(person)
    with refused(ErrorKind.REFUSED, "EXPORT_TOO_LARGE"):
        await person.call("CreateExport", pb.CreateExportRequest(resource=DEALS, format=PDF))
    assert domain.MAX_PDF_ROWS == 2_000


async def test_what_was_exported_can_be_imported(
    app: App, person: Person, stranger: Person
) -> None:
    client = await make_client(
        person,
        name="=Acme",
        emails=["a@acme.com", "b@acme.com"],
        phones=["+41441234567"],
        address="Bern\nSchweiz",
        tags=["x", "y"],
        notes="-- noted",
        external_id="7",
    )
    content = await exported(app, person, resource=CLIENTS)
    done = await imported(app, stranger, content, resource=import_pb.IMPORT_RESOURCE_CLIENTS)
    assert (done.created_rows, done.failed_rows) == (1, 0)
    (copy,) = (await stranger.call("ListClients", client_pb.ListClientsRequest())).clients
    for name in ("name", "kind", "emails", "phones", "address", "tags", "notes", "external_id"):
        assert getattr(copy, name) == getattr(client, name), name

    deal = await make_deal(
        person, name="@Web", amount=euros(1_234_56), expected_close_date="2027-03-01", source="web"
    )
    done = await imported(app, stranger, await exported(app, person))
    assert (done.created_rows, done.failed_rows) == (1, 0)
    (again,) = (await stranger.list_deals()).deals
    for name in ("name", "amount", "stage_name", "expected_close_date", "source"):
        assert getattr(again, name) == getattr(deal, name), name


async def test_activities_say_what_they_are_about(app: App, person: Person) -> None:
    client = await make_client(person, name="Acme")
    deal = await make_deal(person, name="Website", client_id=client.id)
    due = to_timestamp(datetime(2026, 3, 1, 14, 30, tzinfo=UTC))
    await make_activity(
        person, deal_id=deal.id, due_time=due, kind=activity_pb.ACTIVITY_KIND_CALL, subject="Ask"
    )
    columns = ["subject", "kind", "client", "deal", "due_at"]
    rows = table(await exported(app, person, resource=ACTIVITIES, columns=columns))
    assert rows[1][:2] == ["Ask", "call"]
    assert rows[1][3:] == ["Website", "2026-03-01 14:30"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"format": CSV}, "RESOURCE_UNKNOWN"),
        ({"resource": DEALS}, "FORMAT_UNKNOWN"),
        ({"resource": DEALS, "format": CSV, "columns": ["shoe_size"]}, "COLUMN_UNKNOWN"),
        (
            {"resource": DEALS, "format": CSV, "conditions": [where("shoe", "EQ", "1")]},
            "FIELD_NOT_FILTERABLE",
        ),
        ({"resource": DEALS, "format": CSV, "sort": [by("shoe")]}, "FIELD_NOT_SORTABLE"),
    ],
)
async def test_what_makes_no_sense_is_refused_at_once(
    person: Person, asked: dict[str, Any], reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await person.call("CreateExport", pb.CreateExportRequest(**asked))


@pytest.fixture
async def made(app: App, person: Person) -> pb.Export:
    """An export that is done."""
    await make_deal(person)
    asked = pb.CreateExportRequest(resource=DEALS, format=CSV)
    made: pb.Export = await person.call("CreateExport", asked)
    await work_off(app, made.job_id)
    return made


async def test_only_its_maker_has_an_export(person: Person, made: pb.Export) -> None:
    colleague = Person(person.crm, person.workspace_id)
    for method, request in (
        ("GetExport", pb.GetExportRequest(export_id=made.id)),
        ("DownloadExport", pb.DownloadExportRequest(export_id=made.id)),
    ):
        with refused(ErrorKind.NOT_FOUND, "EXPORT_NOT_FOUND"):
            await colleague.call(method, request)
    assert not (await colleague.call("ListExports", pb.ListExportsRequest())).exports
    assert len((await person.call("ListExports", pb.ListExportsRequest())).exports) == 1


def less(permission: str) -> Callable[[Person], Person]:
    return lambda person: Person(
        person.crm,
        person.workspace_id,
        person.user_id,
        tuple(name for name in person.permissions if name != permission),
    )


async def test_who_may_no_longer_read_does_not_get_the_file(
    person: Person, made: pb.Export
) -> None:
    asked = pb.DownloadExportRequest(export_id=made.id)
    assert await person.download("DownloadExport", asked)
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await less("deals.read")(person).call("DownloadExport", asked)
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await less("deals.read")(person).call(
            "CreateExport", pb.CreateExportRequest(resource=DEALS, format=CSV)
        )
    person.sight = Sight((person.user_id,))
    with refused(ErrorKind.FORBIDDEN, "EXPORT_OUT_OF_SIGHT"):
        await person.call("DownloadExport", asked)


async def test_a_file_holds_what_its_maker_sees(app: App, person: Person) -> None:
    await make_deal(person, name="Somebody else's", owner_id=str(person.user_id))
    me = Person(person.crm, person.workspace_id, new_id())
    await make_deal(me, name="Mine", owner_id=str(me.user_id))
    me.sight = Sight((me.user_id,))
    assert [row[0] for row in table(await exported(app, me, columns=["name"]))] == ["Name", "Mine"]


async def test_a_file_goes_after_a_week(app: App, person: Person) -> None:
    await make_deal(person)
    asked = pb.CreateExportRequest(resource=DEALS, format=CSV)
    waiting = await person.call("CreateExport", asked)
    with refused(ErrorKind.REFUSED, "EXPORT_NOT_DONE"):
        await person.call("DownloadExport", pb.DownloadExportRequest(export_id=waiting.id))
    await work_off(app, waiting.job_id)
    done = await person.call("GetExport", pb.GetExportRequest(export_id=waiting.id))
    kept = done.expire_time.ToDatetime(UTC) - done.create_time.ToDatetime(UTC)
    assert kept == timedelta(days=7)


async def test_an_export_is_told_when_asked_for_and_when_it_is_there(
    app: App, person: Person
) -> None:
    await make_client(person)
    await exported(app, person, resource=CLIENTS)
    rows = await app.system.fetch(
        "SELECT type, headers, body FROM outbox WHERE workspace_id = $1 "
        "AND type LIKE 'crm.export.%' ORDER BY number",
        person.workspace_id,
    )
    assert [row["type"] for row in rows] == ["crm.export.v1.requested", "crm.export.v1.finished"]
    assert rows[0]["headers"]["ff-detail"] == "1 clients, csv"
    finished = ExportFinished.FromString(rows[1]["body"])
    assert (finished.rows, finished.actor_id) == (1, str(person.user_id))
