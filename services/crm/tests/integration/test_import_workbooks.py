"""Workbooks as programs write them, and as nobody should: read right, or refused in clear words."""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime

import openpyxl
import pytest

from crm.adapters import workbook as reader
from crm.adapters.xml_parts import MAX_QUIET
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.errors import ErrorKind
from services.crm.tests.factories import (
    Person,
    commit,
    import_of,
    make_client,
    refused,
    upload,
    work_off,
)
from services.crm.tests.integration.test_import_corpus import errors_of, fields

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
BOOK, PLACES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>Deal</t></is></c></row>'
ROW = '<row r="2"><c r="A2" t="inlineStr"><is><t>Site</t></is></c></row>'


def workbook(*rows: list[object], second: list[list[object]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for row in second or ():
        (book["More"] if "More" in book.sheetnames else book.create_sheet("More")).append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def sheet(rows: str, before: str = "") -> str:
    """The XML of a sheet."""
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData></worksheet>'


def archive(parts: Mapping[str, str], sizes: Mapping[str, int] | None = None) -> bytes:
    """A workbook of these parts beside the usual ones; `sizes` are what it says of them."""
    usual = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"/>',
        BOOK: f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        PLACES: f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/worksheet" '
        'Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
        f'Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        SHEET: sheet(HEAD + ROW),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in (usual | dict(parts)).items():
            made.writestr(name, part)
        for item in made.infolist():
            item.file_size = (sizes or {}).get(item.filename, item.file_size)
    return content.getvalue()


async def opened(app: App, person: Person, content: bytes) -> pb.Import:
    """After the job that takes it apart."""
    made = await upload(person, content, file_name="deals.xlsx")
    await work_off(app, made.job_id)
    return await import_of(person, made.id)


async def test_a_zip_with_a_wrong_name_is_what_it_is(app: App, person: Person) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr("deals.csv", "name\nA\n")
    with refused(ErrorKind.INVALID, "FILE_KIND_UNKNOWN"):
        await upload(person, packed.getvalue(), file_name="deals.csv")
    # A workbook is one, whatever it is called.
    content = workbook(["Deal", "Value"], ["A", 12.5])
    made = await upload(person, content, file_name="deals.csv")
    assert made.status == pb.IMPORT_STATUS_ANALYZING
    await work_off(app, made.job_id)
    assert fields(await import_of(person, made.id)) == {"Deal": "name", "Value": "amount"}


async def test_a_workbook_with_dates_numbers_formulas_and_empty_rows(
    app: App, person: Person
) -> None:
    await make_client(person, name="Acme")
    content = workbook(
        ["Opportunity", "Account", "Amount", "Created", "Tags", "Closed"],
        ["A", "Acme", 1234.5, date(2020, 3, 1), "x; y", None],
        [],
        ["=HYPERLINK(0)", "Acme", "1,234.56", date(2020, 3, 2), None, None],
        ["B", "Nobody", 1e6, "2020-03-01 10:30", True, None],
        ["C", None, 1e6, "2020-03-01T10:30:00Z", "", None],
        second=[["another sheet"]],
    )
    made = await opened(app, person, content)
    assert (made.status, made.total_rows) == (pb.IMPORT_STATUS_UPLOADED, 4)
    await work_off(app, (await commit(person, made.id)).job_id)
    deals = {deal.name: deal for deal in (await person.list_deals()).deals}
    assert deals["A"].amount.amount_minor == 1234_50
    assert deals["A"].create_time.ToDatetime(UTC) == datetime(2020, 3, 1, tzinfo=UTC)
    assert deals["C"].amount.amount_minor == 1_000_000_00
    # A formula without a stored result is an empty cell; rows are numbered as in the sheet.
    assert await errors_of(person, made.id) == [(4, "Opportunity", ""), (5, "Account", "Nobody")]


async def test_what_a_sheet_says_of_its_size_counts_for_nothing(app: App, person: Person) -> None:
    far = (
        '<row r="3"><c r="A3" t="inlineStr"><is><t>Logo</t></is></c><c r="XFD3" s="1"/></row>'
        '<row r="1048576" s="1"/>'
    )
    content = archive({SHEET: sheet(HEAD + ROW + far, '<dimension ref="A1:XFD1048576"/>')})
    made = await opened(app, person, content)
    assert (made.total_rows, fields(made)) == (2, {"Deal": "name"})


NESTED = "<a>" * 200_000
NAMES = "".join(f"<n{number}/>" for number in range(10_000))
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
)


@pytest.mark.parametrize(
    ("parts", "sizes", "reason", "said"),
    [
        ({}, {SHEET: 2_000_000_000}, "FILE_TOO_LARGE", "2,000 MB"),
        ({TEXTS: " " * 50_000_000}, {}, "FILE_TOO_LARGE", "text in it takes 50 MB"),
        ({BOOK: " " * (reader.MAX_OTHER + 1)}, {}, "FILE_TOO_LARGE", "20 MB"),
        ({BOOK: NESTED}, {}, "FILE_KIND_UNKNOWN", "cannot be read"),
        ({PLACES: NESTED}, {}, "FILE_KIND_UNKNOWN", "cannot be read"),
        ({BOOK: LAUGHS}, {}, "FILE_KIND_UNKNOWN", "cannot be read"),
        ({BOOK: "no XML"}, {}, "FILE_KIND_UNKNOWN", "cannot be read"),
        ({}, {BOOK: 10}, "FILE_KIND_UNKNOWN", "damaged"),  # more than it says
    ],
    ids=["gigabytes", "texts", "book", "deep book", "deep places", "laughs", "no XML", "liar"],
)
async def test_a_flood_is_refused_at_once_and_nothing_is_stored(
    person: Person, parts: dict[str, str], sizes: dict[str, int], reason: str, said: str
) -> None:
    content = archive(parts, sizes)
    assert len(content) < 2_000_000
    with refused(ErrorKind.INVALID, reason) as refusal:
        await upload(person, content, file_name="deals.xlsx")
    assert said in refusal.value.message
    assert not (await person.call("ListImports", pb.ListImportsRequest())).imports


WRONG = [
    "far row", "no row", "far column", "no column", "row twice", "long cell", "deep",
    "rows in rows", "names", "blanks", "attribute", "laughs", "no text", "cut off", "liar",
    "deep text",
]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "sizes", "said"),
    [
        ({SHEET: sheet(f'{HEAD}<row r="1048576"><c><v>1</v></c></row>')}, {}, "row 1,048,576"),
        ({SHEET: sheet(f'{HEAD}<row r="9e40"><c><v>1</v></c></row>')}, {}, "cannot be read"),
        (
            {SHEET: sheet(f'{HEAD}<row r="2"><c r="XFD2"><v>1</v></c></row>')},
            {},
            "Row 2 has a cell in column 16,384; at most 500.",
        ),
        ({SHEET: sheet(f'{HEAD}<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>')}, {}, "cannot be"),
        ({SHEET: sheet(HEAD + '<row r="1"><c><v>1</v></c></row>')}, {}, "cannot be read"),
        (
            {SHEET: sheet(f"{HEAD}<row r='2'><c><v>{'x' * 1_000_001}</v></c></row>")},
            {},
            "Row 2 is too long",
        ),
        ({SHEET: sheet(HEAD + NESTED)}, {}, "cannot be read"),
        ({SHEET: sheet(HEAD + "<row r='2'>" + "<row>" * 100_000)}, {}, "cannot be read"),
        ({SHEET: sheet(HEAD + NAMES)}, {}, "cannot be read"),
        ({SHEET: sheet(HEAD + " " * (2 * MAX_QUIET))}, {}, "cannot be read"),
        ({SHEET: sheet(f"{HEAD}<row a='{'x' * 2 * MAX_QUIET}'/>")}, {}, "cannot be read"),
        ({SHEET: LAUGHS}, {}, "cannot be read"),
        ({SHEET: sheet(f'{HEAD}<row><c t="s"><v>7</v></c></row>')}, {}, "cannot be read"),
        ({SHEET: sheet(HEAD + ROW)[:-30]}, {}, "cannot be read"),
        ({SHEET: sheet(HEAD + ROW * 9)}, {SHEET: 200}, "damaged"),
        ({TEXTS: f'<sst xmlns="{MAIN}">{NESTED}'}, {}, "cannot be read"),
    ],
    ids=WRONG,
)
async def test_a_sheet_that_makes_no_sense_says_so(
    app: App, person: Person, parts: dict[str, str], sizes: dict[str, int], said: str
) -> None:
    made = await opened(app, person, archive(parts, sizes))
    assert made.status == pb.IMPORT_STATUS_FAILED
    assert said in made.error
    assert not made.columns
