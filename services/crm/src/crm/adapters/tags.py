"""Tags: which there are is said by the records; a table gives some of them a colour."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from crm.adapters.reading import WORKSPACE, Read, in_sight
from crm.adapters.tables import clients, deals, tags
from kit.database import Statement, Transaction

MOST = 1000
NAME = bindparam("name", type_=Text())


class Carriers(NamedTuple):
    """How many records carried a tag."""

    deals: int
    clients: int


def _carried(table: Any, *, deals: str, clients: str) -> Select[Any]:
    return select(
        func.unnest(table.c.tags).label("name"),
        literal_column(deals).label("deals"),
        literal_column(clients).label("clients"),
        literal_column("''", Text()).label("color"),
    ).where(table.c.workspace_id == WORKSPACE, table.c.deleted_at.is_(None), in_sight(table))


_every = union_all(
    _carried(deals, deals="1", clients="0"),
    _carried(clients, deals="0", clients="1"),
    select(
        tags.c.name,
        literal_column("0").label("deals"),
        literal_column("0").label("clients"),
        tags.c.color,
    ).where(tags.c.workspace_id == WORKSPACE),
).subquery("every")
LIST = Read(
    select(
        _every.c.name,
        cast(func.sum(_every.c.deals), BigInteger).label("deals"),
        cast(func.sum(_every.c.clients), BigInteger).label("clients"),
        func.max(_every.c.color).label("color"),
        func.lower(_every.c.name).label("low"),
    )
    .group_by(_every.c.name)
    .order_by(literal_column("low"), _every.c.name)
    .limit(literal_column(str(MOST)))
)
COUNT = Statement(
    select(func.count().label("n")).select_from(tags).where(tags.c.workspace_id == WORKSPACE)
)
_put = insert(tags).values(
    workspace_id=WORKSPACE, name=NAME, color=bindparam("color", type_=Text())
)
PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=["workspace_id", "name"], set_={"color": _put.excluded.color}
    )
)
ADD = Statement(_put.on_conflict_do_nothing())
TAKE = Statement(
    delete(tags)
    .where(tags.c.workspace_id == WORKSPACE, tags.c.name == NAME)
    .returning(tags.c.color)
)
COLOR = Statement(select(tags.c.color).where(tags.c.workspace_id == WORKSPACE, tags.c.name == NAME))


def _carries(table: Any) -> Any:
    return exists().where(
        table.c.workspace_id == WORKSPACE, bindparam("name", type_=Text()) == any_(table.c.tags)
    )


IS_CARRIED = Statement(select(or_(_carries(deals), _carries(clients)).label("carried")))


def _change(table: str, history: str, key: str, more: str, values: str) -> Statement:
    """The tag under another name on all records, the trash included, each with its line of history.
    Without a new name it is taken off."""
    new = (
        "ARRAY(SELECT t FROM (SELECT CASE WHEN t = :name THEN :new ELSE t END AS t, min(n) AS n "
        "FROM unnest(old.tags) WITH ORDINALITY u (t, n) WHERE t <> :name OR :new <> '' "
        "GROUP BY 1) kept ORDER BY n)"
    )
    return Statement(
        text(
            f"WITH old AS (SELECT id, tags FROM {table} "
            "  WHERE workspace_id = :workspace AND :name = ANY (tags) FOR UPDATE), "
            f"changed AS (UPDATE {table} d SET tags = {new}, version = version + 1, "
            "  updated_at = :now FROM old WHERE d.workspace_id = :workspace AND d.id = old.id "
            "  RETURNING d.workspace_id, d.id, d.version, d.deleted_at, old.tags AS before, "
            "  d.tags AS after), "
            f"told AS (INSERT INTO {history} (id, workspace_id, {key}, version, kind, actor_id, "
            f"  happened_at, changes{more}) SELECT gen_random_uuid(), workspace_id, id, version, "
            "  'updated', :by, :now, jsonb_build_array(jsonb_build_array('tags', "
            "  array_to_string(before, ', '), array_to_string(after, ', ')))"
            f"  {values} FROM changed) "
            "SELECT count(*) FROM changed WHERE deleted_at IS NULL"
        ).bindparams(
            bindparam("workspace", type_=Uuid()),
            bindparam("name", type_=Text()),
            bindparam("new", type_=Text()),
            bindparam("now", type_=DateTime(timezone=True)),
            bindparam("by", type_=Uuid()),
        )
    )


CHANGE_DEALS = _change("deals", "deal_history", "deal_id", "", "")
CHANGE_CLIENTS = _change("clients", "record_history", "record_id", ", record_kind", ", 'client'")


async def change(tx: Transaction, name: str, new_name: str, *, by: UUID, now: datetime) -> Carriers:
    """Call a tag otherwise on all records, or take it off them; how many carried it."""
    values = {"workspace": tx.workspace_id, "name": name, "new": new_name, "now": now, "by": by}
    return Carriers(
        int(await tx.value(CHANGE_DEALS, **values)), int(await tx.value(CHANGE_CLIENTS, **values))
    )


async def is_known(tx: Transaction, name: str) -> bool:
    """Whether a record carries it or it has a colour."""
    carried = await tx.value(IS_CARRIED, workspace=tx.workspace_id, name=name)
    return bool(carried) or await color_of(tx, name) is not None


async def color_of(tx: Transaction, name: str) -> str | None:
    """Its colour; None when nobody gave it one."""
    color: str | None = await tx.value(COLOR, workspace=tx.workspace_id, name=name)
    return color


async def put(tx: Transaction, name: str, color: str) -> None:
    """Give it a colour."""
    await tx.run(PUT, workspace=tx.workspace_id, name=name, color=color)


async def hand_over(tx: Transaction, name: str, new_name: str) -> None:
    """The colour goes along to the new name, unless that has one."""
    color = await tx.value(TAKE, workspace=tx.workspace_id, name=name)
    if color and new_name:
        await tx.run(ADD, workspace=tx.workspace_id, name=new_name, color=color)


async def count(tx: Transaction) -> int:
    """How many have a colour."""
    return int(await tx.value(COUNT, workspace=tx.workspace_id))
