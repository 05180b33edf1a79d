"""A freelancer brings a list of deals from a spreadsheet, and takes it back again."""

import csv
import re

from playwright.async_api import FilePayload, Page, expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open

# As a German Excel saves it: Windows-1252, semicolons, decimal commas, days before months.
FILE = (
    "Projekt;Kunde;Wert;Phase;Anfrage vom;Abschlussdatum;Bemerkung\r\n"
    "Relaunch für Bäckerei Groß;Bäckerei Groß;12.500,50;Proposal;03.02.2026;31.03.2031;\r\n"
    'Logo "Blüte";Gärtnerei Süß;1.250,00;Engaging;14.01.2026;;"zwei Entwürfe; einer farbig"\r\n'
    "Wartung 2026;Bäckerei Groß;900;Prospecting;28.02.2026;;\r\n"
    "Onlineshop;Müller & Söhne;viel;Engaging;01.03.2026;;\r\n"
    "Broschüre;Müller & Söhne;2.400,00;Proposal;32.01.2026;;\r\n"
    "Schilder;Müller & Söhne;480,00;Irgendwo;02.03.2026;;\r\n"
).encode("windows-1252")


async def test_own_csv_goes_in_and_out_again(visit: Open, owner: Person) -> None:
    here = await visit(owner)
    page = here.page
    await here.open("/imports?resource=deals")
    file = FilePayload(name="Aufträge.csv", mimeType="text/csv", buffer=FILE)
    await page.locator("input[name=file]").set_input_files(file)
    await page.get_by_role("button", name="Look at the file").click()

    # How it is written was found out; what one column is must be told.
    await expect(page.get_by_role("heading", name="Aufträge.csv")).to_be_visible()
    await expect(page.get_by_text("6 rows")).to_be_visible()
    assert [await chosen(page, name) for name in ("Projekt", "Kunde", "Wert", "Phase")] == [
        *("name", "client", "amount", "stage")
    ]
    assert await chosen(page, "Abschlussdatum") == "expected_close_date"
    # Of what no name tells, dates are taken for when it began; that is to be looked at.
    asked_on = page.get_by_role("listitem").filter(has=page.get_by_label("Anfrage vom"))
    await expect(asked_on).to_contain_text("Please check")
    assert await chosen(page, "Anfrage vom") == "created_at"
    await expect(page.get_by_text("Relaunch für Bäckerei Groß")).to_be_visible()
    await here.shot("journey-import-columns-1440")
    await page.get_by_label("Bemerkung").select_option("next_step")
    await page.get_by_label("Add clients that are not there yet").check()
    await page.get_by_role("button", name="Try it").click()

    # Nothing is written yet, and the rows that cannot be taken say where and why.
    await expect(page.get_by_text("Nothing is written yet.")).to_be_visible()
    errors = page.get_by_role("table", name="Errors by row")
    for row, column, value in (
        (5, "Wert", "viel"),
        (6, "Anfrage vom", "32.01.2026"),
        (7, "Phase", "Irgendwo"),
    ):
        line = errors.get_by_role("row").filter(has_text=value)
        await expect(line).to_contain_text(re.compile(rf"{row}\s*{column}"))
    assert (await owner.get("/deals"))["items"] == []
    await here.shot("journey-import-tried-1440")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Rows with errors as a file").click()
    text = (await (await download.value).path()).read_text(encoding="utf-8-sig")
    head, *rows = csv.reader(text.splitlines())
    assert head[:3] == ["Why it was not imported", "Projekt", "Kunde"]
    assert [row[1] for row in rows] == ["Onlineshop", "Broschüre", "Schilder"]

    await page.get_by_role("button", name="Import 3 rows").click()
    await expect(page.get_by_role("link", name="Show deals")).to_be_visible()
    await here.shot("journey-import-done-1440")
    stored = {deal["name"]: deal for deal in (await owner.get("/deals"))["items"]}
    relaunch = stored["Relaunch für Bäckerei Groß"]
    assert relaunch["amount"] == {"amount_minor": 1_250_050, "currency": "EUR"}
    assert relaunch["expected_close_date"] == "2031-03-31"
    assert relaunch["created_at"].startswith("2026-02-0")
    assert stored['Logo "Blüte"']["next_step"] == "zwei Entwürfe; einer farbig"
    names = [client["name"] for client in (await owner.get("/clients", sort="name"))["items"]]
    assert names == ["Bäckerei Groß", "Gärtnerei Süß"], "no client of a row that was not taken"

    await page.get_by_role("link", name="Show deals").click()
    await here.is_ready()
    await expect(here.card(relaunch)).to_contain_text("€12,500.50")
    await expect(here.column("Proposal").locator(f"#card-{relaunch['id']}")).to_be_visible()
    counts = [await here.count(stage) for stage in ("Prospecting", "Engaging", "Proposal")]
    assert counts == [1, 1, 1]
    await here.shot("journey-import-board-1440")

    await here.open("/imports")
    await page.get_by_role("link", name="Aufträge.csv").click()
    await page.get_by_text("Take this import back").click()
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_text("5 records were taken back.")).to_be_visible()
    await here.shot("journey-import-reverted-1440")
    assert (await owner.get("/deals"))["items"] == []
    assert (await owner.get("/clients"))["items"] == []


async def chosen(page: Page, column: str) -> str:
    """The field that a column of the file is taken for."""
    return await page.get_by_label(column, exact=True).input_value()
