"""What can be done with custom fields. One function per use case, one transaction each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from crm.adapters import custom_fields
from crm.domain.custom_field import (
    CustomField,
    FieldEdit,
    FieldType,
    Resource,
    clean_values,
    expect_names_apart,
)
from crm.domain.entries import Entry
from crm.domain.setting_errors import FieldNotFound
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def custom_values(
    uow: UnitOfWork, resource: Resource, values: Mapping[str, Any], held: Mapping[str, Any]
) -> dict[str, Any]:
    """What was entered for custom fields, checked; `held` is what the record has of them.

    Raises EntryRefused.
    """
    fields = await custom_fields.by_keys(uow, resource, list(values))
    entry = Entry()
    clean = clean_values(entry, fields, values, held)
    entry.done()
    return clean


async def create_custom_field(
    uow: UnitOfWork,
    *,
    resource: Resource,
    type: FieldType,
    edit: FieldEdit,
    by: UUID,
    now: datetime,
) -> CustomField:
    """Add a field. Raises EntryRefused, FieldNameTaken, FieldsTooMany."""
    field = CustomField.create(
        new_id(),
        uow.workspace_id,
        resource=resource,
        type=type,
        edit=edit,
        beside=await custom_fields.load_all(uow, resource),
        at=now,
        by=by,
    )
    await custom_fields.add(uow, field)
    await uow.commit()
    return field


async def update_custom_field(
    uow: UnitOfWork, *, field_id: UUID, edit: FieldEdit, etag: str, by: UUID, now: datetime
) -> CustomField:
    """Change a field; given another place, the others make room.

    Raises FieldNotFound, FieldHasChanged, EntryRefused, FieldNameTaken.
    """
    fields = await _offered(uow, field_id)
    field = _one(fields, field_id)
    field.expect(etag)
    place = edit.pop("position", None)
    if field.edit(edit, at=now, by=by):
        expect_names_apart(fields)
        await custom_fields.save(uow, field, now=now)
    if place is not None:
        others = [other for other in fields if other is not field]
        await _put_in_order(uow, [*others[:place], field, *others[place:]], by=by, now=now)
    await uow.commit()
    return field


async def remove_custom_field(
    uow: UnitOfWork, *, field_id: UUID, etag: str, by: UUID, now: datetime
) -> None:
    """Take a field away; what records hold stays there. Raises FieldNotFound, FieldHasChanged."""
    fields = await _offered(uow, field_id)
    field = _one(fields, field_id)
    field.expect(etag)
    field.remove(at=now, by=by)
    await custom_fields.save(uow, field, now=now)
    await _put_in_order(uow, [other for other in fields if other is not field], by=by, now=now)
    await uow.commit()


async def _put_in_order(
    uow: UnitOfWork, fields: Sequence[CustomField], *, by: UUID, now: datetime
) -> None:
    for position, field in enumerate(fields):
        if field.edit({"position": position}, at=now, by=by):
            await custom_fields.save(uow, field, now=now)


async def _offered(uow: UnitOfWork, field_id: UUID) -> list[CustomField]:
    resource = await custom_fields.resource_of(uow, field_id)
    if resource is None:
        raise FieldNotFound("There is no such field.")
    return [field for field in await custom_fields.load_all(uow, resource) if not field.removed]


def _one(fields: Sequence[CustomField], field_id: UUID) -> CustomField:
    found = next((field for field in fields if field.id == field_id), None)
    if found is None:
        raise FieldNotFound("There is no such field.")
    return found
