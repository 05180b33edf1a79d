"""Pages rendered through the real routes, with neighbours that answer what a test tells them to."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freelanceflow.analytics.v1.analytics_service_pb2 import (
    Basis,
    DealInsight,
)
from freelanceflow.auth.v1.account_service_pb2 import ListMyInvitationsResponse, User
from freelanceflow.auth.v1.api_key_service_pb2 import ListApiKeysResponse
from freelanceflow.crm.v1.client_service_pb2 import ListClientsRequest, ListClientsResponse
from freelanceflow.crm.v1.deal_service_pb2 import (
    Deal,
    ListCardsResponse,
    ListDealsRequest,
    ListDealsResponse,
    MoveDealRequest,
)
from freelanceflow.crm.v1.stage_service_pb2 import (
    ListLostReasonsResponse,
    ListOwnersResponse,
    ListStagesResponse,
    LostReason,
    Owner,
)
from freelanceflow.notify.v1.notification_service_pb2 import (
    ListNotificationsResponse,
    Preference,
    Preferences,
)
from freelanceflow.type.v1.filter_pb2 import OPERATOR_EQ
from gateway.entrypoints import addresses, errors
from gateway.entrypoints.pages.assets import Assets
from gateway.entrypoints.pages.rendering import Rendering
from gateway.entrypoints.pages.router import pages_router
from gateway.entrypoints.sessions import Cookies
from kit.clock import FakeClock
from kit.errors import DomainError, ErrorKind
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity, Principal
from kit.sight import Sight
from services.gateway.tests.unit.pages.analytics_answers import lively
from services.gateway.tests.unit.pages.factories import (
    CLIENTS,
    EVERYTHING,
    HOSTILE,
    LOST,
    NOW,
    OWNERS,
    STAGES,
    ago,
    make_board,
    make_card,
    make_client,
    make_deal,
    make_notification,
    make_pipeline,
    make_velocity,
    money,
)
from services.gateway.tests.unit.pages.file_factories import FILES
from services.gateway.tests.unit.pages.people_answers import people_answers
from services.gateway.tests.unit.pages.records import RECORDS, make_google_accounts, make_sessions
from services.gateway.tests.unit.pages.setting_answers import (
    field_answers,
    rate_answers,
    view_answers,
)


@dataclass
class Peer:
    """Answers each method with a message, a function of the request, or an error to raise."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(request: Any, *_: Any, **__: Any) -> Any:
            self.asked.append(request)
            answer = self.answers[name]
            if callable(answer):
                answer = answer(request)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


PREFERENCES = Preferences(
    preferences=[
        Preference(kind="deal_moved", in_app=True, by_mail=False, mail_offered=True),
        Preference(kind="deal_won", in_app=True, by_mail=True, digest=True, mail_offered=True),
        Preference(kind="export_finished", in_app=True, by_mail=False, mail_offered=False),
    ]
)


def move_deal(request: MoveDealRequest) -> Deal | Exception:
    """As crm answers: a stale version and a lost deal without a reason are refused."""
    if request.etag == "stale":
        return RemoteError(ErrorKind.STALE, "DEAL_HAS_CHANGED", "This deal has changed.")
    stage = next((s for s in STAGES if s.id == request.stage_id), None)
    if stage is None:
        return RemoteError(ErrorKind.NOT_FOUND, "STAGE_NOT_FOUND", "There is no such stage.")
    if stage.type == LOST and not request.lost_reason_id:
        return RemoteError(ErrorKind.INVALID, "LOST_REASON_MISSING", "Say why it was lost.")
    number = int(request.etag or 0) + 1
    return make_deal(
        id=request.deal_id,
        stage_id=stage.id,
        stage_name=stage.name,
        stage_type=stage.type,
        etag=str(number),
    )


def is_meant(request: ListClientsRequest | ListDealsRequest, name: str) -> bool:
    """Whether a list has this name, when it is asked for one."""
    equal = (c for c in request.conditions if c.field == "name" and c.operator == OPERATOR_EQ)
    return all(condition.values == [name] for condition in equal)


def list_clients(request: ListClientsRequest) -> ListClientsResponse:
    """All that there are, or those of one name."""
    named = enumerate(filter(None, CLIENTS))
    return ListClientsResponse(
        clients=[
            make_client(id=f"c-{n}", name=name) for n, name in named if is_meant(request, name)
        ],
        total=85,
        next_page_token="next",
    )


def list_deals(request: ListDealsRequest) -> ListDealsResponse:
    """Three that are called the same."""
    deals = [make_deal(id=f"d-{n}") for n in range(3)]
    return ListDealsResponse(deals=[deal for deal in deals if is_meant(request, deal.name)])


def make_neighbours() -> SimpleNamespace:
    user = User(
        id="u-1",
        name="Mira Holm",
        email="mira@example.com",
        workspace_name="Holm & Partner",
        currency_code="EUR",
        time_zone="Europe/Berlin",
        locale="en",
        role="owner",
        has_password=True,
    )
    return SimpleNamespace(
        auth=Peer(),
        account=Peer(
            {
                "GetMe": user,
                "UpdateMe": user,
                "ListSessions": make_sessions(),
                "ListMyInvitations": ListMyInvitationsResponse(),
            }
        ),
        google=Peer({"ListGoogleAccounts": make_google_accounts()}),
        two_step=Peer(),
        api_keys=Peer({"ListApiKeys": ListApiKeysResponse()}),
        deals=Peer(
            {
                "GetBoard": lambda request: make_board(0 if request.totals_only else 25),
                "ListCards": ListCardsResponse(
                    cards=[make_card(n) for n in range(200, 225)], next_page_token="more"
                ),
                "GetDeal": lambda request: make_deal(id=request.deal_id),
                "MoveDeal": move_deal,
                "UpdateDeal": make_deal(etag="4"),
                "CreateDeal": make_deal(etag="1"),
                "DeleteDeal": None,
                "ListDeals": list_deals,
            }
        ),
        stages=Peer(
            {
                "ListStages": ListStagesResponse(stages=STAGES),
                "ListOwners": ListOwnersResponse(
                    owners=[Owner(id=f"o-{n}", name=name) for n, name in enumerate(OWNERS)]
                ),
                "ListLostReasons": ListLostReasonsResponse(
                    lost_reasons=[
                        LostReason(id=f"r-{n}", name=name)
                        for n, name in enumerate(
                            ("Price", "Timing", "Competitor", "No answer", "Other")
                        )
                    ]
                ),
            }
        ),
        fields=Peer(field_answers()),
        views=Peer(view_answers()),
        rates=Peer(rate_answers()),
        clients=Peer(
            {
                "ListClients": list_clients,
                "GetClient": make_client(),
                "CreateClient": make_client(),
                "UpdateClient": make_client(),
                "DeleteClient": None,
            }
        ),
        **{name: Peer(dict(answers)) for name, answers in RECORDS.items()},
        **{name: Peer(answers) for name, answers in people_answers().items()},
        analytics=Peer(
            {
                "GetPipeline": make_pipeline(),
                "GetVelocity": make_velocity(),
                "GetDealInsight": DealInsight(
                    win_probability=0.62,
                    lower=0.41,
                    upper=0.78,
                    basis=Basis(words="Based on 333 closed deals."),
                ),
            }
        ),
        **{name: Peer(answers) for name, answers in vars(lively()).items()},
        **{name: Peer(dict(answers)) for name, answers in FILES.items()},
        notifications=Peer(
            {
                "ListNotifications": ListNotificationsResponse(
                    notifications=[make_notification(n) for n in range(6)], unread_count=3
                ),
                "MarkRead": make_notification(1),
                "MarkAllRead": ListNotificationsResponse(),
                "GetPreferences": PREFERENCES,
                "SetPreferences": PREFERENCES,
            }
        ),
    )


class Surroundings:
    """What the edge puts around a request, as far as pages see it."""

    def __init__(self, app: ASGIApp, principal: Principal | None) -> None:
        self._app = app
        self.principal = principal
        self.refusal: DomainError | None = None
        self.zone: tzinfo = UTC

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = self.principal.token if self.principal else None
            state = scope.setdefault("state", {})
            state |= {
                "csp_nonce": "n0nce",
                "principal": self.principal,
                "refusal": self.refusal,
                "identity": CallIdentity(token),
                "client_address": "127.0.0.1",
                "zone": self.zone,
            }
        await self._app(scope, receive, send)


def make_principal(permissions: frozenset[str] = EVERYTHING) -> Principal:
    return Principal(
        sight=Sight(),
        user_id=UUID(int=1),
        workspace_id=UUID(int=2),
        session_id=UUID(int=3),
        role="owner",
        permissions=permissions,
        expires_at=NOW.timestamp() + 600,
        token="token",
    )


@pytest.fixture(scope="session")
def pages() -> FastAPI:
    """The routes and their templates, compiled once for all tests."""
    assets = Assets()
    app = FastAPI(openapi_url=None)
    app.state.rendering = Rendering(FakeClock(NOW), assets=assets)
    app.state.cookies = Cookies(secure=False)
    app.state.settings = SimpleNamespace(
        secure=False, public_url="http://localhost", google_sign_in=True
    )
    app.include_router(pages_router(assets, local=True))
    errors.install(app)
    return app


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str


@dataclass
class Site:
    """A browser without scripts, or htmx in one, and the neighbours behind the pages."""

    neighbours: SimpleNamespace
    app: Surroundings

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, b"", headers)

    async def post(self, path: str, data: dict[str, str], **headers: str) -> Answer:
        return await self._send("POST", path, urlencode(data).encode(), headers)

    def sign_out(self) -> None:
        self.app.principal = None

    def may(self, *permissions: str) -> None:
        self.app.principal = make_principal(frozenset(permissions))

    async def _send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Answer:
        path, _, query = target.partition("?")
        given = {
            "host": "localhost",
            "content-type": "application/x-www-form-urlencoded",
            **headers,
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in given.items()
            ],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        with suppress(Exception):  # Starlette raises again what its last handler has answered
            await self.app(scope, receive, send)
        head = [(n.decode().lower(), v.decode()) for n, v in sent[0]["headers"]]
        text = b"".join(message.get("body", b"") for message in sent[1:]).decode(errors="replace")
        cookies = [value for name, value in head if name == "set-cookie"]
        return Answer(sent[0]["status"], dict(head), cookies, text)


@pytest.fixture(autouse=True)
def short_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invented records are called d-1 and c-2; that addresses hold ids is shown in test_routes."""
    monkeypatch.setattr(addresses, "_ID", re.compile(".+"))


@pytest.fixture
def site(pages: FastAPI) -> Site:
    pages.state.clients = neighbours = make_neighbours()
    return Site(neighbours, Surroundings(pages, make_principal()))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders of messages."""
    return SimpleNamespace(
        money=money,
        ago=ago,
        card=make_card,
        deal=make_deal,
        client=make_client,
        notification=make_notification,
        board=make_board,
        hostile=HOSTILE,
        now=NOW,
    )
