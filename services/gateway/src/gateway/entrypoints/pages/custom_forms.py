"""Custom fields in forms: what they hold as text, and what was typed as values."""

from collections.abc import Mapping, Sequence
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from google.protobuf.struct_pb2 import Struct

from freelanceflow.crm.v1.field_service_pb2 import CustomField
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.filters import CUSTOM
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import Values, read_money
from gateway.entrypoints.pages.rendering import Viewer
from kit.errors import InvalidInput

CURRENCY = "__currency"  # behind the name of a money field's input
OPTION = "__"  # between the name of a field and an option that can be ticked


def custom_inputs(
    fields: Sequence[CustomField], record: Any, formats: Formats, viewer: Viewer
) -> Values:
    """What a record's custom fields hold, as the inputs show it."""
    values = Values()
    held = dict(record.custom_fields.items())
    for field in fields:
        name, value = CUSTOM + field.key, held.get(field.key)
        if value is None:
            continue
        match field.type:
            case "money":
                amount = _money(value, viewer)
                values[name], values[name + CURRENCY] = (
                    formats.money_input(amount),
                    amount.currency_code,
                )
            case "checkbox":
                values[name] = "1" if value else ""
            case "multi_select":
                values |= {f"{name}{OPTION}{option}": "1" for option in _texts(value)}
            case "number" if isinstance(value, float):
                values[name] = formats.number_input(value)
            case _:
                values[name] = str(value)
    return values


def read_custom(
    fields: Sequence[CustomField], values: Mapping[str, str], viewer: Viewer
) -> dict[str, Any]:
    """What was typed, for every field; None takes a value away. Raises InvalidInput."""
    return {field.key: _read(field, values, viewer) for field in fields}


def differing(
    fields: Sequence[CustomField], typed: Mapping[str, str], theirs: Mapping[str, str]
) -> list[CustomField]:
    """The fields whose inputs hold something else in one than in the other."""
    return [field for field in fields if _inputs(field, typed) != _inputs(field, theirs)]


def into_struct(values: Mapping[str, Any]) -> Struct:
    """For a message's custom_fields."""
    struct = Struct()
    struct.update(values)
    return struct


def custom_labels(fields: Sequence[CustomField]) -> dict[str, str]:
    """What fields are called, by the names of their inputs."""
    return {CUSTOM + field.key: field.name for field in fields}


def _inputs(field: CustomField, values: Mapping[str, str]) -> dict[str, str]:
    name = CUSTOM + field.key
    if field.type == "money" and not values.get(name):
        return {}  # a currency alone is no amount
    return {
        key: text
        for key, text in values.items()
        if text and (key == name or key.startswith(name + OPTION))
    }


def _read(field: CustomField, values: Mapping[str, str], viewer: Viewer) -> Any:
    name = CUSTOM + field.key
    match field.type:
        case "multi_select":
            option = name + OPTION
            ticked = [key for key, said in values.items() if key.startswith(option) and said]
            return [key.removeprefix(option) for key in ticked] or None
        case "checkbox":
            return True if values.get(name) else None
    text = values.get(name, "")
    if not text:
        return None
    match field.type:
        case "number":
            return _number(text, viewer, name)
        case "money":
            currency = values.get(name + CURRENCY) or viewer.currency_code
            amount = read_money(text, currency, viewer, name)
            assert amount is not None  # the text is not empty
            return {"amount_minor": amount.amount_minor, "currency": currency}
    return text


def _number(text: str, viewer: Viewer, name: str) -> float:
    """As the viewer writes numbers, else with a point: 1.234 is a thousand and more in German."""
    try:
        if any(letter.isalpha() for letter in text):
            raise ValueError("a number holds no letters")
        try:
            return float(parse_decimal(text, locale=viewer.locale.replace("-", "_"), strict=True))
        except NumberFormatError:
            return float(text)
    except ValueError:
        raise InvalidInput("", fields={name: "Enter a number."}) from None


def _money(value: Any, viewer: Viewer) -> Money:
    parts: dict[str, Any] = dict(value.items()) if isinstance(value, Struct) else {}
    return Money(
        amount_minor=int(parts.get("amount_minor") or 0),
        currency_code=str(parts.get("currency") or viewer.currency_code),
    )


def _texts(value: Any) -> list[str]:
    return [] if isinstance(value, str | float | bool) else [str(item) for item in value]
