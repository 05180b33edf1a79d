"""What every answer carries, whatever it is, and which other sites may send something."""

import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from gateway.entrypoints.pages.assets import Assets
from gateway.entrypoints.pages.router import pages_router
from tests.e2e.support.api import Person, register
from tests.e2e.support.operations import operations
from tests.e2e.support.platform import Platform

DIRECTIVES = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "style-src": "'self'",
    "form-action": "'self'",
}
SECRET_ADDRESSES = (  # their own requests must not name them
    "/join",
    "/reset",
    "/unsubscribe",
    "/verify-email",
    "/auth/google/callback",
)


@pytest.fixture(scope="module")
async def person(http: httpx.AsyncClient) -> Person:
    """Somebody who looks at everything."""
    return await register(http, "Headers")


@pytest.fixture
async def window(person: Person, platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """The same person with cookies instead of a token."""
    cookies = {"ff_access": person.token, "ff_refresh": person.refresh}
    async with httpx.AsyncClient(base_url=platform.gateway, cookies=cookies, timeout=30) as client:
        yield client


def check(answer: httpx.Response, where: str) -> None:
    """The headers that no answer may lack."""
    head = answer.headers
    assert head["x-content-type-options"] == "nosniff", where
    kept = answer.request.url.path in SECRET_ADDRESSES and answer.status_code in (200, 400, 422)
    told = "strict-origin" if kept else "strict-origin-when-cross-origin"
    assert head["referrer-policy"] == told, where
    assert head["cross-origin-opener-policy"] == "same-origin", where
    assert "cache-control" in head, where
    path = answer.request.url.path
    if path.startswith("/api/v1/analytics/") and "etag" in head:
        assert head["cache-control"] == "private, no-cache", where  # kept, and asked for each time
    elif not path.startswith(("/static/", "/.well-known/")):
        assert "no-store" in head["cache-control"], where
    assert "server" not in head, where
    policy = dict(
        part.strip().partition(" ")[::2] for part in head["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'", where
    assert policy["frame-ancestors"] == "'none'", where
    assert "unsafe" not in head["content-security-policy"], where
    if head.get("content-type", "").startswith("text/html"):
        assert DIRECTIVES.items() <= policy.items(), where
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy["script-src"])
        for used in re.findall(r'nonce="([^"]*)"', answer.text):
            assert used == nonce, where
        assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text), where
        assert not re.search(r"<script(?![^>]*nonce=)", answer.text), where


async def test_every_operation(person: Person) -> None:
    for operation in await operations(person):
        sent = {"Authorization": f"Bearer {person.token}"}
        request = person.http.build_request(operation.method, operation.filled({}), headers=sent)
        answer = await person.http.send(request, stream=True)
        if operation.id != "stream_events":
            await answer.aread()
        check(answer, str(operation))
        await answer.aclose()


@pytest.mark.parametrize("path", ["/sign-in", "/deals", "/api/v1/deals", "/static/manifest.json"])
async def test_a_head_is_a_read_without_its_body(window: httpx.AsyncClient, path: str) -> None:
    read, head = await window.get(path), await window.head(path)
    assert (head.status_code, head.content) == (read.status_code, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers.get(name) == read.headers.get(name), name


async def test_every_page(window: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    assets = Assets()
    pages = [
        (method, re.sub(r"{name}", assets.url("app.js").rpartition("/")[2], context.path or ""))
        for context in iter_route_contexts(pages_router(assets, local=True).routes)
        for method in sorted(context.methods or ())
        if method != "HEAD"
    ]
    assert len(pages) > 25
    for (method, path), client in product(pages, (window, http)):
        if path == "/sign-out" and client is window:
            continue  # it would be over for the pages behind it
        concrete = re.sub(r"{\w+}", str(uuid4()), path)
        answer = await client.request(method, concrete)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
        check(answer, f"{method} {path} {answer.status_code}")


async def test_every_refusal(person: Person, window: httpx.AsyncClient, platform: Platform) -> None:
    too_large = b"x" * (1024 * 1024 + 1)
    refusals: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
        404: [("GET", "/nowhere", {}), ("GET", "/api/v1/nowhere", {}), ("GET", "/static/x", {})],
        405: [("PUT", "/pipeline", {}), ("PUT", "/api/v1/deals", {})],
        413: [
            ("POST", "/register", {"content": too_large}),
            ("POST", "/api/v1/deals", {"content": too_large}),
        ],
        422: [
            ("POST", "/deals/new", {"data": {"name": ""}}),
            ("POST", "/api/v1/deals", {"json": {}}),
        ],
        303: [("POST", "/settings/appearance", {"data": {"theme": "dark"}})],
    }
    for status, requests in refusals.items():
        for method, path, more in requests:
            answer = await window.request(method, path, **more)
            assert answer.status_code == status, f"{method} {path}: {answer.status_code}"
            check(answer, f"{method} {path} {status}")
    # crm's calls go to auth, which knows nothing of them: nobody has foreseen that.
    async with platform.second_gateway(CRM_ADDRESS=platform.plan.address("auth")) as url:
        for path in ("/pipeline", "/api/v1/deals"):
            answer = await window.get(f"{url}{path}")
            assert answer.status_code == 500, answer.text
            check(answer, f"{path} 500")
            assert "Traceback" not in answer.text
            assert "grpc" not in answer.text.lower()


OWN, OTHER, SIBLING = "own", "https://evil.example", "http://evil.localhost:1"
SITES = (None, "same-origin", "none", "same-site", "cross-site")
ORIGINS = (None, OWN, OTHER, SIBLING, "null")


async def test_other_sites_can_make_a_browser_do_nothing(
    http: httpx.AsyncClient, platform: Platform
) -> None:
    """5 × 5 headers × 4 methods × cookies, token, both."""
    person = await register(http, "Victim")
    cookie = f"ff_access={person.token}; ff_refresh={person.refresh}"
    created = 0
    cases = product(SITES, ORIGINS, ("GET", "POST", "PATCH", "DELETE"), ("cookie", "token", "both"))
    for site, origin, method, kind in cases:
        headers = {"Content-Type": "application/json"}
        if site:
            headers["Sec-Fetch-Site"] = site
        if origin:
            headers["Origin"] = platform.gateway if origin == OWN else origin
        if kind != "token":
            headers["Cookie"] = cookie
        if kind != "cookie":
            headers["Authorization"] = f"Bearer {person.token}"
        path, passes = {
            "GET": ("/api/v1/me", 200),
            "POST": ("/api/v1/clients", 201),
            "PATCH": ("/api/v1/me", 428),
            "DELETE": (f"/api/v1/clients/{uuid4()}", 428),
        }[method]
        bodies = {"POST": b'{"name": "x", "allow_duplicate": true}', "PATCH": b'{"name": "x"}'}
        content = bodies.get(method)
        answer = await http.request(method, path, headers=headers, content=content)
        foreign = site in ("same-site", "cross-site") or (
            site is None and origin not in (None, OWN)
        )
        expected = passes
        if kind == "both":
            expected = 400
        elif kind == "cookie" and method != "GET" and foreign:
            expected = 403
        where = f"{method} site={site} origin={origin} {kind}: {answer.status_code}"
        assert answer.status_code == expected, where
        created += answer.status_code == 201
    clients = await person.get("/clients", limit=1, total="true")
    assert clients["total"] == created > 0


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/sign-out", "/deals/new"])
async def test_forms_of_other_sites_are_refused(window: httpx.AsyncClient, path: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": OTHER}, {"Origin": "null"}):
        answer = await window.post(path, data={"name": "x"}, headers=headers)
        assert answer.status_code == 403, headers


async def test_a_body_that_a_form_can_send_is_no_json(window: httpx.AsyncClient) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await window.post(
            "/api/v1/clients", content=b'{"name": "x"}', headers={"Content-Type": content_type}
        )
        assert answer.status_code == 415, content_type
