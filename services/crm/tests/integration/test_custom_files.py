"""Custom fields in files: guessed, read, refused by row and column, and written again."""

import io
from datetime import date
from typing import Any

import openpyxl
import pytest

from crm.application.import_revert import REVERT_JOB
from crm.application.imports import CHECK_JOB
from crm.application.uploads import OPEN_JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.errors import ErrorKind
from services.crm.tests.factories import (
    Person,
    commit,
    import_of,
    imported,
    make_client,
    refused,
    upload,
    where,
    work_off,
)
from services.crm.tests.integration.test_exports import exported, sheet, table
from services.crm.tests.integration.test_fields import make_field

CLIENTS = pb.IMPORT_RESOURCE_CLIENTS
OPTIONS = ["Gold", "Silver, old", "Bronze"]
HEADER = "deal;Contact e-mail;Budget left;Rounds;Signed on;Level;Services;Brief;NDA signed"
GIVEN = {
    "contact_e_mail": "ann@acme.example",
    "budget_left": {"amount_minor": 1_234_56.0, "currency": "EUR"},
    "rounds": 2.5,
    "signed_on": "2026-03-31",
    "level": "Silver, old",
    "services": ["Gold", "Silver, old"],
    "brief": "https://acme.example/brief",
    "nda_signed": True,
}


async def make_fields(person: Person, resource: str = "deals") -> None:
    for name, type in (
        ("Contact e-mail", "text"),
        ("Budget left", "money"),
        ("Rounds", "number"),
        ("Signed on", "date"),
        ("Level", "select"),
        ("Services", "multi_select"),
        ("Brief", "url"),
        ("NDA signed", "checkbox"),
    ):
        options = OPTIONS if "select" in type else []
        await make_field(person, name, type, resource=resource, options=options)


def plain(values: Any) -> dict[str, Any]:
    """A struct as dictionaries and lists."""
    return {
        key: list(value) if hasattr(value, "values") and not hasattr(value, "fields")
        else dict(value.items()) if hasattr(value, "fields") else value
        for key, value in values.items()
    }  # fmt: skip


async def checked(app: App, person: Person, import_id: str) -> pb.Import:
    """After a dry run."""
    begun = await person.call("CheckImport", pb.CheckImportRequest(import_id=import_id))
    await work_off(app, begun.job_id, CHECK_JOB)
    return await import_of(person, import_id)


async def test_columns_are_guessed_and_cells_read_as_the_file_writes_them(
    app: App, person: Person
) -> None:
    await make_fields(person)
    row = (
        "Site;ann@acme.example;1.234,56 €;2,5;31.03.2026;silver, OLD;"
        "gold | Silver, old;https://acme.example/brief;ja"
    )
    found = await upload(person, f"{HEADER}\n{row}\nLogo;;;;;;;;\n")
    assert [column.field for column in found.columns] == [
        "name", *(f"cf_{key}" for key in GIVEN)
    ]  # fmt: skip
    committed = await commit(person, found.id)
    await work_off(app, committed.job_id)
    assert (await import_of(person, found.id)).created_rows == 2
    deals = {deal.name: deal for deal in (await person.list_deals()).deals}
    assert plain(deals["Site"].custom_fields) == GIVEN
    assert plain(deals["Logo"].custom_fields) == {}
    (found_by,) = (await person.list_deals(where("cf_level", "EQ", "Silver, old"))).deals
    assert found_by.name == "Site"


async def test_what_cannot_be_read_is_told_by_row_and_column(app: App, person: Person) -> None:
    await make_fields(person)
    rows = [
        "A;x;much;2;31.03.2026;Gold;Gold;https://a.example;yes",
        "B;x;1;many;31.02.2026;Iron;Gold|Iron;javascript:x;perhaps",
        "C;x;1;2;31.03.2026;Gold;Gold, Bronze;https://a.example;no",
    ]
    found = await upload(person, "\n".join([HEADER, *rows]))
    dry = await checked(app, person, found.id)
    assert (dry.check.created_rows, dry.check.failed_rows) == (1, 2)
    errors = await person.call("ListImportErrors", pb.ListImportErrorsRequest(import_id=found.id))
    assert {(error.row, error.column, error.value) for error in errors.errors} == {
        (2, "Budget left", "much"),
        (3, "Rounds", "many"),
        (3, "Signed on", "31.02.2026"),
        (3, "Level", "Iron"),
        (3, "Services", "Gold|Iron"),
        (3, "Brief", "javascript:x"),
        (3, "NDA signed", "perhaps"),
    }
    assert "none of the options" in next(e.message for e in errors.errors if e.column == "Level")


async def test_a_field_that_is_gone_is_asked_for_before_anything_is_written(
    app: App, person: Person
) -> None:
    field = await make_field(person, "Level", "text")
    found = await upload(person, "deal,Level\nSite,Gold\n")
    gone = field_pb.DeleteCustomFieldRequest(custom_field_id=field.id, etag=field.etag)
    await person.call("DeleteCustomField", gone)
    with refused(ErrorKind.INVALID, "FIELD_UNKNOWN"):
        await commit(person, found.id)
    with refused(ErrorKind.INVALID, "FIELD_UNKNOWN"):
        request = pb.UpdateImportRequest(import_id=found.id, fields={1: "cf_never"})
        await person.call("UpdateImport", request)
    other = await make_field(person, "Rank", "text")
    twice = pb.UpdateImportRequest(import_id=found.id, fields={0: "cf_rank", 1: "cf_rank"})
    assert other.key == "rank"
    with refused(ErrorKind.INVALID, "FIELD_TWICE"):
        await person.call("UpdateImport", twice)


async def test_an_update_fills_and_a_revert_puts_back(app: App, person: Person) -> None:
    await make_fields(person, "clients")
    client = await make_client(person, name="Acme", emails=["ann@acme.example"])
    change = client_pb.Client(id=client.id)
    change.custom_fields.update({"rounds": 1, "level": "Gold"})
    request = client_pb.UpdateClientRequest(client=change, etag=client.etag)
    request.update_mask.paths.append("custom_fields")
    await person.call("UpdateClient", request)
    text = "name,email,Rounds,Brief\nAcme,ann@acme.example,7,https://acme.example\n"
    found = await upload(person, text, resource=CLIENTS)
    update = pb.UpdateImportRequest(import_id=found.id, on_duplicate="update")
    await person.call("UpdateImport", update)
    committed = await commit(person, found.id)
    await work_off(app, committed.job_id)

    async def values() -> dict[str, Any]:
        now = await person.call("GetClient", client_pb.GetClientRequest(client_id=client.id))
        return plain(now.custom_fields)

    filled = {"rounds": 7, "level": "Gold", "brief": "https://acme.example"}
    assert await values() == filled
    begun = await person.call("RevertImport", pb.RevertImportRequest(import_id=found.id))
    await work_off(app, begun.job_id, REVERT_JOB)
    assert await values() == {"rounds": 1, "level": "Gold"}


@pytest.mark.parametrize("format", [export_pb.EXPORT_FORMAT_CSV, export_pb.EXPORT_FORMAT_XLSX])
async def test_what_an_export_wrote_an_import_reads_back(
    app: App, person: Person, stranger: Person, format: export_pb.ExportFormat.ValueType
) -> None:
    for who in (person, stranger):
        await make_fields(who)
    row = "Site,ann@acme.example,1234.56,2.5,2026-03-31,Bronze,Gold,https://acme.example/brief,yes"
    other = 'Logo,,"1,000 USD",,,,,,no'
    await imported(app, person, f"{HEADER.replace(';', ',')}\n{row}\n{other}\n")
    content = await exported(app, person, format=format)
    found = await upload(stranger, content, file_name="deals.xlsx")
    if not found.columns:
        await work_off(app, found.job_id, OPEN_JOB)
    committed = await commit(stranger, found.id)
    await work_off(app, committed.job_id)
    done = await import_of(stranger, found.id)
    assert (done.created_rows, done.failed_rows) == (2, 0)
    for who in (person, stranger):
        deals = {deal.name: deal for deal in (await who.list_deals()).deals}
        site = GIVEN | {"level": "Bronze", "services": ["Gold"]}
        assert plain(deals["Site"].custom_fields) == site
        dollars = {"amount_minor": 1_000_00, "currency": "USD"}
        assert plain(deals["Logo"].custom_fields) == {"budget_left": dollars, "nda_signed": False}


async def test_own_columns_are_chosen_and_typed(app: App, person: Person) -> None:
    await make_fields(person)
    await make_field(person, "=1+1")
    await imported(app, person, "deal,Rounds,Signed on,1 1\nSite,2.25,2026-03-31,=2+2\n")
    asked = ["name", "cf_rounds", "cf_signed_on", "cf_1_1"]
    rows = table(await exported(app, person, columns=asked))
    assert rows == [
        ["Name", "Rounds", "Signed on", "'=1+1"],
        ["Site", "2.25", "2026-03-31", "'=2+2"],
    ]
    cells = sheet(await exported(app, person, columns=asked, format=export_pb.EXPORT_FORMAT_XLSX))
    assert [cell.value for cell in cells[1]][:2] == ["Site", 2.25]
    assert cells[1][2].value.date() == date(2026, 3, 31)
    assert cells[1][3].data_type == "s"
    with refused(ErrorKind.INVALID, "COLUMN_UNKNOWN"):
        request = export_pb.CreateExportRequest(
            resource=export_pb.EXPORT_RESOURCE_DEALS, format=export_pb.EXPORT_FORMAT_CSV
        )
        request.columns.append("cf_never")
        await person.call("CreateExport", request)
    book = openpyxl.load_workbook(
        io.BytesIO(await exported(app, person, format=export_pb.EXPORT_FORMAT_XLSX))
    )
    headers = [cell.value for cell in next(book.active.iter_rows())]
    assert headers[-9:] == [
        "Contact e-mail", "Budget left", "Rounds", "Signed on", "Level", "Services", "Brief",
        "NDA signed", "=1+1",
    ]  # fmt: skip
