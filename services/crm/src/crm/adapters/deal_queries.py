"""How deals are read: straight from rows to whoever shows them."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Numeric,
    Select,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)

from crm.adapters.deal_columns import (
    client,
    deal_columns,
    owner,
    seconds_of,
    stage,
    with_names,
)
from crm.adapters.filters import Field, Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import TIME_ZONE, WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import (
    activities,
    deal_history,
    deals,
    owners,
    removed_stages,
    stages,
)
from crm.domain.custom_field import Resource
from crm.domain.deal import KNOWS_ODDS
from kit.database import Statement
from kit.money import unusual_exponents

DEAL = bindparam("deal", type_=Uuid())
STAGE = bindparam("stage", type_=Uuid())
ALIVE = deals.c.deleted_at.is_(None)
SEEN = in_sight(deals)


def _planned(deal: FromClause, what: Any) -> Any:
    """The earliest activity that is to be done for a deal on some day."""
    return (
        select(what)
        .where(
            activities.c.workspace_id == WORKSPACE,
            activities.c.deal_id == deal.c.id,
            activities.c.due_at.is_not(None),
            activities.c.done_at.is_(None),
            activities.c.deleted_at.is_(None),
        )
        .order_by(activities.c.due_at, activities.c.id)
        .limit(literal_column("1"))
        .correlate(deal)
        .scalar_subquery()
    )


def _amount() -> ColumnElement[Any]:
    """In major units, as people write it."""
    whole: list[Any] = [
        (deals.c.currency == literal_column(f"'{code}'"), literal_column(str(10**places)))
        for code, places in unusual_exponents().items()
    ]
    return cast(deals.c.amount_minor, Numeric) / case(*whole, else_=literal_column("100"))


FIELDS = Fields(
    {
        "name": sortable(Kind.TEXT, deals.c.name, order=func.lower(deals.c.name)),
        "client_id": Field(Kind.ID, deals.c.client_id),
        "stage_id": Field(Kind.ID, deals.c.stage_id),
        "stage_type": Field(
            Kind.CHOICE,
            stages.c.type,
            through=lambda condition: deals.c.stage_id.in_(
                select(stages.c.id).where(stages.c.workspace_id == WORKSPACE, condition)
            ),
        ),
        "owner_id": Field(Kind.ID, deals.c.owner_id),
        "source": Field(Kind.TEXT, deals.c.source),
        "tags": Field(Kind.TAGS, deals.c.tags),
        "amount": Field(Kind.NUMBER, _amount()),
        "amount_minor": sortable(Kind.INTEGER, deals.c.amount_minor),
        "currency": Field(Kind.CHOICE, deals.c.currency),
        "expected_close_date": sortable(Kind.DATE, deals.c.expected_close_date),
        "created_at": sortable(Kind.INSTANT, deals.c.created_at),
        "updated_at": sortable(Kind.INSTANT, deals.c.updated_at),
        "closed_at": sortable(Kind.INSTANT, deals.c.closed_at),
        "entered_stage_at": sortable(Kind.INSTANT, deals.c.entered_stage_at),
        "next_step": Field(Kind.TEXT, deals.c.next_step),
        "next_step_due_date": sortable(Kind.DATE, deals.c.next_step_due_date),
        "next_activity_at": Field(Kind.INSTANT, _planned(deals, activities.c.due_at)),
        "lost_reason_id": Field(Kind.ID, deals.c.lost_reason_id),
        "win_probability": sortable(Kind.SHARE, deals.c.win_probability, permission=KNOWS_ODDS),
        "external_id": Field(Kind.TEXT, deals.c.external_id),
    },
    custom=deals.c.custom_fields,
)
BOARD_FIELDS = FIELDS.without("stage_id", "stage_type", "closed_at", "lost_reason_id")


def _shown(page: FromClause) -> Select[Any]:
    return select(*deal_columns(page)).select_from(with_names(page))


GET = Read(
    _shown(
        select(deals)
        .where(deals.c.workspace_id == WORKSPACE, deals.c.id == DEAL, ALIVE, SEEN)
        .subquery("deal")
    )
)
DEALS = Listing(
    deals,
    FIELDS,
    usual=(("created_at", True),),
    shown=_shown,
    where=[ALIVE, SEEN],
    resource=Resource.DEALS,
)

# ---------------------------------------------------------------- cards


def cards_shown(cards: FromClause) -> Select[Any]:
    """In the order of entrypoints.rpc.mapping.card_message. Without a next step of its own a card
    shows the activity that is planned.
    """
    no_step = (cards.c.next_step == literal_column("''")) & cards.c.next_step_due_date.is_(None)
    planned_on = cast(func.timezone(TIME_ZONE, activities.c.due_at), Date)
    return select(
        cards.c.id,
        cards.c.version,
        cards.c.name,
        cards.c.client_id,
        client.c.name.label("client_name"),
        cards.c.amount_minor,
        cards.c.currency,
        cards.c.stage_id,
        stage.c.type.label("stage_type"),
        stage.c.rotting_days,
        cards.c.position,
        cards.c.expected_close_date,
        cards.c.owner_id,
        owner.c.name.label("owner_name"),
        case(
            (no_step, func.coalesce(_planned(cards, activities.c.subject), literal_column("''"))),
            else_=cards.c.next_step,
        ).label("next_step"),
        case((no_step, _planned(cards, planned_on)), else_=cards.c.next_step_due_date).label(
            "next_step_due_date"
        ),
        cards.c.win_probability,
        cards.c.advice,
        cards.c.odds_evidence,
        seconds_of(cards.c.entered_stage_at),
        # Mostly empty, as in deal_columns.
        func.nullif(cards.c.tags, literal_column("'{}'::text[]")).label("tags"),
        func.nullif(cards.c.custom_fields, literal_column("'{}'::jsonb")).label("custom_fields"),
    ).select_from(
        cards.join(stage, is_row(stage, cards.c.stage_id))
        .outerjoin(client, is_row(client, cards.c.client_id))
        .outerjoin(owner, is_row(owner, cards.c.owner_id))
    )


CARDS = Listing(
    deals,
    BOARD_FIELDS.plus(position=sortable(Kind.TEXT, deals.c.position, filterable=False)),
    usual=(("position", False),),
    shown=cards_shown,
    where=[ALIVE, SEEN, deals.c.stage_id == STAGE],
    resource=Resource.DEALS,
)

# ---------------------------------------------------------------- history

_from, _to, _actor = stages.alias("from_stage"), stages.alias("to_stage"), owners.alias("actor")
_old_from, _old_to = removed_stages.alias("old_from"), removed_stages.alias("old_to")
_entry = (
    deal_history.outerjoin(_from, is_row(_from, deal_history.c.from_stage_id))
    .outerjoin(_to, is_row(_to, deal_history.c.to_stage_id))
    .outerjoin(_old_from, is_row(_old_from, deal_history.c.from_stage_id))
    .outerjoin(_old_to, is_row(_old_to, deal_history.c.to_stage_id))
    .outerjoin(_actor, is_row(_actor, deal_history.c.actor_id))
)
_history = (
    select(
        deal_history.c.id,
        deal_history.c.kind,
        deal_history.c.actor_id,
        _actor.c.name.label("actor_name"),
        deal_history.c.happened_at,
        deal_history.c.recorded_at,
        deal_history.c.changes,
        deal_history.c.from_stage_id,
        func.coalesce(_from.c.name, _old_from.c.name).label("from_stage_name"),
        deal_history.c.to_stage_id,
        func.coalesce(_to.c.name, _old_to.c.name).label("to_stage_name"),
        deal_history.c.days_in_stage,
        deal_history.c.version,
    )
    .select_from(_entry)
    .where(
        deal_history.c.workspace_id == WORKSPACE,
        deal_history.c.deal_id == DEAL,
        deal_history.c.version < bindparam("below", type_=Integer()),
    )
    .order_by(deal_history.c.version.desc())
    .limit(bindparam("size", type_=Integer()))
)
HISTORY = Read(_history)
# The open stage that a deal left last.
LAST_OPEN = Statement(
    select(deal_history.c.from_stage_id)
    .join(stages, is_row(stages, deal_history.c.from_stage_id))
    .where(
        deal_history.c.workspace_id == WORKSPACE,
        deal_history.c.deal_id == DEAL,
        stages.c.type == literal_column("'open'"),
    )
    .order_by(deal_history.c.version.desc())
    .limit(literal_column("1"))
)
EXISTS = Read(
    select(literal_column("1").label("there")).where(
        deals.c.workspace_id == WORKSPACE, deals.c.id == DEAL, ALIVE, SEEN
    )
)
