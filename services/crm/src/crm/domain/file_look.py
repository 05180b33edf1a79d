"""A look at a file while its bytes pass by: of what kind, how it writes, what its columns are."""

from collections.abc import Iterable, Mapping

from crm.domain.csv_file import CsvReader, Record, delimiter_of
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_fields import Column, Resource, guess
from crm.domain.imports import MAX_COLUMNS, Settings
from crm.domain.notations import Evidence, Notation

FIRST = 100  # records by which the delimiter is found
ALL_OF, THEN_EVERY = 2_000, 20  # records whose cells are looked at
WORKBOOK = "a workbook"
_KINDS = {
    b"PK\x03\x04": WORKBOOK,
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls); save it as .xlsx or CSV",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a compressed file; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"SQLite": "a database",
}


def is_workbook(start: bytes) -> bool:
    """Whether bytes begin like a ZIP archive, whatever the file is called.

    Raises EntryRefused for what is no table.
    """
    for beginning, kind in _KINDS.items():
        if start.startswith(beginning):
            if kind is WORKBOOK:
                return True
            raise no_table(f"This is {kind}.")
    return False


class CsvLook:
    """Takes the bytes of a CSV file; counts the rows and learns how it is written."""

    def __init__(
        self,
        resource: Resource,
        reader: CsvReader | None = None,
        *,
        delimiter: str = "",
        customs: Mapping[str, str] | None = None,
    ) -> None:
        """`customs` are the workspace's own fields, see `guess`."""
        self._resource = resource
        self._customs = customs
        self._reader = reader or CsvReader()
        self._first: list[Record] = []
        self._given = delimiter
        self._delimiter = ""
        self._records = 0
        self._evidence = Evidence()
        self.columns: list[Column] = []

    @property
    def rows(self) -> int:
        """Rows without the header."""
        return self._records - 1

    def feed(self, piece: bytes) -> None:
        """The next bytes. Raises EntryRefused."""
        self._see(self._reader.feed(piece))

    def end(self) -> None:
        """There are no more. Raises EntryRefused."""
        self._see(self._reader.end())
        self.enough()

    def enough(self) -> None:
        """The rest would look alike. Raises EntryRefused."""
        if not self._delimiter:
            self._begin()
        if self.rows < 1:
            raise EntryRefused([Problem("file", "FILE_EMPTY", "There are no rows in this file.")])
        guess(self._resource, self.columns, self._customs)

    def settings(self) -> Settings:
        """How the file is written, as far as it shows."""
        mark, mark_certain = self._evidence.mark(self._delimiter)
        order, order_certain = self._evidence.order(self._delimiter)
        return Settings(
            encoding=self._reader.encoding,
            delimiter=self._delimiter,
            notation=Notation(mark, order),
            mark_certain=mark_certain,
            order_certain=order_certain,
        )

    def _see(self, records: Iterable[Record]) -> None:
        for record in records:
            self._records += 1
            if self._delimiter:
                self._sample(record)
                continue
            self._first.append(record)
            if len(self._first) == FIRST:
                self._begin()

    def _begin(self) -> None:
        self._delimiter = self._given or delimiter_of(self._first)
        if not self._first:
            return
        header, *rows = self._first
        if "\0" in header.text:
            raise no_table("This is no table.")
        names = [name.strip() for name in header.fields(self._delimiter)]
        if len(names) > MAX_COLUMNS:
            raise EntryRefused(
                [Problem("file", "TOO_MANY_COLUMNS", f"At most {MAX_COLUMNS} columns.")]
            )
        self.columns = [
            Column(name[:100] or f"Column {number}") for number, name in enumerate(names, 1)
        ]
        for record in rows:
            self._sample(record)

    def _sample(self, record: Record) -> None:
        if record.row > ALL_OF and record.row % THEN_EVERY:
            return
        try:
            cells = record.fields(self._delimiter)
        except EntryRefused:
            return  # the row says so itself when it is checked
        for column, cell in zip(self.columns, cells, strict=False):
            cell = cell.strip()
            column.see(cell)
            self._evidence.see(cell)


def no_table(why: str) -> EntryRefused:
    """The file is something else."""
    return EntryRefused([Problem("file", "FILE_KIND_UNKNOWN", why)])
