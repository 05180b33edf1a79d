"""What the entrypoints work with; bootstrap.py puts it together."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from kit.clock import Clock
from kit.paging import PageTokens
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork
from notify.adapters.events import to_outbox
from notify.adapters.letters import Letters
from notify.adapters.unsubscribe_links import UnsubscribeLinks


@dataclass(frozen=True, kw_only=True)
class App:
    """The service, ready to work."""

    pool: Pool  # of the app role: row-level security applies
    system: Pool  # for the sender of mails, which belong to all workspaces
    clock: Clock
    page_tokens: PageTokens
    letters: Letters
    unsubscribe_links: UnsubscribeLinks
    wake_relay: Callable[[], None]
    wake_sender: Callable[[], None]

    def unit_of_work(self, workspace_id: UUID, origin: str = "") -> UnitOfWork:
        """A transaction in a workspace."""
        return UnitOfWork(
            self.pool,
            workspace_id,
            to_outbox=to_outbox,
            wake_relay=self.wake_relay,
            origin=origin,
        )
