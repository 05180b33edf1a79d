"""What a deal is read with, in one order: for entities here, for messages in entrypoints/rpc."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Float, FromClause, func, literal_column
from sqlalchemy.sql.selectable import Join

from crm.adapters.reading import is_row
from crm.adapters.tables import clients, lost_reasons, owners, stages

stage, client, owner, reason = (
    table.alias(name)
    for table, name in (
        (stages, "stage"),
        (clients, "client"),
        (owners, "owner"),
        (lost_reasons, "reason"),
    )
)


def with_names(deals: FromClause) -> Join:
    """Deals joined with whatever has a name that is shown with them."""
    return (
        deals.join(stage, is_row(stage, deals.c.stage_id))
        .outerjoin(client, is_row(client, deals.c.client_id))
        .outerjoin(owner, is_row(owner, deals.c.owner_id))
        .outerjoin(reason, is_row(reason, deals.c.lost_reason_id))
    )


def seconds_of(instant: ColumnElement[Any]) -> ColumnElement[float]:
    """An instant as seconds since the epoch, exact to the microsecond for two centuries.

    The driver makes a datetime in eight times the time, and a message wants seconds anyway.
    """
    return func.date_part(literal_column("'epoch'"), instant, type_=Float).label(instant.key)


def deal_columns(
    deals: FromClause, *, instant: Callable[[ColumnElement[Any]], ColumnElement[Any]] = seconds_of
) -> list[ColumnElement[Any]]:
    """What a DealRow holds, in its order; with another `instant`, what has its names."""
    return [
        deals.c.id,
        deals.c.version,
        deals.c.name,
        deals.c.client_id,
        client.c.name.label("client_name"),
        deals.c.amount_minor,
        deals.c.currency,
        deals.c.stage_id,
        stage.c.name.label("stage_name"),
        stage.c.type.label("stage_type"),
        stage.c.rotting_days,
        deals.c.position,
        deals.c.expected_close_date,
        deals.c.owner_id,
        owner.c.name.label("owner_name"),
        deals.c.source,
        deals.c.next_step,
        deals.c.next_step_due_date,
        # Mostly empty, and NULL is cheaper to decode than an empty array or object.
        func.nullif(deals.c.tags, literal_column("'{}'::text[]")).label("tags"),
        func.nullif(deals.c.custom_fields, literal_column("'{}'::jsonb")).label("custom_fields"),
        deals.c.external_id,
        deals.c.win_probability,
        deals.c.advice,
        deals.c.odds_evidence,
        instant(deals.c.entered_stage_at),
        instant(deals.c.created_at),
        instant(deals.c.updated_at),
        instant(deals.c.closed_at),
        deals.c.lost_reason_id,
        reason.c.name.label("lost_reason_name"),
    ]


class DealRow(NamedTuple):
    """A deal as it is read, named once for all who take it apart.

    Instants are seconds since the epoch. What belongs to another column is Any: it is None where
    that one is.
    """

    id: UUID
    version: int
    name: str
    client_id: UUID | None
    client_name: Any
    amount_minor: int | None
    currency: Any
    stage_id: UUID
    stage_name: str
    stage_type: str
    rotting_days: int
    position: str
    expected_close_date: date | None
    owner_id: UUID | None
    owner_name: Any
    source: str
    next_step: str
    next_step_due_date: date | None
    tags: Sequence[str] | None
    custom_fields: Mapping[str, Any] | None
    external_id: str | None
    win_probability: float | None
    advice: str | None
    odds_evidence: str | None
    entered_stage_at: float
    created_at: float
    updated_at: float
    closed_at: float | None
    lost_reason_id: UUID | None
    lost_reason_name: Any

    @classmethod
    def of(cls, row: Any) -> Self:
        """Of a row that begins with deal_columns."""
        return cls._make(row[: len(cls._fields)])
