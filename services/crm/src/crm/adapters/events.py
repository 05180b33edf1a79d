"""Facts on their way to the bus: the only place in crm that knows subjects and wire messages."""

from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from crm.adapters.activity_events import (
    activity_created,
    activity_deleted,
    activity_reminded,
    activity_snapshot,
    activity_updated,
)
from crm.adapters.audit_details import detail_of
from crm.adapters.file_events import (
    bulk_finished,
    export_failed,
    export_finished,
    export_requested,
    import_failed,
    import_finished,
    import_reverted,
)
from crm.adapters.merge_events import clients_merged, clients_parted, duplicate_dismissed
from crm.adapters.setting_events import (
    STAGE_TYPES,
    calendar_feed_changed,
    custom_field_changed,
    lost_reason_changed,
    rates_changed,
    stage_changed,
    tag_changed,
    view_changed,
    view_chosen,
)
from crm.domain.activity import (
    ActivityCreated,
    ActivityDeleted,
    ActivityFact,
    ActivityReminded,
    ActivityRestored,
    ActivityState,
    ActivityUpdated,
)
from crm.domain.board import BoardReweighted
from crm.domain.board_stage import StageChanged
from crm.domain.bulk import BulkFinished
from crm.domain.calendar import CalendarFeedChanged
from crm.domain.client import (
    ClientCreated,
    ClientDeleted,
    ClientFact,
    ClientRestored,
    ClientState,
    ClientUpdated,
    Parent,
)
from crm.domain.custom_field import CustomFieldChanged
from crm.domain.deal import (
    DealCreated,
    DealDeleted,
    DealFact,
    DealMoved,
    DealReordered,
    DealRestored,
    DealState,
    DealUpdated,
)
from crm.domain.entries import Named
from crm.domain.exports import ExportFailed, ExportFinished, ExportRequested
from crm.domain.imports import ImportFailed, ImportFinished, ImportReverted
from crm.domain.lost_reason import LostReasonChanged
from crm.domain.merges import ClientsMerged, ClientsParted, DuplicateDismissed
from crm.domain.rates import RatesChanged
from crm.domain.tag import TagChanged
from crm.domain.trash import RecordKind, RecordPurged
from crm.domain.view import ViewChanged, ViewChosen
from freelanceflow.crm.v1 import board_events_pb2 as board_pb
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.crm.v1 import record_events_pb2 as record_pb
from freelanceflow.type.v1 import money_pb2
from kit.aggregate import Fact
from kit.clock import to_timestamp
from kit.money import Money
from kit.outbox import Message, OutboxRow, event_row

PURGED = {
    RecordKind.DEAL: "deal.v1.purged",
    RecordKind.CLIENT: "client.v1.purged",
    RecordKind.ACTIVITY: "activity.v1.purged",
}


def to_outbox(workspace_id: UUID, fact: Fact, *, bulk_id: UUID | None = None) -> OutboxRow:
    """One fact, ready to commit. A fact without a wire form fails the transaction."""
    name, message = _event(fact)
    row = event_row("crm", workspace_id, fact, name, message, bulk_id=bulk_id)
    state = _state(fact)
    if detail := detail_of(fact):
        row["headers"]["ff-detail"] = detail
    if state is not None:  # so that windows are told only what their person sees
        row["headers"]["ff-owner"] = _id_of(state.owner)
    return row


def _state(fact: Fact) -> DealState | ClientState | ActivityState | None:
    match fact:
        case DealFact():
            return fact.deal
        case ClientFact():
            return fact.client
        case ActivityFact() | ActivityReminded():
            return fact.activity
    return None


def _event(fact: Fact) -> tuple[str, Message]:
    match fact:
        case DealMoved():
            return "deal.v1.moved", _deal_moved(fact)
        case DealCreated():
            return "deal.v1.created", _deal_created(fact)
        case DealUpdated():
            return "deal.v1.updated", _deal_updated(fact)
        case DealReordered():
            return "deal.v1.reordered", _deal_reordered(fact)
        case DealDeleted():
            return "deal.v1.deleted", _deal_deleted(fact)
        case ClientCreated():
            return "client.v1.created", _client_created(fact)
        case ClientUpdated():
            return "client.v1.updated", _client_updated(fact)
        case ClientDeleted():
            return "client.v1.deleted", _client_deleted(fact)
        case DuplicateDismissed():
            return "duplicate.v1.dismissed", duplicate_dismissed(fact)
        case ClientsMerged():
            return "merge.v1.made", clients_merged(fact)
        case ClientsParted():
            return "merge.v1.undone", clients_parted(fact)
        case ActivityCreated():
            return "activity.v1.created", activity_created(fact)
        case ActivityUpdated():
            return "activity.v1.updated", activity_updated(fact)
        case ActivityDeleted():
            return "activity.v1.deleted", activity_deleted(fact)
        case ActivityReminded():
            return "activity.v1.reminded", activity_reminded(fact)
        case DealRestored():
            return "deal.v1.restored", _restored(fact, record_pb.DealRestored, deal=_deal(fact))
        case ClientRestored():
            restored = _restored(fact, record_pb.ClientRestored, client=_client(fact))
            return "client.v1.restored", restored
        case ActivityRestored():
            back = _restored(fact, record_pb.ActivityRestored, activity=activity_snapshot(fact))
            return "activity.v1.restored", back
        case RecordPurged():
            return PURGED[fact.kind], _purged(fact)
        case BulkFinished():
            return "bulk.v1.finished", bulk_finished(fact)
        case ExportRequested():
            return "export.v1.requested", export_requested(fact)
        case ExportFailed():
            return "export.v1.failed", export_failed(fact)
        case ExportFinished():
            return "export.v1.finished", export_finished(fact)
        case ImportFailed():
            return "import.v1.failed", import_failed(fact)
        case ImportFinished():
            return "import.v1.finished", import_finished(fact)
        case ImportReverted():
            return "import.v1.reverted", import_reverted(fact)
        case StageChanged():
            return "stage.v1.changed", stage_changed(fact)
        case LostReasonChanged():
            return "reason.v1.changed", lost_reason_changed(fact)
        case RatesChanged():
            return "rate.v1.changed", rates_changed(fact)
        case BoardReweighted():
            return "board.v1.reweighted", board_pb.BoardReweighted(
                deals=fact.deals, happen_time=to_timestamp(fact.at), version=fact.version
            )
        case CustomFieldChanged():
            return "field.v1.changed", custom_field_changed(fact)
        case TagChanged():
            return "tag.v1.changed", tag_changed(fact)
        case ViewChanged():
            return "view.v1.changed", view_changed(fact)
        case ViewChosen():
            return "view.v1.chosen", view_chosen(fact)
        case CalendarFeedChanged():
            return "calendar.v1.changed", calendar_feed_changed(fact)
    raise TypeError(f"{type(fact).__name__} has no wire form")


def _deal_created(fact: DealCreated) -> deal_pb.DealCreated:
    return deal_pb.DealCreated(
        deal=_deal(fact),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _deal_updated(fact: DealUpdated) -> deal_pb.DealUpdated:
    changed = [change.field for change in fact.changes]
    message = deal_pb.DealUpdated(
        deal=_deal(fact),
        changed_fields=changed,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
    if "amount" in changed and fact.before.amount:
        message.amount_before.CopyFrom(_money(fact.before.amount))
    if "expected_close_date" in changed:
        message.expected_close_date_before = _date(fact.before.expected_close_date)
    return message


def _deal_moved(fact: DealMoved) -> deal_pb.DealMoved:
    left = fact.before.stage
    return deal_pb.DealMoved(
        deal=_deal(fact),
        from_stage_id=str(left.id),
        from_stage_name=left.name,
        from_stage_type=STAGE_TYPES[left.type],
        days_in_stage=fact.days_in_stage,
        lost_reason_name=fact.deal.lost_reason.name if fact.deal.lost_reason else "",
        actor_id=_id(fact.by),
        actor_name=fact.by_name,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _deal_reordered(fact: DealReordered) -> deal_pb.DealReordered:
    return deal_pb.DealReordered(
        deal_id=str(fact.aggregate_id),
        stage_id=str(fact.deal.stage.id),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _deal_deleted(fact: DealDeleted) -> deal_pb.DealDeleted:
    return deal_pb.DealDeleted(
        deal=_deal(fact),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _deal(fact: DealFact) -> deal_pb.DealSnapshot:
    deal = fact.deal
    return deal_pb.DealSnapshot(
        deal_id=str(fact.aggregate_id),
        name=deal.name,
        client_id=_id_of(deal.client),
        client_name=deal.client.name if deal.client else "",
        amount=_money(deal.amount) if deal.amount else None,
        stage_id=str(deal.stage.id),
        stage_name=deal.stage.name,
        stage_type=STAGE_TYPES[deal.stage.type],
        owner_id=_id_of(deal.owner),
        owner_name=deal.owner.name if deal.owner else "",
        source=deal.source,
        expected_close_date=_date(deal.expected_close_date),
        next_step=deal.next_step,
        next_step_due_date=_date(deal.next_step_due_date),
        create_time=to_timestamp(deal.created_at),
        enter_stage_time=to_timestamp(deal.entered_stage_at),
        close_time=_time(deal.closed_at),
        lost_reason_id=_id_of(deal.lost_reason),
        base_amount=_money(fact.base_amount) if fact.base_amount else None,
    )


def _client_created(fact: ClientCreated) -> client_pb.ClientCreated:
    return client_pb.ClientCreated(
        client=_client(fact),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _client_updated(fact: ClientUpdated) -> client_pb.ClientUpdated:
    return client_pb.ClientUpdated(
        client=_client(fact),
        changed_fields=fact.changed_fields,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _client_deleted(fact: ClientDeleted) -> client_pb.ClientDeleted:
    return client_pb.ClientDeleted(
        client_id=str(fact.aggregate_id),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _client(fact: ClientFact) -> client_pb.ClientSnapshot:
    client = fact.client
    return client_pb.ClientSnapshot(
        client_id=str(fact.aggregate_id),
        kind=client.kind.value,
        name=client.name,
        parent_id=_id_of(client.parent),
        owner_id=_id_of(client.owner),
        tags=client.tags,
        create_time=to_timestamp(client.created_at),
    )


def _restored(fact: Fact, message: Callable[..., Message], **record: Message) -> Message:
    return message(
        **record, actor_id=_id(fact.by), happen_time=to_timestamp(fact.at), version=fact.version
    )


def _purged(fact: RecordPurged) -> record_pb.RecordPurged:
    return record_pb.RecordPurged(
        record_id=str(fact.aggregate_id),
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _id(id: UUID | None) -> str:
    return "" if id is None else str(id)


def _id_of(thing: Named | Parent | None) -> str:
    return "" if thing is None else str(thing.id)


def _date(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _time(at: datetime | None) -> Timestamp | None:
    return None if at is None else to_timestamp(at)


def _money(money: Money) -> money_pb2.Money:
    return money_pb2.Money(currency_code=money.currency, amount_minor=money.amount_minor)
