"""What the entrypoints work with; bootstrap puts it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from analytics.adapters.events import to_outbox
from kit.clock import Clock
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from kit.jobs.celery import JobApp


@dataclass(frozen=True, kw_only=True)
class Store:
    """The database and the time: all that the process with the science needs."""

    pool: Pool  # of the app role: row-level security applies
    system: Pool  # for what comes before a workspace is known
    clock: Clock
    wake_relay: Callable[[], None]

    def unit_of_work(self, workspace_id: UUID, origin: str = "") -> UnitOfWork:
        """A transaction in a workspace."""
        return UnitOfWork(
            self.pool,
            workspace_id,
            to_outbox=to_outbox,
            wake_relay=self.wake_relay,
            origin=origin,
        )


@dataclass(frozen=True, kw_only=True)
class App(Store):
    """The service, ready to work."""

    jobs: JobApp
