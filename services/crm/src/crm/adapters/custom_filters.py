"""The types of the custom fields that a filter names."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select

from crm.adapters.filters import Types
from crm.adapters.reading import WORKSPACE, Read, rows
from crm.adapters.tables import custom_fields
from crm.domain.custom_field import FILTER_PREFIX, FieldType, Resource
from freelanceflow.type.v1 import filter_pb2 as pb
from kit.pool import Pool

TYPES = Read(
    select(custom_fields.c.key, custom_fields.c.type).where(
        custom_fields.c.workspace_id == WORKSPACE,
        custom_fields.c.resource == bindparam("resource", type_=Text()),
        custom_fields.c.key == func.any(bindparam("keys", type_=ARRAY(Text()))),
        custom_fields.c.removed_at.is_(None),
    )
)


async def types_for(
    pool: Pool,
    workspace_id: UUID,
    resource: Resource | None,
    conditions: Sequence[pb.Condition],
) -> Types:
    """By key. Filters that name no custom field cost no query."""
    keys = [
        condition.field.removeprefix(FILTER_PREFIX)
        for condition in conditions
        if condition.field.startswith(FILTER_PREFIX)
    ]
    if not keys or resource is None:
        return {}
    found = await rows(pool, workspace_id, TYPES, resource=resource.value, keys=keys)
    return {row["key"]: FieldType(row["type"]) for row in found}
