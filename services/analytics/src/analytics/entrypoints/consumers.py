"""What the others tell: translation only."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from analytics.adapters.people import ActivityFact, ClientFact
from analytics.adapters.projection import Change, CloseDateChange, DealFact
from analytics.application import projections
from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from freelanceflow.crm.v1 import activity_events_pb2 as activity_pb
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.crm.v1 import import_events_pb2 as import_pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.ids import parse_id
from kit.unit_of_work import UnitOfWork

_TYPES = {
    StageType.STAGE_TYPE_OPEN: "open",
    StageType.STAGE_TYPE_WON: "won",
    StageType.STAGE_TYPE_LOST: "lost",
}


async def workspace_settled(uow: UnitOfWork, event: Event) -> None:
    """A workspace came to be, or has other settings; both messages say the same."""
    told = auth_pb.WorkspaceUpdated.FromString(event.body)
    await projections.keep_settings(
        uow, version=told.version, currency=told.currency_code, time_zone=told.time_zone
    )


def deal_created(event: Event) -> Change:
    """A deal came to be and stands in a stage."""
    told = deal_pb.DealCreated.FromString(event.body)
    return Change(
        deal=_fact(told.deal, told.version),
        happened_at=from_timestamp(told.happen_time),
        told_at=event.recorded_at,
        came_in=True,
    )


def deal_moved(event: Event) -> Change:
    """A deal stands in another stage."""
    told = deal_pb.DealMoved.FromString(event.body)
    return Change(
        deal=_fact(told.deal, told.version, lost_reason=told.lost_reason_name),
        happened_at=from_timestamp(told.happen_time),
        told_at=event.recorded_at,
        came_in=True,
    )


def deal_updated(event: Event) -> Change:
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


def deal_deleted(event: Event) -> Change:
    """A deal is in the trash."""
    told = deal_pb.DealDeleted.FromString(event.body)
    happened_at = from_timestamp(told.happen_time)
    deal = _fact(told.deal, told.version, deleted_at=happened_at)
    return Change(deal=deal, happened_at=happened_at, told_at=event.recorded_at)


_CHANGES: dict[str, Callable[[Event], Change]] = {
    "crm.deal.v1.created": deal_created,
    "crm.deal.v1.moved": deal_moved,
    "crm.deal.v1.updated": deal_updated,
    "crm.deal.v1.deleted": deal_deleted,
}


def client_told(event: Event) -> ClientFact:
    """A client as it is now; created and updated say the same in other words."""
    is_new = event.type.endswith(".created")
    message = client_pb.ClientCreated if is_new else client_pb.ClientUpdated
    told = message.FromString(event.body)
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


def client_deleted(event: Event) -> ClientFact:
    """A client is in the trash."""
    told = client_pb.ClientDeleted.FromString(event.body)
    return ClientFact(
        client_id=parse_id(told.client_id, "client_id"),
        version=0,
        presence_version=told.version,
        deleted_at=from_timestamp(told.happen_time),
    )


def activity_told(event: Event) -> ActivityFact:
    """An activity as it is now."""
    is_new = event.type.endswith(".created")
    message = activity_pb.ActivityCreated if is_new else activity_pb.ActivityUpdated
    told = message.FromString(event.body)
    activity = told.activity
    return ActivityFact(
        activity_id=parse_id(activity.activity_id, "activity_id"),
        version=told.version,
        presence_version=told.version,
        kind=activity.kind,
        client_id=_id(activity.client_id),
        deal_id=_id(activity.deal_id),
        owner_id=_id(activity.owner_id),
        due_at=from_timestamp(activity.due_time) if activity.HasField("due_time") else None,
        done_at=from_timestamp(activity.done_time) if activity.HasField("done_time") else None,
        created_at=from_timestamp(activity.create_time),
    )


def activity_deleted(event: Event) -> ActivityFact:
    """An activity is in the trash."""
    told = activity_pb.ActivityDeleted.FromString(event.body)
    return ActivityFact(
        activity_id=parse_id(told.activity_id, "activity_id"),
        version=0,
        presence_version=told.version,
        deleted_at=from_timestamp(told.happen_time),
    )


_PEOPLE: dict[str, Callable[[Event], ClientFact | ActivityFact]] = {
    "crm.client.v1.created": client_told,
    "crm.client.v1.updated": client_told,
    "crm.client.v1.deleted": client_deleted,
    "crm.activity.v1.created": activity_told,
    "crm.activity.v1.updated": activity_told,
    "crm.activity.v1.deleted": activity_deleted,
}


async def crm_told(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """Many records at once; the end of an import comes after its records."""
    people = [event for event in events if event.type in _PEOPLE]
    if people:
        await projections.people_changed(
            uow,
            [_PEOPLE[event.type](event) for event in people],
            told_at=max(event.recorded_at for event in people),
            quietly=_part_of_more(people),
        )
    deals = [event for event in events if event.type in _CHANGES]
    if deals:
        changes = [_CHANGES[event.type](event) for event in deals]
        await projections.deals_changed(uow, changes, quietly=_part_of_more(deals))
    for event in events:
        if event.type == _IMPORT_FINISHED:
            told = import_pb.ImportFinished.FromString(event.body)
            await projections.bulk_ended(uow, version=told.version, told_at=event.recorded_at)


def _part_of_more(events: Sequence[Event]) -> bool:
    return all(event.bulk_id is not None for event in events)


async def crm_told_one(uow: UnitOfWork, event: Event) -> None:
    """One event by itself."""
    await crm_told(uow, [event])


_IMPORT_FINISHED = "crm.import.v1.finished"
OF_AUTH: dict[str, Handler] = {
    "auth.workspace.v1.created": workspace_settled,
    "auth.workspace.v1.updated": workspace_settled,
}
OF_CRM: dict[str, Handler] = dict.fromkeys((*_CHANGES, *_PEOPLE, _IMPORT_FINISHED), crm_told_one)


def _fact(
    deal: deal_pb.DealSnapshot,
    version: int,
    *,
    deleted_at: datetime | None = None,
    lost_reason: str = "",
) -> DealFact:
    valued = deal.HasField("amount")
    return DealFact(
        deal_id=parse_id(deal.deal_id, "deal_id"),
        version=version,
        name=deal.name,
        client_id=_id(deal.client_id),
        client_name=deal.client_name,
        owner_id=_id(deal.owner_id),
        owner_name=deal.owner_name,
        amount_minor=deal.amount.amount_minor if valued else None,
        currency=deal.amount.currency_code if valued else "",
        stage_id=parse_id(deal.stage_id, "stage_id"),
        stage_name=deal.stage_name,
        stage_type=_TYPES[deal.stage_type],
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
    return date.fromisoformat(text) if text else None
