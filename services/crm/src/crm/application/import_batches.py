"""The rows of a file, batch by batch, each with what is needed to make records of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm.adapters import bulk, custom_fields, regions
from crm.adapters.imports import Import
from crm.application.import_activities import take_activities
from crm.application.import_clients import take_clients
from crm.application.import_deals import take_deals
from crm.application.import_work import Seen, Work
from crm.application.uploads import OpenUnit
from crm.domain import custom_field
from crm.domain.client import ClientKind
from crm.domain.csv_file import CsvReader, Record
from crm.domain.custom_field import FieldState
from crm.domain.errors import EntryRefused
from crm.domain.import_cells import CellReader
from crm.domain.import_fields import Resource
from crm.domain.imports import Outcome, Row
from kit import files
from kit.unit_of_work import UnitOfWork

BATCH = 500  # rows, or fewer if they are long
LARGE = 2_000_000  # characters
_TAKE = {
    Resource.CLIENTS: take_clients,
    Resource.DEALS: take_deals,
    Resource.ACTIVITIES: take_activities,
}


async def batches(
    open_unit: OpenUnit, found: Import, *, behind: int = 0
) -> AsyncIterator[list[Record]]:
    """The records after so many, without the header. Raises FileNotFound, EntryRefused."""
    batch: list[Record] = []
    size, to_skip = 0, behind + 1
    async for record in records(open_unit, found):
        if to_skip:
            to_skip -= 1
            continue
        batch.append(record)
        size += len(record.text)
        if len(batch) == BATCH or size >= LARGE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def records(open_unit: OpenUnit, found: Import) -> AsyncIterator[Record]:
    """All records of an import's file. Raises FileNotFound, EntryRefused."""
    reader = CsvReader(found.settings.encoding)
    async for piece in files.read(open_unit, found.file_id):
        for record in reader.feed(piece):
            yield record
    for record in reader.end():
        yield record


async def take(
    uow: UnitOfWork,
    found: Import,
    batch: Sequence[Record],
    seen: Seen,
    *,
    now: datetime,
    dry: bool,
) -> Outcome:
    """Make records of a batch, or in a dry run find out what would come of it."""
    currency, zone = await bulk.settings(uow)
    layout = found.layout
    customs: dict[str, FieldState] = {}
    if layout.custom_keys:
        kind = custom_field.Resource(found.resource.value)
        customs = await custom_fields.by_keys(uow, kind, layout.custom_keys)
    reader = CellReader(
        currency=currency,
        zone=_zone(zone),
        now=now,
        notation=found.settings.notation,
        usual_kind=ClientKind.PERSON if layout.names_in_parts else ClientKind.COMPANY,
        customs=customs,
    )
    work = Work(
        uow=uow,
        import_id=found.id,
        settings=found.settings,
        layout=layout,
        reader=reader,
        zone=_zone(zone),
        region=regions.region_of(zone),
        seen=seen,
        by=found.created_by,
        now=now,
        dry=dry,
    )
    rows: list[Row] = []
    for record in batch:
        try:
            rows.append(layout.row(record))
        except EntryRefused as refusal:
            work.errors += layout.errors(record.row, refusal)
    await _TAKE[found.resource](work, rows)
    return Outcome(
        work.created, work.updated, work.skipped, work.errors, work.matches, work.new_clients
    )


def _zone(name: str) -> ZoneInfo:
    """A zone this machine does not know is no reason to refuse a file."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
