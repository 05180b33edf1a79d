"""crm's unit of work: what is told of a client or an activity is a line of its history as well."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, literal_column, select

from crm.adapters.many import ROWS, as_json
from crm.adapters.tables import record_history
from crm.domain.activity import ActivityFact, ActivityUpdated
from crm.domain.changes import changes_of
from crm.domain.client import ClientFact, ClientUpdated
from kit.aggregate import Fact
from kit.database import Statement
from kit.ids import new_id
from kit.outbox import TELL, written
from kit.unit_of_work import UnitOfWork

_KEPT = [column.name for column in record_history.c if column.name != "recorded_at"]
_given = func.json_populate_recordset(
    literal_column(f"NULL::{record_history.name}"), ROWS
).table_valued(*_KEPT, name="given")
_lines = insert(record_history).from_select(_KEPT, select(*(_given.c[name] for name in _KEPT)))
# One round trip for both.
TELL_AND_KEEP = Statement(TELL.add_cte(_lines.inline().cte("history")))


class CrmUnit(UnitOfWork):
    """A transaction in crm. Deals write their history with themselves, see deal_statements."""

    async def _tell(self, facts: Sequence[Fact]) -> None:
        kept = [fact for fact in facts if isinstance(fact, ClientFact | ActivityFact)]
        if kept:
            told = written([self._row(fact) for fact in kept])
            await self.run(TELL_AND_KEEP, rows=as_json([self._line(f) for f in kept]), **told)
        others = [fact for fact in facts if not isinstance(fact, ClientFact | ActivityFact)]
        if others:
            await super()._tell(others)

    def _line(self, fact: ClientFact | ActivityFact) -> dict[str, Any]:
        changes = changes_of(fact) if isinstance(fact, ClientUpdated | ActivityUpdated) else []
        return {
            "id": new_id(),
            "workspace_id": self.workspace_id,
            "record_kind": "client" if isinstance(fact, ClientFact) else "activity",
            "record_id": fact.aggregate_id,
            "version": fact.version,
            "kind": _verb(fact),
            "actor_id": fact.by,
            "happened_at": fact.at,
            "changes": [list(change) for change in changes],
        }


def _verb(fact: Fact) -> str:
    """A fact is named for what happened: ClientRestored is `restored`."""
    return type(fact).__name__.removeprefix("Client").removeprefix("Activity").lower()
