"""API keys at the edge, with auth played by its own contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc.aio
import httpx
import pytest

from freelanceflow.auth.v1 import account_service_pb2_grpc as account_grpc
from freelanceflow.auth.v1 import api_key_service_pb2 as pb
from freelanceflow.auth.v1 import api_key_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1 import key_service_pb2 as key_pb
from freelanceflow.auth.v1 import key_service_pb2_grpc as key_grpc
from gateway.bootstrap import Gateway, build
from gateway.config import Settings
from gateway.entrypoints import api_keys
from gateway.entrypoints.api_keys import ApiKeyMistyped
from kit.api_key import new_api_key
from kit.ids import new_id
from kit.rpc.errors import abort_of
from kit.rpc.identity import Context
from kit.testing.rpc import Issuer
from services.gateway.tests.unit.test_edge import ORIGIN, Account, Keys

# Only what the edge asks is answered; the rest is as unimplemented as the stubs leave it.
Player = Any


class Exchange(grpc_api.ApiKeyServiceServicer):
    """Gives a token of the same session for every key, until that is ended."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.asked: list[pb.ExchangeApiKeyRequest] = []
        self.session = new_id()
        self.expires_in = 600
        self.refuse = False
        self.reached, self.let_go = asyncio.Event(), asyncio.Event()
        self.let_go.set()

    async def ExchangeApiKey(
        self, request: pb.ExchangeApiKeyRequest, context: Context
    ) -> pb.ExchangeApiKeyResponse:
        self.asked.append(request)
        self.reached.set()
        await self.let_go.wait()
        if self.refuse:
            await context.abort(*abort_of(ApiKeyMistyped("This API key is not valid.")))
        claims = self.issuer.claims("deals.read", key="all", sid=str(self.session))
        token = self.issuer.sign(claims)
        return pb.ExchangeApiKeyResponse(access_token=token, expires_in=self.expires_in)


class Sessions(Keys):
    """As long as no bus is there, the edge asks about sessions."""

    async def IsSessionActive(
        self, request: key_pb.IsSessionActiveRequest, context: Context
    ) -> key_pb.IsSessionActiveResponse:
        ended = UUID(request.session_id) in self.issuer.ended
        return key_pb.IsSessionActiveResponse(active=not ended)


@dataclass(frozen=True)
class Edge:
    """The whole gateway and what it asks."""

    gateway: Gateway
    exchange: Exchange
    http: httpx.AsyncClient
    server: grpc.aio.Server

    def end_session(self) -> None:
        """As auth would; without a bus the edge believes an answer for some seconds."""
        self.exchange.issuer.ended.add(self.exchange.session)
        self.gateway.revocations.revoke(self.exchange.session)

    async def get(self, key: str, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {key}", **headers}
        return await self.http.get("/api/v1/me", headers=sent)


@asynccontextmanager
async def serving(**over: Any) -> AsyncIterator[Edge]:
    issuer = Issuer()
    players: tuple[Player, ...] = Exchange, Account, Sessions
    exchange, account, sessions = players[0](issuer), players[1](), players[2](issuer)
    server = grpc.aio.server()
    grpc_api.add_ApiKeyServiceServicer_to_server(exchange, server)
    account_grpc.add_AccountServiceServicer_to_server(account, server)
    key_grpc.add_KeyServiceServicer_to_server(sessions, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    built = build(Settings(**{"auth_address": f"127.0.0.1:{port}", "rate_limit": False, **over}))
    transport = httpx.ASGITransport(app=built.asgi, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield Edge(built, exchange, http, server)
    await built.clients.close()
    await server.stop(None)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with serving() as edge:
        yield edge


async def test_twenty_first_uses_at_once_make_one_exchange(edge: Edge) -> None:
    key = new_api_key()
    edge.exchange.let_go.clear()
    uses = [asyncio.create_task(edge.get(key)) for _ in range(20)]
    await edge.exchange.reached.wait()
    uses[0].cancel()  # who came first gives up, and the others are answered all the same
    edge.exchange.let_go.set()
    answers = await asyncio.gather(*uses[1:])
    assert {answer.status_code for answer in answers} == {200}
    assert (await edge.get(key)).status_code == 200
    (asked,) = edge.exchange.asked
    assert (asked.key, asked.client_address) == (key, "192.0.2.7")
    await edge.get(new_api_key())
    assert len(edge.exchange.asked) == 2


async def test_a_mistyped_key_costs_no_call(edge: Edge) -> None:
    key = new_api_key()
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for typed in (wrong, key[:-1], key + "0", key.upper().replace("FFK", "ffk"), "ffk_"):
        answer = await edge.get(typed)
        assert (answer.status_code, answer.json()["reason"]) == (401, "API_KEY_INVALID")
    assert edge.exchange.asked == []


async def test_a_key_beside_cookies_or_in_an_address_is_none(edge: Edge) -> None:
    key = new_api_key()
    both = await edge.get(key, cookie="ff_refresh=r")
    assert (both.status_code, both.json()["reason"]) == (400, "TWO_IDENTITIES")
    for name in ("api_key", "key", "access_token"):
        answer = await edge.http.get("/api/v1/me", params={name: key})
        assert answer.status_code == 401
    assert edge.exchange.asked == []


async def test_an_ended_session_is_asked_about_anew_and_a_refusal_is_heeded(edge: Edge) -> None:
    key = new_api_key()
    assert (await edge.get(key)).status_code == 200
    edge.end_session()
    edge.exchange.session = new_id()  # the rights were changed: another session
    assert (await edge.get(key)).status_code == 200
    assert len(edge.exchange.asked) == 2
    edge.end_session()
    edge.exchange.refuse = True  # the key was revoked
    assert (await edge.get(key)).status_code == 401


async def test_a_token_about_to_end_is_not_kept(edge: Edge) -> None:
    key = new_api_key()
    edge.exchange.expires_in = int(api_keys.MARGIN) - 1
    assert [(await edge.get(key)).status_code for _ in range(2)] == [200, 200]
    assert len(edge.exchange.asked) == 2


async def test_what_is_kept_is_bounded(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "KEEP", 2)
    first, second, third = new_api_key(), new_api_key(), new_api_key()
    for key in (first, second, first, third):
        await edge.get(key)
    assert len(edge.exchange.asked) == 3
    await edge.get(first)  # used since the second was
    assert len(edge.exchange.asked) == 3
    await edge.get(second)
    assert len(edge.exchange.asked) == 4


async def test_without_auth_a_new_key_is_not_judged(edge: Edge) -> None:
    known = new_api_key()
    assert (await edge.get(known)).status_code == 200
    await edge.server.stop(None)
    answer = await edge.get(new_api_key())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_key_that_is_none_is_asked_about_once_in_a_minute(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_api_key()
    edge.exchange.refuse = True
    for _ in range(3):
        answer = await edge.get(key)
        assert (answer.status_code, answer.json()["reason"]) == (401, "API_KEY_INVALID")
    assert len(edge.exchange.asked) == 1
    edge.exchange.refuse = False
    assert (await edge.get(new_api_key())).status_code == 200  # another one is nobody's matter
    monkeypatch.setattr(api_keys, "REFUSED_FOR", 0.0)
    edge.exchange.refuse = True
    other = new_api_key()
    assert [(await edge.get(other)).status_code for _ in range(2)] == [401, 401]
    assert len(edge.exchange.asked) == 4


async def test_whoever_makes_keys_up_is_soon_not_asked_about_any_more() -> None:
    """Without Valkey each replica counts by itself."""
    over = {"rate_limit": True, "sign_ins_per_minute": 3, "valkey_url": "redis://127.0.0.1:9/2"}
    async with serving(**over) as edge:
        known = new_api_key()
        assert (await edge.get(known)).status_code == 200
        edge.exchange.refuse = True
        answers = [await edge.get(new_api_key()) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 3
        assert len(edge.exchange.asked) == 1 + 3
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
        assert (await edge.get(known)).status_code == 200, "a key in use here is not asked about"
        elsewhere = httpx.ASGITransport(app=edge.gateway.asgi, client=("192.0.2.8", 1))
        async with httpx.AsyncClient(transport=elsewhere, base_url=ORIGIN) as http:
            other = await http.get(
                "/api/v1/me", headers={"authorization": f"Bearer {new_api_key()}"}
            )
        assert other.status_code == 401, "another address is another matter"
