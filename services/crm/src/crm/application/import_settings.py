"""What a person says of a file: which column is which, and how it is to be read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from crm.adapters import import_rows, imports
from crm.adapters.imports import Import
from crm.application.uploads import OpenUnit, custom_names, expect_untouched, looked_at
from crm.domain.csv_file import CsvReader
from crm.domain.errors import EntryRefused, Problem
from crm.domain.file_look import CsvLook
from crm.domain.imports import ImportStatus, Looked, Settings, checked_fields
from kit import files

ENOUGH = 1_000_000  # bytes of a file that show how it looks when it is read otherwise


async def update_import(
    open_unit: OpenUnit,
    *,
    import_id: UUID,
    fields: Mapping[int, str],
    given: Mapping[str, Any],
) -> None:
    """Read the file otherwise from now on; an earlier dry run is void.

    Raises ImportNotFound, ImportNotReady, EntryRefused, FileNotFound.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
        customs = await custom_names(uow, found.resource)
    expect_untouched(found)
    settings = found.settings.changed(given)
    looked = Looked(
        total_rows=found.total_rows,
        settings=settings,
        columns=found.columns,
        fields=found.fields,
    )
    before = found.settings
    if (settings.encoding, settings.delimiter) != (before.encoding, before.delimiter):
        looked = await _looked_again(open_unit, found, settings, customs)
    looked = replace(looked, fields=_placed(found, looked, fields, customs))
    async with open_unit() as uow:
        still = await imports.load_for_update(uow, import_id)
        expect_untouched(still)
        await imports.clear_errors(uow, import_id)
        await import_rows.clear(uow, import_id)
        await imports.settle(uow, still, status=ImportStatus.UPLOADED, looked=looked)
        await uow.commit()


def _placed(
    found: Import, looked: Looked, fields: Mapping[int, str], customs: Mapping[str, str]
) -> list[str]:
    placed = list(looked.fields)
    for number, name in fields.items():
        if not 0 <= number < len(placed):
            said = f"There is no column {number}; the first one is 0."
            raise EntryRefused([Problem("columns", "COLUMN_UNKNOWN", said)])
        placed[number] = name
    return checked_fields(found.resource, placed, customs)


async def _looked_again(
    open_unit: OpenUnit, found: Import, settings: Settings, customs: Mapping[str, str]
) -> Looked:
    look = CsvLook(
        found.resource,
        CsvReader(settings.encoding),
        delimiter=settings.delimiter,
        customs=customs,
    )
    seen = 0
    async for piece in files.read(open_unit, found.file_id):
        look.feed(piece)
        seen += len(piece)
        if seen >= ENOUGH:
            look.enough()
            break
    else:
        look.end()
    return replace(looked_at(look), settings=settings, total_rows=found.total_rows)
