"""What the others tell: translation only."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from analytics.adapters.projection import Change, CloseDateChange, DealFact
from analytics.application import projections
from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
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
    return Change(deal=_fact(told.deal, told.version), told_at=event.recorded_at, came_in=True)


def deal_moved(event: Event) -> Change:
    """A deal stands in another stage."""
    told = deal_pb.DealMoved.FromString(event.body)
    return Change(deal=_fact(told.deal, told.version), told_at=event.recorded_at, came_in=True)


def deal_updated(event: Event) -> Change:
    """A deal has other values."""
    told = deal_pb.DealUpdated.FromString(event.body)
    deal = _fact(told.deal, told.version)
    if "expected_close_date" not in told.changed_fields:
        return Change(deal=deal, told_at=event.recorded_at)
    return CloseDateChange(
        deal=deal,
        told_at=event.recorded_at,
        before=_date(told.expected_close_date_before),
        happened_at=from_timestamp(told.happen_time),
    )


def deal_deleted(event: Event) -> Change:
    """A deal is in the trash."""
    told = deal_pb.DealDeleted.FromString(event.body)
    deal = _fact(told.deal, told.version, deleted_at=from_timestamp(told.happen_time))
    return Change(deal=deal, told_at=event.recorded_at)


_CHANGES: dict[str, Callable[[Event], Change]] = {
    "crm.deal.v1.created": deal_created,
    "crm.deal.v1.moved": deal_moved,
    "crm.deal.v1.updated": deal_updated,
    "crm.deal.v1.deleted": deal_deleted,
}


async def crm_told(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """Many deals at once; the end of an import comes after its records."""
    deals = [event for event in events if event.type in _CHANGES]
    if deals:
        changes = [_CHANGES[event.type](event) for event in deals]
        quietly = all(event.bulk_id is not None for event in deals)
        await projections.deals_changed(uow, changes, quietly=quietly)
    for event in events:
        if event.type == _IMPORT_FINISHED:
            told = import_pb.ImportFinished.FromString(event.body)
            await projections.bulk_ended(uow, version=told.version, told_at=event.recorded_at)


async def crm_told_one(uow: UnitOfWork, event: Event) -> None:
    """One event by itself."""
    await crm_told(uow, [event])


_IMPORT_FINISHED = "crm.import.v1.finished"
OF_AUTH: dict[str, Handler] = {
    "auth.workspace.v1.created": workspace_settled,
    "auth.workspace.v1.updated": workspace_settled,
}
OF_CRM: dict[str, Handler] = dict.fromkeys((*_CHANGES, _IMPORT_FINISHED), crm_told_one)


def _fact(
    deal: deal_pb.DealSnapshot, version: int, *, deleted_at: datetime | None = None
) -> DealFact:
    valued = deal.HasField("amount")
    return DealFact(
        deal_id=parse_id(deal.deal_id, "deal_id"),
        version=version,
        name=deal.name,
        client_id=_id(deal.client_id),
        owner_id=_id(deal.owner_id),
        amount_minor=deal.amount.amount_minor if valued else None,
        currency=deal.amount.currency_code if valued else "",
        stage_id=parse_id(deal.stage_id, "stage_id"),
        stage_name=deal.stage_name,
        stage_type=_TYPES[deal.stage_type],
        source=deal.source,
        expected_close_date=_date(deal.expected_close_date),
        created_at=from_timestamp(deal.create_time),
        entered_stage_at=from_timestamp(deal.enter_stage_time),
        closed_at=from_timestamp(deal.close_time) if deal.HasField("close_time") else None,
        deleted_at=deleted_at,
    )


def _id(text: str) -> UUID | None:
    return parse_id(text, "id") if text else None


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
