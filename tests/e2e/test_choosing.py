"""One client of two thousand: by keyboard, and without scripts."""

from hashlib import sha256

import pytest
from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until

MANY = 2000


@pytest.fixture
async def crowded(owner: Person) -> Person:
    """Somebody with two thousand clients; the last of them is called like nobody else."""
    names = [sha256(f"{number}".encode()).hexdigest()[:20] for number in range(MANY - 1)]
    rows = "\n".join(["name", *names, "Zebra & Zander"])
    made = await owner.request(
        "POST",
        "/imports",
        data={"resource": "clients"},
        files={"file": ("clients.csv", rows, "text/csv")},
    )
    path = f"/imports/{made.json()['id']}"
    await owner.post(f"{path}/commit", status=202)

    async def is_done() -> bool:
        return bool((await owner.get(path))["status"] == "done")

    await until(is_done)
    assert (await owner.get("/clients", total="true"))["total"] == MANY
    return owner


async def test_the_keyboard_finds_one_of_two_thousand(visit: Open, crowded: Person) -> None:
    here = await visit(crowded)
    await here.open("/notifications")
    await here.is_live()
    await here.page.keyboard.press("c")
    dialog = here.page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Stripes")
    client = dialog.get_by_role("combobox", name="Client")
    await client.press_sequentially("zander")
    await expect(dialog.locator("#client-list [role=option]")).to_have_count(1)
    await client.press("ArrowDown")
    await here.shot("combobox-1440-light")
    await client.press("Enter")
    await expect(client).to_have_value("Zebra & Zander")
    await client.press("Enter")
    await expect(dialog).to_be_hidden()
    (deal,) = (await crowded.get("/deals"))["items"]
    assert (deal["name"], deal["client_name"]) == ("Stripes", "Zebra & Zander")


async def test_without_scripts_a_name_is_looked_up(visit: Open, crowded: Person) -> None:
    mails = ("mira@one.example", "mira@two.example")
    twins = [
        await crowded.post(
            "/clients", {"name": "Mira", "emails": [mail], "allow_duplicate": True}, 201
        )
        for mail in mails
    ]
    here = await visit(crowded, java_script_enabled=False)
    await here.page.goto(f"{here.url}/deals/new")
    await here.page.get_by_label("Name").fill("Plain")
    await here.page.get_by_label("Client").fill("zebra zander")
    here.expect_status(422)
    await here.page.get_by_role("button", name="Add deal").click()
    await expect(here.page.get_by_text("No client has this name.").first).to_be_visible()
    await here.page.get_by_role("radio", name="Zebra & Zander").check()
    await here.shot("combobox-no-scripts-1440-light")
    await here.page.get_by_role("button", name="Add deal").click()
    await expect(here.page.get_by_role("heading", name="Plain")).to_be_visible()
    (deal,) = (await crowded.get("/deals"))["items"]
    assert deal["client_name"] == "Zebra & Zander"

    await here.page.goto(f"{here.url}/activities/new")
    await here.page.get_by_label("What").fill("Call")
    await here.page.get_by_label("Client").fill("Mira")
    await here.page.get_by_role("button", name="Add activity").click()
    await expect(here.page.get_by_text("2 clients have this name.").first).to_be_visible()
    await here.page.get_by_role("radio", name="mira@two.example").check()
    await here.page.get_by_role("button", name="Add activity").click()
    await expect(here.page.get_by_role("heading", name="Activities", level=1)).to_be_visible()
    (activity,) = (await crowded.get("/activities"))["items"]
    assert activity["client_id"] == twins[1]["id"]
