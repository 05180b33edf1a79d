"""What all rows of an import share while they become records, or in a dry run would."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.adapters import bulk, matching, workspaces
from crm.adapters.matching import MOST, Candidate, Found
from crm.application.owners import owner_for
from crm.domain.client import ClientKind, Parent
from crm.domain.entries import Entry, Named
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_cells import CellReader
from crm.domain.import_fields import Resource
from crm.domain.imports import Layout, Match, Row, RowError, Settings
from crm.domain.matching import is_match
from kit.unit_of_work import UnitOfWork

THE_FILE = "file"  # a row repeats an earlier one
NOBODY = UUID(int=0)  # of an earlier row whose record is not written yet


@dataclass
class Seen:
    """What earlier rows of the file have brought, as far as the database does not know it yet.

    A dry run keeps it for the whole file: of what clients are recognised by, only hashes.
    """

    parents: dict[str, Parent] = field(default_factory=dict)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)  # by kind, key, and whether
    external_ids: set[str] = field(default_factory=set)  # the source gave an id
    under: dict[UUID, UUID] = field(default_factory=dict)  # whom the file has put under whom

    def add_client(
        self, name: str, kind: ClientKind, keys: Iterable[str], *, external_id: str
    ) -> None:
        """A row has brought a client."""
        if external_id:
            self.external_ids.add(external_id)
        one = (name,)
        for key in keys:
            others = self.names.setdefault(hash((kind, key, bool(external_id))), one)
            if others is not one and len(others) < MOST and name not in others:
                self.names[hash((kind, key, bool(external_id)))] = (*others, name)

    def client(
        self, name: str, kind: ClientKind, keys: Iterable[str], *, external_id: str
    ) -> str | None:
        """The name of a client that an earlier row has brought, by the rule of `best`."""
        for key in keys:
            for with_id in (False,) if external_id else (False, True):
                for other in self.names.get(hash((kind, key, with_id)), ()):
                    if is_match(key, name, other):
                        return other
        return None


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

    async def owners(self, rows: Iterable[tuple[str, Entry]]) -> dict[str, Named]:
        """Owners by name; under no name whose a record is that says nothing.

        A file without such a column is the importer's own; in one that has it, an empty cell means
        nobody, unless the importer would not see it then. A row that is refused brings no label.
        """
        named = [(name, entry.refused) for name, entry in rows]
        owners = await bulk.owners_by_name(
            self.uow,
            (name for name, refused in named if not refused),
            in_vain=(name for name, refused in named if refused),
        )
        if not self.layout.has("owner") or not self.uow.sight.sees(None):
            known = await workspaces.find_member(self.uow, self.by)
            owner = await owner_for(self.uow, self.by, known, by=self.by)
            self.usual_owner = owners[""] = owner
        return owners

    def owner(self, name: str, owners: dict[str, Named]) -> Named | None:
        """Raises EntryRefused for an owner whose records the importer would not see."""
        owner = owners.get(name)
        if not self.uow.sight.sees(owner.id if owner else None):
            said = "You see no records of this owner."
            raise EntryRefused([Problem("owner", "OWNER_OUT_OF_SIGHT", said)])
        return owner

    def repeats(self, row: Row, kind: Resource, name: str) -> None:
        """A row brings once more what an earlier one of the same batch has brought."""
        self.skipped += 1
        self.matches.append(Match(row.number, kind, "skipped", NOBODY, 0, THE_FILE, name))

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
