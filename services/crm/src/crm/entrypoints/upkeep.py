"""What the service does for itself, now and then."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from uuid import UUID

from crm.adapters import board, reminders, search, trash
from crm.application.reminders import AT_ONCE, remind
from crm.application.trash import purge_records
from crm.domain.trash import KEPT_FOR, Trashed
from crm.entrypoints.app import App
from kit import files, idempotency
from kit.pool import ROUND_FAILURES, Pool
from kit.telemetry import Log

COMPACT_EVERY = 2.0  # seconds
REMIND_EVERY = 5.0
TIDY_EVERY = 300.0
EMPTY_EVERY = 3600.0
PURGED_AT_ONCE = 200

log = Log(__name__)


async def compact_totals(system: Pool) -> None:
    """Keep the addends of the board few."""
    await _now_and_then(COMPACT_EVERY, "totals_not_compacted", lambda: board.compact(system))


async def tidy_up(system: Pool) -> None:
    """Forget what has had its time."""

    async def once() -> None:
        await idempotency.purge(system)
        await files.purge(system)

    await _now_and_then(TIDY_EVERY, "not_tidied_up", once)


async def remind_people(app: App) -> None:
    """Tell of the reminders whose time has come, those of a time when we were away as well."""

    async def once() -> None:
        while await remind_due(app):
            pass

    await _now_and_then(REMIND_EVERY, "not_reminded", once)


async def remind_due(app: App) -> bool:
    """Some of what is due; whether there is more."""
    now, told = app.clock.now(), 0
    for workspace_id in await reminders.workspaces_due(app.system, now, AT_ONCE):
        async with app.unit_of_system(workspace_id) as uow:
            told += await remind(uow, now=now)
    return told >= AT_ONCE


async def empty_trash(app: App) -> None:
    """Delete for good what has been in the trash for its thirty days."""

    async def once() -> None:
        emptied: set[UUID] = set()
        more = True
        while more:
            more, workspaces = await purge_due(app)
            emptied |= workspaces
        for workspace_id in emptied:
            await search.forget_terms(app.system, workspace_id)

    await _now_and_then(EMPTY_EVERY, "trash_not_emptied", once)


async def purge_due(app: App) -> tuple[bool, set[UUID]]:
    """Some of what is due: whether there may be more, and whose it was."""
    now = app.clock.now()
    due = await trash.due(app.system, now - KEPT_FOR, PURGED_AT_ONCE)
    by_workspace: dict[UUID, list[Trashed]] = defaultdict(list)
    for workspace_id, record in due:
        by_workspace[workspace_id].append(record)
    for workspace_id, records in by_workspace.items():
        async with app.unit_of_system(workspace_id) as uow:
            gone = await purge_records(uow, records=records, by=None, now=now)
        await trash.forget(app.system, gone)
    return len(due) == PURGED_AT_ONCE, set(by_workspace)


async def _now_and_then(every: float, failed: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except ROUND_FAILURES as error:
            log.warning(failed, cause=repr(error))  # the next round does it
        await asyncio.sleep(every)
