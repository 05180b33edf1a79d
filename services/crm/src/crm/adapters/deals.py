"""Deals by workspace and id, locked when they will be written, and saved with their history."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from fractional_indexing import generate_key_between

from crm.adapters.deal_columns import DealRow
from crm.adapters.deal_statements import ADD, LOAD_TO_EDIT, LOAD_TO_MOVE, SAVE, SURROUNDINGS
from crm.adapters.history import history_values
from crm.adapters.rates import valued
from crm.domain.deal import Deal, DealState
from crm.domain.entries import Named
from crm.domain.errors import DealNotFound, ExternalIdTaken
from crm.domain.stage import DEFAULT_CURRENCY, Stage, StageType
from kit.aggregate import Fact
from kit.database import Statement, Transaction
from kit.money import Money
from kit.unit_of_work import UnitOfWork


class Landing(NamedTuple):
    """Where a card comes down; no stage means that there is none with that id."""

    stage: Stage | None
    above: str | None
    below: str | None
    reason: Named | None
    actor_name: str

    @property
    def position(self) -> str:
        """A free place between the neighbours."""
        return str(generate_key_between(self.above, self.below))


class References(NamedTuple):
    """What the wanted ids stand for, as far as they can be used."""

    client: Named | None
    owner: Named | None
    currency: str


class Surroundings(NamedTuple):
    """What a new deal comes into; no stage means that there is none."""

    stage: Stage | None
    position: str
    references: References


async def load_to_move(
    tx: Transaction,
    deal_id: UUID,
    *,
    stage_id: UUID,
    after_id: UUID | None,
    before_id: UUID | None,
    lost_reason_id: UUID | None,
    by: UUID,
) -> tuple[Deal, Landing]:
    """The deal, locked, and a place for it in the stage, in one query.

    A vanished `after_id` or `before_id` means the top of the column. Raises DealNotFound.
    """
    row = await tx.row(
        LOAD_TO_MOVE,
        workspace=tx.workspace_id,
        deal=deal_id,
        stage=stage_id,
        after=after_id,
        before=before_id,
        reason=lost_reason_id,
        by=by,
    )
    if row is None:
        raise DealNotFound("There is no such deal.")
    landing = Landing(
        stage=_stage(row),
        above=row["above"],
        below=row["below"],
        reason=_named(row, "wanted_reason"),
        actor_name=row["actor_name"] or "",
    )
    return _loaded(tx, row), landing


async def load_to_edit(
    tx: Transaction,
    deal_id: UUID,
    *,
    client_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> tuple[Deal, References]:
    """The deal, locked, and what the wanted ids stand for. Raises DealNotFound."""
    row = await tx.row(
        LOAD_TO_EDIT, workspace=tx.workspace_id, deal=deal_id, client=client_id, owner=owner_id
    )
    if row is None:
        raise DealNotFound("There is no such deal.")
    return _loaded(tx, row), _references(row)


async def surroundings(
    tx: Transaction, *, stage_id: UUID | None, client_id: UUID | None, owner_id: UUID | None
) -> Surroundings:
    """What a new deal needs to know; without `stage_id` its stage is the first open one."""
    row = await tx.row(
        SURROUNDINGS, workspace=tx.workspace_id, stage=stage_id, client=client_id, owner=owner_id
    )
    assert row is not None  # outer joins to a constant
    return Surroundings(_stage(row), generate_key_between(None, row["top"]), _references(row))


async def add(uow: UnitOfWork, deal: Deal) -> None:
    """Write a new deal, the first line of its history and its event. Raises ExternalIdTaken."""
    (fact,) = await valued(uow, deal.take_facts(), deal.own_currency)
    new = {
        "id": deal.id,
        "workspace_id": deal.workspace_id,
        "version": deal.version,
        "created_at": deal.state.created_at,
    }
    await _write(uow, ADD, **new, **kept_values(deal.state), **_of(uow, fact))


async def save(uow: UnitOfWork, deal: Deal) -> None:
    """Write what can change in a deal, its history and its event.

    Raises ChangedMeanwhile, ExternalIdTaken.
    """
    (fact,) = await valued(uow, deal.take_facts(), deal.own_currency)
    count = await _write(
        uow,
        SAVE,
        workspace=uow.workspace_id,
        deal=deal.id,
        read=deal.version,
        **kept_values(deal.state),
        **_of(uow, fact),
    )
    uow.saved(deal, rows=count)


def kept_values(state: DealState) -> dict[str, Any]:
    """A state as its columns."""
    return {
        "name": state.name,
        "client_id": state.client and state.client.id,
        "amount_minor": state.amount and state.amount.amount_minor,
        "currency": state.amount and state.amount.currency,
        "stage_id": state.stage.id,
        "position": state.position,
        "expected_close_date": state.expected_close_date,
        "owner_id": state.owner and state.owner.id,
        "source": state.source,
        "next_step": state.next_step,
        "next_step_due_date": state.next_step_due_date,
        "tags": state.tags,
        "custom_fields": state.custom_fields,
        "external_id": state.external_id,
        "entered_stage_at": state.entered_stage_at,
        "updated_at": state.updated_at,
        "closed_at": state.closed_at,
        "lost_reason_id": state.lost_reason and state.lost_reason.id,
        "deleted_at": state.deleted_at,
    }


def deal_of(workspace_id: UUID, row: asyncpg.Record) -> Deal:
    """The entity behind a row that begins with deal_columns."""
    deal = DealRow.of(row)
    state = DealState(
        name=deal.name,
        client=Named(deal.client_id, deal.client_name) if deal.client_id else None,
        amount=None if deal.amount_minor is None else Money(deal.amount_minor, deal.currency),
        stage=Stage(deal.stage_id, deal.stage_name, StageType(deal.stage_type), deal.rotting_days),
        position=deal.position,
        expected_close_date=deal.expected_close_date,
        owner=Named(deal.owner_id, deal.owner_name) if deal.owner_id else None,
        source=deal.source,
        next_step=deal.next_step,
        next_step_due_date=deal.next_step_due_date,
        tags=tuple(deal.tags or ()),
        custom_fields=deal.custom_fields or {},
        external_id=deal.external_id,
        win_probability=deal.win_probability,
        advice=deal.advice,
        odds_evidence=deal.odds_evidence,
        entered_stage_at=_instant(deal.entered_stage_at),
        created_at=_instant(deal.created_at),
        updated_at=_instant(deal.updated_at),
        closed_at=None if deal.closed_at is None else _instant(deal.closed_at),
        lost_reason=Named(deal.lost_reason_id, deal.lost_reason_name)
        if deal.lost_reason_id
        else None,
    )
    return Deal(id=deal.id, workspace_id=workspace_id, version=deal.version, state=state)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _loaded(tx: Transaction, row: asyncpg.Record) -> Deal:
    deal = deal_of(tx.workspace_id, row)
    deal.own_currency = row["workspace_currency"] or DEFAULT_CURRENCY
    return deal


async def _write(uow: UnitOfWork, statement: Statement, **values: Any) -> int:
    try:
        return await uow.run(statement, **values)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "ux_deals_external_id":
            raise
        raise ExternalIdTaken("Another deal has this external id.") from None


def _of(uow: UnitOfWork, fact: Fact) -> dict[str, Any]:
    """A fact as a line of history, and as what is told of it."""
    line = {f"h_{name}": value for name, value in history_values(fact).items()}
    return line | uow.telling(fact)


def _stage(row: asyncpg.Record) -> Stage | None:
    if row["there_id"] is None:
        return None
    return Stage(
        row["there_id"], row["there_name"], StageType(row["there_type"]), row["there_rotting_days"]
    )


def _references(row: asyncpg.Record) -> References:
    return References(
        client=_named(row, "wanted_client"),
        owner=_named(row, "wanted_owner"),
        currency=row["workspace_currency"] or DEFAULT_CURRENCY,
    )


def _named(row: asyncpg.Record, what: str) -> Named | None:
    return Named(row[f"{what}_id"], row[f"{what}_name"]) if row[f"{what}_id"] else None
