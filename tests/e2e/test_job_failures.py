"""What somebody waits for and does not come is told where they are, in the inbox and by mail."""

import io
import zipfile

import httpx
from playwright.async_api import FilePayload, expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def damaged() -> bytes:
    """A workbook that looks whole from the outside: its sheet breaks off."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as book:
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="A" sheetId="1"'
            ' r:id="r1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData><row>')
    return content.getvalue()


async def test_an_import_that_stops_is_told_in_three_ways(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    here = await visit(owner)
    await here.open("/imports?resource=deals")
    await here.is_live()
    file = FilePayload(name="deals.xlsx", mimeType=XLSX, buffer=damaged())
    await here.page.locator("input[name=file]").set_input_files(file)
    await here.page.get_by_role("button", name="Look at the file").click()

    async def told() -> bool:
        return bool((await owner.get("/notifications"))["items"])

    await until(told)
    (item,) = (await owner.get("/notifications"))["items"]
    assert (item["kind"], item["title"]) == ("import_failed", "Import stopped: deals.xlsx")
    assert "save it again, or as CSV." in item["body"]

    await here.open("/notifications")
    await here.shot("notifications-failed-1440")
    await here.page.get_by_role("link", name="Import stopped: deals.xlsx").click()
    await expect(here.page).to_have_url(f"{here.url}/imports/{item['target_id']}")
    await expect(here.page.get_by_text("This workbook cannot be read").first).to_be_visible()
    await here.open("/settings/notifications")
    await expect(here.page.get_by_text("An import of mine has stopped")).to_be_visible()

    async def written() -> bool:
        found = await mails_to(http, platform, owner.email)
        return any(mail["subject"] == "Import stopped: deals.xlsx" for mail in found)

    await until(written)
