"""Values of custom fields as typed columns: what filters compare."""

from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Numeric,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from crm.adapters.filter_kinds import Kind
from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import workspaces
from crm.domain.custom_field import FieldType
from crm.domain.stage import DEFAULT_CURRENCY


class Custom(NamedTuple):
    """A value of a custom field, and how it is compared."""

    kind: Kind
    column: ColumnElement[Any]


def custom_column(type: FieldType, values: Any, key: str, *, currency: str = "") -> Custom:
    """The value under the parameter `key` in a column of JSON objects; what is of another type
    than the field, and so cannot be meant, is no value. Nor is, where a parameter `currency` says
    in which one amounts are compared, an amount in another.
    """
    name = bindparam(key, type_=Text())
    value = values.op("->", return_type=JSONB())(name)
    text = values.op("->>", return_type=Text())(name)
    match type:
        case FieldType.NUMBER:
            return Custom(Kind.NUMBER, _number(value))
        case FieldType.MONEY:
            minor = value.op("->", return_type=JSONB())(literal_column("'amount_minor'"))
            amount = _number(minor)
            if currency:
                said = value.op("->>", return_type=Text())(literal_column("'currency'"))
                amount = case((said == _meant(currency), amount))
            return Custom(Kind.MONEY, amount)
        case FieldType.DATE:
            return Custom(Kind.DAY, text.collate("C"))
        case FieldType.SELECT:
            return Custom(Kind.OPTION, text)
        case FieldType.MULTI_SELECT:
            return Custom(Kind.CHOICES, value)
        case FieldType.CHECKBOX:
            is_true = value == literal_column("'true'::jsonb")
            return Custom(
                Kind.FLAG, func.coalesce(is_true, literal_column("false"), type_=Boolean())
            )
    return Custom(Kind.TEXT, text)


def _number(value: ColumnElement[Any]) -> ColumnElement[Any]:
    is_number = func.jsonb_typeof(value) == literal_column("'number'")
    return case((is_number, cast(value, Numeric())))


def _meant(currency: str) -> ColumnElement[Any]:
    """The parameter, or else what the workspace adds up in."""
    own = select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE)
    usual: ColumnElement[str] = literal_column(f"'{DEFAULT_CURRENCY}'")
    return func.coalesce(bindparam(currency, type_=Text()), own.scalar_subquery(), usual)
