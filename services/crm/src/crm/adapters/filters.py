"""Filters and orders of lists: what the wire names, as typed conditions of a query.

A filter has a shape (fields and operators) and values. Queries are built per shape and kept; the
values go in as parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    tuple_,
)

from freelanceflow.type.v1 import filter_pb2 as pb
from kit.errors import DomainError, ErrorKind

MAX_CONDITIONS, MAX_VALUES, MAX_SORT_KEYS, MAX_TEXT = 20, 100, 3, 500


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


def _text(text: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise ValueError
    return text


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


EQUAL = {pb.OPERATOR_EQ, pb.OPERATOR_NE, pb.OPERATOR_IN}
ORDERED = {pb.OPERATOR_LT, pb.OPERATOR_LTE, pb.OPERATOR_GT, pb.OPERATOR_GTE}
CONTAINS, ISNULL = {pb.OPERATOR_CONTAINS}, {pb.OPERATOR_ISNULL}


class _Type(NamedTuple):
    sql: Any
    read: Callable[[str], Any]
    operators: set[pb.Operator.ValueType]
    # Stands for “no value” in an order, before all values. The second day of all times, because
    # asyncpg takes the first one for -infinity.
    least: ColumnElement[Any] | None


class Kind(Enum):
    """What the values of a field are."""

    TEXT = _Type(Text(), _text, EQUAL | CONTAINS | ISNULL, literal_column("''", Text()))
    CHOICE = _Type(Text(), _text, EQUAL, None)
    ID = _Type(Uuid(), UUID, EQUAL | ISNULL, None)
    INTEGER = _Type(
        BigInteger(), _integer, EQUAL | ORDERED | ISNULL, literal_column("-1", BigInteger())
    )
    DATE = _Type(
        Date(), date.fromisoformat, EQUAL | ORDERED | ISNULL, literal_column("'0001-01-02'", Date())
    )
    INSTANT = _Type(
        DateTime(timezone=True),
        _instant,
        EQUAL | ORDERED | ISNULL,
        literal_column("'0001-01-02T00:00:00Z'::timestamptz", DateTime(timezone=True)),
    )
    TAGS = _Type(Text(), _text, CONTAINS | ISNULL, None)


@dataclass(frozen=True)
class Field:
    """One field of a list. `through` puts a condition on another table into one on this one."""

    kind: Kind
    column: ColumnElement[Any]
    order: ColumnElement[Any] | None = None  # not NULL, and typed as the kind
    filterable: bool = True
    through: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None


def sortable(kind: Kind, column: Any, *, order: Any = None, filterable: bool = True) -> Field:
    """A field to sort by; rows without a value come first when the smallest does."""
    if order is None:
        order = func.coalesce(column, kind.value.least) if column.nullable else column
    return Field(kind, column, order=order, filterable=filterable)


Shape = tuple[tuple[str, int, str], ...]  # field, operator, and the word of an ISNULL
Order = tuple[tuple[str, bool], ...]  # field, descending


class Filter(NamedTuple):
    """Conditions, read."""

    shape: Shape
    values: dict[str, Any]


class Fields:
    """What a list can be filtered and sorted by, as the public API spells it."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields

    def without(self, *names: str) -> "Fields":
        """The same, less some."""
        return Fields({key: field for key, field in self._fields.items() if key not in names})

    def plus(self, **fields: Field) -> "Fields":
        """The same, and more."""
        return Fields({**self._fields, **fields})

    def read(self, conditions: Sequence[pb.Condition]) -> Filter:
        """Raises FieldNotFilterable, OperatorNotSupported, ValueInvalid."""
        if len(conditions) > MAX_CONDITIONS:
            raise ValueInvalid(f"At most {MAX_CONDITIONS} conditions.")
        shape, values = [], {}
        for number, condition in enumerate(conditions):
            field = self._fields.get(condition.field)
            if field is None or not field.filterable:
                raise FieldNotFilterable(
                    f"There is no filter by “{condition.field[:50]}”.",
                    fields={condition.field[:50]: "This field cannot be filtered by."},
                )
            word, value = _read(condition, field.kind)
            shape.append((condition.field, int(condition.operator), word))
            if not word:
                values[f"v{number}"] = value
        return Filter(tuple(shape), values)

    def clauses(self, shape: Shape) -> list[ColumnElement[bool]]:
        """The conditions of a shape; their values are the parameters v0, v1, …"""
        return [
            _clause(self._fields[name], operator, word, f"v{number}")
            for number, (name, operator, word) in enumerate(shape)
        ]

    def read_order(self, keys: Sequence[pb.SortKey]) -> Order:
        """Raises FieldNotSortable."""
        if len(keys) > MAX_SORT_KEYS:
            raise FieldNotSortable(f"At most {MAX_SORT_KEYS} fields to sort by.")
        for key in keys:
            if key.field not in self._fields or self._fields[key.field].order is None:
                raise FieldNotSortable(
                    f"There is no order by “{key.field[:50]}”.",
                    fields={key.field[:50]: "This field cannot be sorted by."},
                )
        return tuple((key.field, key.descending) for key in keys)

    def order_of(self, name: str) -> ColumnElement[Any]:
        """What is compared when the list is sorted by a field."""
        order = self._fields[name].order
        assert order is not None  # read_order has seen to it
        return order

    def type_of(self, name: str) -> Any:
        """The SQL type of what is compared."""
        return self._fields[name].kind.value.sql

    def revived(self, name: str, key: Any) -> Any:
        """A value of the order as the driver wants it, from a token that holds dates as text."""
        is_date = self._fields[name].kind is Kind.DATE
        return date.fromisoformat(key) if is_date else key


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
    operator, texts, type_ = condition.operator, condition.values, kind.value
    if operator not in type_.operators:
        raise OperatorNotSupported(
            f"“{condition.field}” cannot be compared like that.",
            fields={condition.field: "This comparison is not supported."},
        )
    try:
        if operator == pb.OPERATOR_IN:
            if not 1 <= len(texts) <= MAX_VALUES:
                raise ValueError
            return "", [type_.read(text) for text in texts]
        (text,) = texts
        if operator == pb.OPERATOR_ISNULL:
            return {"true": "none", "false": "some"}[text], None
        value = type_.read(text)
    except (ValueError, KeyError):
        raise ValueInvalid(
            f"The value for “{condition.field}” cannot be read.",
            fields={condition.field: "This value cannot be read."},
        ) from None
    if operator == pb.OPERATOR_CONTAINS and kind is Kind.TEXT:
        value = f"%{_escaped(value)}%"
    return "", value


def _clause(field: Field, operator: int, word: str, name: str) -> ColumnElement[bool]:
    clause = _comparison(field, operator, word, name)
    return clause if field.through is None else field.through(clause)


def _comparison(field: Field, operator: int, word: str, name: str) -> ColumnElement[bool]:
    column, sql = field.column, field.kind.value.sql
    value = bindparam(name, type_=sql)
    match operator:
        case pb.OPERATOR_EQ:
            return column == value
        case pb.OPERATOR_NE:
            return column.is_distinct_from(value)
        case pb.OPERATOR_LT:
            return column < value
        case pb.OPERATOR_LTE:
            return column <= value
        case pb.OPERATOR_GT:
            return column > value
        case pb.OPERATOR_GTE:
            return column >= value
        case pb.OPERATOR_IN:
            return column == func.any(bindparam(name, type_=ARRAY(sql)))
        case pb.OPERATOR_CONTAINS if field.kind is Kind.TAGS:
            return value == func.any(column)
        case pb.OPERATOR_CONTAINS:
            return column.ilike(value)
    assert operator == pb.OPERATOR_ISNULL
    return _has_none(field) if word == "none" else ~_has_none(field)


def _has_none(field: Field) -> ColumnElement[bool]:
    match field.kind:
        case Kind.TEXT:
            return func.coalesce(field.column, literal_column("''")) == literal_column("''")
        case Kind.TAGS:
            return func.cardinality(field.column) == literal_column("0")
    return field.column.is_(None)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
