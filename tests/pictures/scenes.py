"""What is photographed: each scene brings a state about and takes it."""

import asyncio
from typing import Any

from playwright.async_api import expect

from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.browsing import Visit
from tests.e2e.support.platform import until
from tests.pictures.camera import Camera, Scene

COMPANY = {"kind": "company", "allow_duplicate": True}


async def bulk_refused(camera: Camera) -> None:
    """Some of what was ticked could not be changed."""
    owner = await register(camera.http, "Olga")
    for name in (
        "Website for a small bakery",
        "Logo",
        "Printing, and a deal of a long name",
    ):
        await owner.new_deal(name, amount={"amount_minor": 250_000, "currency": "EUR"})
    here = await camera.window(owner)
    await here.open("/pipeline?layout=table")
    await here.page.get_by_label("Select all on this page").check()
    await camera.take(here, "bulk-bar")
    bar = here.page.get_by_role("form", name="Change what is selected")
    await bar.get_by_label("What to do").select_option("Move to")
    await bar.get_by_label("Stage", exact=True).select_option("Lost")
    await camera.take(here, "bulk-bar-move")
    await bar.get_by_role("button", name="Apply").click()
    await here.page.get_by_role("link", name="Back to the list").wait_for()
    await camera.take(here, "bulk-refused")
    await here.open("/pipeline?layout=table")
    await here.page.get_by_label("Select all on this page").check()
    await bar.get_by_label("What to do").select_option("Move to")
    await bar.get_by_label("Stage", exact=True).select_option("Proposal")
    await bar.get_by_role("button", name="Apply").click()
    await here.page.get_by_role("button", name="Undo").wait_for()
    await camera.take(here, "bulk-done")


async def _crowd(owner: Person, count: int) -> None:
    rows = "\n".join(["name,kind", *(f"Client {n:03},company" for n in range(count))])
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


async def bulk_job(camera: Camera) -> None:
    """More than a hundred: running, done, and done in part."""
    owner = await register(camera.http, "Olga")
    await _crowd(owner, 400)
    here = await camera.window(owner)
    await here.open("/clients")
    await here.page.get_by_label("Select all on this page").check()
    bar = here.page.get_by_role("form", name="Change what is selected")
    await bar.get_by_label("that match").check()
    await bar.get_by_label("What to do").select_option("Add a tag")
    await bar.get_by_label("Tag").fill("vip")
    await camera.take(here, "bulk-all", whole=False)
    await bar.get_by_role("button", name="Apply").click()
    await here.page.wait_for_url("**/jobs/**")
    await here.page.screenshot(path=camera.folder / "bulk-job-running-raw.png")
    if await here.page.locator("progress").count():
        await camera.take(here, "bulk-job-running")
    await expect(here.page.get_by_text("records changed.")).to_be_visible(timeout=60_000)
    await camera.take(here, "bulk-job-done")
    for number in range(130):
        await owner.new_deal(f"Deal {number:03}")
    await here.open("/pipeline?layout=table")
    await here.page.get_by_label("Select all on this page").check()
    await bar.get_by_label("that match").check()
    await bar.get_by_label("What to do").select_option("Move to")
    await bar.get_by_label("Stage", exact=True).select_option("Lost")
    await bar.get_by_role("button", name="Apply").click()
    await here.page.wait_for_url("**/jobs/**")
    await expect(here.page.get_by_text("changed.")).to_be_visible(timeout=60_000)
    await camera.take(here, "bulk-job-refused")


async def merging(camera: Camera) -> None:
    """Two clients become one, and two again."""
    owner = await register(camera.http, "Olga")
    one = await owner.post(
        "/clients",
        {"name": "Bäckerei Groß", "emails": ["hallo@gross.example"], "tags": ["retail"], **COMPANY},
        201,
    )
    other = await owner.post(
        "/clients",
        {
            "name": "Baeckerei Gross GmbH",
            "emails": ["hallo@gross.example", "rechnung@gross.example"],
            "phones": ["+49 30 1234567"],
            "tags": ["berlin"],
            **COMPANY,
        },
        201,
    )
    await owner.new_deal("Website", client_id=one["id"])
    await owner.new_deal("Leaflets", client_id=other["id"])
    here = await camera.window(owner)
    await here.open(f"/clients/{one['id']}")
    await camera.take(here, "client-with-deal")
    await here.open("/duplicates")
    await camera.take(here, "duplicates")
    await here.page.get_by_role("link", name="Compare", exact=True).first.click()
    await here.page.get_by_role("button", name="Merge").wait_for()
    await camera.take(here, "merge-compare")
    await here.page.get_by_role("button", name="Merge").click()
    await here.page.wait_for_load_state()
    await here.page.wait_for_timeout(500)
    await camera.take(here, "merge-done")
    await here.open("/duplicates")
    await camera.take(here, "merge-list")
    await here.page.get_by_role("button", name="Undo").click()
    await here.page.wait_for_timeout(900)
    await camera.take(here, "merge-undone")
    await here.open("/duplicates/compare")
    await here.page.get_by_role("button", name="Compare").click()
    await here.page.wait_for_timeout(500)
    await camera.take(here, "merge-choose-errors")


async def deleting(camera: Camera) -> None:
    """Into the trash, out of it, and gone for good."""
    owner = await register(camera.http, "Olga")
    client = await owner.post("/clients", {"name": "Gärtnerei Süß", **COMPANY}, 201)
    deal = await owner.new_deal("Catalogue of roses", client_id=client["id"])
    here = await camera.window(owner)
    await here.open("/trash")
    await camera.take(here, "trash-empty")
    await here.open(f"/deals/{deal['id']}")
    await here.page.get_by_role("button", name="Delete").click()
    await here.page.wait_for_url("**/trash**")
    await here.open(f"/clients/{client['id']}")
    await here.page.get_by_role("button", name="Delete").click()
    await here.page.wait_for_url("**/trash**")
    await camera.take(here, "trash")
    await here.page.get_by_role("link", name="Delete for good").first.click()
    await here.page.get_by_role("button", name="Delete for good").wait_for()
    await camera.take(here, "trash-purge")
    await here.page.get_by_role("button", name="Delete for good").click()
    await here.page.wait_for_url("**/trash?saved**")
    await camera.take(here, "trash-purged")
    await here.open(f"/deals/{deal['id']}")
    await camera.take(here, "deleted-deal")


async def offline(camera: Camera) -> None:
    """The network goes while a page is open."""
    here = await camera.window(camera.demo)
    for name, path in (("offline-board", "/pipeline"), ("offline-deal", "")):
        path = path or f"/deals/{(await _open_deal(camera))['id']}"
        await here.open(path)
        await here.page.wait_for_timeout(1500)
        await here.page.context.set_offline(True)
        await here.page.wait_for_timeout(800)
        await camera.take(here, name, whole=False)
        await here.page.keyboard.press("a")
        await here.page.wait_for_timeout(1200)
        await camera.take(here, f"{name}-asked", whole=False)
        await here.page.context.set_offline(False)


async def _open_deal(camera: Camera) -> dict[str, Any]:
    deal: dict[str, Any] = (await camera.demo.get("/deals", limit=1, stage_type="open"))["items"][0]
    return deal


async def joining(camera: Camera) -> None:
    """An invitation from both sides, and one that leads nowhere."""
    owner = await register(camera.http, "Olga")
    await invite(owner, "sales")
    here = await camera.window(owner)
    await here.open("/settings/members")
    await camera.take(here, "members")
    await here.page.get_by_role("button", name="Make a link").click()
    await here.page.wait_for_timeout(900)
    await camera.take(here, "invite-errors")
    await here.page.get_by_label("E-mail").fill("mara@example.org")
    await here.page.get_by_role("button", name="Make a link").click()
    link = await here.page.get_by_label("Link", exact=True).input_value()
    await camera.take(here, "invite-link")
    guest = await camera.window()
    await guest.page.goto(link)
    await camera.take(guest, "join")
    await guest.page.get_by_label("Password").first.fill("short")
    await guest.page.get_by_role("button", name="Join").click()
    await guest.page.wait_for_timeout(900)
    await camera.take(guest, "join-errors")
    await guest.open("/join?token=nothing")
    await guest.page.get_by_label("Password").first.fill("a few words that are easy")
    await guest.page.get_by_role("button", name="Join").click()
    await guest.page.wait_for_timeout(900)
    await camera.take(guest, "join-refused")
    await guest.open("/verify-email?token=nothing")
    await camera.take(guest, "verify")


async def timelines(camera: Camera) -> None:
    """A deal and a client with a past."""
    studio = camera.demo
    deals = (await studio.get("/deals", limit=1, stage_type="won", sort="-closed_at"))["items"]
    deal = deals[0]
    here = await camera.window(studio)
    await here.open(f"/deals/{deal['id']}")
    await camera.take(here, "deal-timeline")
    await here.open(f"/clients/{deal['client_id']}")
    await camera.take(here, "client-timeline")
    await here.open(f"/clients/{deal['client_id']}/history")
    await camera.take(here, "client-history")
    owner = await register(camera.http, "Olga")
    client = await owner.post("/clients", {"name": "Mira Holm", "kind": "person"}, 201)
    mine = await owner.new_deal("Brochure", client_id=client["id"], next_step="Send the offer")
    await owner.post(
        "/activities",
        {"subject": "Talk about the paper", "kind": "call", "deal_id": mine["id"]},
        201,
    )
    mine = await owner.move(await owner.get(f"/deals/{mine['id']}"), "Proposal")
    mine = await owner.move(mine, "Won")
    here = await camera.window(owner)
    await here.open(f"/deals/{mine['id']}")
    await here.page.wait_for_timeout(800)
    await camera.take(here, "deal-timeline-small")
    await here.open(f"/clients/{client['id']}")
    await camera.take(here, "client-timeline-small")


async def notices(camera: Camera) -> None:
    """The inbox, what it is told, and messages that pass."""
    owner = await register(camera.http, "Olga")
    here = await camera.window(owner)
    await here.open("/notifications")
    await camera.take(here, "inbox-empty")
    await here.open("/clients")
    await here.is_live()
    answer = await owner.request("POST", "/exports", json={"resource": "clients", "format": "csv"})
    assert answer.status_code == 202, answer.text
    await here.page.locator(".toast").first.wait_for(timeout=30_000)
    await camera.take(here, "toast-export", whole=False)
    mate = await invite(owner, "admin")
    deal = await owner.new_deal("Brochure")
    deal = await mate.move(deal, "Proposal")
    await mate.move(deal, "Won")
    await asyncio.sleep(2)
    await here.open("/notifications")
    await camera.take(here, "inbox")
    await here.open("/settings/notifications")
    await camera.take(here, "notification-preferences")
    await here.open("/pipeline")
    other = await owner.new_deal("Poster")
    await here.open("/pipeline")
    await here.card(other).locator(".card-menu").click()
    dialog = here.page.get_by_role("dialog")
    await dialog.wait_for()
    await camera.take(here, "move-dialog", whole=False)
    await dialog.get_by_role("button", name="Won").click()
    await here.page.locator(".toast").first.wait_for()
    await camera.take(here, "toast-moved", whole=False)


async def choosing_a_member(camera: Camera) -> None:
    """The activities' list and bulk bar where a workspace has many members."""
    here = await camera.window(camera.demo)
    await here.open("/activities?owner=all")
    await camera.take(here, "activities-all", whole=False)
    box = here.page.get_by_role("combobox").first
    await box.click()
    await box.press_sequentially("an")
    await here.page.wait_for_timeout(800)
    await camera.take(here, "activities-member", whole=False)
    await here.open("/activities?show=done&owner=all")
    await camera.take(here, "activities-done", whole=False)
    await here.page.get_by_role("link", name="New activity").click()
    await here.page.get_by_role("dialog").get_by_label("What").wait_for()
    await camera.take(here, "activity-dialog", whole=False)


async def views_and_fields(camera: Camera) -> None:
    """Saved views and fields of one's own."""
    owner = await register(camera.http, "Olga")
    here = await camera.window(owner)
    for name in ("fields", "tags", "views", "stages", "currencies"):
        await here.open(f"/settings/{name}")
        await camera.take(here, f"settings-{name}-empty")
    for label, kind, more in (
        ("Budget", "money", {}),
        ("Kind of work", "select", {"options": ["Web", "Print", "A very long name of an option"]}),
        ("Signed", "checkbox", {}),
    ):
        body = {"resource": "deals", "name": label, "type": kind, **more}
        await owner.post("/custom-fields", body, 201)
    await here.open("/settings/fields")
    await camera.take(here, "settings-fields")
    await here.open("/settings/fields/new")
    await here.page.get_by_role("button", name="Add").last.click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "settings-field-errors")
    await here.open("/deals/new")
    await camera.take(here, "deal-form-fields")
    await here.page.get_by_role("button", name="Add deal").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "deal-form-errors")
    await owner.new_deal("Brochure", tags=["print"])
    await here.open("/pipeline?layout=table")
    await here.page.get_by_label("Saved views").click()
    await camera.take(here, "views-menu", whole=False)
    await here.open("/pipeline/views/save?stage_type=open")
    await camera.take(here, "view-save")
    await here.page.get_by_label("Name").fill("What is open")
    await here.page.get_by_role("button", name="Save").last.click()
    await here.page.wait_for_timeout(800)
    await here.open("/settings/views")
    await camera.take(here, "settings-views")
    await here.open("/settings/tags")
    await camera.take(here, "settings-tags")


async def analytics_of_little(camera: Camera) -> None:
    """A new workspace, and one with three deals."""
    nobody = await register(camera.http, "Nora")
    some = await register(camera.http, "Sam")
    client = await some.post("/clients", {"name": "Bäckerei Groß", **COMPANY}, 201)
    for number, name in enumerate(("Website", "Logo", "Leaflets")):
        deal = await some.new_deal(
            name,
            client_id=client["id"],
            amount={"amount_minor": 120_000 * (number + 1), "currency": "EUR"},
        )
        if number == 0:
            await some.move(deal, "Won")
    await asyncio.sleep(12)
    for person, word in ((nobody, "empty"), (some, "three")):
        here = await camera.window(person)
        for part in ("", "/clients", "/deals", "/pipeline", "/accuracy"):
            await here.open(f"/analytics{part}")
            await _panels(here)
            await camera.take(here, f"analytics-{word}{part.replace('/', '-')}")
        await here.open("/")
        await camera.take(here, f"today-{word}")


async def _panels(here: Visit) -> None:
    """Scroll through, so that everything that loads when it is seen is there."""
    await here.page.wait_for_timeout(700)
    for _ in range(5):
        await here.page.mouse.wheel(0, 700)
        await here.page.wait_for_timeout(350)
    await here.page.mouse.wheel(0, -6000)
    await here.page.wait_for_timeout(400)


async def analytics_of_studio(camera: Camera) -> None:
    """Both demo workspaces; the chart read by arrow keys."""
    workspaces = (await camera.demo.get("/workspaces"))["items"]
    for one in workspaces:
        person = Person(camera.http, camera.demo.email, camera.demo.password)
        await person.sign_in()
        person.take(await person.post(f"/workspaces/{one['id']}/switch"))
        here = await camera.window(person)
        word = "studio" if "tudio" in one["name"] else "export"
        for part in ("", "/clients", "/deals", "/pipeline", "/accuracy"):
            await here.open(f"/analytics{part}")
            await _panels(here)
            await camera.take(here, f"analytics-{word}{part.replace('/', '-')}")
        await here.open("/analytics")
        await _panels(here)
        chart = here.page.locator("[data-chart]").first
        await chart.focus()
        await chart.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
        for _ in range(3):
            await here.page.keyboard.press("ArrowLeft")
        await camera.take(here, f"chart-read-{word}", whole=False)


async def refusals(camera: Camera) -> None:
    """Pages of errors: signed out, not allowed, not there, broken, too much."""
    owner = await register(camera.http, "Olga")
    viewer = await invite(owner, "viewer")
    here = await camera.window(viewer)
    for name, path in (
        ("error-404", "/deals/0190a5f0-0000-7000-8000-000000000000"),
        ("error-404-address", "/no/such/page"),
        ("error-403", "/audit"),
        ("error-403-form", "/deals/new"),
        ("error-422", "/deals/not-an-id"),
        ("error-400", "/pipeline?nonsense=1&amount__gte=viel"),
    ):
        await here.page.goto(here.url + path)
        await camera.take(here, name)
    await here.page.goto(f"{here.url}/api/v1/deals/nothing")
    await camera.take(here, "error-api-404")
    await here.open("/pipeline")
    await camera.take(here, "board-of-viewer")


async def forms_refused(camera: Camera) -> None:
    """What forms say of what they cannot take."""
    owner = await register(camera.http, "Olga")
    await owner.post("/clients", {"name": "Mira Holm", "emails": ["mira@holm.example"]}, 201)
    here = await camera.window(owner)
    await here.open("/clients/new")
    await here.page.get_by_role("button", name="Add client").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "client-form-errors")
    await here.page.get_by_label("Name", exact=True).fill("Mira Holm")
    await here.page.get_by_role("button", name="Add client").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "client-form-duplicate")
    await here.open("/activities/new")
    await here.page.get_by_role("button", name="Add activity").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "activity-form-errors")
    await here.open("/settings/currencies")
    await here.page.get_by_role("button", name="Save rate").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "currency-errors")
    await here.open("/exports")
    await camera.take(here, "exports")
    await here.open("/imports")
    await here.page.get_by_role("button", name="Look at the file").click()
    await here.page.wait_for_timeout(800)
    await camera.take(here, "import-errors")
    guest = await camera.window()
    await guest.open("/register")
    await guest.page.get_by_role("button", name="Create").click()
    await guest.page.wait_for_timeout(800)
    await camera.take(guest, "register-errors")


SCENES: tuple[Scene, ...] = (
    bulk_refused,
    bulk_job,
    merging,
    deleting,
    offline,
    joining,
    timelines,
    notices,
    choosing_a_member,
    views_and_fields,
    analytics_of_little,
    analytics_of_studio,
    refusals,
    forms_refused,
)
