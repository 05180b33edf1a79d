"""Records: many changed at once, two made one, deleted, and what happened to them."""

from playwright.async_api import expect

from tests.e2e.support.api import Person, register
from tests.e2e.support.platform import until
from tests.pictures.camera import COMPANY, Camera


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


async def bring_in(owner: Person, clients: str) -> None:
    """Import clients from a CSV."""
    made = await owner.request(
        "POST",
        "/imports",
        data={"resource": "clients"},
        files={"file": ("clients.csv", clients, "text/csv")},
    )
    path = f"/imports/{made.json()['id']}"
    await owner.post(f"{path}/commit", status=202)

    async def is_done() -> bool:
        return bool((await owner.get(path))["status"] == "done")

    await until(is_done)


async def bulk_job(camera: Camera) -> None:
    """More than a hundred: running, done, and done in part."""
    owner = await register(camera.http, "Olga")
    await bring_in(owner, "\n".join(["name", *(f"Client {n:03}" for n in range(400))]))
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
    await expect(here.page.get_by_text("changed.")).to_be_visible(timeout=60_000)
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
