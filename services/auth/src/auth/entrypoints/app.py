"""What the entrypoints work with; bootstrap.py puts it together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from auth.adapters import sessions
from auth.adapters.events import to_outbox
from auth.adapters.google import Google
from auth.adapters.passwords import Passwords
from auth.adapters.sealing import Sealing
from auth.adapters.tokens import TokenSigner
from kit.bus.jetstream import Bus
from kit.clock import Clock
from kit.database import Pool, SystemTransaction
from kit.paging import PageTokens
from kit.relay import OutboxRelay
from kit.rpc.revocations import Revocations
from kit.rpc.tokens import TokenVerifier
from kit.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class App:
    """What the entrypoints work with."""

    app: Pool
    system: Pool
    bus: Bus
    relay: OutboxRelay
    signer: TokenSigner
    passwords: Passwords
    pages: PageTokens
    sealing: Sealing
    google: Google | None  # none where it is not set up
    verify_email: bool
    closed_for: timedelta  # a workspace, before it is erased
    clock: Clock

    def unit_of_work(self, workspace_id: UUID) -> UnitOfWork:
        """For the workspace of a token: row-level security applies."""
        return UnitOfWork(self.app, workspace_id, to_outbox=to_outbox, wake_relay=self.relay.wake)

    def system_unit(self, workspace_id: UUID) -> UnitOfWork:
        """For people, who belong to no workspace, and before one is known."""
        return UnitOfWork(
            self.system, workspace_id, to_outbox=to_outbox, wake_relay=self.relay.wake
        )

    async def is_session_active(self, session_id: UUID) -> bool:
        """Asked of our own database; other services ask by RPC."""
        async with SystemTransaction(self.system) as tx:
            return await sessions.active(tx, session_id)

    async def jwks(self) -> Mapping[str, Any]:
        """The public keys."""
        return self.signer.public_keys()

    def verifier(self, *, clock: Clock | None = None) -> tuple[TokenVerifier, Revocations]:
        """Verifies tokens as every other service does."""
        revocations = Revocations(self.is_session_active, jetstream=self.bus.jetstream)
        verifier = TokenVerifier(self.jwks, revocations=revocations, clock=clock)
        return verifier, revocations
