"""An import: a file of clients or deals on its way in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from crm.domain.csv_file import Record, delimiter_of
from crm.domain.errors import EntryRefused, Problem
from kit.aggregate import Fact

MAX_MESSAGE = 300


class Resource(StrEnum):
    """What a file holds."""

    CLIENTS = "clients"
    DEALS = "deals"


class ImportStatus(StrEnum):
    """Where an import stands. That it failed is its job's to say."""

    READY = "ready"
    COMMITTING = "committing"
    DONE = "done"


COLUMNS = {
    Resource.CLIENTS: (
        "name",
        "kind",
        "external_id",
        "emails",
        "phones",
        "address",
        "website",
        "owner",
        "tags",
        "notes",
        "created_at",
        "parent",
    ),
    Resource.DEALS: (
        "name",
        "external_id",
        "client",
        "stage",
        "owner",
        "amount",
        "currency",
        "source",
        "created_at",
        "entered_stage_at",
        "closed_at",
        "expected_close_date",
        "lost_reason",
        "next_step",
        "tags",
    ),
}
NEEDED = "name"


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Fact):
    """All rows of a file were looked at."""

    resource: Resource
    file_name: str
    created_rows: int
    skipped_rows: int
    failed_rows: int


class RowError(NamedTuple):
    """Why a row could not be taken."""

    row: int
    column: str
    message: str


class Outcome(NamedTuple):
    """What became of some rows; one row may have several errors."""

    created: int
    skipped: int
    errors: Sequence[RowError]


@dataclass(frozen=True)
class Row:
    """A record by the names of its columns."""

    number: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """A cell; empty where there is no such column."""
        return self.values.get(column, "")


class Header:
    """The first record: which columns there are, in which order."""

    def __init__(self, resource: Resource, record: Record) -> None:
        """Raises EntryRefused for columns that are missing, unknown, or there twice."""
        self._delimiter = delimiter_of(record.text)
        self._names = [name.strip().lower() for name in record.fields(self._delimiter)]
        problems = [
            Problem(name[:100], "COLUMN_UNKNOWN", f"There is no column “{name[:100]}”.")
            for name in self._names
            if name not in COLUMNS[resource]
        ]
        problems += [
            Problem(name, "COLUMN_TWICE", f"The column “{name}” is there twice.")
            for name in COLUMNS[resource]
            if self._names.count(name) > 1
        ]
        if NEEDED not in self._names:
            problems.insert(0, Problem(NEEDED, "COLUMN_MISSING", "The column “name” is missing."))
        if problems:
            raise EntryRefused(problems)

    def row(self, record: Record) -> Row:
        """A record under this header.

        Raises EntryRefused if it cannot be read, or has more fields than there are columns.
        """
        fields = record.fields(self._delimiter)
        if len(fields) > len(self._names):
            raise EntryRefused(
                [Problem("", "TOO_MANY_FIELDS", "The row has more fields than the header.")]
            )
        values = zip(self._names, fields, strict=False)
        return Row(record.row, {name: value.strip() for name, value in values})


def row_errors(row: int, refusal: EntryRefused) -> list[RowError]:
    """A refusal of an entity's fields, by the columns they came from."""
    return [
        RowError(row, _COLUMN_OF.get(field, field), message[:MAX_MESSAGE])
        for field, message in refusal.fields.items()
    ]


_COLUMN_OF = {"amount.currency": "currency", "parent_id": "parent"}
