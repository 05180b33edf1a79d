"""crm's unit of work: what is told of a client or an activity is a line of its history as well."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert

from crm.adapters.tables import record_history
from crm.domain.activity import ActivityFact, ActivityUpdated
from crm.domain.changes import changes_of
from crm.domain.client import ClientFact, ClientUpdated
from kit.aggregate import Fact
from kit.database import Statement
from kit.ids import new_id
from kit.outbox import OutboxRow, outbox
from kit.unit_of_work import UnitOfWork

_KEPT = [column.name for column in record_history.c if column.name != "recorded_at"]
_line = insert(record_history).values(
    {name: bindparam(f"h_{name}", type_=record_history.c[name].type) for name in _KEPT}
)
_told = insert(outbox).values({name: bindparam(name) for name in OutboxRow.__annotations__})
# One round trip for both.
TELL_AND_KEEP = Statement(_told.inline().add_cte(_line.inline().cte("history")))


class CrmUnit(UnitOfWork):
    """A transaction in crm. Deals write their history with themselves, see deal_statements."""

    async def _tell(self, facts: Sequence[Fact]) -> None:
        kept = [fact for fact in facts if isinstance(fact, ClientFact | ActivityFact)]
        if kept:
            await self.run_many(
                TELL_AND_KEEP, [{**self._row(fact), **self._line(fact)} for fact in kept]
            )
        others = [fact for fact in facts if not isinstance(fact, ClientFact | ActivityFact)]
        if others:
            await super()._tell(others)

    def _line(self, fact: ClientFact | ActivityFact) -> dict[str, Any]:
        changes = changes_of(fact) if isinstance(fact, ClientUpdated | ActivityUpdated) else []
        return {
            "h_id": new_id(),
            "h_workspace_id": self.workspace_id,
            "h_record_kind": "client" if isinstance(fact, ClientFact) else "activity",
            "h_record_id": fact.aggregate_id,
            "h_version": fact.version,
            "h_kind": _verb(fact),
            "h_actor_id": fact.by,
            "h_happened_at": fact.at,
            "h_changes": [list(change) for change in changes],
        }


def _verb(fact: Fact) -> str:
    """A fact is named for what happened: ClientRestored is `restored`."""
    return type(fact).__name__.removeprefix("Client").removeprefix("Activity").lower()
