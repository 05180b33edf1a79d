"""What all rows of an import share while they become records, or in a dry run would."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.adapters import bulk, matching
from crm.adapters.matching import Candidate, Found
from crm.application.owners import owner_for
from crm.domain.client import ClientKind, Parent
from crm.domain.entries import Named
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_cells import CellReader
from crm.domain.imports import Layout, Match, Row, RowError, Settings
from crm.domain.matching import is_match
from kit.unit_of_work import UnitOfWork

THE_FILE = "file"  # a row repeats an earlier one


@dataclass
class Seen:
    """What earlier rows of the file have brought, as far as the database does not know it yet.

    A dry run keeps it for the whole file: the names, and of the keys no more than their hashes.
    """

    parents: dict[str, Parent] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    external_ids: set[str] = field(default_factory=set)
    under: dict[UUID, UUID] = field(default_factory=dict)  # whom the file has put under whom

    def add_client(self, client: Parent, keys: Iterable[str]) -> None:
        """A row has brought a client."""
        self.parents.setdefault(client.name.lower(), client)
        for key in keys:
            self.keys.setdefault(hash((client.kind, key)), client.name)

    def has_client(self, name: str, kind: ClientKind, keys: Iterable[str]) -> bool:
        """Whether an earlier row has brought this client."""
        found = ((key, self.keys.get(hash((kind, key)))) for key in keys)
        return any(other is not None and is_match(key, name, other) for key, other in found)


@dataclass(kw_only=True)
class Work:
    """A batch of rows on its way: how they are read, and what has come of them so far."""

    uow: UnitOfWork
    import_id: UUID
    settings: Settings
    layout: Layout
    reader: CellReader
    zone: ZoneInfo
    region: str  # where numbers without a country are at home
    seen: Seen
    by: UUID
    now: datetime
    dry: bool
    usual_owner: Named | None = None
    created: int = 0
    updated: int = 0
    skipped: int = 0
    new_clients: int = 0
    errors: list[RowError] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)

    async def owners(self, names: Iterable[str]) -> dict[str, Named]:
        """Owners by name; under no name whose a record is that says nothing.

        Who sees nobody else's records owns what they bring.
        """
        owners = await bulk.owners_by_name(self.uow, names)
        if not self.uow.sight.sees(None):
            self.usual_owner = owners[""] = await owner_for(self.uow, self.by, None, by=self.by)
        return owners

    def owner(self, name: str, owners: dict[str, Named]) -> Named | None:
        """Raises EntryRefused for an owner whose records the importer would not see."""
        owner = owners.get(name)
        if not self.uow.sight.sees(owner.id if owner else None):
            said = "You see no records of this owner."
            raise EntryRefused([Problem("owner", "OWNER_OUT_OF_SIGHT", said)])
        return owner

    def refuse(self, row: Row, refusal: EntryRefused) -> None:
        """A row cannot be taken."""
        self.errors += self.layout.errors(row.number, refusal, row)

    async def candidates(self, keys: Iterable[str]) -> dict[str, list[Candidate]]:
        """Clients that have these keys."""
        return await matching.candidates(self.uow, keys)


def best(
    name: str,
    kind: ClientKind,
    keys: Sequence[str],
    external_id: str,
    by_key: dict[str, list[Candidate]],
) -> Found | None:
    """The client that is meant. One with another id of its source is another one."""
    for found in matching.matches(name, kind, keys, by_key):
        other = found.candidate.external_id
        if not (external_id and other and other != external_id):
            return found
    return None
