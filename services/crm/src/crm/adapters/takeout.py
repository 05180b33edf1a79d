"""All that is kept of a workspace, kind by kind: where rows come from, and how they are written.

Two shapes of each kind hold the same rows: a CSV for people, and a line of JSON for programs.
"""

import operator
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    Uuid,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from crm.adapters.exports import LISTS, Request
from crm.adapters.reading import WORKSPACE, Read, is_row, row, rows
from crm.adapters.tables import (
    activities,
    clients,
    currency_rates,
    custom_fields,
    deal_contacts,
    deal_history,
    deals,
    import_errors,
    imports,
    known_as_two,
    lost_reasons,
    merges,
    owners,
    record_history,
    removed_stages,
    stages,
    tags,
    views,
    workspaces,
)
from crm.domain.import_fields import Resource
from crm.domain.stage import DEFAULT_CURRENCY
from freelanceflow.type.v1 import filter_pb2
from kit.database import Statement, Transaction
from kit.pool import Pool

BATCH = 2_000  # rows: some megabytes
WHOLE = Request(conditions=(), sort=())
MAKER = bindparam("maker", type_=Uuid())
# What the platform keeps for itself: how rows are found, and where a job or a file lies.
INNER = frozenset(
    {
        *("workspace_id", "sort_name", "match_keys", "scoring", "reminded_for"),
        *("job_id", "file_id", "permissions", "factor"),
    }
)
# By which a batch begins behind the one before.
_ENDS = re.compile(r"key\d+|end_.*")
MONEY = {"amount_minor": "amount", "open_value": "open_value", "won_value": "won_value"}


class Part(Protocol):
    """A kind of what is kept."""

    @property
    def name(self) -> str:
        """As its files are called."""

    def batches(
        self, pool: Pool, workspace_id: UUID, maker: UUID
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """All rows; no transaction stays open meanwhile."""

    @property
    def count(self) -> Select[Any]:
        """How many there are."""


class ListPart:
    """What a list shows, in its order: with names beside the ids."""

    def __init__(self, resource: Resource, table: Table, *requests: Request) -> None:
        """`requests` are parts of the list, one behind the other."""
        self.resource = resource
        self.name = resource.value
        self.count = _count(table, table.c.deleted_at.is_(None))
        self._listing = LISTS[resource]
        self._requests = requests or (WHOLE,)

    async def batches(
        self, pool: Pool, workspace_id: UUID, maker: UUID
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """As for an export of the list."""
        for request in self._requests:
            async for batch in self._listing.batches(pool, workspace_id, request, size=BATCH):
                yield batch


Shown = Callable[[FromClause, Sequence[ColumnElement[Any]]], Select[Any]]


class TablePart:
    """The rows of a table in the order of its key, each batch behind the one before."""

    def __init__(
        self,
        name: str,
        table: Table,
        *where: ColumnElement[bool],
        without: Collection[str] = (),
        shown: Shown | None = None,
    ) -> None:
        self.name = name
        self._key = [c.name for c in table.primary_key if c.name != "workspace_id"]
        left_out = INNER | set(without)
        self.columns = [c.name for c in table.c if c.name not in left_out]
        mine = (table.c.workspace_id == WORKSPACE, *where)
        self._first, self._next = (
            self._read(table, mine, shown, continued=continued) for continued in (False, True)
        )
        self.count = _count(table, *where)

    def _read(
        self,
        table: Table,
        where: Sequence[ColumnElement[bool]],
        shown: Shown | None,
        *,
        continued: bool,
    ) -> Read:
        key = [table.c[name] for name in self._key]
        query = select(table).where(*where).order_by(*key)
        if continued:
            places = (bindparam(f"k_{c.name}", type_=c.type) for c in key)
            query = query.where(func.row(*key) > func.row(*places))
        page = query.limit(literal_column(str(BATCH))).subquery("page")
        columns = [page.c[name] for name in self.columns]
        found = shown(page, columns) if shown else select(*columns)
        ends = [page.c[name].label(f"end_{name}") for name in self._key]
        return Read(found.add_columns(*ends).order_by(*(page.c[name] for name in self._key)))

    async def batches(
        self, pool: Pool, workspace_id: UUID, maker: UUID
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """In the order of the key."""
        read, place = self._first, dict[str, Any]()
        while found := await rows(pool, workspace_id, read, maker=maker, **place):
            yield found
            if len(found) < BATCH:
                return
            read = self._next
            place = {f"k_{name}": found[-1][f"end_{name}"] for name in self._key}


def _count(table: Table, *where: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.c.workspace_id == WORKSPACE, *where)


def _with_names(page: FromClause, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """History knows deals and stages by their ids; some of these are gone."""
    deal = deals.alias("deal")
    found, names = page.outerjoin(deal, is_row(deal, page.c.deal_id)), []
    for way in ("from", "to"):
        id = page.c[f"{way}_stage_id"]
        there, gone = stages.alias(f"{way}_stage"), removed_stages.alias(f"{way}_gone")
        found = found.outerjoin(there, is_row(there, id)).outerjoin(gone, is_row(gone, id))
        names.append(func.coalesce(there.c.name, gone.c.name).label(f"{way}_stage"))
    return select(*columns, deal.c.name.label("deal_name"), *names).select_from(found)


def _trash(name: str, table: Table) -> TablePart:
    return TablePart(f"trash-{name}", table, table.c.deleted_at.is_not(None))


def _clients(*, under: bool) -> Request:
    """An import knows a company as a parent once its row was there: they come first, by age."""
    alone = filter_pb2.Condition(
        field="parent_id", operator=filter_pb2.OPERATOR_ISNULL, values=[str(not under).lower()]
    )
    return Request(conditions=(alone,), sort=(filter_pb2.SortKey(field="created_at"),))


LIST_PARTS = (
    ListPart(Resource.CLIENTS, clients, _clients(under=False), _clients(under=True)),
    ListPart(Resource.DEALS, deals),
    ListPart(Resource.ACTIVITIES, activities),
)
TABLE_PARTS = (
    TablePart("deal-history", deal_history, shown=_with_names),
    TablePart("deal-contacts", deal_contacts),
    TablePart("record-history", record_history),
    TablePart("stages", stages),
    TablePart("removed-stages", removed_stages),
    TablePart("lost-reasons", lost_reasons),
    TablePart("custom-fields", custom_fields),
    TablePart("tags", tags),
    TablePart("currency-rates", currency_rates),
    TablePart("owners", owners),
    # Private ones of others are theirs alone.
    TablePart("saved-views", views, or_(views.c.shared, views.c.owner_id == MAKER)),
    TablePart("imports", imports, without={"columns", "checked"}),
    TablePart("import-refusals", import_errors),
    TablePart("merges", merges),
    TablePart("not-duplicates", known_as_two),
    _trash("clients", clients),
    _trash("deals", deals),
    _trash("activities", activities),
)
PARTS: tuple[Part, ...] = (*LIST_PARTS, *TABLE_PARTS)

TOTAL = Read(
    select(reduce(operator.add, (part.count.scalar_subquery() for part in PARTS)).label("total"))
)
ABOUT = Statement(select(workspaces).where(workspaces.c.workspace_id == WORKSPACE))


class About(NamedTuple):
    """What a workspace is called, and how its sums and days are meant."""

    workspace_id: UUID
    name: str
    currency: str
    time_zone: str


async def about(tx: Transaction) -> About:
    """Of the transaction's workspace; auth may not have told of it yet."""
    found = await tx.row(ABOUT, workspace=tx.workspace_id)
    if found is None:
        return About(tx.workspace_id, "", DEFAULT_CURRENCY, "UTC")
    return About(tx.workspace_id, found["name"], found["currency"], found["time_zone"] or "UTC")


async def total(pool: Pool, workspace_id: UUID, maker: UUID) -> int:
    """How many rows there are of all kinds."""
    found = await row(pool, workspace_id, TOTAL, maker=maker)
    return int(found["total"]) if found else 0


def json_line(found: Mapping[str, Any]) -> bytes:
    """All that is known of a row: amounts with their currency, instants in UTC."""
    values = {
        MONEY.get(name, name): _money(value, found) if name in MONEY else value
        for name, value in found.items()
        if not _ENDS.fullmatch(name)
    }
    if MONEY.keys() & found.keys():
        del values["currency"]
    return orjson.dumps(values, default=_other, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def plain_cell(value: Any) -> Any:
    """A value of a table as a CSV for programs holds it."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bool():
            return "true" if value else "false"
        case UUID():
            return str(value)
        case list() if all(isinstance(one, str) for one in value):
            return "; ".join(value)
        case dict() | list():
            return orjson.dumps(value).decode()
    return value


def _money(minor: int | None, found: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if minor is None else {"amount_minor": minor, "currency": found["currency"]}


def _other(value: Any) -> str:
    """What orjson does not know: numbers with all their places, and the driver's own ids."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)
