"""What crm tells, as this service's facts: translation only."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from analytics.adapters.people import ActivityFact, ClientFact
from analytics.adapters.projection import Change, CloseDateChange, DealFact
from analytics.adapters.rates import Rate
from freelanceflow.crm.v1 import activity_events_pb2 as activity_pb
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.crm.v1 import record_events_pb2 as record_pb
from freelanceflow.crm.v1 import setting_events_pb2 as setting_pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.ids import parse_id
from kit.money import exponent
from kit.years import is_plausible

STAGE_TYPES = {
    StageType.STAGE_TYPE_OPEN: "open",
    StageType.STAGE_TYPE_WON: "won",
    StageType.STAGE_TYPE_LOST: "lost",
}
_ClientMessage = client_pb.ClientCreated | client_pb.ClientUpdated | record_pb.ClientRestored
_ActivityMessage = (
    activity_pb.ActivityCreated | activity_pb.ActivityUpdated | record_pb.ActivityRestored
)
_CLIENT_MESSAGES: dict[str, type[_ClientMessage]] = {
    "created": client_pb.ClientCreated,
    "updated": client_pb.ClientUpdated,
    "restored": record_pb.ClientRestored,
}
_ACTIVITY_MESSAGES: dict[str, type[_ActivityMessage]] = {
    "created": activity_pb.ActivityCreated,
    "updated": activity_pb.ActivityUpdated,
    "restored": record_pb.ActivityRestored,
}


def _deal_created(event: Event) -> Change:
    """A deal came to be and stands in a stage."""
    told = deal_pb.DealCreated.FromString(event.body)
    return Change(
        deal=_fact(told.deal, told.version),
        happened_at=from_timestamp(told.happen_time),
        told_at=event.recorded_at,
        came_in=True,
    )


def _deal_moved(event: Event) -> Change:
    """A deal stands in another stage."""
    told = deal_pb.DealMoved.FromString(event.body)
    return Change(
        deal=_fact(told.deal, told.version, lost_reason=told.lost_reason_name),
        happened_at=from_timestamp(told.happen_time),
        told_at=event.recorded_at,
        came_in=True,
    )


def _deal_updated(event: Event) -> Change:
    """A deal has other values."""
    told = deal_pb.DealUpdated.FromString(event.body)
    deal, happened_at = _fact(told.deal, told.version), from_timestamp(told.happen_time)
    if "expected_close_date" not in told.changed_fields:
        return Change(deal=deal, happened_at=happened_at, told_at=event.recorded_at)
    return CloseDateChange(
        deal=deal,
        happened_at=happened_at,
        told_at=event.recorded_at,
        before=_date(told.expected_close_date_before),
    )


def _deal_deleted(event: Event) -> Change:
    """A deal is in the trash."""
    told = deal_pb.DealDeleted.FromString(event.body)
    happened_at = from_timestamp(told.happen_time)
    deal = _fact(told.deal, told.version, deleted_at=happened_at)
    return Change(deal=deal, happened_at=happened_at, told_at=event.recorded_at)


def _deal_restored(event: Event) -> Change:
    """A deal is out of the trash, as it was."""
    told = record_pb.DealRestored.FromString(event.body)
    return Change(
        deal=_fact(told.deal, told.version),
        happened_at=from_timestamp(told.happen_time),
        told_at=event.recorded_at,
    )


CHANGES: dict[str, Callable[[Event], Change]] = {
    "crm.deal.v1.created": _deal_created,
    "crm.deal.v1.moved": _deal_moved,
    "crm.deal.v1.updated": _deal_updated,
    "crm.deal.v1.deleted": _deal_deleted,
    "crm.deal.v1.restored": _deal_restored,
}


def _client_told(event: Event) -> ClientFact:
    """A client as it is now; created and updated say the same in other words."""
    told = _CLIENT_MESSAGES[event.type.rpartition(".")[2]].FromString(event.body)
    client = told.client
    return ClientFact(
        client_id=parse_id(client.client_id, "client_id"),
        version=told.version,
        presence_version=told.version,
        kind=client.kind,
        name=client.name,
        parent_id=_id(client.parent_id),
        owner_id=_id(client.owner_id),
        created_at=from_timestamp(client.create_time),
    )


def _client_deleted(event: Event) -> ClientFact:
    """A client is in the trash."""
    told = client_pb.ClientDeleted.FromString(event.body)
    return ClientFact(
        client_id=parse_id(told.client_id, "client_id"),
        version=0,
        presence_version=told.version,
        deleted_at=from_timestamp(told.happen_time),
    )


def _activity_told(event: Event) -> ActivityFact:
    """An activity as it is now."""
    told = _ACTIVITY_MESSAGES[event.type.rpartition(".")[2]].FromString(event.body)
    activity = told.activity
    return ActivityFact(
        activity_id=parse_id(activity.activity_id, "activity_id"),
        version=told.version,
        presence_version=told.version,
        happened_at=event.time,
        kind=activity.kind,
        client_id=_id(activity.client_id),
        deal_id=_id(activity.deal_id),
        owner_id=_id(activity.owner_id),
        due_at=from_timestamp(activity.due_time) if activity.HasField("due_time") else None,
        done_at=from_timestamp(activity.done_time) if activity.HasField("done_time") else None,
        created_at=from_timestamp(activity.create_time),
    )


def _activity_deleted(event: Event) -> ActivityFact:
    """An activity is in the trash."""
    told = activity_pb.ActivityDeleted.FromString(event.body)
    return ActivityFact(
        activity_id=parse_id(told.activity_id, "activity_id"),
        version=0,
        presence_version=told.version,
        happened_at=event.time,
        deleted_at=from_timestamp(told.happen_time),
    )


PEOPLE: dict[str, Callable[[Event], ClientFact | ActivityFact]] = {
    "crm.client.v1.created": _client_told,
    "crm.client.v1.updated": _client_told,
    "crm.client.v1.restored": _client_told,
    "crm.client.v1.deleted": _client_deleted,
    "crm.activity.v1.created": _activity_told,
    "crm.activity.v1.updated": _activity_told,
    "crm.activity.v1.restored": _activity_told,
    "crm.activity.v1.deleted": _activity_deleted,
}


def rates_told(event: Event) -> tuple[str, list[Rate]]:
    """The currency that rates convert into, and the rates as they are now."""
    told = setting_pb.RatesChanged.FromString(event.body)
    base = told.base_currency_code
    return base, [
        Rate(
            currency=rate.currency_code,
            valid_from=date.fromisoformat(rate.valid_from),
            version=rate.version,
            factor=_factor(rate.rate, rate.currency_code, base),
        )
        for rate in told.rates
    ]


def _factor(rate: str, currency: str, base: str) -> Decimal | None:
    """From minor unit to minor unit; None for a rate that is gone."""
    return Decimal(rate).scaleb(exponent(base) - exponent(currency)) if rate else None


def _fact(
    deal: deal_pb.DealSnapshot,
    version: int,
    *,
    deleted_at: datetime | None = None,
    lost_reason: str = "",
) -> DealFact:
    valued, converted = deal.HasField("amount"), deal.HasField("base_amount")
    return DealFact(
        deal_id=parse_id(deal.deal_id, "deal_id"),
        version=version,
        name=deal.name,
        client_id=_id(deal.client_id),
        owner_id=_id(deal.owner_id),
        owner_name=deal.owner_name,
        amount_minor=deal.amount.amount_minor if valued else None,
        currency=deal.amount.currency_code if valued else "",
        base_minor=deal.base_amount.amount_minor if converted else None,
        base_currency=deal.base_amount.currency_code if converted else "",
        stage_id=parse_id(deal.stage_id, "stage_id"),
        stage_name=deal.stage_name,
        stage_type=STAGE_TYPES[deal.stage_type],
        source=deal.source,
        expected_close_date=_date(deal.expected_close_date),
        next_step=deal.next_step,
        next_step_due_date=_date(deal.next_step_due_date),
        created_at=from_timestamp(deal.create_time),
        entered_stage_at=from_timestamp(deal.enter_stage_time),
        closed_at=from_timestamp(deal.close_time) if deal.HasField("close_time") else None,
        deleted_at=deleted_at,
        lost_reason_id=_id(deal.lost_reason_id),
        lost_reason=lost_reason,
    )


def _id(text: str) -> UUID | None:
    return parse_id(text, "id") if text else None


def _date(text: str) -> date | None:
    """A day that nobody means is none: PostgreSQL would take the first of all days for endless."""
    day = date.fromisoformat(text) if text else None
    return day if day and is_plausible(day) else None
