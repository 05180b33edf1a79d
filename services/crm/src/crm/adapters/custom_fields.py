"""Custom fields as they are set up: all of a resource at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import custom_fields
from crm.domain.custom_field import CustomField, FieldState, FieldType, Resource
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

_f = custom_fields
STATE = ("resource", "key", "name", "type", "options", "position")
RESOURCE = bindparam("resource", type_=Text())


def _all() -> Select[Any]:
    return (
        select(_f.c.id, _f.c.version, *(_f.c[name] for name in STATE), _f.c.removed_at)
        .where(_f.c.workspace_id == WORKSPACE)
        .order_by(_f.c.resource, _f.c.position, _f.c.id)
    )


LIST = Read(_all().where(_f.c.removed_at.is_(None)))
LOAD = Statement(_all().where(_f.c.resource == RESOURCE).with_for_update(key_share=True))
# Rows that are locked keep nobody from adding another one.
ALONE = Statement(
    select(
        func.pg_advisory_xact_lock(
            func.hashtextextended(
                func.concat(bindparam("workspace", type_=Text()), RESOURCE),
                literal_column("0"),
            )
        )
    )
)
OFFERED = Statement(_all().where(_f.c.resource == RESOURCE, _f.c.removed_at.is_(None)))
FIND = Statement(
    select(_f.c.resource).where(
        _f.c.workspace_id == WORKSPACE,
        _f.c.id == bindparam("field", type_=Uuid()),
        _f.c.removed_at.is_(None),
    )
)
NAMED = Statement(
    select(_f.c.id, _f.c.version, *(_f.c[name] for name in STATE), _f.c.removed_at).where(
        _f.c.workspace_id == WORKSPACE,
        _f.c.resource == RESOURCE,
        _f.c.key == func.any(bindparam("keys", type_=ARRAY(Text()))),
        _f.c.removed_at.is_(None),
    )
)
ADD = Statement(
    insert(_f).values({name: bindparam(name) for name in ("id", "workspace_id", "version", *STATE)})
)
SAVE = Statement(
    update(_f)
    .where(
        _f.c.workspace_id == WORKSPACE,
        _f.c.id == bindparam("field", type_=Uuid()),
        _f.c.version == bindparam("read", type_=Integer()),
    )
    .values(
        version=_f.c.version + literal_column("1"),
        name=bindparam("name"),
        options=bindparam("options", type_=ARRAY(Text())),
        position=bindparam("position"),
        removed_at=bindparam("removed_at", type_=DateTime(timezone=True)),
    )
)


async def load_all(tx: Transaction, resource: Resource) -> list[CustomField]:
    """All of a resource in order, also those that are gone, kept from other changes."""
    await tx.run(ALONE, workspace=str(tx.workspace_id), resource=resource.value)
    found = await tx.rows(LOAD, workspace=tx.workspace_id, resource=resource.value)
    return [_field(tx, row) for row in found]


async def offered(tx: Transaction, resource: Resource) -> list[FieldState]:
    """Those that records can have, in order."""
    found = await tx.rows(OFFERED, workspace=tx.workspace_id, resource=resource.value)
    return [state_of(row) for row in found]


async def resource_of(tx: Transaction, field_id: Any) -> Resource | None:
    """Whose field it is; None for one that is not there."""
    found = await tx.value(FIND, workspace=tx.workspace_id, field=field_id)
    return Resource(found) if found else None


async def by_keys(tx: Transaction, resource: Resource, keys: list[str]) -> dict[str, FieldState]:
    """Those of these keys that there are."""
    found = await tx.rows(NAMED, workspace=tx.workspace_id, resource=resource.value, keys=keys)
    return {row["key"]: state_of(row) for row in found}


async def add(uow: UnitOfWork, field: CustomField) -> None:
    """Write a new field, and tell of it."""
    state = field.state
    await uow.run(
        ADD,
        id=field.id,
        workspace_id=uow.workspace_id,
        version=field.version,
        resource=state.resource.value,
        key=state.key,
        name=state.name,
        type=state.type.value,
        options=list(state.options),
        position=state.position,
    )
    uow.tell(field)


async def save(uow: UnitOfWork, field: CustomField, *, now: datetime) -> None:
    """Write what can change in a field, and tell of it."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        field=field.id,
        read=field.version,
        name=field.state.name,
        options=list(field.state.options),
        position=field.state.position,
        removed_at=now if field.removed else None,
    )
    uow.saved(field, rows=count)


def state_of(row: Any) -> FieldState:
    """From a row of any of these queries."""
    return FieldState(
        resource=Resource(row["resource"]),
        key=row["key"],
        name=row["name"],
        type=FieldType(row["type"]),
        options=tuple(row["options"]),
        position=row["position"],
    )


def _field(tx: Transaction, row: Any) -> CustomField:
    return CustomField(
        id=row["id"],
        workspace_id=tx.workspace_id,
        version=row["version"],
        state=state_of(row),
        removed=row["removed_at"] is not None,
    )
