"""Exported files as LibreOffice opens them: the same texts, numbers and days, and no formulas.

Left out where there is no LibreOffice; test_exports.py and test_writers.py read what is exported
with openpyxl and csv in any case.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm.entrypoints.app import App
from freelanceflow.crm.v1 import export_service_pb2 as pb
from kit.clock import to_timestamp
from services.crm.tests.factories import (
    Person,
    by,
    euros,
    make_activity,
    make_client,
    make_deal,
)
from services.crm.tests.integration.test_exports import FORMULAS, exported
from services.crm.tests.office import Cell, opened

pytestmark = pytest.mark.office
FORMATS = {"csv": pb.EXPORT_FORMAT_CSV, "xlsx": pb.EXPORT_FORMAT_XLSX}
BY_AGE = [by("created_at")]
# What a reader may stumble over: quotes, marks of order, letters beyond the first plane, long ones.
TEXTS = (
    'Müller, "Söhne" & Co',
    "two\nlines",
    "a;b|c",
    "ÅÄÖ łódź 東京 🚀 שלום",
    "007",
    "1/2",
    "x" * 90,
    "<b>&amp;</b>",
    "_x0041_",
)


@pytest.fixture(params=sorted(FORMATS))
def ending(request: pytest.FixtureRequest) -> str:
    """Of a file."""
    return str(request.param)


async def test_deals_open_right(app: App, person: Person, tmp_path: Path, ending: str) -> None:
    client = await make_client(person, name=TEXTS[0])
    for number, text in enumerate(TEXTS):
        await make_deal(
            person,
            name=f"Deal {number} {text}",
            amount=euros(1_234_56 + number),
            client_id=client.id,
            expected_close_date=f"20{number + 26}-03-01",
            source=text,
        )
    columns = ["name", "amount", "client", "expected_close_date", "source"]
    content = await exported(app, person, format=FORMATS[ending], columns=columns, sort=BY_AGE)
    name = f"deals.{ending}"
    header, *rows = (await opened({name: content}, tmp_path))[name]
    assert [cell.value for cell in header] == [
        *("Name", "Amount", "Client", "Expected close", "Source")
    ]
    for number, (row, text) in enumerate(zip(rows, TEXTS, strict=True)):
        assert row[:4] == [
            Cell("string", f"Deal {number} {text}"),
            Cell("float", str((1_234_56 + number) / 100)),
            Cell("string", TEXTS[0]),
            Cell("date", f"20{number + 26}-03-01"),
        ]
        if ending == "xlsx" or not text[:1].isdigit():  # a CSV cannot say that 007 is a text
            assert row[4] == Cell("string", text)


async def test_nothing_runs(app: App, person: Person, tmp_path: Path, ending: str) -> None:
    for text in (*FORMULAS, *(f"x;{text}" for text in FORMULAS)):
        await make_deal(person, name=f"{text} deal", source=text.strip(), tags=["a", text.strip()])
    columns = ["name", "source", "tags"]
    content = await exported(app, person, format=FORMATS[ending], columns=columns)
    files = {f"deals.{ending}": content}
    if ending == "csv":  # the same file is dangerous when it is asked for as it is
        files["raw.csv"] = await exported(app, person, columns=columns, raw=True)
    sheets = await opened(files, tmp_path)
    cells = [cell for row in sheets[f"deals.{ending}"] for cell in row]
    assert len(cells) == 3 * (1 + 2 * len(FORMULAS))
    assert {(cell.type, cell.formula, cell.link) for cell in cells} == {("string", "", "")}
    assert ending == "xlsx" or any(cell.formula for row in sheets["raw.csv"] for cell in row)


async def test_clients_and_activities_open_right(
    app: App, person: Person, tmp_path: Path, ending: str
) -> None:
    client = await make_client(
        person, name="Acme", phones=["+41441234567"], notes="- one\n- two", tags=["x", "y"]
    )
    at = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
    await make_activity(person, client_id=client.id, due_time=to_timestamp(at), subject="=Ask")
    columns = ["name", "phones", "notes", "tags", "open_deals"]
    clients = await exported(
        app,
        person,
        resource=pb.EXPORT_RESOURCE_CLIENTS,
        format=FORMATS[ending],
        columns=columns,
    )
    activities = await exported(
        app,
        person,
        resource=pb.EXPORT_RESOURCE_ACTIVITIES,
        format=FORMATS[ending],
        columns=["subject", "due_at", "client"],
    )
    files = {f"clients.{ending}": clients, f"activities.{ending}": activities}
    sheets = await opened(files, tmp_path)
    _, (name, phones, notes, tags, open_deals) = sheets[f"clients.{ending}"]
    kept = str if ending == "xlsx" else lambda text: text.replace("-", "'-").replace("+", "'+")
    assert [cell.value for cell in (name, phones, notes, tags, open_deals)] == [
        *("Acme", kept(client.phones[0]), kept("- one\n- two"), "x; y", "0")
    ]
    assert (phones.type, open_deals.type) == ("string", "float")
    _, (subject, due, of) = sheets[f"activities.{ending}"]
    assert (subject.type, subject.formula, of.value) == ("string", "", "Acme")
    assert (due.type, due.value) == ("date", "2026-03-01T14:30:00")
