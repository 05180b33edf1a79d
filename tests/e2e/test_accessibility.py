"""Every page by axe, at three widths, light and dark; and a picture of each."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

import pyotp
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from kit.clock import SystemClock
from tests.e2e.support.api import PASSWORD, Person, some_email
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.platform import until

WIDTHS = {390: 844, 820: 1180, 1440: 900}
# Best practices that are no part of WCAG are left to taste, but for landmarks and headings. Another
# theme changes colours and nothing else: the rest is looked at once.
Theme = Literal["light", "dark"]
RULES: Mapping[Theme, Any] = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# Colours on their way from one theme to the other are no theme's.
SETTLED = """() => document.getAnimations().forEach(
  (animation) => animation instanceof CSSTransition && animation.finish())"""
# A column of the board scrolls and has no tab stop of its own: the board has one, from which arrows
# reach every card and scroll it into view (test_board.py shows both). axe cannot know that.
REACHED_BY_ARROWS = "ul[data-name="

FIELD = {"resource": "deals", "name": "Size", "type": "select", "options": ["Small", "Large"]}
VIEW = {"resource": "deals", "name": "Fairs", "filter": {"source": "Fair"}, "sort": ["name"]}


async def test_no_page_has_barriers(visit: Open, demo: Person) -> None:
    deal = (await demo.get("/deals", limit=1, stage_type="open"))["items"][0]["id"]
    client = (await demo.get("/clients", limit=1))["items"][0]["id"]
    stage = (await demo.get("/stages"))["items"][0]["id"]
    pages = {
        "today": "/",
        # One client's deals: every kind of card, and not a hundred of each for axe to look at.
        "board-of-a-client": "/pipeline?q=Acme",
        "board-panel": f"/pipeline?q=Acme&deal={deal}",
        "deal": f"/deals/{deal}",
        "deal-edit": f"/deals/{deal}/edit",
        "deal-move": f"/deals/{deal}/move",
        "deal-new": "/deals/new",
        "analytics": "/analytics",
        "analytics-table": "/analytics?view=table&line=linear",
        "analytics-clients": "/analytics/clients?level=low",
        "analytics-deals": "/analytics/deals?advice=focus",
        "analytics-pipeline": "/analytics/pipeline",
        "analytics-accuracy": "/analytics/accuracy",
        "clients": "/clients",
        "client": f"/clients/{client}",
        "client-edit": f"/clients/{client}/edit",
        "duplicates-compare": f"/duplicates/compare?client_id={client}",
        "activities": "/activities",
        "client-history": f"/clients/{client}/history",
        "activity-new": "/activities/new",
        "notifications": "/notifications",
        "settings": "/settings",
        "settings-two-step": "/settings/two-step",
        "settings-api-keys": "/settings/api-keys",
        "settings-delete-account": "/settings/delete-account",
        "settings-delete-workspace": "/settings/delete-workspace",
        "settings-notifications": "/settings/notifications",
        "settings-workspace": "/settings/workspace",
        "members": "/settings/members",
        "roles": "/settings/roles",
        "role-new": "/settings/roles/new?base=finance",
        "audit": "/audit",
        "workspaces": "/workspaces",
        "settings-fields": "/settings/fields",
        "settings-field-new": "/settings/fields/new",
        "settings-tags": "/settings/tags",
        "settings-views": "/settings/views",
        "pipeline-table": "/pipeline?layout=table&q=Acme",
        "pipeline-closed": "/pipeline?layout=table&stage_type=won&q=Acme",
        "pipeline-view-new": "/pipeline/views/save?q=Acme",
        "settings-currencies": "/settings/currencies",
        "settings-stages": "/settings/stages",
        "settings-stage": f"/settings/stages/{stage}/edit",
        "settings-stage-remove": f"/settings/stages/{stage}/remove",
        "more": "/more",
        "keys": "/help/keys",
        "styleguide": "/styleguide",
        "not-found": "/deals/0190a5f0-0000-7000-8000-000000000000",
        "not-found-at-all": "/nothing-here",
    }
    outside = {"sign-in": "/sign-in", "register": "/register"}
    # Two windows at once, for axe keeps only the browser busy, and a page only the platform.
    inside = list(pages.items())
    async with asyncio.TaskGroup() as looks:
        told = [
            looks.create_task(_look(visit, demo, inside[::2])),
            looks.create_task(_look(visit, demo, inside[1::2])),
            looks.create_task(_look(visit, None, list(outside.items()))),
        ]
    barriers = [barrier for look in told for barrier in look.result()]
    assert not barriers, "\n".join(barriers)


async def test_what_is_left_of_a_closed_workspace_has_no_barriers(
    visit: Open, owner: Person
) -> None:
    name = (await owner.get("/me"))["workspace"]["name"]
    body = {"name": name, "password": PASSWORD}
    answer = await owner.request("DELETE", f"/workspaces/{owner.workspace_id}", json=body)
    assert answer.status_code == 202, answer.text
    barriers = await _look(visit, owner, [("workspace-closed", "/no-workspace")])
    assert not barriers, "\n".join(barriers)


async def test_no_page_of_somebody_new_has_barriers(visit: Open, owner: Person) -> None:
    """What the demo has none of: an activity with its history, and empty lists."""
    deal = await owner.new_deal("Retainer")
    body = {"subject": "Ask", "kind": "call", "deal_id": deal["id"]}
    activity = await owner.post("/activities", body, 201)
    field = await owner.post("/custom-fields", FIELD, 201)
    view = await owner.post("/views", VIEW, 201)
    pages = {
        "activity": f"/activities/{activity['id']}",
        "activity-edit": f"/activities/{activity['id']}/edit",
        "settings-field-edit": f"/settings/fields/{field['id']}/edit",
        "settings-view-edit": f"/settings/views/{view['id']}/edit",
        "clients-none": "/clients",
        "exports-none": "/exports",
        "audit-new": "/audit",
    }
    joining = {
        "join": "/join?token=of-an-invitation",
        "forgot": "/forgot",
        "reset": "/reset?token=of-a-mail",
    }
    looks = await asyncio.gather(
        _look(visit, owner, list(pages.items())), _look(visit, None, list(joining.items()))
    )
    barriers = [barrier for look in looks for barrier in look]
    assert not barriers, "\n".join(barriers)


async def test_no_step_of_signing_in_has_barriers(visit: Open, owner: Person) -> None:
    """Pages that only a form leads to."""
    here = await visit(owner, bypass_csp=True)
    await here.open("/settings/two-step")
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Set up").click()
    barriers = await _look_at(here, "two-step-secret")
    seed = await here.page.locator("form code").inner_text()
    await here.page.get_by_label("Code that").fill(pyotp.TOTP(seed).at(SystemClock().now()))
    await here.page.get_by_role("button", name="Turn on").click()
    barriers += await _look_at(here, "recovery-codes")
    await here.page.get_by_role("link", name="I have kept them").click()
    barriers += await _look_at(here, "two-step-on")
    there = await visit(bypass_csp=True)
    await there.open("/sign-in")
    await there.page.get_by_label("E-mail").fill(owner.email)
    await there.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await there.page.get_by_role("button", name="Sign in").click()
    barriers += await _look_at(there, "second-step")
    for name, email in (("google-known", owner.email), ("google-newcomer", some_email("ada"))):
        await there.open("/sign-in")
        await there.page.get_by_role("link", name="Continue with Google").click()
        await there.page.get_by_label("Address").fill(email)
        await there.page.get_by_role("button", name="Continue").click()
        barriers += await _look_at(there, name)
    assert not barriers, "\n".join(barriers)


async def test_no_step_of_an_api_key_has_barriers(visit: Open, owner: Person) -> None:
    here = await visit(owner, bypass_csp=True)
    await here.open("/settings/api-keys")
    await here.page.get_by_label("Name").fill("Nightly export")
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Make a key").click()
    barriers = await _look_at(here, "api-key-made")
    await here.page.get_by_role("link", name="Revoke Nightly export").click()
    barriers += await _look_at(here, "api-key-revoke")
    await here.page.get_by_role("button", name="Revoke").click()
    barriers += await _look_at(here, "api-key-revoked")
    assert not barriers, "\n".join(barriers)


async def test_no_page_of_a_report_has_barriers(visit: Open, demo: Person) -> None:
    """While it is made, which may be over at the first look, and when it is there."""
    made = await demo.post("/analytics/report", {}, 202)
    here = f"/analytics/reports/{made['id']}"
    barriers = await _look(visit, demo, [("report", here)])

    async def is_done() -> bool:
        return bool((await demo.get(here))["status"] == "done")

    await until(is_done)
    barriers += await _look(visit, demo, [("report-done", here)])
    assert not barriers, "\n".join(barriers)


async def test_no_page_of_files_and_of_finding_has_barriers(visit: Open, owner: Person) -> None:
    """Imports before, between and after; what is found, alike, thrown away, or was refused."""
    alike = {"name": "Acme", "kind": "company", "allow_duplicate": True}
    one, other = [(await owner.post("/clients", alike, 201))["id"] for _ in range(2)]
    deal = await owner.new_deal("Acme relaunch", client_id=one)
    gone = await owner.new_deal("Acme leaflet")
    books = {"name": "Bookkeeper", "base": "finance", "permissions": []}
    role = await owner.post("/roles", books, 201)
    await owner.request("DELETE", f"/deals/{gone['id']}", headers={"If-Match": '"1"'})
    job = await owner.post(
        "/bulk/deals", {"action": "delete", "ids": [str(uuid4()) for _ in range(101)]}, 202
    )
    imports = {status: await _import(owner, status) for status in ("uploaded", "ready", "done")}
    pages = {
        "imports": "/imports",
        **{f"import-{status}": f"/imports/{id}" for status, id in imports.items()},
        "exports": "/exports",
        "search": "/search?q=acme",
        "search-none": "/search?q=xyzzyx",
        "duplicates": "/duplicates",
        "duplicates-choose": f"/duplicates/{one}/{other}",
        "trash": "/trash",
        "trash-purge": f"/trash/{gone['id']}/purge",
        "job": f"/jobs/{job['job_id']}",
        "calendar": "/activities/calendar",
        "deal-contacts": f"/deals/{deal['id']}/contacts",
        "client-new": "/clients/new",
        "stage-new": "/settings/stages/new",
        "role-edit": f"/settings/roles/{role['id']}/edit",
        "role-remove": f"/settings/roles/{role['id']}/remove",
    }
    inside = list(pages.items())
    looks = await asyncio.gather(
        _look(visit, owner, inside[::2]), _look(visit, owner, inside[1::2])
    )
    barriers = [barrier for look in looks for barrier in look]
    assert not barriers, "\n".join(barriers)


async def _import(owner: Person, status: str) -> str:
    """A file with a row that cannot be taken, brought so far; its id."""
    file = f"name,amount\nFlyer {status},120\nPoster,much\n"
    files = {"file": ("deals.csv", file, "text/csv")}
    made = await owner.request("POST", "/imports", data={"resource": "deals"}, files=files)
    here = f"/imports/{made.json()['id']}"

    async def is_there() -> bool:
        return bool((await owner.get(here))["status"] == status)

    for step in {"uploaded": (), "ready": ("check",), "done": ("commit",)}[status]:
        await owner.post(f"{here}/{step}", status=202)
    await until(is_there)
    return here.rpartition("/")[2]


async def _look(visit: Open, person: Person | None, pages: Sequence[tuple[str, str]]) -> list[str]:
    """What is in somebody's way, page by page; each is loaded once, at every width and theme."""
    # axe is a script of ours in a foreign page: only this context lets it pass the page's policy.
    window, barriers = await visit(person, bypass_csp=True), []
    for name, path in pages:
        if name.startswith("not-found"):
            window.expect_status(404)
        await window.open(path)
        barriers += await _look_at(window, name)
    return barriers


async def _look_at(window: Visit, name: str) -> list[str]:
    """What is in somebody's way on the page that is open."""
    barriers = []
    await window.page.evaluate(Axe().axe_script)
    for theme in RULES:
        await window.page.emulate_media(color_scheme=theme)
        await window.page.evaluate(SETTLED)
        for width, height in WIDTHS.items():
            await window.page.set_viewport_size({"width": width, "height": height})
            where = f"{name}-{width}-{theme}"
            await window.shot(where)
            barriers += [f"{where}: {b}" for b in await _barriers(window.page, theme)]
            barriers += await _overflow(window.page, where)
    return barriers


def _reached_by_arrows(rule: str, target: str) -> bool:
    return rule == "scrollable-region-focusable" and target.startswith(REACHED_BY_ARROWS)


async def _barriers(page: Page, theme: Theme) -> list[str]:
    # What is well need not be told, and takes most of the time.
    options = {"runOnly": RULES[theme], "resultTypes": ["violations"]}
    found: dict[str, Any] = await page.evaluate("options => axe.run(options)", options)
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        for node in violation["nodes"][:3]
        if not _reached_by_arrows(violation["id"], str(node["target"][0]))
    ]


async def _overflow(page: Page, where: str) -> list[str]:
    wide = await page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{where}: the page scrolls sideways by {wide} px"] if wide > 0 else []
