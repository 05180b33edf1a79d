"""What can be done with deals. One function per use case, one transaction each."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from crm.adapters import deals, setup, workspaces
from crm.adapters.deals import References
from crm.adapters.ordering import LONGEST_KEY, renumber_around
from crm.application.custom_fields import custom_values
from crm.application.owners import owner_for
from crm.domain.closing import closed_at
from crm.domain.custom_field import Resource
from crm.domain.deal import Deal, DealEdit
from crm.domain.errors import (
    ClientNotFound,
    LostReasonNotFound,
    StageNotFound,
)
from crm.domain.repetition import zone_of
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_deal(
    uow: UnitOfWork,
    *,
    edit: DealEdit,
    stage_id: UUID | None,
    client_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
    now: datetime,
) -> Deal:
    """Put a new deal on top of a stage, the first open one unless told; it is its maker's own.

    Raises StageNotFound, ClientNotFound, OwnerNotFound, EntryRefused, ExternalIdTaken.
    """
    owner_id = owner_id or by
    wanted = {"stage_id": stage_id, "client_id": client_id, "owner_id": owner_id}
    around = await deals.surroundings(uow, **wanted)
    if around.stage is None and stage_id is None:
        await workspaces.add_defaults(uow)
        around = await deals.surroundings(uow, **wanted)
    if around.stage is None:
        raise StageNotFound("There is no such stage.")
    edit = await _resolved(
        uow, edit, around.references, {}, client_id=client_id, owner_id=owner_id, by=by
    )
    deal = Deal.create(
        new_id(),
        uow.workspace_id,
        edit=edit,
        stage=around.stage,
        position=around.position,
        at=now,
        by=by,
    )
    deal.own_currency = around.references.currency
    await deals.add(uow, deal)
    await uow.commit()
    return deal


async def update_deal(
    uow: UnitOfWork,
    *,
    deal_id: UUID,
    edit: DealEdit,
    client_id: UUID | None,
    owner_id: UUID | None,
    etag: str,
    by: UUID,
    now: datetime,
) -> Deal:
    """Give a deal other values; `client` and `owner` in `edit` are what the ids stand for.

    Raises DealNotFound, DealHasChanged, ClientNotFound, OwnerNotFound, EntryRefused,
    ExternalIdTaken.
    """
    deal, references = await deals.load_to_edit(
        uow, deal_id, client_id=client_id, owner_id=owner_id
    )
    deal.expect(etag)
    held = deal.state.custom_fields
    edit = await _resolved(
        uow, edit, references, held, client_id=client_id, owner_id=owner_id, by=by
    )
    before = deal.state
    deal.edit(edit, at=now, by=by)
    if deal.state is not before:
        await deals.save(uow, deal)
    await uow.commit()
    return deal


async def move_deal(
    uow: UnitOfWork,
    *,
    deal_id: UUID,
    stage_id: UUID,
    etag: str,
    by: UUID,
    now: datetime,
    after_id: UUID | None = None,
    before_id: UUID | None = None,
    lost_reason_id: UUID | None = None,
    closed_on: date | None = None,
) -> Deal:
    """Put a deal into a stage, behind `after_id`, before `before_id`, or on top of the column.

    Raises DealNotFound, DealHasChanged, StageNotFound, LostReasonNotFound, LostReasonMissing,
    CloseDayInvalid.
    """
    where: dict[str, Any] = {
        "stage_id": stage_id,
        "after_id": after_id,
        "before_id": before_id,
        "lost_reason_id": lost_reason_id,
    }
    deal, landing = await deals.load_to_move(uow, deal_id, by=by, **where)
    deal.expect(etag)
    if landing.stage is None:
        raise StageNotFound("There is no such stage.")
    if lost_reason_id is not None and landing.reason is None:
        raise LostReasonNotFound("There is no such lost reason.")
    stage = landing.stage
    if len(landing.position) > LONGEST_KEY:
        await renumber_around(uow, stage_id, landing.position)
        deal, landing = await deals.load_to_move(uow, deal_id, by=by, **where)
    ended_at = None
    if closed_on is not None:
        zone = zone_of(await setup.time_zone(uow))
        ended_at = closed_at(deal.state, stage, closed_on, zone=zone, now=now)
    deal.move_to(
        stage,
        landing.position,
        at=now,
        by=by,
        by_name=landing.actor_name,
        lost_reason=landing.reason,
        closed_at=ended_at,
    )
    await deals.save(uow, deal)
    await uow.commit()
    return deal


async def delete_deal(
    uow: UnitOfWork, *, deal_id: UUID, etag: str, by: UUID, now: datetime
) -> None:
    """Put a deal into the trash. Raises DealNotFound, DealHasChanged."""
    deal, _ = await deals.load_to_edit(uow, deal_id)
    deal.expect(etag)
    deal.delete(at=now, by=by)
    await deals.save(uow, deal)
    await uow.commit()


async def _resolved(
    uow: UnitOfWork,
    edit: DealEdit,
    found: References,
    held: Mapping[str, Any],
    *,
    client_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
) -> DealEdit:
    """The edit with what its ids stand for, and money in some currency."""
    if client_id is not None:
        if found.client is None:
            raise ClientNotFound("There is no such client.")
        edit = {**edit, "client": found.client}
    if owner_id is not None:
        edit = {**edit, "owner": await owner_for(uow, owner_id, found.owner, by=by)}
    if values := edit.get("custom_fields"):
        values = await custom_values(uow, Resource.DEALS, values, held)
        edit = {**edit, "custom_fields": values}
    if (amount := edit.get("amount")) is not None and not amount.currency:
        edit = {**edit, "amount": amount._replace(currency=found.currency)}
    return edit
