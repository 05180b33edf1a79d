"""Facts of a workspace's settings as wire messages; adapters/events.py knows their names."""

from uuid import UUID

from crm.domain.board_stage import StageChanged
from crm.domain.calendar import CalendarFeedChanged
from crm.domain.custom_field import CustomFieldChanged
from crm.domain.lost_reason import LostReasonChanged
from crm.domain.rates import RatesChanged
from crm.domain.tag import TagChanged
from crm.domain.view import ViewChanged, ViewChosen
from freelanceflow.crm.v1 import setting_events_pb2 as pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.crm.v1.view_service_pb2 import ViewTerm
from kit.clock import to_timestamp

STAGE_TYPES: dict[str, StageType.ValueType] = {
    "open": StageType.STAGE_TYPE_OPEN,
    "won": StageType.STAGE_TYPE_WON,
    "lost": StageType.STAGE_TYPE_LOST,
}


def stage_changed(fact: StageChanged) -> pb.StageChanged:
    """A stage as it is now, or was last."""
    stage = fact.stage
    return pb.StageChanged(
        stage_id=str(fact.aggregate_id),
        name=stage.name,
        type=STAGE_TYPES[stage.type],
        position=stage.position,
        rotting_days=stage.rotting_days,
        default_probability=stage.default_probability,
        color=stage.color,
        removed=fact.removed,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def lost_reason_changed(fact: LostReasonChanged) -> pb.LostReasonChanged:
    """A reason as it is now."""
    return pb.LostReasonChanged(
        lost_reason_id=str(fact.aggregate_id),
        name=fact.reason.name,
        position=fact.reason.position,
        removed=fact.reason.removed,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def rates_changed(fact: RatesChanged) -> pb.RatesChanged:
    """Rates as they are now."""
    return pb.RatesChanged(
        base_currency_code=fact.base,
        rates=[
            pb.RateChange(
                currency_code=change.rate.currency,
                valid_from=change.rate.valid_from.isoformat(),
                rate="" if change.rate.rate is None else format(change.rate.rate, "f"),
                version=change.version,
            )
            for change in fact.changes
        ],
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
    )


def custom_field_changed(fact: CustomFieldChanged) -> pb.CustomFieldChanged:
    """A field as it is now, or was last."""
    field = fact.field
    return pb.CustomFieldChanged(
        custom_field_id=str(fact.aggregate_id),
        resource=field.resource,
        key=field.key,
        name=field.name,
        type=field.type,
        options=field.options,
        position=field.position,
        removed=fact.removed,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def tag_changed(fact: TagChanged) -> pb.TagChanged:
    """A tag, as it was called and as it is."""
    return pb.TagChanged(
        name=fact.name,
        new_name=fact.new_name,
        color=fact.color,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
    )


def view_changed(fact: ViewChanged) -> pb.ViewChanged:
    """A view as it is now, or was last; of a private one no more than that there is one."""
    message = pb.ViewChanged(
        view_id=str(fact.aggregate_id),
        resource=fact.resource,
        owner_id=str(fact.owner_id),
        shared=fact.state.shared,
        removed=fact.removed,
        actor_id=_id(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
    if fact.state.shared:
        message.name, message.layout = fact.state.name, fact.state.layout
        message.filter.extend(ViewTerm(name=t.name, value=t.value) for t in fact.state.filter)
        message.sort.extend(fact.state.sort)
        message.columns.extend(fact.state.columns)
        message.card_fields.extend(fact.state.card_fields)
    return message


def view_chosen(fact: ViewChosen) -> pb.ViewChosen:
    """What a member sees first."""
    return pb.ViewChosen(
        user_id=str(fact.aggregate_id),
        resource=fact.resource,
        view_id=_id(fact.view_id),
        happen_time=to_timestamp(fact.at),
    )


def calendar_feed_changed(fact: CalendarFeedChanged) -> pb.CalendarFeedChanged:
    """Whether a member's calendar has an address; never which."""
    return pb.CalendarFeedChanged(
        user_id=str(fact.aggregate_id),
        exists=fact.exists,
        replaced=fact.replaced,
        happen_time=to_timestamp(fact.at),
    )


def _id(id: UUID | None) -> str:
    return "" if id is None else str(id)
