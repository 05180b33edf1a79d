"""The first day: an empty workspace, samples that come and go, a client, and what is due."""

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open


async def test_samples_come_and_go_with_one_click(visit: Open, owner: Person) -> None:
    here = await visit(owner)
    await here.open("/")
    await here.page.get_by_role("button", name="Add three sample deals").click()
    await expect(here.page.get_by_text("3 sample deals are here")).to_be_visible()
    await expect(here.page.get_by_text("Logo and brand (sample)").first).to_be_visible()
    await here.open("/pipeline")
    assert [await here.count(stage) for stage in ("Prospecting", "Engaging")] == [1, 1]
    await here.page.get_by_role("button", name="Remove samples").click()
    await expect(here.page.get_by_text("sample deals are here")).to_have_count(0)
    assert (await owner.get("/deals"))["items"] == []
    assert (await owner.get("/clients"))["items"] == []
    assert (await owner.get("/activities"))["items"] == []


async def test_a_note_and_a_call_stand_on_the_clients_timeline(visit: Open, owner: Person) -> None:
    client = await owner.post("/clients", {"name": "Mira Holm", "kind": "person"}, 201)
    here = await visit(owner)
    await here.open(f"/clients/{client['id']}")
    await here.is_live()
    await here.page.get_by_label("Write a note").fill("Prefers mail")
    # Without a network nothing is sent, nobody is led away, and what was typed stays.
    here.expected.append("Failed to load resource: net::ERR_INTERNET_DISCONNECTED")
    await here.page.context.set_offline(True)
    await expect(here.page.locator(".offline-banner")).to_be_visible()
    await here.page.get_by_role("button", name="Add note").click()
    await expect(here.page.get_by_text("This was not sent")).to_be_visible()
    await here.page.get_by_role("link", name="Every change").click()
    await expect(here.page.get_by_text("This cannot be opened")).to_be_visible()
    await here.page.context.set_offline(False)
    await here.is_live()
    await here.page.get_by_role("button", name="Add note").click()
    timeline = here.page.locator(".timeline")
    await expect(timeline).to_contain_text("Prefers mail")
    await here.page.get_by_role("link", name="Log a call").click()
    dialog = here.page.get_by_role("dialog")
    await expect(dialog.get_by_label("It is done already")).to_be_checked()
    await dialog.get_by_label("What").fill("Introduced ourselves")
    await dialog.get_by_role("button", name="Add activity").click()
    await expect(timeline).to_contain_text("Call done: Introduced ourselves")
    found = await owner.get(f"/clients/{client['id']}/timeline")
    assert [entry["kind"] for entry in found["items"]] == [
        "activity_done",
        "note",
        "client_created",
    ]
    assert (await owner.get(f"/clients/{client['id']}"))["last_contact_at"]


async def test_a_deal_gets_a_contact(visit: Open, owner: Person) -> None:
    await owner.post("/clients", {"name": "Ann Acme", "kind": "person"}, 201)
    deal = await owner.new_deal("Website")
    here = await visit(owner)
    await here.open(f"/deals/{deal['id']}")
    await here.page.get_by_role("link", name="Add a contact").click()
    dialog = here.page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Ann Acme")
    await dialog.get_by_label("Role").fill("Decides")
    await dialog.get_by_role("button", name="Add contact").click()
    await expect(here.page.locator(".contact-line").first).to_contain_text("Ann Acme")
    (contact,) = (await owner.get(f"/deals/{deal['id']}/contacts"))["items"]
    assert (contact["name"], contact["role"]) == ("Ann Acme", "Decides")
