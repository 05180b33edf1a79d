"""What the values of a field are: how they are read, and how they are compared."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Numeric,
    Text,
    Uuid,
    bindparam,
    func,
    literal_column,
    or_,
)

from freelanceflow.type.v1 import filter_pb2 as pb
from kit.money import is_currency

MAX_TEXT, MAX_DIGITS = 500, 50


def _text(text: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise ValueError
    return text


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _number(text: str) -> Decimal:
    number = Decimal(text)
    # A power of ten as large as 1e999999 is short to write, and too long for the database.
    if not number.is_finite() or max(len(text), abs(number.adjusted())) > MAX_DIGITS:
        raise ValueError
    return number


class InCurrency(NamedTuple):
    """An amount in minor units, or several, of one currency; of the workspace's if none is said."""

    amount: Any
    currency: str | None


def _money(text: str) -> InCurrency:
    number, _, currency = text.partition(" ")
    if currency and not is_currency(currency):
        raise ValueError
    return InCurrency(_number(number), currency or None)


def _share(text: str) -> float:
    return float(_number(text))


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


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
    least: ColumnElement[Any] | None = None


class Kind(Enum):
    """What the values of a field are."""

    TEXT = _Type(Text(), _text, EQUAL | CONTAINS | ISNULL, literal_column("''", Text()))
    CHOICE = _Type(Text(), _text, EQUAL)
    OPTION = _Type(Text(), _text, EQUAL | ISNULL)  # a choice that can be left open
    ID = _Type(Uuid(), UUID, EQUAL | ISNULL)
    INTEGER = _Type(
        BigInteger(), _integer, EQUAL | ORDERED | ISNULL, literal_column("-1", BigInteger())
    )
    NUMBER = _Type(Numeric(), _number, EQUAL | ORDERED | ISNULL)
    # Read as InCurrency, compared as the number that the amount is in that currency.
    MONEY = _Type(Numeric(), _money, EQUAL | ORDERED | ISNULL)
    SHARE = _Type(Double(), _share, ORDERED | ISNULL, literal_column("'-1'::float8", Double()))
    DATE = _Type(
        Date(), date.fromisoformat, EQUAL | ORDERED | ISNULL, literal_column("'0001-01-02'", Date())
    )
    # A date that is kept as text; written YYYY-MM-DD its order is that of the days.
    DAY = _Type(Text(), _day, EQUAL | ORDERED | ISNULL)
    INSTANT = _Type(
        DateTime(timezone=True),
        _instant,
        EQUAL | ORDERED | ISNULL,
        literal_column("'0001-01-02T00:00:00Z'::timestamptz", DateTime(timezone=True)),
    )
    FLAG = _Type(Boolean(), _flag, {pb.OPERATOR_EQ, pb.OPERATOR_NE})
    # Several texts: equal means that it is among them, in that any of the given ones is.
    TAGS = _Type(Text(), _text, EQUAL | CONTAINS | ISNULL)
    CHOICES = _Type(Text(), _text, EQUAL | CONTAINS | ISNULL)  # the same in a JSON array


_LOOKS = {
    Kind.ID: "the id of a record",
    Kind.INTEGER: "a whole number, such as 12",
    Kind.NUMBER: "a number, such as 12.5",
    Kind.MONEY: "an amount in minor units, such as 1250 or 1250 EUR",
    Kind.SHARE: "a share, such as 0.4",
    Kind.DATE: "a date, such as 2026-04-30",
    Kind.DAY: "a date, such as 2026-04-30",
    Kind.INSTANT: "a time with its zone, such as 2026-04-30T14:00:00Z",
    Kind.FLAG: "true or false",
}


def looks(kind: Kind, operator: int, *, most: int) -> str:
    """How a value has to be written, for whoever wrote one that cannot be read."""
    if operator == pb.OPERATOR_ISNULL:
        return "Write true or false."
    each = _LOOKS.get(kind, f"a text of {MAX_TEXT} characters at most")
    several = f"; 1 to {most} of them" if operator == pb.OPERATOR_IN else ""
    return f"Write {each}{several}."


def value_of(kind: Kind, operator: int, texts: list[str], *, most: int) -> tuple[str, Any]:
    """The word of an ISNULL, or the value. Raises ValueError, KeyError, ArithmeticError."""
    read = kind.value.read
    if operator == pb.OPERATOR_IN:
        if not 1 <= len(texts) <= most:
            raise ValueError
        several = [read(text) for text in texts]
        return "", _of_one_currency(several) if kind is Kind.MONEY else several
    (text,) = texts
    if operator == pb.OPERATOR_ISNULL:
        return {"true": "none", "false": "some"}[text], None
    value = read(text)
    if operator == pb.OPERATOR_CONTAINS and kind is Kind.TEXT:
        value = f"%{_escaped(value)}%"
    return "", value


def _of_one_currency(given: list[InCurrency]) -> InCurrency:
    currencies = {one.currency for one in given}
    if len(currencies) > 1:
        raise ValueError
    return InCurrency([one.amount for one in given], currencies.pop())


def comparison(
    kind: Kind, column: ColumnElement[Any], operator: int, word: str, name: str
) -> ColumnElement[bool]:
    """The column compared with the parameter of that name."""
    if operator == pb.OPERATOR_ISNULL:
        none = _has_none(kind, column)
        return none if word == "none" else ~none
    if kind in (Kind.TAGS, Kind.CHOICES):
        return _membership(kind, column, operator, name)
    value = bindparam(name, type_=kind.value.sql)
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
            return column == func.any(bindparam(name, type_=ARRAY(kind.value.sql)))
    assert operator == pb.OPERATOR_CONTAINS
    return column.ilike(value)


def _membership(
    kind: Kind, column: ColumnElement[Any], operator: int, name: str
) -> ColumnElement[bool]:
    one, several = bindparam(name, type_=Text()), bindparam(name, type_=ARRAY(Text()))
    found: ColumnElement[bool]
    if operator == pb.OPERATOR_IN:
        if kind is Kind.TAGS:
            return column.op("&&", is_comparison=True)(several)
        return func.jsonb_exists_any(column, several)
    found = one == func.any(column) if kind is Kind.TAGS else func.jsonb_exists(column, one)
    return or_(column.is_(None), ~found) if operator == pb.OPERATOR_NE else found


def _has_none(kind: Kind, column: ColumnElement[Any]) -> ColumnElement[bool]:
    match kind:
        case Kind.TEXT:
            return func.coalesce(column, literal_column("''")) == literal_column("''")
        case Kind.TAGS:
            return func.cardinality(column) == literal_column("0")
        case Kind.CHOICES:
            empty: ColumnElement[Any] = literal_column("'[]'::jsonb")
            return func.coalesce(column, empty) == empty
    return column.is_(None)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
