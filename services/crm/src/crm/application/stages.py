"""What can be done with the stages of a board. One function per use case, one transaction each."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crm.adapters import board_stages, workspaces
from crm.domain.board_stage import (
    BoardStage,
    StageEdit,
    expect_names_apart,
    expect_one_of_each_type,
    in_order,
    place_for,
    target_for,
)
from crm.domain.errors import StageNotFound
from crm.domain.setting_errors import StageNotEmpty
from crm.domain.stage import StageType
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

JOB = "crm.remove_stage"
BATCH = 500  # deals that are moved in one transaction

OpenUnit = Callable[[], UnitOfWork]


class Removal(NamedTuple):
    """What became of a stage: done, or a job's to do."""

    moved: int
    job_id: UUID | None


async def create_stage(uow: UnitOfWork, *, edit: StageEdit, by: UUID, now: datetime) -> BoardStage:
    """Put one more column on the board.

    Raises EntryRefused, StageNameTaken, StagesTooMany.
    """
    stages = await _all(uow)
    place = place_for(stages, edit.get("type", StageType.OPEN))
    stage = BoardStage.create(new_id(), uow.workspace_id, edit=edit, position=place, at=now, by=by)
    expect_names_apart([*stages, stage])
    await board_stages.add(uow, stage)
    await _put_in_order(uow, [*stages[:place], stage, *stages[place:]], by=by, now=now)
    await uow.commit()
    return stage


async def update_stage(
    uow: UnitOfWork, *, stage_id: UUID, edit: StageEdit, etag: str, by: UUID, now: datetime
) -> BoardStage:
    """Give a stage other values.

    Raises StageNotFound, StageHasChanged, EntryRefused, StageNameTaken, StageNotEmpty,
    StageIsLastOfType.
    """
    stages = await _all(uow)
    stage = _stage(stages, stage_id)
    stage.expect(etag)
    type = stage.state.type
    if stage.edit(edit, at=now, by=by):
        expect_names_apart(stages)
        if stage.state.type is not type:
            expect_one_of_each_type(stages)
            await board_stages.hold(uow, stage_id)
            if await board_stages.has_deals(uow, stage_id):
                raise StageNotEmpty("Deals stand in this stage; move them first.")
        await board_stages.save(uow, stage)
    await uow.commit()
    return stage


async def reorder_stages(
    uow: UnitOfWork, *, stage_ids: Sequence[UUID], by: UUID, now: datetime
) -> None:
    """Put the columns into another order. Raises StagesIncomplete."""
    await _put_in_order(uow, in_order(await _all(uow), stage_ids), by=by, now=now)
    await uow.commit()


async def remove_stage(
    uow: UnitOfWork,
    *,
    stage_id: UUID,
    target_id: UUID | None,
    etag: str,
    by: UUID,
    now: datetime,
) -> Removal:
    """Take a column off the board; its deals go to another one. Many of them are a job's to move.

    Raises StageNotFound, StageHasChanged, StageIsLastOfType, TargetMissing, TargetUnfit,
    StageNotEmpty.
    """
    stages = await _all(uow)
    stage = _stage(stages, stage_id)
    stage.expect(etag)
    expect_one_of_each_type([other for other in stages if other is not stage])
    target = _target(stages, stage, target_id) if target_id is not None else None
    if await board_stages.has_deals(uow, stage_id):
        target = target_for(stage, target)
    count = await board_stages.count_deals(uow, stage_id)
    if count > BATCH and target is not None:
        args = {"stage_id": str(stage_id), "target_id": str(target.id), "by": str(by)}
        job_id = await enqueue(uow, JOB, args, total=count)
        await uow.commit()
        return Removal(0, job_id)
    moved = await _move_some(uow, stage, target, by=by, now=now) if target else 0
    await _remove(uow, stages, stage, target, by=by, now=now)
    await uow.commit()
    return Removal(moved, None)


async def move_deals_and_remove(
    open_unit: OpenUnit,
    *,
    stage_id: UUID,
    target_id: UUID,
    by: UUID,
    clock: Callable[[], datetime],
    report: Callable[[int], Awaitable[None]],
) -> int:
    """Empty a stage batch by batch, then remove it. Killed at any point it goes on there."""
    total = 0
    while True:
        async with open_unit() as uow:
            stages = await _all(uow)
            stage = next((found for found in stages if found.id == stage_id), None)
            if stage is None:
                return total
            target = target_for(stage, _target(stages, stage, target_id))
            now = clock()
            moved = await _move_some(uow, stage, target, by=by, now=now)
            if moved < BATCH:
                await _remove(uow, stages, stage, target, by=by, now=now)
            await uow.commit()
        total += moved
        await report(total)


async def _move_some(
    uow: UnitOfWork, stage: BoardStage, target: BoardStage, *, by: UUID, now: datetime
) -> int:
    """The lowest cards go on top of the other column, in their order; so none loses its place."""
    deals = await board_stages.last_deals(uow, stage.id, BATCH)
    if deals:
        places = await board_stages.positions_on_top(uow, target.id, len(deals))
        name, there = await board_stages.name_of(uow, by), board_stages.as_deals_see_it(target)
        for deal, place in zip(deals, places, strict=True):
            deal.displace(there, place, at=now, by=by, by_name=name)
        await board_stages.save_moved(uow, deals)
    return len(deals)


async def _remove(
    uow: UnitOfWork,
    stages: Sequence[BoardStage],
    stage: BoardStage,
    target: BoardStage | None,
    *,
    by: UUID,
    now: datetime,
) -> None:
    if target is not None:
        await board_stages.move_trash(uow, stage.id, target.id, by=by, at=now)
    stage.remove(at=now, by=by)
    await board_stages.remove(uow, stage)
    await _put_in_order(uow, [other for other in stages if other is not stage], by=by, now=now)


async def _put_in_order(
    uow: UnitOfWork, stages: Sequence[BoardStage], *, by: UUID, now: datetime
) -> None:
    for position, stage in enumerate(stages):
        if stage.stand_at(position, at=now, by=by):
            await board_stages.save(uow, stage)


async def _all(uow: UnitOfWork) -> list[BoardStage]:
    stages = await board_stages.load_all(uow)
    if not stages:
        await workspaces.add_defaults(uow)
        stages = await board_stages.load_all(uow)
    return stages


def _stage(stages: Sequence[BoardStage], stage_id: UUID) -> BoardStage:
    found = next((stage for stage in stages if stage.id == stage_id), None)
    if found is None:
        raise StageNotFound("There is no such stage.")
    return found


def _target(stages: Sequence[BoardStage], stage: BoardStage, target_id: UUID) -> BoardStage:
    return target_for(stage, _stage(stages, target_id))
