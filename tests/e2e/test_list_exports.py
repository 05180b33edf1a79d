"""A list into a file: what is shown, told when it is there, and known to the audit log."""

import csv
import io

import openpyxl
from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until


async def test_what_a_list_shows_is_downloaded_from_where_it_is(visit: Open, owner: Person) -> None:
    for name in ("Acme", "Acme Labs", "Weir & Heron"):
        await owner.post("/clients", {"name": name, "kind": "company", "tags": ["vip"]}, 201)
    here = await visit(owner)
    await here.open("/clients?q=acme&sort=-name&show=tags,kind")
    await here.is_live()
    await here.page.get_by_role("button", name="Export this list").click()
    await here.page.get_by_role("button", name="CSV").click()
    await expect(here.page.get_by_text("The file is being written.").first).to_be_visible()
    link = here.page.get_by_role("link", name="Download")
    async with here.page.expect_download() as download:
        await link.click()
    text = (await (await download.value).path()).read_text(encoding="utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["Name", "Parent company", "Tags", "Kind"],
        ["Acme Labs", "", "vip", "company"],
        ["Acme", "", "vip", "company"],
    ]
    told = (await owner.get("/notifications"))["items"]
    assert [item["title"] for item in told] == ["Export finished: 2 clients"]


async def test_without_scripts_it_is_found_among_the_files(visit: Open, owner: Person) -> None:
    await owner.move(await owner.new_deal("Won one"), "Won")
    await owner.new_deal("Open one")
    here = await visit(owner, java_script_enabled=False)
    await here.page.goto(f"{here.url}/pipeline?layout=table&stage_type=won")
    await here.page.get_by_role("button", name="Export this list").click()
    await here.page.get_by_role("button", name="Excel").click()
    await expect(here.page).to_have_url(f"{here.url}/exports")
    link = here.page.get_by_role("link", name="deals-")

    async def is_written() -> bool:
        await here.page.reload()
        return bool(await link.count())

    await until(is_written)
    async with here.page.expect_download() as download:
        await link.click()
    book = openpyxl.load_workbook(io.BytesIO((await (await download.value).path()).read_bytes()))
    assert [cell.value for cell in book.active["A"]] == ["Name", "Won one"]


async def test_the_owner_sees_who_took_what_along_and_from_where(
    visit: Open, owner: Person
) -> None:
    client = await owner.post("/clients", {"name": "Acme", "kind": "company"}, 201)
    await owner.post("/exports", {"resource": "clients", "format": "csv"}, 202)
    here = await visit(owner)
    row = here.page.get_by_role("row").filter(has_text="1 clients, csv")

    async def is_kept() -> bool:
        await here.open("/audit?what=crm.export.")
        return bool(await row.count())

    await until(is_kept)
    await expect(row).to_contain_text("127.0.0.1")
    await expect(row).to_contain_text("Olga")
    await here.open(f"/audit?id={client['id']}")
    await here.page.get_by_role("link", name="Created a client").click()
    await expect(here.page.get_by_role("heading", name="Acme", level=1)).to_be_visible()


async def test_what_a_member_sees_is_set_on_a_page(visit: Open, owner: Person) -> None:
    colleague = await invite(owner, "sales")
    deal = await owner.new_deal("Of the owner")
    await colleague.get(f"/deals/{deal['id']}")
    here = await visit(owner)
    await here.open("/settings/members")
    await here.page.get_by_label("Whose records Sales sees").select_option("own")
    await here.page.get_by_role("button", name="Save Sales").click()
    await expect(here.page.get_by_text("Who was changed signs in anew.")).to_be_visible()
    await colleague.sign_in()
    await colleague.get(f"/deals/{deal['id']}", status=404)
