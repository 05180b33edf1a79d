"""An empty workspace becomes a pipeline of one's own, and its first deals go through it."""

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.dragging import drag


async def test_a_pipeline_is_built_and_used(visit: Open, owner: Person) -> None:
    here = await visit(owner)
    page = here.page
    await here.open("/")
    await expect(page.get_by_text("Your workspace is empty")).to_be_visible()
    await here.shot("journey-pipeline-empty-1440")

    # The stages: one renamed, one added with a colour, and put where it belongs.
    await here.open("/settings/stages")
    await page.get_by_role("link", name="Edit Prospecting").click()
    await page.get_by_label("Name").fill("Inquiry")
    await page.get_by_label("Colour").select_option("blue")
    await page.get_by_role("button", name="Save stage").click()
    await page.get_by_role("link", name="New stage").click()
    await page.get_by_label("Name").fill("Contract sent")
    await page.get_by_label("Colour").select_option("amber")
    await page.get_by_label("Odds in percent").fill("80")
    await page.get_by_role("button", name="Add stage").click()
    await expect(page.get_by_role("button", name="Move Contract sent up")).to_be_visible()
    while (await stages(owner)).index("Contract sent") > 3:
        await page.get_by_role("button", name="Move Contract sent up").click()
        await page.wait_for_load_state()
    await here.shot("journey-pipeline-stages-1440")
    order = ["Inquiry", "Engaging", "Proposal", "Contract sent", "Won", "Lost"]
    assert await stages(owner) == order

    # The first deals, from the empty board.
    await owner.post("/clients", {"name": "Harbour Café"}, 201)
    await here.open("/pipeline")
    headings = page.locator(".column-head h2 .truncate-line")
    assert await headings.all_inner_texts() == order
    await here.shot("journey-pipeline-board-empty-1440")
    await add_deal(here, "Menu and signs", client="Harbour Café", amount="2400")
    await add_deal(here, "Website", amount="9,800.50")
    found = {deal["name"]: deal for deal in (await owner.get("/deals"))["items"]}
    menu, website = found["Menu and signs"], found["Website"]

    # One by mouse to the end, with what it is worth in the column's head. The figures above the
    # board grow when they are told of the deals, and push it down: not under a moving hand.
    await expect(page.get_by_role("region", name="Key figures")).to_contain_text("2 open deals")
    await drag(here, menu, "Contract sent")
    await expect(page.get_by_text("Menu and signs moved to Contract sent")).to_be_visible()
    await drag(here, menu, "Won")
    await expect(page.get_by_text("Menu and signs moved to Won")).to_be_visible()
    await expect(here.column("Won").locator(".column-sum")).to_contain_text("€2,400")

    # The other by keys, and then by the menu it is lost, for a reason.
    await here.card(website).locator(".card-link").focus()
    for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
        await page.keyboard.press(key)
    await expect(page.get_by_text("Website moved to Proposal")).to_be_visible()
    await here.card(website).locator(".card-menu").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Lost, because of")).to_be_visible()
    await here.shot("journey-pipeline-reason-1440")
    await dialog.get_by_role("button", name="Timing").click()
    await expect(page.get_by_text("Website moved to Lost")).to_be_visible()
    await here.shot("journey-pipeline-board-1440")

    won, lost = [await owner.get(f"/deals/{deal['id']}") for deal in (menu, website)]
    assert (won["stage_type"], won["amount"]["amount_minor"]) == ("won", 240_000)
    assert (lost["stage_type"], lost["amount"]["amount_minor"]) == ("lost", 980_050)
    await here.open(f"/deals/{website['id']}")
    await expect(page.get_by_text("Timing").first).to_be_visible()


async def add_deal(here: Visit, name: str, *, client: str = "", amount: str = "") -> None:
    """Through the form beside the board, which shows the card at once."""
    await here.page.get_by_role("link", name="New deal").click()
    dialog = here.page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_label("Client").fill(client)
    await dialog.get_by_label("Value").fill(amount)
    await dialog.get_by_role("button", name="Add deal").click()
    await expect(dialog).to_be_hidden()
    await expect(here.column("Inquiry").get_by_role("link", name=name, exact=True)).to_be_visible()


async def stages(owner: Person) -> list[str]:
    """As the server orders them."""
    return [stage["name"] for stage in (await owner.get("/stages"))["items"]]
