"""What the entrypoints work with; bootstrap.py puts it together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from crm.adapters.events import to_outbox
from crm.adapters.unit import CrmUnit
from kit.clock import Clock
from kit.jobs.celery import JobApp
from kit.paging import PageTokens
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class App:
    """The service, ready to work."""

    pool: Pool  # of the app role: row-level security applies
    system: Pool  # for what comes before a workspace is known
    clock: Clock
    page_tokens: PageTokens
    jobs: JobApp
    max_import_bytes: int
    wake_relay: Callable[[], None]

    def unit_of_work(
        self, workspace_id: UUID, origin: str = "", *, bulk_id: UUID | None = None
    ) -> UnitOfWork:
        """A transaction in a workspace; `bulk_id` marks its events as part of something large."""
        return CrmUnit(
            self.pool,
            workspace_id,
            to_outbox=partial(to_outbox, bulk_id=bulk_id) if bulk_id else to_outbox,
            wake_relay=self.wake_relay,
            origin=origin,
        )

    def unit_of_system(self, workspace_id: UUID) -> UnitOfWork:
        """The system role's, for what the app role may not do; the caller was asked before."""
        return CrmUnit(self.system, workspace_id, to_outbox=to_outbox, wake_relay=self.wake_relay)
