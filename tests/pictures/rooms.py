"""Everything around the records: no network, people, messages, settings, refusals."""

import asyncio
from typing import Any

from playwright.async_api import Locator

from tests.e2e.support.api import invite, register
from tests.pictures.camera import Camera
from tests.pictures.records import bring_in


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


async def passwords(camera: Camera) -> None:
    """One that was forgotten, with a link that leads nowhere, and one that is not changed."""
    outside = await camera.window()
    await outside.open("/reset?token=nothing")
    await outside.page.get_by_label("New password", exact=True).fill("a few words that are easy")
    await outside.page.get_by_role("button", name="Set password").click()
    await outside.page.wait_for_timeout(900)
    await camera.take(outside, "reset-refused")
    await outside.page.get_by_role("link", name="Ask for a new link").click()
    await outside.page.get_by_label("E-mail").fill("mara@example.org")
    await outside.page.get_by_role("button", name="Send me a link").click()
    await outside.page.wait_for_timeout(900)
    await camera.take(outside, "forgot-sent")
    here = await camera.window(await register(camera.http, "Olga"))
    await here.open("/settings")
    await here.page.get_by_label("Present password").fill("not the present one")
    await here.page.get_by_label("New password", exact=True).fill("a few words that are easy")
    await here.page.get_by_role("button", name="Change password").click()
    await here.page.wait_for_timeout(900)
    await camera.take(here, "password-refused")


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
    """Whom something belongs to, where a workspace has hundreds: in a list, a form, a bulk bar."""
    owner = await register(camera.http, "Olga")
    rows = "\n".join(f"Client {n:03},Agent {n:03} Sandström" for n in range(300))
    await bring_in(owner, f"name,owner\n{rows}")
    here = await camera.window(owner)
    await here.open("/activities?owner=all")
    await camera.take(here, "activities-all", whole=False)
    await _type_a_name(here.page.get_by_role("combobox", name="Whose"))
    await camera.take(here, "member-in-list", whole=False)
    await here.open("/clients/new")
    await camera.take(here, "member-in-form-mine")
    await _type_a_name(here.page.get_by_role("combobox", name="Owner"))
    await camera.take(here, "member-in-form", whole=False)
    await here.open("/clients")
    await here.page.get_by_label("Select all on this page").check()
    bar = here.page.get_by_role("form", name="Change what is selected")
    await bar.get_by_label("What to do").select_option("Give to")
    await _type_a_name(bar.get_by_role("combobox", name="Owner"))
    await camera.take(here, "member-in-bulk", whole=False)
    await here.open("/activities")
    await here.page.get_by_role("link", name="New activity").click()
    await here.page.get_by_role("dialog").get_by_label("What").wait_for()
    await camera.take(here, "activity-dialog", whole=False)


async def _type_a_name(box: Locator) -> None:
    await box.fill("")
    await box.press_sequentially("agent 12")
    await box.page.wait_for_timeout(1200)
    await box.press("ArrowDown")


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
    await guest.page.get_by_role("button", name="Make account").click()
    await guest.page.wait_for_timeout(800)
    await camera.take(guest, "register-errors")
