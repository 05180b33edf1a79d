"""Facts built anew: one workspace or all of them, while the service goes on."""

from collections.abc import Sequence
from uuid import UUID

from analytics.adapters import rebuilds
from analytics.adapters.crm_log import CrmLog, spool
from analytics.application import rebuilding
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import keep_facts
from analytics.entrypoints.patience import patient
from kit.errors import DomainError, ErrorKind
from kit.pool import ROUND_FAILURES
from kit.rpc.errors import PeerFailed
from kit.telemetry import Log

_FAILURES = (PeerFailed, *ROUND_FAILURES)

log = Log(__name__)


class BeingRebuilt(DomainError):
    """Somebody else is at it."""

    kind, reason = ErrorKind.REFUSED, "BEING_REBUILT"


async def rebuild_all(app: App, crm: CrmLog, workspace_ids: Sequence[UUID]) -> int:
    """One after the other, all of them when none is named; how many could not be built.

    A crm that was restored to a time before may have more of a workspace than may be kept.
    """
    failed = 0
    erased = await rebuilds.erased(app.system)
    for workspace_id in workspace_ids or await crm.workspaces():
        if workspace_id in erased:
            log.warning("not_rebuilt_but_erased", workspace=str(workspace_id))
            continue
        try:
            told = await rebuild(app, crm, workspace_id)
        except _FAILURES as error:
            failed += 1
            log.error("not_rebuilt", error=error, workspace=str(workspace_id))
        else:
            log.info("rebuilt", workspace=str(workspace_id), events=told)
    return failed


async def rebuild(app: App, crm: CrmLog, workspace_id: UUID) -> int:
    """Build one workspace's facts anew; how many events made them. Raises BeingRebuilt."""
    async with app.pool.acquire() as connection:
        if not await rebuilds.take(connection, workspace_id):
            raise BeingRebuilt("This workspace is being built anew already.")
        try:
            return await _rebuild(app, crm, workspace_id)
        finally:
            await rebuilds.let_go(connection, workspace_id)


async def _rebuild(app: App, crm: CrmLog, workspace_id: UUID) -> int:
    now = app.clock.now()
    async with app.unit_of_work(workspace_id) as uow:
        await rebuilding.begin(uow, now=now)
    with spool() as told:
        await crm.fetch(workspace_id, told)
        async with patient(app.unit_of_work(workspace_id)) as uow:
            return await rebuilding.replace(uow, told.batches(), keep_facts, now=now)


async def clear_away(app: App) -> None:
    """What a rebuilding that was cut off has left: the held events are handled after all."""
    for workspace_id in await rebuilds.unfinished(app.system):
        async with patient(app.unit_of_work(workspace_id)) as uow:
            if await rebuilding.give_up(uow, keep_facts):
                log.warning("rebuild_given_up", workspace=str(workspace_id))
