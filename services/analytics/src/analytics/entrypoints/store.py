"""The database and the time: all that the process with the science works with."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from analytics.adapters.events import to_outbox
from kit.clock import Clock
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Store:
    """Connections, and units of work on them."""

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
