"""An import: a file of clients, deals or activities on its way in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from crm.domain.cells import as_written
from crm.domain.csv_file import DELIMITERS, Encoding, Record
from crm.domain.custom_field import FILTER_PREFIX
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_fields import FIELDS, IN_DOUBT, JOINED, NEEDED, Resource
from crm.domain.notations import USUAL, DateOrder, DecimalMark, Doubt, Notation
from kit.aggregate import Fact

MAX_MESSAGE, MAX_VALUE = 300, 200
MAX_COLUMNS = 500


class ImportStatus(StrEnum):
    """Where an import stands. That it failed is its job's to say."""

    UPLOADED = "uploaded"
    ANALYZING = "analyzing"
    READY = "ready"
    COMMITTING = "committing"
    DONE = "done"
    REVERTING = "reverting"
    REVERTED = "reverted"


class OnDuplicate(StrEnum):
    """What becomes of a row whose record is there already."""

    SKIP = "skip"
    UPDATE = "update"
    CREATE = "create"


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Fact):
    """All rows of a file were looked at."""

    resource: Resource
    file_name: str
    created_rows: int
    updated_rows: int
    skipped_rows: int
    failed_rows: int


@dataclass(frozen=True, kw_only=True)
class ImportFailed(Fact):
    """It has stopped; `why` is empty where it is not the person's to mend."""

    resource: Resource
    file_name: str
    step: str  # open, check, write, revert
    why: str


@dataclass(frozen=True, kw_only=True)
class ImportReverted(Fact):
    """What a file brought was taken back."""

    resource: Resource
    file_name: str
    reverted_records: int
    kept_records: int


class RowError(NamedTuple):
    """Why a row could not be taken: in which field, and what stood there."""

    row: int
    column: str
    message: str
    value: str = ""


class Match(NamedTuple):
    """Something that a row brought, changed, or was recognised as."""

    row: int
    kind: Resource
    action: str  # created, updated, skipped
    record_id: Any
    version: int = 0  # of the record, when the row was done with it
    matched_by: str = ""
    name: str = ""
    before: Mapping[str, Any] | None = None  # what a revert puts back


class Outcome(NamedTuple):
    """What became of some rows; one row may have several errors."""

    created: int
    updated: int
    skipped: int
    errors: Sequence[RowError]
    matches: Sequence[Match]
    new_clients: int = 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a file is read, and what becomes of its rows."""

    encoding: Encoding = Encoding.UTF_8
    delimiter: str = ","
    notation: Notation = USUAL
    mark_certain: bool = False
    order_certain: bool = False
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    create_clients: bool = False

    def changed(self, given: Mapping[str, Any]) -> Self:
        """With what a person said; that is certain then. Raises EntryRefused."""
        settings, problems = self, []
        for name, value in given.items():
            try:
                settings = replace(settings, **_READ[name](settings, value))
            except ValueError:
                said = f"“{str(value)[:20]}” is no {name.replace('_', ' ')}."
                problems.append(Problem(name, f"{name.upper()}_UNKNOWN", said))
        if problems:
            raise EntryRefused(problems)
        return settings

    def read_into(self, columns: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Self:
        """Certain, too, of what nobody has to know: no cell of a column that is taken needs it."""
        doubts = {
            doubt
            for column, field in zip(columns, fields, strict=True)
            for doubt in column.get("doubts", Doubt)  # imports from before this was looked at
            if field in IN_DOUBT[doubt] or field.startswith(FILTER_PREFIX)
        }
        return replace(
            self,
            mark_certain=self.mark_certain or Doubt.MARK not in doubts,
            order_certain=self.order_certain or Doubt.ORDER not in doubts,
        )

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "decimal": self.notation.mark,
            "date_order": self.notation.order,
            "decimal_certain": self.mark_certain,
            "date_order_certain": self.order_certain,
            "on_duplicate": self.on_duplicate,
            "create_clients": self.create_clients,
        }

    @classmethod
    def revived(cls, kept: Mapping[str, Any]) -> Self:
        """From what `kept` gave."""
        return cls(
            encoding=Encoding(kept["encoding"]),
            delimiter=kept["delimiter"],
            notation=Notation(DecimalMark(kept["decimal"]), DateOrder(kept["date_order"])),
            mark_certain=kept["decimal_certain"],
            order_certain=kept["date_order_certain"],
            on_duplicate=OnDuplicate(kept["on_duplicate"]),
            create_clients=kept["create_clients"],
        )


def _delimiter(value: str) -> str:
    if len(value) != 1 or value not in DELIMITERS:
        raise ValueError
    return value


_READ: dict[str, Callable[[Settings, Any], dict[str, Any]]] = {
    "encoding": lambda settings, value: {"encoding": Encoding(value)},
    "delimiter": lambda settings, value: {"delimiter": _delimiter(value)},
    "decimal": lambda settings, value: {
        "notation": replace(settings.notation, mark=DecimalMark(value)),
        "mark_certain": True,
    },
    "date_order": lambda settings, value: {
        "notation": replace(settings.notation, order=DateOrder(value)),
        "order_certain": True,
    },
    "on_duplicate": lambda settings, value: {"on_duplicate": OnDuplicate(value)},
    "create_clients": lambda settings, value: {"create_clients": bool(value)},
}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a look at the file has shown, or a person has said."""

    total_rows: int
    settings: Settings
    columns: Sequence[Mapping[str, Any]]  # header, samples, guess, confidence, doubts
    fields: Sequence[str]  # of each column; empty where it is left out


@dataclass(frozen=True)
class Row:
    """A record by the fields its columns go into."""

    number: int
    values: dict[str, str]

    def __getitem__(self, field: str) -> str:
        """A cell; empty where no column goes into the field."""
        return self.values.get(field, "")


class Layout:
    """Which column goes into which field."""

    def __init__(self, headers: Sequence[str], fields: Sequence[str], delimiter: str) -> None:
        self._headers = headers
        self._fields = fields
        self._delimiter = delimiter
        self._parts = [(n, field) for n, field in enumerate(fields) if field]
        self._joined = len({field for field in fields if field}) < len(self._parts)

    @property
    def names_in_parts(self) -> bool:
        """Whether several columns make up the name, as with people."""
        return list(self._fields).count("name") > 1

    def has(self, field: str) -> bool:
        """Whether a column goes into a field."""
        return field in self._fields

    @property
    def custom_keys(self) -> list[str]:
        """Keys of the custom fields that columns go into."""
        found = (field for field in self._fields if field.startswith(FILTER_PREFIX))
        return [field.removeprefix(FILTER_PREFIX) for field in found]

    def header_of(self, field: str) -> str:
        """The header of the first column that goes into a field; else the field's own name."""
        return self._headers[self._fields.index(field)] if field in self._fields else field

    def row(self, record: Record) -> Row:
        """A record by its fields.

        Raises EntryRefused if it cannot be read, or has more cells than there are columns.
        """
        cells = record.fields(self._delimiter)
        if len(cells) > len(self._fields) and any(map(str.strip, cells[len(self._fields) :])):
            said = f"The row has {len(cells)} cells and the header {len(self._fields)}."
            raise EntryRefused([Problem("", "TOO_MANY_FIELDS", said)])
        if "\0" in record.text:
            self._expect_storable(cells)
        values: dict[str, str] = {}
        for number, field in self._parts:
            if number >= len(cells):
                continue
            cell = as_written(cells[number])
            if self._joined and field in JOINED and values.get(field):
                cell = JOINED[field].join(filter(None, (values[field], cell)))
            values[field] = cell
        return Row(record.row, values)

    def _expect_storable(self, cells: Sequence[str]) -> None:
        said = "This text contains a character that is none."  # PostgreSQL stores no such text
        filled = [(field, cells[number]) for number, field in self._parts if number < len(cells)]
        if problems := [Problem(f, "TEXT_INVALID", said) for f, cell in filled if "\0" in cell]:
            raise EntryRefused(problems)

    def errors(self, row: int, refusal: EntryRefused, row_: Row | None = None) -> list[RowError]:
        """A refusal of an entity's fields, by the columns they came from."""
        errors = []
        for name, message in refusal.fields.items():
            field = _FIELD_OF.get(name, name.replace(_OF_CUSTOM, FILTER_PREFIX))
            value = row_[field][:MAX_VALUE] if row_ else ""
            errors.append(RowError(row, self.header_of(field), message[:MAX_MESSAGE], value))
        return errors


def checked_fields(
    resource: Resource, fields: Sequence[str], customs: Mapping[str, str] | None = None
) -> list[str]:
    """The fields of all columns. Raises EntryRefused for one that is not there, or twice.

    `customs` are those that the workspace has added, and their names.
    """
    customs = customs or {}
    known = [*FIELDS[resource], *customs]
    problems = [
        Problem(name[:100], "FIELD_UNKNOWN", f"There is no field “{name[:100]}”.")
        for name in fields
        if name and name not in known
    ]
    problems += [
        Problem(name, "FIELD_TWICE", f"Two columns go into “{customs.get(name, name)}”.")
        for name in known
        if fields.count(name) > 1 and name not in JOINED
    ]
    if problems:
        raise EntryRefused(problems)
    return list(fields)


def expect_complete(resource: Resource, fields: Sequence[str]) -> None:
    """Raises EntryRefused while no column goes into the field that every record needs."""
    needed = NEEDED[resource]
    if needed not in fields:
        said = f"Say which column is the {needed}."
        raise EntryRefused([Problem(needed, "COLUMN_MISSING", said)])


_OF_CUSTOM = "custom_fields."
_FIELD_OF = {"amount.currency": "currency", "parent_id": "parent", "client_id": "client"}
