"""Many at once, ticked in a table: changed, refused, thrown away and taken back."""

import csv
from uuid import uuid4

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until


async def test_ticked_deals_are_moved_and_thrown_away_and_come_back(
    visit: Open, owner: Person
) -> None:
    for name in ("First", "Second", "Third"):
        await owner.new_deal(name)
    here = await visit(owner)
    await here.open("/pipeline?layout=table&sort=name")
    bar = here.page.get_by_role("form", name="Change what is selected")
    await expect(bar).to_be_hidden()
    await here.page.get_by_label("Select First").check()
    await here.page.get_by_label("Select Third").check()
    await expect(bar).to_contain_text("2 selected")
    await bar.get_by_label("What to do").select_option("Move to")
    await bar.get_by_label("Stage", exact=True).select_option("Lost")
    await expect(bar.get_by_label("Why, when they are lost")).to_be_visible()
    await bar.get_by_label("Stage", exact=True).select_option("Proposal")
    await expect(bar.get_by_label("Why, when they are lost")).to_be_hidden()
    await expect(bar.get_by_label("Owner")).to_be_hidden()
    await bar.get_by_role("button", name="Apply").click()
    await expect(here.page.get_by_text("2 deals moved.")).to_be_visible()
    await here.page.get_by_role("link", name="Back to the list").click()
    await expect(here.page.get_by_role("row").filter(has_text="Proposal")).to_have_count(2)
    await here.page.get_by_label("Select all on this page").check()
    await expect(bar).to_contain_text("3 selected")
    await bar.get_by_label("What to do").select_option("Delete")
    await bar.get_by_role("button", name="Apply").click()
    await expect(here.page.get_by_text("3 deals put into the trash.")).to_be_visible()
    assert (await owner.get("/deals"))["items"] == []
    await here.page.get_by_role("button", name="Undo").click()
    await expect(here.page.get_by_label("Select Second")).to_be_visible()
    assert len((await owner.get("/deals"))["items"]) == 3


async def test_all_that_match_are_a_job(visit: Open, owner: Person) -> None:
    for start in range(0, 120, 40):
        for number in range(start, start + 40):
            await owner.post("/clients", {"name": f"Acme {number:03}", "kind": "company"}, 201)
    await owner.post("/clients", {"name": "Weir & Heron", "kind": "company"}, 201)
    here = await visit(owner)
    await here.open("/clients?q=acme")
    await here.page.get_by_label("Select Acme 001").check()
    bar = here.page.get_by_role("form", name="Change what is selected")
    await bar.get_by_label("All 120 that match").check()
    await expect(bar).to_contain_text("All selected")
    await bar.get_by_label("What to do").select_option("Add a tag")
    await bar.get_by_label("Tag").fill("vip")
    await bar.get_by_role("button", name="Apply").click()
    await expect(here.page.get_by_text("120 clients changed.")).to_be_visible()
    tagged = await owner.get("/clients", tags="vip", total="true", limit=1)
    assert tagged["total"] == 120

    async def is_told() -> bool:
        told = (await owner.get("/notifications"))["items"]
        return [item["title"] for item in told] == ["120 clients changed"]

    await until(is_told)
    page = here.page.url
    await here.open("/notifications")
    await here.page.get_by_role("link", name="120 clients changed").click()
    await expect(here.page).to_have_url(page)
    # A list that is narrowed by nothing has all of them.
    await here.open("/clients")
    await here.page.get_by_label("Select Acme 001").check()
    await bar.get_by_label("All 121 that match").check()
    await bar.get_by_label("What to do").select_option("Remove a tag")
    await bar.get_by_label("Tag").fill("vip")
    await bar.get_by_role("button", name="Apply").click()
    await expect(here.page.get_by_text("121 clients changed.")).to_be_visible()
    assert (await owner.get("/clients", tags="vip", total="true", limit=1))["total"] == 0


async def test_all_that_a_job_refused_is_a_file(visit: Open, owner: Person) -> None:
    ids = [str(uuid4()) for _ in range(101)]
    begun = await owner.post("/bulk/deals", {"action": "delete", "ids": ids}, 202)
    job = f"/jobs/{begun['job_id']}"
    here = await visit(owner)
    await here.open(job)
    await expect(here.page.get_by_text("No deal was changed.")).to_be_visible()
    await expect(here.page.get_by_text("And 1 more.")).to_be_visible()
    async with here.page.expect_download() as download:
        await here.page.get_by_role("link", name="What was not changed, as a file").click()
    content = (await (await download.value).path()).read_bytes()
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert [row["Id"] for row in rows] == ids
    assert (await owner.request("GET", f"{job}/refused/file")).content == content
