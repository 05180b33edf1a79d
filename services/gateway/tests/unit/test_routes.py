"""Every route says whom it is for; one that does not fails here."""

import re
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from gateway.bootstrap import build
from gateway.config import Settings
from gateway.entrypoints.api.deals import RPC
from gateway.entrypoints.api.operations import BASE, Operations
from gateway.entrypoints.api.routes import declared
from gateway.entrypoints.identity import Caller
from kit.ids import new_id
from kit.rpc.access import Access
from kit.rpc.identity import Principal
from kit.sight import EVERYTHING

# What anybody may reach without signing in, and why.
FOR_EVERYBODY = {
    ("GET", "/sign-in"): "is the way in",
    ("POST", "/sign-in"): "is the way in",
    ("GET", "/register"): "is the way in",
    ("POST", "/register"): "is the way in",
    ("GET", "/join"): "is the way in",
    ("POST", "/join"): "is the way in",
    ("GET", "/verify-email"): "is the way in",
    ("POST", "/verify-email"): "is the way in",
    ("GET", "/auth/google/start"): "is the way in",
    ("GET", "/auth/google/callback"): "is the way in",
    ("POST", "/auth/google/register"): "is the way in",
    ("POST", "/auth/google/connect"): "is the way in",
    ("POST", "/sign-in/code"): "is the second step of the way in",
    ("GET", "/forgot"): "is the way back in",
    ("POST", "/forgot"): "is the way back in",
    ("GET", "/reset"): "is the way back in",
    ("POST", "/reset"): "is the way back in",
    ("GET", "/unsubscribe"): "is reached from mails, and its link says whose mails are meant",
    ("POST", "/unsubscribe"): "the same",
    ("GET", "/livez"): "one word, for load balancers",
    ("GET", "/readyz"): "one word, for load balancers",
    ("GET", "/api/docs"): "documentation; can be switched off",
    ("POST", "/sign-out"): "must work when the session is over already",
    ("POST", "/settings/appearance"): "keeps looks in cookies and reads nothing",
    ("GET", "/static/{name}"): "files that are the same for all",
    ("GET", "/styleguide"): "invented data, and only where developers are",
    ("GET", "/.well-known/jwks.json"): "public keys",
    ("GET", "/api/openapi.json"): "documentation; can be switched off",
}


@pytest.fixture(scope="module")
def edge() -> httpx.AsyncClient:
    """The whole application, with nobody signed in and no service behind it."""
    built = build(Settings(rate_limit=False))
    transport = httpx.ASGITransport(app=built.asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8700")


ALL_PERMISSIONS = frozenset(o.access.permission or "" for o in declared().values())


class Owner:
    """Finds the owner of a workspace behind every request."""

    async def of(self, headers: Mapping[bytes, bytes], address: str) -> Caller:
        person = Principal(
            workspace_id=new_id(), user_id=new_id(), session_id=new_id(), role="owner",
            permissions=ALL_PERMISSIONS, expires_at=0.0, sight=EVERYTHING, token="t",
        )  # fmt: skip
        return Caller(principal=person)


@pytest.fixture(scope="module")
def signed_in() -> httpx.AsyncClient:
    """The whole application, with an owner signed in and no service behind it."""
    built = build(Settings(rate_limit=False))
    built.asgi._identification = Owner()  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app=built.asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8700")


class Nowhere:
    """Finds somebody behind every request who belongs to no workspace, whatever they may."""

    async def of(self, headers: Mapping[bytes, bytes], address: str) -> Caller:
        person = new_id()
        principal = Principal(
            workspace_id=person, user_id=person, session_id=new_id(), role="none",
            permissions=ALL_PERMISSIONS, expires_at=0.0, sight=EVERYTHING, token="t",
        )  # fmt: skip
        return Caller(principal=principal)


@pytest.fixture(scope="module")
def nowhere() -> httpx.AsyncClient:
    """The whole application, with such a person signed in and no service behind it."""
    built = build(Settings(rate_limit=False))
    built.asgi._identification = Nowhere()  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app=built.asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8700")


def application() -> FastAPI:
    """What stands inside of the edge."""
    inner = build(Settings()).asgi._app  # type: ignore[attr-defined]
    assert isinstance(inner, FastAPI)
    return inner


def routes() -> list[tuple[str, str]]:
    """Every method and path that is answered."""
    found = [
        (method, context.path or "")
        for context in iter_route_contexts(application().routes)
        for method in sorted(context.methods or ())
        if method != "HEAD"
    ]
    assert len(found) > 70
    return found


def pages() -> list[tuple[str, str]]:
    return [r for r in routes() if not r[1].startswith(BASE) and r not in FOR_EVERYBODY]


def test_the_list_of_open_routes_names_no_other() -> None:
    assert set(FOR_EVERYBODY) <= set(routes())


def test_every_operation_is_declared_and_described() -> None:
    operations = {route for route in routes() if route[1].startswith(BASE)}
    assert operations == {(method, BASE + path) for method, path in declared()}
    described = {
        (method.upper(), path)
        for path, methods in application().openapi()["paths"].items()
        for method in methods
    }
    assert described == operations


def test_an_operation_without_access_is_refused() -> None:
    with pytest.raises(ValueError, match="who may call it"):
        Operations("Test").add("GET", "/x", summary="says nothing")
    with pytest.raises(ValueError, match="who may call it"):
        Operations("Test").add(
            "GET", "/x", summary="says both", rpc=RPC["GetDeal"], access=Access(public=True)
        )


@pytest.mark.parametrize(("method", "path"), pages(), ids=" ".join)
async def test_a_page_asks_for_a_person(edge: httpx.AsyncClient, method: str, path: str) -> None:
    concrete = re.sub(r"\{\w+\}", "0190a5f0-0000-7000-8000-000000000000", path)
    answer = await edge.request(method, concrete, data={} if method == "POST" else None)
    if method == "POST":  # what was sent is kept in the page that asks
        assert answer.status_code == 401
        assert 'action="/sign-in"' in answer.text
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    ("method", "path"),
    [key for key, operation in declared().items() if operation.access.needs_identity],
    ids=" ".join,
)
async def test_an_operation_asks_for_a_person(
    edge: httpx.AsyncClient, method: str, path: str
) -> None:
    concrete = re.sub(r"\{\w+\}", "0190a5f0-0000-7000-8000-000000000000", path)
    answer = await edge.request(method, BASE + concrete)
    assert (answer.status_code, answer.json()["reason"]) == (401, "TOKEN_MISSING")


# Pages about the person, or about their other workspaces; each asks services that ask again.
ABOUT_ONESELF = {
    ("GET", "/no-workspace"),
    ("GET", "/workspaces/new"),
    ("POST", "/workspaces/new"),
    ("POST", "/workspaces/{workspace_id}/enter"),
    ("POST", "/workspaces/{workspace_id}/reopen"),  # needs a permission, in the closed one
    ("POST", "/workspaces/invitations/{invitation_id}/accept"),
    ("GET", "/settings/delete-account"),
    ("POST", "/settings/delete-account"),
    ("POST", "/settings/own-data"),
}


@pytest.mark.parametrize(("method", "path"), pages(), ids=" ".join)
async def test_a_page_leads_whoever_is_in_no_workspace_to_theirs(
    nowhere: httpx.AsyncClient, method: str, path: str
) -> None:
    concrete = re.sub(r"\{\w+\}", "0190a5f0-0000-7000-8000-000000000000", path)
    answer = await nowhere.request(method, concrete, data={} if method == "POST" else None)
    led_away = (answer.status_code, answer.headers.get("location")) == (303, "/no-workspace")
    assert led_away is ((method, path) not in ABOUT_ONESELF), answer.status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [key for key, operation in declared().items() if operation.access.needs_identity],
    ids=" ".join,
)
async def test_an_operation_refuses_whoever_is_in_no_workspace(
    nowhere: httpx.AsyncClient, method: str, path: str
) -> None:
    concrete = re.sub(r"\{\w+\}", "0190a5f0-0000-7000-8000-000000000000", path)
    answer = await nowhere.request(method, BASE + concrete)
    refused = (answer.status_code, answer.json()["reason"]) == (403, "NO_WORKSPACE")
    assert refused is not declared()[method, path].access.without_workspace, answer.text


@pytest.mark.parametrize(
    ("method", "path"), [r for r in routes() if re.search(r"\{\w+_id\}", r[1])], ids=" ".join
)
@pytest.mark.parametrize("no_id", ["not-an-id", "7", "0190a5f0-0000-7000-8000-00000000000", "%00"])
async def test_what_is_no_id_is_the_address_of_nothing(
    signed_in: httpx.AsyncClient, method: str, path: str, no_id: str
) -> None:
    an_id = "0190a5f0-0000-7000-8000-000000000000"
    for name in re.findall(r"\{(\w+_id)\}", path):
        concrete = path.replace(f"{{{name}}}", no_id)
        answer = await signed_in.request(method, re.sub(r"\{\w+\}", an_id, concrete))
        assert answer.status_code == 404, f"{concrete}: {answer.text}"
        if path.startswith(BASE):
            assert answer.json()["reason"] == "NOT_FOUND"
