"""Lists: a page of a filtered, ordered table, beginning behind the place that a token names."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, Self
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
)

from crm.adapters.custom_filters import types_for
from crm.adapters.filters import Fields, Filter, Order, Shape, beyond
from crm.adapters.reading import WORKSPACE, Read, row, rows
from crm.domain.custom_field import Resource
from freelanceflow.type.v1 import filter_pb2 as pb
from kit.paging import PageTokens, page_size
from kit.pool import Pool

STATEMENTS = 256  # kept per list; the least used go first


class ListRequest(Protocol):
    """What all requests for lists have in common."""

    @property
    def conditions(self) -> Sequence[pb.Condition]:
        """All must hold."""

    @property
    def sort(self) -> Sequence[pb.SortKey]:
        """The list's own order when empty."""

    @property
    def page_size(self) -> int:
        """0 means the usual one."""

    @property
    def page_token(self) -> str:
        """Empty for the first page."""


class Page(NamedTuple):
    """Rows, and where they go on."""

    rows: list[asyncpg.Record]
    next_page_token: str


class Listing:
    """A table as a list. `shown` selects what is shown of the rows of a page."""

    def __init__(
        self,
        table: Table,
        fields: Fields,
        *,
        usual: Order,
        shown: Callable[[FromClause], Select[Any]],
        where: Sequence[ColumnElement[bool]],
        resource: Resource | None = None,
    ) -> None:
        """`resource` names whose custom fields it can be filtered by."""
        self._table = table
        self._fields = fields
        self._resource = resource
        self._usual = usual
        self._shown = shown
        self._where = [table.c.workspace_id == WORKSPACE, *where]
        self._page = lru_cache(STATEMENTS)(self._build_page)
        self._count = lru_cache(STATEMENTS)(self._build_count)

    def showing(self, shown: Callable[[FromClause], Select[Any]]) -> Self:
        """The same list, of whose rows something else is shown."""
        return type(self)(
            self._table,
            self._fields,
            usual=self._usual,
            shown=shown,
            where=self._where[1:],
            resource=self._resource,
        )

    async def page(
        self,
        pool: Pool,
        tokens: PageTokens,
        workspace_id: UUID,
        request: ListRequest,
        **values: Any,
    ) -> Page:
        """One page. `values` are parameters of the list's own conditions."""
        filter = await self.read_filter(pool, workspace_id, request.conditions)
        order = self._fields.read_order(request.sort) or self._usual
        size = page_size(request.page_size)
        about = self._about(workspace_id, filter, order, values)
        place: dict[str, Any] = {}
        if request.page_token:
            *keys, last_id = tokens.read(request.page_token, about)
            place = {
                f"k{number}": self._fields.revived(name, key)
                for number, ((name, _), key) in enumerate(zip(order, keys, strict=True))
            }
            place[f"k{len(order)}"] = last_id
        read = self._page(filter.shape, order, size, bool(place))
        found = await rows(pool, workspace_id, read, **filter.values, **place, **values)
        if len(found) <= size:
            return Page(found, "")
        del found[size:]
        return Page(found, tokens.issue(_packed(found[-1][-len(order) - 1 :]), about))

    async def batches(
        self, pool: Pool, workspace_id: UUID, request: ListRequest, *, size: int
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """All rows, in batches that no page of the list has: for whoever takes them all.

        Each begins behind the last row of the one before, so that no transaction stays open.
        """
        filter = await self.read_filter(pool, workspace_id, request.conditions)
        order = self._fields.read_order(request.sort) or self._usual
        place: dict[str, Any] = {}
        while True:
            read = self._page(filter.shape, order, size, bool(place))
            found = await rows(pool, workspace_id, read, **filter.values, **place)
            yield found[:size]
            if len(found) <= size:
                return
            end = found[size - 1][-len(order) - 1 :]
            place = {f"k{number}": key for number, key in enumerate(end)}

    def expect_order(self, sort: Sequence[pb.SortKey]) -> None:
        """Raises FieldNotSortable, PermissionMissing."""
        self._fields.read_order(sort)

    def allows(self, name: str) -> bool:
        """Whether the caller may know what is in a field."""
        return self._fields.allows(name)

    def expect_allowed(self, names: Iterable[str]) -> None:
        """Raises PermissionMissing."""
        self._fields.expect_allowed(names)

    async def read_filter(
        self, pool: Pool, workspace_id: UUID, conditions: Sequence[pb.Condition]
    ) -> Filter:
        """The conditions as this list understands them.

        Raises FieldNotFilterable, OperatorNotSupported, ValueInvalid, PermissionMissing.
        """
        types = await types_for(pool, workspace_id, self._resource, conditions)
        return self._fields.read(conditions, types)

    def clauses(self, filter: Filter) -> list[ColumnElement[bool]]:
        """What a row must meet to be in the filtered list, for statements made elsewhere."""
        return [*self._where, *self._fields.clauses(filter.shape)]

    def token_behind(
        self,
        tokens: PageTokens,
        workspace_id: UUID,
        filter: Filter,
        end: tuple[Any, ...],
        **values: Any,
    ) -> str:
        """The token of a page in the usual order that begins behind a row read elsewhere."""
        return tokens.issue(_packed(end), self._about(workspace_id, filter, self._usual, values))

    async def total(
        self, pool: Pool, workspace_id: UUID, conditions: Sequence[pb.Condition]
    ) -> int:
        """How many rows there are in all."""
        filter = await self.read_filter(pool, workspace_id, conditions)
        found = await row(pool, workspace_id, self._count(filter.shape), **filter.values)
        return int(found[0]) if found else 0

    def _about(
        self, workspace_id: UUID, filter: Filter, order: Order, values: dict[str, Any]
    ) -> str:
        return repr((self._table.name, workspace_id, filter, order, values))

    def _build_page(self, shape: Shape, order: Order, size: int, continued: bool) -> Read:
        table, fields = self._table, self._fields
        keys = [
            (fields.order_of(name), bindparam(f"k{number}", type_=fields.type_of(name)), down)
            for number, (name, down) in enumerate(order)
        ]
        # The id decides between equals, in the direction of the last key.
        keys.append((table.c.id, bindparam(f"k{len(order)}", type_=Uuid()), order[-1][1]))
        query = (
            select(table, *(key.label(f"key{n}") for n, (key, _, _) in enumerate(keys)))
            .select_from(fields.ordered(table, order))
            .where(*self._where, *fields.clauses(shape))
            .order_by(*(key.desc() if down else key for key, _, down in keys))
            .limit(literal_column(str(size + 1)))  # a literal: the planner counts on it
        )
        if continued:
            query = query.where(beyond(keys))
        page = query.subquery("page")
        ends = [page.c[f"key{n}"] for n in range(len(keys))]
        return Read(
            self._shown(page)
            .add_columns(*ends)
            .order_by(*(end.desc() if key[2] else end for end, key in zip(ends, keys, strict=True)))
        )

    def _build_count(self, shape: Shape) -> Read:
        return Read(
            select(func.count().label("total"))
            .select_from(self._table)
            .where(*self._where, *self._fields.clauses(shape))
        )


def _packed(end: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tokens hold no dates; as text they keep their order."""
    return tuple(key.isoformat() if type(key) is date else key for key in end)
