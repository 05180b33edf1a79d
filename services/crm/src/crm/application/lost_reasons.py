"""What can be done with lost reasons. One function per use case, one transaction each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from crm.adapters import lost_reasons, workspaces
from crm.domain.lost_reason import (
    LostReason,
    clean_name,
    expect_another,
    expect_free,
    expect_room,
    in_order,
    named,
    offered,
    offered_by_id,
)
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_lost_reason(uow: UnitOfWork, *, name: str, by: UUID, now: datetime) -> LostReason:
    """Offer one more reason; one that was offered once is offered again.

    Raises EntryRefused, LostReasonNameTaken, LostReasonsTooMany.
    """
    name, reasons = clean_name(name), await _all(uow)
    same = named(reasons, name)
    if same is None or not same.state.removed:
        expect_free(reasons, name)
    expect_room(reasons)
    place = max((reason.state.position for reason in offered(reasons)), default=-1) + 1
    if same is not None:
        reason = same
        reason.offer_again(name, place, at=now, by=by)
        await lost_reasons.save(uow, reason, now=now)
    else:
        reason = LostReason.create(
            new_id(), uow.workspace_id, name=name, position=place, at=now, by=by
        )
        await lost_reasons.add(uow, reason)
    await uow.commit()
    return reason


async def rename_lost_reason(
    uow: UnitOfWork, *, reason_id: UUID, name: str, by: UUID, now: datetime
) -> LostReason:
    """Call a reason otherwise.

    Raises LostReasonNotFound, EntryRefused, LostReasonNameTaken.
    """
    name, reasons = clean_name(name), await _all(uow)
    reason = offered_by_id(reasons, reason_id)
    expect_free(reasons, name, but=reason_id)
    if reason.call(name, at=now, by=by):
        await lost_reasons.save(uow, reason, now=now)
    await uow.commit()
    return reason


async def reorder_lost_reasons(
    uow: UnitOfWork, *, reason_ids: Sequence[UUID], by: UUID, now: datetime
) -> None:
    """Offer them in another order. Raises LostReasonsIncomplete."""
    for position, reason in enumerate(in_order(await _all(uow), reason_ids)):
        if reason.stand_at(position, at=now, by=by):
            await lost_reasons.save(uow, reason, now=now)
    await uow.commit()


async def remove_lost_reason(uow: UnitOfWork, *, reason_id: UUID, by: UUID, now: datetime) -> None:
    """Offer a reason no more. Raises LostReasonNotFound, LostReasonIsLast."""
    reasons = await _all(uow)
    reason = offered_by_id(reasons, reason_id)
    expect_another(reasons)
    if reason.remove(at=now, by=by):
        await lost_reasons.save(uow, reason, now=now)
    await uow.commit()


async def _all(uow: UnitOfWork) -> list[LostReason]:
    reasons = await lost_reasons.load_all(uow)
    if not reasons:
        await workspaces.add_defaults(uow)
        reasons = await lost_reasons.load_all(uow)
    return reasons
