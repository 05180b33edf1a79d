"""Pages rendered through the real routes, with neighbours that answer what a test tells them to."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
    Pipeline,
    PipelineStage,
    Velocity,
)
from freelanceflow.auth.v1.account_service_pb2 import ListSessionsResponse, Session, User
from freelanceflow.crm.v1.client_service_pb2 import Client, ListClientsResponse
from freelanceflow.crm.v1.deal_service_pb2 import (
    Board,
    BoardColumn,
    Card,
    Deal,
    DealHistoryEntry,
    FieldChange,
    ListCardsResponse,
    ListDealHistoryResponse,
    ListDealsResponse,
    MoveDealRequest,
)
from freelanceflow.crm.v1.stage_service_pb2 import (
    ListLostReasonsResponse,
    ListOwnersResponse,
    ListStagesResponse,
    LostReason,
    Owner,
    Stage,
    StageType,
)
from freelanceflow.notify.v1.notification_service_pb2 import (
    ListNotificationsResponse,
    Notification,
)
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints import errors
from gateway.entrypoints.pages.assets import Assets
from gateway.entrypoints.pages.rendering import Rendering
from gateway.entrypoints.pages.router import pages_router
from gateway.entrypoints.sessions import Cookies
from kit.clock import FakeClock, to_timestamp
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity, Principal

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
EVERYTHING = frozenset(
    {"deals.read", "deals.write", "clients.read", "clients.write", "analytics.read"}
)
OPEN, WON, LOST = (
    StageType.STAGE_TYPE_OPEN,
    StageType.STAGE_TYPE_WON,
    StageType.STAGE_TYPE_LOST,
)
# As bad as it comes: markup, handlers, template syntax, direction marks, emoji, length.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "</textarea></title><svg onload=alert(1)>",
    "مشروع \u202eevil\u202c العميل",
    "👩‍👩‍👧‍👦🦊" * 20,
    "w" * 200,
)


def money(amount: int, currency: str = "EUR") -> Money:
    return Money(currency_code=currency, amount_minor=amount)


def ago(**time: float) -> Any:
    return to_timestamp(NOW - timedelta(**time))


STAGES = [
    Stage(id="s-1", name="Prospecting", type=OPEN, position=0, rotting_days=30),
    Stage(id="s-2", name="Engaging", type=OPEN, position=1, rotting_days=60),
    Stage(id="s-3", name="Proposal", type=OPEN, position=2, rotting_days=21),
    Stage(id="s-4", name="Won", type=WON, position=3),
    Stage(id="s-5", name="Lost", type=LOST, position=4),
]
_NAMES = ("GTX Basic", "GTX Pro", "MG Special", "MG Advanced", "GTX Plus Pro", "GTK 500")
_CLIENTS = ("Acme Corporation", "Betasoloin", "Cancity", "Domzoom", "Finhigh", "", "Konex")
_OWNERS = ("Moses Frase", "Darcel Schlecht", "Zane Levy", "Anna Snelling")


def make_card(number: int, **over: Any) -> Card:
    fields: dict[str, Any] = {
        "id": f"d-{number}",
        "name": f"{_NAMES[number % 6]} {number}",
        "client_id": "c-1" if _CLIENTS[number % 7] else "",
        "client_name": _CLIENTS[number % 7],
        "amount": money(55_000 + number * 13_370),
        "stage_id": STAGES[number % 5].id,
        "owner_name": _OWNERS[number % 4],
        "next_step": ("Call", "Send proposal", "", "Meet for lunch")[number % 4],
        "next_step_due_date": ("2026-11-20", "2026-11-25", "", "2026-12-03")[number % 4],
        "enter_stage_time": ago(days=number % 90),
        "rotting": number % 5 == 1,
        "etag": "1",
    }
    if number % 3:
        fields["win_probability"] = (number * 7 % 90 + 5) / 100
    return Card(**{**fields, **over})


def make_deal(**over: Any) -> Deal:
    fields: dict[str, Any] = {
        "id": "d-1",
        "name": "Website relaunch",
        "client_id": "c-1",
        "client_name": "Acme Corporation",
        "amount": money(1_240_000),
        "stage_id": "s-2",
        "stage_name": "Engaging",
        "stage_type": OPEN,
        "owner_id": "o-1",
        "owner_name": "Moses Frase",
        "expected_close_date": "2026-12-24",
        "source": "Referral",
        "next_step": "Call about the offer",
        "next_step_due_date": "2026-11-20",
        "tags": ["design", "web"],
        "win_probability": 0.62,
        "enter_stage_time": ago(days=12),
        "create_time": ago(days=40),
        "update_time": ago(hours=2),
        "version": 3,
        "etag": "3",
    }
    return Deal(**{**fields, **over})


def make_client(**over: Any) -> Client:
    fields: dict[str, Any] = {
        "id": "c-1",
        "kind": 1,
        "name": "Acme Corporation",
        "emails": ["hello@acme.example"],
        "phones": ["+49 30 1234"],
        "open_deal_count": 3,
        "open_value": money(4_200_000),
        "won_value": money(129_000_000),
        "owner_name": "Moses Frase",
        "create_time": ago(days=400),
        "etag": "7",
    }
    return Client(**{**fields, **over})


def make_notification(number: int, **over: Any) -> Notification:
    fields: dict[str, Any] = {
        "id": f"n-{number}",
        "kind": ("deal_moved", "deal_won", "import_finished")[number % 3],
        "title": f"GTX Basic {number} moved to Proposal",
        "body": "Moses Frase moved it from Engaging.",
        "target_kind": "deal",
        "target_id": "d-1",
        "create_time": ago(minutes=number * 37 + 1),
    }
    if number > 2:
        fields["read_time"] = ago(minutes=1)
    return Notification(**{**fields, **over})


def make_board(per_column: int = 4) -> Board:
    columns = []
    for index, stage in enumerate(STAGES):
        count = (500, 1589, 41, 4238, 2473)[index]
        cards = [make_card(index + 5 * n, stage_id=stage.id) for n in range(per_column)]
        columns.append(
            BoardColumn(
                stage=stage,
                count=count,
                sum=money(count * 214_000),
                weighted_sum=money(count * 91_000),
                cards=cards,
                next_page_token="next" if per_column else "",
            )
        )
    return Board(columns=columns, currency_code="EUR")


def make_pipeline() -> Pipeline:
    counts = zip(STAGES[:3], (500, 1589, 41), (12.0, 34.5, 6.0), strict=True)
    return Pipeline(
        stages=[
            PipelineStage(
                stage_id=stage.id,
                stage_name=stage.name,
                stage_type="open",
                count=count,
                sum=money(count * 214_000),
                mean_days=days,
            )
            for stage, count, days in counts
        ],
        open_value=money(455_820_000),
        open_count=2130,
        won_value_30_days=money(24_100_000),
        won_count_30_days=84,
        created_count_30_days=164,
        basis=Basis(as_of_time=ago(seconds=90)),
    )


def make_velocity() -> Velocity:
    return Velocity(
        opportunities=3000,
        mean_value=money(236_000),
        win_rate=0.631,
        cycle_days=51.6,
        value_per_day=money(8_660_000),
        trend=0.124,
        closed_count=1333,
        won_count=841,
        basis=Basis(words="Based on 1,333 deals closed in 90 days.", evidence="high"),
    )


def make_history() -> ListDealHistoryResponse:
    return ListDealHistoryResponse(
        entries=[
            DealHistoryEntry(
                id="h-2",
                kind="moved",
                actor_name="Moses Frase",
                happen_time=ago(hours=3),
                from_stage_name="Prospecting",
                to_stage_name="Engaging",
                days_in_stage=12.4,
            ),
            DealHistoryEntry(
                id="h-1",
                kind="updated",
                happen_time=ago(days=3),
                changes=[
                    FieldChange(field="next_step", before="Call", after="Call about the offer")
                ],
            ),
            DealHistoryEntry(id="h-0", kind="created", happen_time=ago(days=40)),
        ]
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
    )
    return SimpleNamespace(
        auth=Peer(),
        account=Peer(
            {
                "GetMe": user,
                "UpdateMe": user,
                "ListSessions": ListSessionsResponse(
                    sessions=[
                        Session(
                            id="1",
                            device="Firefox on Linux",
                            create_time=ago(days=3),
                            last_seen_time=ago(minutes=2),
                            current=True,
                        ),
                        Session(
                            id="2",
                            device="Safari on iPhone",
                            create_time=ago(days=9),
                            last_seen_time=ago(days=1),
                        ),
                    ]
                ),
            }
        ),
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
                "ListDealHistory": make_history(),
                "ListDeals": ListDealsResponse(deals=[make_deal(id=f"d-{n}") for n in range(3)]),
            }
        ),
        stages=Peer(
            {
                "ListStages": ListStagesResponse(stages=STAGES),
                "ListOwners": ListOwnersResponse(
                    owners=[Owner(id=f"o-{n}", name=name) for n, name in enumerate(_OWNERS)]
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
        clients=Peer(
            {
                "ListClients": ListClientsResponse(
                    clients=[
                        make_client(id=f"c-{n}", name=name)
                        for n, name in enumerate(filter(None, _CLIENTS))
                    ],
                    total=85,
                    next_page_token="next",
                ),
                "GetClient": make_client(),
                "CreateClient": make_client(),
                "UpdateClient": make_client(),
            }
        ),
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
        notifications=Peer(
            {
                "ListNotifications": ListNotificationsResponse(
                    notifications=[make_notification(n) for n in range(6)], unread_count=3
                ),
                "MarkRead": make_notification(1),
                "MarkAllRead": ListNotificationsResponse(),
            }
        ),
    )


class Surroundings:
    """What the edge puts around a request, as far as pages see it."""

    def __init__(self, app: ASGIApp, principal: Principal | None) -> None:
        self._app = app
        self.principal = principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = self.principal.token if self.principal else None
            state = scope.setdefault("state", {})
            state |= {
                "csp_nonce": "n0nce",
                "principal": self.principal,
                "identity": CallIdentity(token),
                "client_address": "127.0.0.1",
            }
        await self._app(scope, receive, send)


def make_principal(permissions: frozenset[str] = EVERYTHING) -> Principal:
    return Principal(
        user_id=UUID(int=1),
        workspace_id=UUID(int=2),
        session_id=UUID(int=3),
        role="owner",
        permissions=permissions,
        expires_at=NOW.timestamp() + 600,
        token="token",
    )


def make_app(neighbours: SimpleNamespace, principal: Principal | None) -> Surroundings:
    assets = Assets()
    app = FastAPI(openapi_url=None)
    app.state.clients = neighbours
    app.state.rendering = Rendering(FakeClock(NOW), assets=assets)
    app.state.cookies = Cookies(secure=False)
    app.state.settings = SimpleNamespace(secure=False)
    app.include_router(pages_router(assets, local=True))
    errors.install(app)
    return Surroundings(app, principal)


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


@pytest.fixture
def site() -> Site:
    neighbours = make_neighbours()
    return Site(neighbours, make_app(neighbours, make_principal()))


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
