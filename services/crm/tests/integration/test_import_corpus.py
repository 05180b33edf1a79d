"""Files as the world writes them: read right, or refused with row and column."""

import pytest

from crm.domain import csv_file
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.errors import ErrorKind
from services.crm.tests.factories import (
    Person,
    imported,
    refused,
    upload,
    work_off,
)
from services.crm.tests.integration.test_fields import make_field

CLIENTS, DEALS = pb.IMPORT_RESOURCE_CLIENTS, pb.IMPORT_RESOURCE_DEALS
ACTIVITIES = pb.IMPORT_RESOURCE_ACTIVITIES


def fields(made: pb.Import) -> dict[str, str]:
    return {column.header: column.field for column in made.columns if column.field}


def doubts_of(made: pb.Import) -> set[str]:
    said = made.settings
    certain = {"decimal": said.decimal_certain, "date_order": said.date_order_certain}
    return {name for name, is_certain in certain.items() if not is_certain}


async def errors_of(person: Person, import_id: str) -> list[tuple[int, str, str]]:
    found = await person.call("ListImportErrors", pb.ListImportErrorsRequest(import_id=import_id))
    return [(error.row, error.column, error.value) for error in found.errors]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"]
)
async def test_any_usual_encoding(app: App, person: Person, encoding: str) -> None:
    text = "Firma;Ort;Notiz\r\nMüller & Söhne;Zürich;„Süß“ – 5 €\r\n"
    if encoding == "windows-1252":
        text = text.replace("„", "'").replace("“", "'")
    done = await imported(app, person, text.encode(encoding), resource=CLIENTS)
    (client,) = (await person.call("ListClients", client_pb.ListClientsRequest())).clients
    assert (client.name, client.address) == ("Müller & Söhne", "Zürich")
    assert client.notes.endswith("– 5 €")
    expected = "windows-1252" if encoding == "windows-1252" else encoding.removesuffix("-sig")
    assert done.settings.encoding in (expected, "utf-16-le")


@pytest.mark.parametrize(
    ("delimiter", "amounts", "decimal"),
    [
        (";", ["1.234,56", "12", "€ 1.000", "7,5", "1 234,56 EUR", "0,99"], ","),
        (",", ["1,234.56", "12", "$1,000", "7.5", "1'234.56", ".99"], "."),
        ("\t", ["1.234,56", "12", "1.000", "7,50", "1 234,56", "(3,00)"], ","),
    ],
)
async def test_amounts_in_either_notation(
    app: App, person: Person, delimiter: str, amounts: list[str], decimal: str
) -> None:
    lines = [delimiter.join(("Deal", "Value"))]
    lines += [f'{n}{delimiter}"{amount}"' for n, amount in enumerate(amounts)]
    done = await imported(app, person, "\n".join(lines))
    assert (done.settings.decimal, done.settings.decimal_certain) == (decimal, True)
    found = {deal.name: deal.amount.amount_minor for deal in (await person.list_deals()).deals}
    assert found == {"0": 1234_56, "1": 12_00, "2": 1000_00, "3": 7_50, "4": 1234_56} | (
        {"5": 99} if amounts[5] == "0,99" else {}
    )
    if amounts[5] != "0,99":  # what is no amount, or a negative one, is named
        assert await errors_of(person, done.id) == [(7, "Value", amounts[5])]


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["2026-03-01", "2026-12-31"], "ymd"),
        (["01.03.2026", "31.12.2026"], "dmy"),
        (["03/01/2026", "12/31/2026"], "mdy"),
        (["1 Mar 2026", "December 31, 2026"], ""),
        (["1. März 2026", "31-Dec-26"], ""),
        (["01/03/26 10:30", "31/12/2026"], "dmy"),
    ],
)
async def test_dates_in_any_notation(
    app: App, person: Person, dates: list[str], order: str
) -> None:
    text = "Title,Expected close\n" + "".join(f'{n},"{day}"\n' for n, day in enumerate(dates))
    done = await imported(app, person, text)
    assert done.settings.date_order_certain
    assert not order or done.settings.date_order == order
    found = {deal.name: deal.expected_close_date for deal in (await person.list_deals()).deals}
    assert found == {"0": "2026-03-01", "1": "2026-12-31"}


@pytest.mark.parametrize(
    ("header", "cell", "doubts"),
    [
        ("Value", "1.234", {"decimal"}),
        ("Value", "1234", set()),
        ("Value", "$12.345", {"decimal"}),
        ("Expected close", "03/04/2026 9:30", {"date_order"}),
        ("Expected close", "03/03/2026", set()),
        ("Expected close", "2 April 2026", set()),
        ("Renewal", "03/04/2026", {"date_order"}),
        ("Id", "1.234", set()),  # it is taken as it is written
    ],
)
async def test_only_what_is_in_doubt_is_said_to_be(
    person: Person, header: str, cell: str, doubts: set[str]
) -> None:
    await make_field(person, "Renewal", "date")
    made = await upload(person, f"Title,{header}\nA,{cell}\n")
    assert doubts_of(made) == doubts
    left_out = pb.UpdateImportRequest(import_id=made.id, fields={1: ""})
    assert doubts_of(await person.call("UpdateImport", left_out)) == set()
    taken = pb.UpdateImportRequest(import_id=made.id, fields={1: "amount"})
    expected = {"decimal"} if "1.234" in cell or "12.345" in cell else set()
    assert doubts_of(await person.call("UpdateImport", taken)) == expected


async def test_a_doubtful_date_can_be_settled(app: App, person: Person) -> None:
    made = await upload(person, "Deal,Close\nA,03/04/2026\nB,13/14/2026\n")
    assert (made.settings.date_order, made.settings.date_order_certain) == ("mdy", False)
    made = await person.call(
        "UpdateImport",
        pb.UpdateImportRequest(
            import_id=made.id, date_order="dmy", fields={1: "expected_close_date"}
        ),
    )
    assert (made.settings.date_order, made.settings.date_order_certain) == ("dmy", True)
    await work_off(
        app, (await person.call("CommitImport", pb.CommitImportRequest(import_id=made.id))).job_id
    )
    (deal,) = (await person.list_deals()).deals
    assert deal.expected_close_date == "2026-04-03"
    assert await errors_of(person, made.id) == [(3, "Close", "13/14/2026")]


async def test_quotes_may_hold_line_breaks_and_delimiters(app: App, person: Person) -> None:
    text = 'Client,Notes\r\n"Acme, ""the"" firm","line 1\r\nline 2, still"\r\nBeta,x\r\n'
    await imported(app, person, text, resource=CLIENTS)
    acme, _ = (await person.call("ListClients", client_pb.ListClientsRequest())).clients
    assert (acme.name, acme.notes) == ('Acme, "the" firm', "line 1\r\nline 2, still")


async def test_300_columns_and_more_than_can_be(app: App, person: Person) -> None:
    header = ["Deal name", *(f"c{n}" for n in range(299))]
    row = ["A", *("x" for _ in range(299))]
    done = await imported(app, person, f"{','.join(header)}\n{','.join(row)}\n")
    assert (len(done.columns), done.created_rows, fields(done)) == (300, 1, {"Deal name": "name"})
    with refused(ErrorKind.INVALID, "TOO_MANY_COLUMNS"):
        await upload(person, ",".join(f"c{n}" for n in range(501)) + "\n1\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "FILE_EMPTY"),
        (b"\xef\xbb\xbf", "FILE_EMPTY"),
        (b"\r\n\r\n", "FILE_EMPTY"),
        (b"%PDF-1.7 and so on, and so on", "FILE_KIND_UNKNOWN"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "FILE_KIND_UNKNOWN"),
        (b"PK\x03\x04 and then nothing that makes sense", "FILE_KIND_UNKNOWN"),
        (b"a\0b\0\0\0,c\n1,2\n", "FILE_KIND_UNKNOWN"),
    ],
)
async def test_what_is_no_table_is_refused_at_once(
    person: Person, content: bytes, reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await upload(person, content)
    assert not (await person.call("ListImports", pb.ListImportsRequest())).imports


async def test_formulas_are_text_and_nothing_else(app: App, person: Person) -> None:
    text = "Deal\n=1+1\n'=1+1 quoted\n@SUM(A1)\n"
    await imported(app, person, text)
    names = {deal.name for deal in (await person.list_deals()).deals}
    assert names == {"=1+1", "=1+1 quoted", "@SUM(A1)"}


async def test_rows_that_cannot_be_read_are_named(app: App, person: Person) -> None:
    done = await imported(app, person, 'Deal,Value\nA,1,2\n"B"x,1\nC,1\n')
    assert (done.created_rows, done.failed_rows) == (1, 2)
    assert [row for row, _, _ in await errors_of(person, done.id)] == [2, 3]


async def test_an_unclosed_quote_says_where(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "MAX_RECORD", 1_000)
    with refused(ErrorKind.INVALID, "FILE_UNREADABLE") as refusal:
        await upload(person, "name\nA\nB\n" + '"C\n' + "x\n" * 2_000)
    assert "row 4" in refusal.value.message


@pytest.mark.parametrize(
    ("resource", "header", "expected"),
    [
        (
            CLIENTS,
            "Record ID,First Name,Last Name,Email,Phone Number,Company Name,Create Date",
            "external_id,name,name,emails,phones,parent,created_at",
        ),
        (
            CLIENTS,
            "Organization - Name;Organization - Address;Organization - ID;Organization - Owner",
            "name;address;external_id;owner",
        ),
        (
            DEALS,
            "Deal - Title,Deal - Value,Deal - Currency,Deal - Stage,Deal - Expected close date,"
            "Deal - Organization,Deal - Lost reason,Deal - Deal created",
            "name,amount,currency,stage,expected_close_date,client,lost_reason,created_at",
        ),
        (
            DEALS,
            "Opportunity Name,Account Name,Amount,Stage,Close Date,Lead Source,Opportunity Owner",
            "name,client,amount,stage,closed_at,source,owner",
        ),
        (
            DEALS,
            "Deal,Value,Stage,Closing date,Expected",
            "name,amount,stage,closed_at,expected_close_date",
        ),
        (DEALS, "Deal,Expected date,Closed", "name,expected_close_date,closed_at"),
        (DEALS, "Titel;Wert;Erwartet am", "name;amount;expected_close_date"),
        (DEALS, "Projekt;Kunde;Betrag;Währung;Phase", "name;client;amount;currency;stage"),
        (
            ACTIVITIES,
            "Activity - Subject,Activity - Type,Activity - Due date,Activity - Done,"
            "Activity - Deal,Activity - Note",
            "subject,kind,due_at,done_at,deal,body",
        ),
    ],
)
async def test_columns_of_other_programs_are_guessed(
    person: Person, resource: pb.ImportResource.ValueType, header: str, expected: str
) -> None:
    delimiter = ";" if ";" in header else ","
    row = delimiter.join("x" for _ in header.split(delimiter))
    made = await upload(person, f"{header}\n{row}\n", resource=resource)
    assert [column.field for column in made.columns] == expected.split(delimiter)
    assert all(column.confidence > 0.8 for column in made.columns)


async def test_columns_without_a_telling_header_are_guessed_by_their_cells(person: Person) -> None:
    made = await upload(person, "A,B,C\nx,a@b.ch,acme.com\ny,c@d.ch,\n", resource=CLIENTS)
    assert fields(made) == {"B": "emails", "C": "website"}
    assert {column.confidence for column in made.columns if column.field} == {0.7, 0.6}
    with refused(ErrorKind.INVALID, "COLUMN_MISSING"):
        await person.call("CommitImport", pb.CommitImportRequest(import_id=made.id))
