"""Messages as the services send them, with what a test needs to be different."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freelanceflow.analytics.v1.analytics_service_pb2 import (
    Basis,
    Pipeline,
    PipelineStage,
    Velocity,
)
from freelanceflow.crm.v1.activity_service_pb2 import Activity
from freelanceflow.crm.v1.client_service_pb2 import Client
from freelanceflow.crm.v1.contact_service_pb2 import DealContact, ListDealContactsResponse
from freelanceflow.crm.v1.deal_service_pb2 import (
    Board,
    BoardColumn,
    Card,
    Deal,
    FieldChange,
)
from freelanceflow.crm.v1.stage_service_pb2 import (
    Stage,
    StageType,
)
from freelanceflow.crm.v1.timeline_service_pb2 import ListTimelineResponse, TimelineEntry
from freelanceflow.notify.v1.notification_service_pb2 import (
    Notification,
)
from freelanceflow.type.v1.money_pb2 import Money
from kit.clock import to_timestamp

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
EVERYTHING = frozenset(
    {
        "deals.read",
        "deals.write",
        "clients.read",
        "clients.write",
        "activities.read",
        "activities.write",
        "analytics.read",
        "settings.write",
        "imports.read",
        "imports.write",
        "exports.write",
        "members.read",
        "members.write",
        "workspace.read",
        "workspace.write",
        "audit.read",
    }
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
    Stage(
        id="s-1", name="Prospecting", type=OPEN, position=0, rotting_days=30, color="teal", etag="1"
    ),
    Stage(id="s-2", name="Engaging", type=OPEN, position=1, rotting_days=60),
    Stage(id="s-3", name="Proposal", type=OPEN, position=2, rotting_days=21),
    Stage(id="s-4", name="Won", type=WON, position=3),
    Stage(id="s-5", name="Lost", type=LOST, position=4),
]
_NAMES = ("GTX Basic", "GTX Pro", "MG Special", "MG Advanced", "GTX Plus Pro", "GTK 500")
CLIENTS = ("Acme Corporation", "Betasoloin", "Cancity", "Domzoom", "Finhigh", "", "Konex")
OWNERS = ("Moses Frase", "Darcel Schlecht", "Zane Levy", "Anna Snelling")


def make_card(number: int, **over: Any) -> Card:
    fields: dict[str, Any] = {
        "id": f"d-{number}",
        "name": f"{_NAMES[number % 6]} {number}",
        "client_id": "c-1" if CLIENTS[number % 7] else "",
        "client_name": CLIENTS[number % 7],
        "amount": money(55_000 + number * 13_370),
        "stage_id": STAGES[number % 5].id,
        "owner_name": OWNERS[number % 4],
        "next_step": ("Call", "Send proposal", "", "Meet for lunch")[number % 4],
        "next_step_due_date": ("2026-11-20", "2026-11-25", "", "2026-12-03")[number % 4],
        "enter_stage_time": ago(days=number % 90),
        "rotting": number % 5 == 1,
        "etag": "1",
    }
    if number % 3:
        fields["win_probability"] = (number * 7 % 90 + 5) / 100
        fields["recommendation"] = ("focus", "review", "reconsider")[number % 3 - 1]
        fields["odds_evidence"] = "medium"
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
        "recommendation": "review",
        "odds_evidence": "low",
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
        "closed_deal_count": 8,
        "win_rate": 0.625,
        "last_contact_time": ago(days=5),
        "people_count": 2,
        "open_value": money(4_200_000),
        "won_value": money(129_000_000),
        "owner_name": "Moses Frase",
        "create_time": ago(days=400),
        "etag": "7",
    }
    return Client(**{**fields, **over})


def make_activity(number: int = 1, **over: Any) -> Activity:
    fields: dict[str, Any] = {
        "id": f"a-{number}",
        "kind": number % 5 + 1,
        "subject": ("Call about the offer", "Lunch", "Send the contract", "Invoice")[number % 4],
        "client_id": "c-1",
        "client_name": "Acme Corporation",
        "owner_id": "o-1",
        "owner_name": "Moses Frase",
        "due_time": ago(days=3 - number),
        "repetition": 3 if number % 4 == 3 else 0,
        "create_time": ago(days=9),
        "etag": "2",
    }
    if number % 2:
        fields |= {"deal_id": "d-1", "deal_name": "Website relaunch", "remind_time": ago(days=4)}
    return Activity(**{**fields, **over})


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


def make_timeline() -> ListTimelineResponse:
    return ListTimelineResponse(
        entries=[
            TimelineEntry(
                id="h-4",
                kind="note",
                actor_name="Moses Frase",
                happen_time=ago(hours=1),
                client_id="c-1",
                client_name="Acme Corporation",
                activity=make_activity(4, body="Not on Fridays."),
            ),
            TimelineEntry(
                id="h-3",
                kind="activity_done",
                actor_name="Moses Frase",
                happen_time=ago(hours=2),
                deal_id="d-1",
                deal_name="Website relaunch",
                activity=make_activity(1),
            ),
            TimelineEntry(
                id="h-2",
                kind="deal_moved",
                actor_name="Moses Frase",
                happen_time=ago(hours=3),
                deal_id="d-1",
                deal_name="Website relaunch",
                from_stage_name="Prospecting",
                to_stage_name="Engaging",
                days_in_stage=12.4,
            ),
            TimelineEntry(
                id="h-1",
                kind="deal_updated",
                happen_time=ago(days=3),
                deal_id="d-1",
                deal_name="Website relaunch",
                changes=[
                    FieldChange(field="next_step", before="Call", after="Call about the offer")
                ],
            ),
            TimelineEntry(id="h-0", kind="client_created", happen_time=ago(days=40)),
        ],
        next_page_token="before",
    )


def make_contacts() -> ListDealContactsResponse:
    return ListDealContactsResponse(
        contacts=[
            DealContact(
                client_id="c-9",
                name="Ann Acme",
                role="Decides",
                emails=["ann@acme.example"],
                phones=["+49 30 1234567"],
            ),
            DealContact(client_id="c-8", name="Bob Acme"),
        ]
    )
