"""Rows and entities as messages, and what messages hold as values. Lists are read by the thousand:
rows are taken apart by position, in the order in which the adapters select them, a message that
is `made` by the `add` of its list is there from the start, where a finished one would be copied,
and what is set is put into it field by field, in three quarters of a constructor's time.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import floor
from typing import Any

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from crm.adapters.deal_columns import DealRow
from crm.adapters.setting_events import STAGE_TYPES
from crm.domain.board_stage import BoardStage
from crm.domain.client import ClientKind
from crm.domain.deal import KNOWS_ODDS, Deal
from crm.domain.stage import is_rotting
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from freelanceflow.type.v1 import money_pb2
from kit.rpc.identity import caller_may

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLIENT_KINDS = {
    "company": client_pb.CLIENT_KIND_COMPANY,
    "person": client_pb.CLIENT_KIND_PERSON,
}
KINDS_OF_CLIENTS = {number: ClientKind(name) for name, number in CLIENT_KINDS.items()}


def stamp(at: datetime | None) -> Any:
    """An instant for a message's constructor: protobuf reads a dict in half a copy's time."""
    if at is None:
        return None
    since = at - _EPOCH
    return {
        "seconds": since.days * 86_400 + since.seconds,
        "nanos": since.microseconds * 1000,
    }


def put(stamp: Timestamp, at: float) -> None:
    """An instant of a message that is there already, from seconds since the epoch."""
    whole = floor(at)
    stamp.seconds = whole
    if at != whole:
        stamp.nanos = round((at - whole) * 1_000_000) * 1000


def money(amount_minor: int | None, currency: str | None) -> Any:
    """Money for a message's constructor; None for no amount."""
    if amount_minor is None:
        return None
    return {"amount_minor": amount_minor, "currency_code": currency}


def put_money(amount: money_pb2.Money, amount_minor: int, currency: str) -> None:
    """Money of a message that is there already."""
    amount.amount_minor = amount_minor
    amount.currency_code = currency


def deal_message(
    row: DealRow, now: float, made: Callable[[], deal_pb.Deal] = deal_pb.Deal
) -> deal_pb.Deal:
    """A deal as it was read; `now` in seconds since the epoch, as rows have it."""
    message = made()
    message.id = str(row.id)
    message.name = row.name
    if row.client_id:
        message.client_id = str(row.client_id)
    if row.client_name:
        message.client_name = row.client_name
    if row.amount_minor is not None:
        put_money(message.amount, row.amount_minor, row.currency)
    message.stage_id = str(row.stage_id)
    message.stage_name = row.stage_name
    message.stage_type = STAGE_TYPES[row.stage_type]
    message.position = row.position
    if row.expected_close_date:
        message.expected_close_date = row.expected_close_date.isoformat()
    if row.owner_id:
        message.owner_id = str(row.owner_id)
    if row.owner_name:
        message.owner_name = row.owner_name
    message.source = row.source
    message.next_step = row.next_step
    if row.next_step_due_date:
        message.next_step_due_date = row.next_step_due_date.isoformat()
    if row.tags:
        message.tags.extend(row.tags)
    if row.custom_fields:
        message.custom_fields.update(row.custom_fields)
    if row.external_id:
        message.external_id = row.external_id
    _put_odds(message, row.win_probability, row.advice, row.odds_evidence)
    put(message.enter_stage_time, row.entered_stage_at)
    message.rotting = is_rotting(row.stage_type, row.rotting_days, now - row.entered_stage_at)
    put(message.create_time, row.created_at)
    put(message.update_time, row.updated_at)
    if row.closed_at is not None:
        put(message.close_time, row.closed_at)
    if row.lost_reason_id:
        message.lost_reason_id = str(row.lost_reason_id)
    if row.lost_reason_name:
        message.lost_reason_name = row.lost_reason_name
    message.version = row.version
    message.etag = str(row.version)
    return message


def deal_entity_message(deal: Deal, now: datetime) -> deal_pb.Deal:
    """A deal that was just written, as a reader would see it."""
    state = deal.state
    row = DealRow(
        id=deal.id,
        version=deal.version,
        name=state.name,
        client_id=state.client.id if state.client else None,
        client_name=state.client.name if state.client else None,
        amount_minor=state.amount.amount_minor if state.amount else None,
        currency=state.amount.currency if state.amount else None,
        stage_id=state.stage.id,
        stage_name=state.stage.name,
        stage_type=state.stage.type,
        rotting_days=state.stage.rotting_days,
        position=state.position,
        expected_close_date=state.expected_close_date,
        owner_id=state.owner.id if state.owner else None,
        owner_name=state.owner.name if state.owner else None,
        source=state.source,
        next_step=state.next_step,
        next_step_due_date=state.next_step_due_date,
        tags=state.tags,
        custom_fields=state.custom_fields,
        external_id=state.external_id,
        win_probability=state.win_probability,
        advice=state.advice,
        odds_evidence=state.odds_evidence,
        entered_stage_at=state.entered_stage_at.timestamp(),
        created_at=state.created_at.timestamp(),
        updated_at=state.updated_at.timestamp(),
        closed_at=state.closed_at.timestamp() if state.closed_at else None,
        lost_reason_id=state.lost_reason.id if state.lost_reason else None,
        lost_reason_name=state.lost_reason.name if state.lost_reason else None,
    )
    return deal_message(row, now.timestamp())


def card_message(row: Any, now: float, made: Callable[..., deal_pb.Card]) -> deal_pb.Card:
    """A row of adapters.deal_queries.cards_shown."""
    (
        id,
        version,
        name,
        client_id,
        client_name,
        amount_minor,
        currency,
        stage_id,
        stage_type,
        rotting_days,
        position,
        expected_close_date,
        owner_id,
        owner_name,
        next_step,
        next_step_due_date,
        win_probability,
        advice,
        odds_evidence,
        entered_stage_at,
        tags,
        custom_fields,
        *_,
    ) = row
    card = made()
    card.id = str(id)
    card.name = name
    if client_id:
        card.client_id = str(client_id)
    if client_name:
        card.client_name = client_name
    if amount_minor is not None:
        put_money(card.amount, amount_minor, currency)
    card.stage_id = str(stage_id)
    card.position = position
    if expected_close_date:
        card.expected_close_date = expected_close_date.isoformat()
    if owner_id:
        card.owner_id = str(owner_id)
    if owner_name:
        card.owner_name = owner_name
    card.next_step = next_step
    if next_step_due_date:
        card.next_step_due_date = next_step_due_date.isoformat()
    _put_odds(card, win_probability, advice, odds_evidence)
    put(card.enter_stage_time, entered_stage_at)
    card.rotting = is_rotting(stage_type, rotting_days, now - entered_stage_at)
    if tags:
        card.tags.extend(tags)
    if custom_fields:
        card.custom_fields.update(custom_fields)
    card.etag = str(version)
    return card


def _put_odds(
    message: deal_pb.Deal | deal_pb.Card,
    probability: float | None,
    advice: str | None,
    evidence: str | None,
) -> None:
    """Nothing for whoever may not read analytics."""
    if not caller_may(KNOWS_ODDS):
        return
    if probability is not None:
        message.win_probability = probability
    if advice:
        message.recommendation = advice
    if evidence:
        message.odds_evidence = evidence


def history_message(row: asyncpg.Record) -> deal_pb.DealHistoryEntry:
    """A row of adapters.deal_queries.HISTORY."""
    return deal_pb.DealHistoryEntry(
        id=str(row["id"]),
        kind=row["kind"],
        actor_id=text_of(row["actor_id"]),
        actor_name=row["actor_name"],
        happen_time=stamp(row["happened_at"]),
        record_time=stamp(row["recorded_at"]),
        changes=[
            deal_pb.FieldChange(field=field, before=before, after=after)
            for field, before, after in row["changes"]
        ],
        from_stage_id=text_of(row["from_stage_id"]),
        from_stage_name=row["from_stage_name"],
        to_stage_id=text_of(row["to_stage_id"]),
        to_stage_name=row["to_stage_name"],
        days_in_stage=row["days_in_stage"],
        version=row["version"],
    )


def stage_message(row: asyncpg.Record) -> stage_pb.Stage:
    """A row of adapters.workspaces.STAGES."""
    return stage_pb.Stage(
        id=str(row["id"]),
        name=row["name"],
        type=STAGE_TYPES[row["type"]],
        position=row["position"],
        rotting_days=row["rotting_days"],
        default_probability=row["default_probability"],
        color=row["color"],
        etag=str(row["version"]),
    )


def board_stage_message(stage: BoardStage) -> stage_pb.Stage:
    """A stage that was just written."""
    state = stage.state
    return stage_pb.Stage(
        id=str(stage.id),
        name=state.name,
        type=STAGE_TYPES[state.type],
        position=state.position,
        rotting_days=state.rotting_days,
        default_probability=state.default_probability,
        color=state.color,
        etag=str(stage.version),
    )


def client_message(row: asyncpg.Record) -> client_pb.Client:
    """A row of adapters.client_queries."""
    currency, closed = row["currency"], row["won_deals"] + row["lost_deals"]
    message = client_pb.Client(
        id=str(row["id"]),
        kind=CLIENT_KINDS[row["kind"]],
        name=row["name"],
        parent_id=text_of(row["parent_id"]),
        parent_name=row["parent_name"],
        emails=row["emails"],
        phones=row["phones"],
        address=row["address"],
        website=row["website"],
        owner_id=text_of(row["owner_id"]),
        owner_name=row["owner_name"],
        tags=row["tags"],
        notes=row["notes"],
        external_id=row["external_id"],
        open_deal_count=row["open_deals"],
        open_value=money_pb2.Money(amount_minor=row["open_value"], currency_code=currency),
        won_value=money_pb2.Money(amount_minor=row["won_value"], currency_code=currency),
        create_time=stamp(row["created_at"]),
        update_time=stamp(row["updated_at"]),
        etag=str(row["version"]),
        closed_deal_count=closed,
        win_rate=row["won_deals"] / closed if closed else None,
        last_contact_time=stamp(row["last_at"]),
        people_count=row["people"],
        open_without_rate_count=row["open_without_rate"],
        won_without_rate_count=row["won_without_rate"],
    )
    if row["custom_fields"]:
        message.custom_fields.update(row["custom_fields"])
    return message


def text_of(id: Any) -> str:
    return "" if id is None else str(id)
