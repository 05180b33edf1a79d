"""The rows that could not be taken, as a file to be corrected and uploaded again."""

from collections.abc import AsyncIterator
from uuid import UUID

from crm.adapters import import_queries, imports
from crm.adapters.csv_writer import CsvWriter
from crm.application.import_batches import records
from crm.application.uploads import OpenUnit
from crm.domain.errors import EntryRefused
from kit.unit_of_work import UnitOfWork

PAGE = 1_000
WHY = "Why it was not imported"


async def failed_rows(open_unit: OpenUnit, *, import_id: UUID) -> AsyncIterator[bytes]:
    """A CSV with the file's own columns and one that says why.

    Raises ImportNotFound, FileNotFound.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
    file = CsvWriter([WHY, *(column["header"] for column in found.columns)])
    reasons = _Reasons(open_unit, import_id)
    header = True
    async for record in records(open_unit, found):
        if header:
            header = False
            continue
        why = await reasons.of(record.row)
        if why is None:
            continue
        try:
            cells = record.fields(found.settings.delimiter)
        except EntryRefused:
            cells = [record.text]
        file.add([why, *cells])
        for piece in file.pieces():
            yield piece
    for piece in file.end():
        yield piece


class _Reasons:
    """Why rows failed, page by page, in the order of the rows."""

    def __init__(self, open_unit: OpenUnit, import_id: UUID) -> None:
        self._open_unit = open_unit
        self._import_id = import_id
        self._page: dict[int, str] = {}
        self._last = 0
        self._more = True

    async def of(self, row: int) -> str | None:
        """Rows are asked for in their order."""
        while self._more and row > self._last:
            async with self._open_unit() as uow:
                await self._turn(uow)
        return self._page.pop(row, None)

    async def _turn(self, uow: UnitOfWork) -> None:
        which = {"workspace": uow.workspace_id, "import": self._import_id}
        found = await uow.rows(import_queries.FAILED_ROWS, **which, row=self._last, size=PAGE)
        self._page |= {row["row"]: row["why"] for row in found}
        self._more = len(found) == PAGE
        if found:
            self._last = found[-1]["row"]
