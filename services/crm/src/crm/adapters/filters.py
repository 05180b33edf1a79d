"""Filters and orders of lists: what the wire names, as typed conditions of a query.

A filter has a shape (fields and operators) and values. Queries are built per shape and kept; the
values go in as parameters. Custom fields are named `cf_<key>`; a shape knows them by their type
only, and the key is a parameter as well: workspaces share what is built.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, func, or_, tuple_

from crm.adapters.custom_columns import custom_column
from crm.adapters.filter_kinds import InCurrency, Kind, comparison, looks, value_of
from crm.domain.custom_field import FILTER_PREFIX, FieldType
from freelanceflow.type.v1 import filter_pb2 as pb
from kit.errors import DomainError, ErrorKind
from kit.rpc.identity import PermissionMissing, caller_may

__all__ = ["Field", "Fields", "Filter", "Kind", "Order", "Shape", "beyond", "sortable"]

MAX_CONDITIONS, MAX_VALUES, MAX_SORT_KEYS = 20, 100, 3
_CUSTOM = "cf:"  # in a shape, before the type
Types = Mapping[str, FieldType]  # of custom fields, by key


class FieldNotFilterable(DomainError):
    """This list has no such field to filter by."""

    kind, reason = ErrorKind.INVALID, "FIELD_NOT_FILTERABLE"


class FieldNotSortable(DomainError):
    """This list has no such field to sort by."""

    kind, reason = ErrorKind.INVALID, "FIELD_NOT_SORTABLE"


class OperatorNotSupported(DomainError):
    """The comparison does not fit the field."""

    kind, reason = ErrorKind.INVALID, "OPERATOR_NOT_SUPPORTED"


class ValueInvalid(DomainError):
    """The value cannot be read as one of the field's type."""

    kind, reason = ErrorKind.INVALID, "VALUE_INVALID"


@dataclass(frozen=True)
class Field:
    """One field of a list. `through` puts a condition on another table into one on this one,
    `beside` brings in what the order is taken from; `permission` is what it takes to use it."""

    kind: Kind
    column: ColumnElement[Any]
    order: ColumnElement[Any] | None = None  # not NULL, and typed as the kind
    filterable: bool = True
    through: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None
    beside: Callable[[FromClause], FromClause] | None = None
    permission: str | None = None


def sortable(
    kind: Kind,
    column: Any,
    *,
    order: Any = None,
    filterable: bool = True,
    permission: str | None = None,
) -> Field:
    """A field to sort by; rows without a value come first when the smallest does."""
    if order is None:
        order = func.coalesce(column, kind.value.least) if column.nullable else column
    return Field(kind, column, order=order, filterable=filterable, permission=permission)


Shape = tuple[tuple[str, int, str], ...]  # field, operator, and the word of an ISNULL
Order = tuple[tuple[str, bool], ...]  # field, descending


class Filter(NamedTuple):
    """Conditions, read."""

    shape: Shape
    values: dict[str, Any]


class Fields:
    """What a list can be filtered and sorted by, as the public API spells it."""

    def __init__(
        self, fields: Mapping[str, Field], *, custom: ColumnElement[Any] | None = None
    ) -> None:
        """`custom` is the column that holds the values of custom fields."""
        self._fields = fields
        self._custom = custom

    def without(self, *names: str) -> "Fields":
        """The same, less some."""
        kept = {key: field for key, field in self._fields.items() if key not in names}
        return Fields(kept, custom=self._custom)

    def plus(self, **fields: Field) -> "Fields":
        """The same, and more."""
        return Fields({**self._fields, **fields}, custom=self._custom)

    def allows(self, name: str) -> bool:
        """Whether the caller may know what is in a field."""
        field = self._fields.get(name)
        return field is None or field.permission is None or caller_may(field.permission)

    def expect_allowed(self, names: Iterable[str]) -> None:
        """Also a filter or an order tells what is in a field. Raises PermissionMissing."""
        for name in names:
            if not self.allows(name):
                said = f"Your role does not allow to see “{name}”."
                raise PermissionMissing(said, permission=str(self._fields[name].permission))

    def read(self, conditions: Sequence[pb.Condition], types: Types | None = None) -> Filter:
        """`types` are those of the custom fields that are named, see custom_filters.types_for.

        Raises FieldNotFilterable, OperatorNotSupported, ValueInvalid, PermissionMissing.
        """
        if len(conditions) > MAX_CONDITIONS:
            raise ValueInvalid(f"At most {MAX_CONDITIONS} conditions.")
        shape, values = [], dict[str, Any]()
        for number, condition in enumerate(conditions):
            name, kind = self._meant(condition.field, types or {})
            word, value = _read(condition, kind)
            shape.append((name, int(condition.operator), word))
            if isinstance(value, InCurrency):
                value, values[f"m{number}"] = value
            if not word:
                values[f"v{number}"] = value
            if name.startswith(_CUSTOM):
                values[f"c{number}"] = condition.field.removeprefix(FILTER_PREFIX)
        return Filter(tuple(shape), values)

    def clauses(self, shape: Shape) -> list[ColumnElement[bool]]:
        """The conditions of a shape; their values are the parameters v0, v1, …"""
        return [
            self._clause(name, operator, word, number)
            for number, (name, operator, word) in enumerate(shape)
        ]

    def read_order(self, keys: Sequence[pb.SortKey]) -> Order:
        """Raises FieldNotSortable, PermissionMissing."""
        if len(keys) > MAX_SORT_KEYS:
            raise FieldNotSortable(f"At most {MAX_SORT_KEYS} fields to sort by.")
        for key in keys:
            if key.field not in self._fields or self._fields[key.field].order is None:
                raise FieldNotSortable(
                    f"There is no order by “{key.field[:50]}”.",
                    fields={key.field[:50]: "This field cannot be sorted by."},
                )
        self.expect_allowed(key.field for key in keys)
        return tuple((key.field, key.descending) for key in keys)

    def order_of(self, name: str) -> ColumnElement[Any]:
        """What is compared when the list is sorted by a field."""
        order = self._fields[name].order
        assert order is not None  # read_order has seen to it
        return order

    def ordered(self, table: FromClause, order: Order) -> FromClause:
        """The table with what it is sorted by."""
        for name in dict.fromkeys(name for name, _ in order):
            if beside := self._fields[name].beside:
                table = beside(table)
        return table

    def type_of(self, name: str) -> Any:
        """The SQL type of what is compared."""
        return self._fields[name].kind.value.sql

    def revived(self, name: str, key: Any) -> Any:
        """A value of the order as the driver wants it, from a token that holds dates as text."""
        is_date = self._fields[name].kind is Kind.DATE
        return date.fromisoformat(key) if is_date else key

    def _meant(self, name: str, types: Types) -> tuple[str, Kind]:
        """What a shape calls a field, and what its values are."""
        field = self._fields.get(name)
        if field is not None and field.filterable:
            self.expect_allowed([name])
            return name, field.kind
        type = types.get(name.removeprefix(FILTER_PREFIX))
        if type is None or self._custom is None or not name.startswith(FILTER_PREFIX):
            raise FieldNotFilterable(
                f"There is no filter by “{name[:50]}”.",
                fields={name[:50]: "This field cannot be filtered by."},
            )
        return f"{_CUSTOM}{type}", custom_column(type, self._custom, "").kind

    def _clause(self, name: str, operator: int, word: str, number: int) -> ColumnElement[bool]:
        value = f"v{number}"
        if name.startswith(_CUSTOM):
            type = FieldType(name.removeprefix(_CUSTOM))
            compared = type is FieldType.MONEY and not word
            currency = f"m{number}" if compared else ""
            custom = custom_column(type, self._custom, f"c{number}", currency=currency)
            return comparison(custom.kind, custom.column, operator, word, value)
        field = self._fields[name]
        clause = comparison(field.kind, field.column, operator, word, value)
        return clause if field.through is None else field.through(clause)


def beyond(
    keys: Sequence[tuple[ColumnElement[Any], ColumnElement[Any], bool]],
) -> ColumnElement[bool]:
    """Rows behind a place: (expression, its value there, descending), most important first.

    In one direction it is a comparison of rows, which an index can begin at.
    """
    if len({descending for _, _, descending in keys}) == 1:
        row, place = tuple_(*(key[0] for key in keys)), tuple_(*(key[1] for key in keys))
        return row < place if keys[0][2] else row > place
    ways: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for here, there, descending in keys:
        ways.append(and_(*equal, here < there if descending else here > there))
        equal.append(here == there)
    return or_(*ways)


def _read(condition: pb.Condition, kind: Kind) -> tuple[str, Any]:
    operator = condition.operator
    if operator not in kind.value.operators:
        raise OperatorNotSupported(
            f"“{condition.field}” cannot be compared like that.",
            fields={condition.field: "This comparison is not supported."},
        )
    try:
        return value_of(kind, operator, list(condition.values), most=MAX_VALUES)
    except (ValueError, KeyError, ArithmeticError):
        raise ValueInvalid(
            f"The value for “{condition.field}” cannot be read.",
            fields={condition.field: looks(kind, operator, most=MAX_VALUES)},
        ) from None
