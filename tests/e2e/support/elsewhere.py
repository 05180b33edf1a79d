"""Another workspace's ids where no path of the API has them: on pages, in forms, in filters."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi.routing import iter_route_contexts

from gateway.entrypoints.pages.assets import Assets
from gateway.entrypoints.pages.router import pages_router
from tests.e2e.support.api import Person

WORD = "xylophone"  # in the name of whatever is in the other workspace, and in no other words
# What names no record: it would be over for the pages behind it, or makes something of one's own.
LEFT_OUT = ("/sign-out", "/settings/sessions/end", "/samples", "/static/")
IN_PATHS = {"kind": "client", "resource": "deals", "home": "pipeline"}  # and no ids
OF_RECORD = re.compile(r"^id$|(?<!external)_id$")  # an external one is text of the source
# A form that asks once more, without a name where there is none, and a notice of nothing.
SAY_NOTHING = ("/trash/{record_id}/purge", "/notifications/{notification_id}/notice")
# What pages and filters call by another name.
CALLED = {
    **{"field_id": "custom_field_id", "other_id": "other_client_id", "parent_id": "client_id"},
    **{"actor_id": "user_id", "subject_id": "deal_id", "id": "owner_id"},
}


async def told_by_pages(person: Person, gateway: str, theirs: Mapping[str, str]) -> list[str]:
    """What any page or form shows of the world, or takes for its own, with ids in all places."""
    known = IN_PATHS | _all_names(theirs)
    cookies = {"ff_access": person.token, "ff_refresh": person.refresh}
    wrong = []
    async with httpx.AsyncClient(base_url=gateway, cookies=cookies, timeout=30) as window:
        for method, path in _pages():
            names = set(re.findall(r"{(\w+)}", path)) - IN_PATHS.keys()
            may_answer = not names or (method == "GET" and path in SAY_NOTHING)
            concrete = re.sub(r"{(\w+)}", lambda found: known[found[1]], path)
            sent: dict[str, Any] = {"params": known} if method == "GET" else {"data": known}
            answer = await window.request(method, concrete, **sent)
            found = answer.is_success and not may_answer
            if WORD in answer.text or answer.status_code >= 500 or found:
                about = re.findall(rf".{{0,60}}{WORD}.{{0,20}}", answer.text)[:2]
                wrong.append(f"{method} {path}: {answer.status_code} {about}")
    return wrong


async def found_by_filters(person: Person, theirs: Mapping[str, str]) -> list[str]:
    """What any operation finds by a parameter that names a record of the world."""
    known = _all_names(theirs)
    described = (await person.get("/api/openapi.json"))["paths"]
    asked = [
        (path, parameter["name"])
        for path, methods in described.items()
        for parameter in methods.get("get", {}).get("parameters", ())
        if parameter["in"] == "query" and OF_RECORD.search(parameter["name"]) and "{" not in path
    ]
    assert len(asked) > 20
    wrong = []
    for path, name in asked:
        answer = await person.request("GET", path, params={name: known[name]})
        found = answer.is_success and answer.json().get("items")
        if answer.status_code not in (200, 202, 404) or found or WORD in answer.text:
            wrong.append(f"{path}?{name}: {answer.status_code} {answer.text[:200]}")
    return wrong


def _all_names(theirs: Mapping[str, str]) -> dict[str, str]:
    return {**theirs, **{name: theirs[id] for name, id in CALLED.items()}}


def _pages() -> list[tuple[str, str]]:
    """Every method of every page and form."""
    return [
        (method, context.path or "")
        for context in iter_route_contexts(pages_router(Assets(), local=False).routes)
        for method in sorted(context.methods or ())
        if method != "HEAD" and not (context.path or "").startswith(LEFT_OUT)
    ]
