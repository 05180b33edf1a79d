"""What surrounds every request, seen from outside, with auth played by its own contract."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_plus

import grpc.aio
import httpx
import pytest

from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import account_service_pb2_grpc as account_grpc
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import auth_service_pb2_grpc as auth_grpc
from freelanceflow.auth.v1 import key_service_pb2 as key_pb
from freelanceflow.auth.v1 import key_service_pb2_grpc as key_grpc
from gateway.bootstrap import build
from gateway.config import MEBIBYTE, Settings
from kit.clock import SystemClock
from kit.ids import new_id
from kit.rpc.identity import Context
from kit.testing.rpc import Issuer
from services.gateway.tests.unit.reading import hidden

ORIGIN = "http://localhost:8700"


class Auth(auth_grpc.AuthServiceServicer):
    """Renews every session but the one that is over."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.renewals = 0

    async def LogIn(self, request: auth_pb.LogInRequest, context: Context) -> auth_pb.TokenPair:
        return auth_pb.TokenPair(access_token="a", refresh_token="r", refresh_expires_in=60)

    async def RefreshSession(
        self, request: auth_pb.RefreshSessionRequest, context: Context
    ) -> auth_pb.TokenPair:
        self.renewals += 1
        token = self.issuer.identity("deals.read").token
        return auth_pb.TokenPair(
            access_token=token or "", refresh_token="next", expires_in=600, refresh_expires_in=9
        )


class Account(account_grpc.AccountServiceServicer):
    async def GetMe(self, request: account_pb.GetMeRequest, context: Context) -> account_pb.User:
        user = account_pb.User(id="u", name="Mira", email="mira@studio.example", etag="1")
        user.create_time.FromDatetime(SystemClock().now())
        return user


class Keys(key_grpc.KeyServiceServicer):
    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer

    async def GetJwks(
        self, request: key_pb.GetJwksRequest, context: Context
    ) -> key_pb.GetJwksResponse:
        return key_pb.GetJwksResponse(jwks_json=json.dumps(await self.issuer.jwks()))

    async def IsSessionActive(
        self, request: key_pb.IsSessionActiveRequest, context: Context
    ) -> key_pb.IsSessionActiveResponse:
        return key_pb.IsSessionActiveResponse(active=True)


@pytest.fixture
async def auth() -> AsyncIterator[tuple[Auth, str]]:
    issuer = Issuer()
    # Only what the edge asks is answered; the rest is as unimplemented as the stubs leave it.
    parts: list[tuple[Any, Any, tuple[Any, ...]]] = [
        (auth_grpc.add_AuthServiceServicer_to_server, Auth, (issuer,)),
        (account_grpc.add_AccountServiceServicer_to_server, Account, ()),
        (key_grpc.add_KeyServiceServicer_to_server, Keys, (issuer,)),
    ]
    server = grpc.aio.server()
    playing = [player(*arguments) for _, player, arguments in parts]
    for (add, _, _), player in zip(parts, playing, strict=True):
        add(player, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield playing[0], f"127.0.0.1:{port}"
    await server.stop(None)


def browser(address: str, **over: Any) -> httpx.AsyncClient:
    built = build(Settings(auth_address=address, **{"rate_limit": False, **over}))
    transport = httpx.ASGITransport(
        app=built.asgi, raise_app_exceptions=False, client=("192.0.2.7", 1)
    )
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


def encoded(text: str) -> str:
    """As a browser sends it in a form."""
    return quote_plus(text, safe="*")


def set_names(response: httpx.Response) -> set[str]:
    return {line.partition("=")[0] for line in response.headers.get_list("set-cookie")}


async def test_a_session_is_renewed_on_the_way(auth: tuple[Auth, str]) -> None:
    service, address = auth
    async with browser(address) as edge:
        edge.cookies.set("ff_refresh", "last")
        response = await edge.get("/api/v1/me")
    assert (response.status_code, service.renewals) == (200, 1)
    assert set_names(response) == {"ff_access", "ff_refresh"}
    for line in response.headers.get_list("set-cookie"):
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line


async def test_a_pages_own_cookie_does_not_cost_the_renewed_session(
    auth: tuple[Auth, str],
) -> None:
    _, address = auth
    async with browser(address) as edge:
        edge.cookies.set("ff_refresh", "last")
        response = await edge.post("/settings/appearance", data={"theme": "dark"})
    assert {"ff_access", "ff_refresh"} < set_names(response)


async def test_two_identities_are_one_too_many(auth: tuple[Auth, str]) -> None:
    service, address = auth
    token = service.issuer.identity().token
    async with browser(address) as edge:
        edge.cookies.set("ff_refresh", "last")
        response = await edge.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()["reason"]) == (400, "TWO_IDENTITIES")


async def test_nobody_is_asked_to_sign_in(auth: tuple[Auth, str]) -> None:
    _, address = auth
    async with browser(address) as edge:
        api = await edge.get("/api/v1/me")
        page = await edge.get("/pipeline?owner=me")
    assert (api.status_code, api.json()["reason"]) == (401, "TOKEN_MISSING")
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=%2Fpipeline%3Fowner%3Dme"


async def test_signing_in_is_limited_and_says_when_to_go_on(auth: tuple[Auth, str]) -> None:
    _, address = auth
    # Nothing listens there: the shared count is away, and this process counts alone.
    over = {"rate_limit": True, "sign_ins_per_minute": 2, "valkey_url": "redis://127.0.0.1:9/2"}
    async with browser(address, **over) as edge:
        answers = [await edge.post("/api/v1/auth/login", json={}) for _ in range(3)]
        spoofed = await edge.post(
            "/api/v1/auth/login", json={}, headers={"x-forwarded-for": "198.51.100.1"}
        )
        led_away = await edge.get("/auth/google/start")  # each is a row of auth's
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert answers[2].headers["ratelimit-policy"] == '"minute";q=2;w=60'
    assert (spoofed.status_code, led_away.status_code) == (429, 429)


async def test_a_persons_requests_are_limited_too(auth: tuple[Auth, str]) -> None:
    service, address = auth
    headers = {"authorization": f"Bearer {service.issuer.identity().token}"}
    async with browser(address, rate_limit=True, requests_per_minute=3) as edge:
        codes = [(await edge.get("/api/v1/me", headers=headers)).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_has_an_end(auth: tuple[Auth, str], *, chunked: bool) -> None:
    _, address = auth

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 1024

    body: Any = parts() if chunked else b" " * 3072
    headers = {"content-type": "application/json"}
    async with browser(address, body_limit=2048) as edge:
        response = await edge.post("/api/v1/auth/login", content=body, headers=headers)
    assert (response.status_code, response.json()["reason"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("letter", [" ", "é", "*", "a", "&"])
async def test_the_longest_form_outlives_its_session(auth: tuple[Auth, str], letter: str) -> None:
    """What is escaped, and escaped again, would outgrow what the sign-in takes."""
    _, address = auth
    room = (MEBIBYTE - len("notes=")) // len(encoded(letter))
    typed = f"notes={encoded(letter) * room}".ljust(MEBIBYTE, "x")
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with browser(address) as edge:
        asked = await edge.post(f"/clients/{new_id()}/edit", content=typed, headers=form)
        assert 'action="/sign-in" enctype="multipart/form-data"' in asked.text
        kept = hidden(asked.text) | {"email": "m@example.com", "password": "a few words"}
        back = await edge.post("/sign-in", files={n: (None, text) for n, text in kept.items()})
        assert back.status_code == 200
        notes = hidden(back.text)["notes"]
        assert notes == (letter * room).ljust(len(notes), "x")
        assert len(f"notes={encoded(notes)}") == MEBIBYTE  # so it may be sent again


async def test_a_part_that_is_away_is_said_to_be(auth: tuple[Auth, str]) -> None:
    service, address = auth
    headers = {"authorization": f"Bearer {service.issuer.identity('deals.read').token}"}
    async with browser(address, crm_address="127.0.0.1:9") as edge:
        response = await edge.get("/api/v1/deals", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (503, "PEER_UNAVAILABLE")
    assert response.headers["retry-after"]
