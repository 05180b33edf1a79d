"""Who brought most, and whom nobody has spoken with for longest: by the heads of the list."""

import csv
import io

from playwright.async_api import Locator, expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open


def heads(table: Locator, label: str) -> Locator:
    return table.get_by_role("columnheader").get_by_role("link", name=label)


async def test_heads_sort_clients_without_scripts(visit: Open, owner: Person) -> None:
    ids = {}
    for name in ("Acme", "Bolt", "Cove"):
        made = await owner.post("/clients", {"name": name, "kind": "company"}, 201)
        ids[name] = made["id"]
    for name, amount in (("Bolt", 900), ("Cove", 500)):
        value = {"amount_minor": amount, "currency": "EUR"}
        deal = await owner.new_deal(client_id=ids[name], amount=value)
        await owner.move(deal, "Won")
    call = {"kind": "call", "subject": "Ask", "client_id": ids["Acme"]}
    await owner.post("/activities", call | {"done_at": "2026-01-05T10:00:00Z"}, 201)

    here = await visit(owner, java_script_enabled=False)
    await here.page.goto(f"{here.url}/clients")
    table, rows = here.page.get_by_role("table"), here.page.locator("tbody tr")
    for label, names in (
        ("Won so far", ("Bolt", "Cove", "Acme")),
        ("Won so far", ("Acme", "Cove", "Bolt")),
        ("Last contact", ("Bolt", "Cove", "Acme")),
        ("Last contact", ("Acme", "Bolt", "Cove")),
    ):
        await heads(table, label).click()
        await expect(rows).to_contain_text(list(names))
        await expect(table.locator("th[aria-sort]")).to_contain_text(label)

    listed = await owner.get("/clients", sort="-won_value", limit=2, fields="name")
    assert [one["name"] for one in listed["items"]] == ["Bolt", "Cove"]
    following = {"sort": "-won_value", "limit": 2, "cursor": listed["next_cursor"]}
    assert [one["name"] for one in (await owner.get("/clients", **following))["items"]] == ["Acme"]


async def test_a_view_and_a_file_keep_the_order(visit: Open, owner: Person) -> None:
    for name, amount in (("Acme", 100), ("Bolt", 900)):
        client = await owner.post("/clients", {"name": name, "kind": "company"}, 201)
        value = {"amount_minor": amount, "currency": "EUR"}
        await owner.move(await owner.new_deal(client_id=client["id"], amount=value), "Won")
    here = await visit(owner)
    await here.open("/clients?sort=-won_value")
    await here.page.get_by_role("button", name="Saved views").click()
    await here.page.get_by_role("link", name="Save this view").click()
    await here.page.get_by_label("Name").fill("Who brought most")
    await here.page.get_by_role("button", name="Save view").click()
    rows = here.page.locator("tbody tr")
    await expect(rows).to_contain_text(["Bolt", "Acme"])
    (view,) = (await owner.get("/views", resource="clients"))["items"]
    assert view["sort"] == ["-won_value"]
    await here.is_live()
    await here.page.get_by_role("button", name="Export this list").click()
    await here.page.get_by_role("button", name="CSV").click()
    link = here.page.get_by_role("link", name="Download")
    async with here.page.expect_download() as download:
        await link.click()
    text = (await (await download.value).path()).read_text(encoding="utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(text))] == ["Name", "Bolt", "Acme"]
