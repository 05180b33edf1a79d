"""Messages as keyword arguments: which fields are meant, and their values in our own types."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from crm.domain.entries import Amount
from crm.domain.errors import EntryRefused, ETagMissing, Problem
from freelanceflow.type.v1 import money_pb2
from kit.clock import from_timestamp
from kit.errors import DomainError, ErrorKind
from kit.ids import parse_id
from kit.years import FIRST_YEAR, LAST_YEAR, is_plausible

YEAR_UNLIKELY = f"Check the year: it lies between {FIRST_YEAR} and {LAST_YEAR}."


class FieldNotWritable(DomainError):
    """The mask names something that cannot be written, or that is not there."""

    kind, reason = ErrorKind.INVALID, "FIELD_NOT_WRITABLE"


def meant(message: Message, mask: FieldMask | None, writable: Collection[str]) -> list[str]:
    """The fields to take from a message: those of the mask, or else the populated ones.

    Raises FieldNotWritable.
    """
    if mask is None or not mask.paths:
        return [field.name for field, _ in message.ListFields() if field.name in writable]
    for path in mask.paths:
        if path not in writable:
            raise FieldNotWritable(
                f"“{path[:100]}” cannot be changed.",
                fields={path[:100]: "This field cannot be changed."},
            )
    return list(dict.fromkeys(mask.paths))


class Edit(NamedTuple):
    """Values by the domain's names, and ids by theirs: what these stand for is looked up."""

    values: Any  # one of the domain's TypedDicts, by its reader
    ids: dict[str, UUID | None]


def edit_of(
    message: Message,
    fields: Iterable[str],
    *,
    ids: Mapping[str, str],
    readers: Mapping[str, Callable[[Any, str], Any]],
) -> Edit:
    """Read the meant fields. `ids` maps a field like client_id to the domain's client.

    An emptied id is the value None.
    """
    edit = Edit({}, dict.fromkeys(ids))
    for field in fields:
        value = getattr(message, field)
        if field in ids:
            edit.ids[field] = optional_id(value, field)
            if not value:
                edit.values[ids[field]] = None
        elif field in readers:
            name = FIELD_TO_DOMAIN.get(field, field)
            edit.values[name] = readers[field](message, field)
        else:
            edit.values[field] = value
    return edit


FIELD_TO_DOMAIN = {"due_time": "due_at", "remind_time": "remind_at"}


def needed_etag(text: str) -> str:
    """The state a change was decided on. Raises ETagMissing."""
    if not text:
        raise ETagMissing("Say which state this was decided on.", fields={"etag": "Is missing."})
    return text


def optional_id(text: str, field: str) -> UUID | None:
    """An id, or None for an empty one. Raises InvalidInput."""
    return parse_id(text, field) if text else None


def read_amount(message: Any, field: str) -> Amount | None:
    """Money as it was entered; an absent one is None."""
    if not message.HasField(field):
        return None
    value: money_pb2.Money = getattr(message, field)
    return Amount(value.amount_minor, value.currency_code)


def read_date(message: Any, field: str) -> date | None:
    """A civil date. Raises EntryRefused."""
    text: str = getattr(message, field)
    if not text:
        return None
    try:
        if len(text) != len("YYYY-MM-DD"):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise EntryRefused(
            [Problem(field, "DATE_INVALID", "This is no date; write YYYY-MM-DD.")]
        ) from None
    if not is_plausible(day):
        raise EntryRefused([Problem(field, "DATE_INVALID", YEAR_UNLIKELY)])
    return day


def read_instant(message: Any, field: str) -> datetime | None:
    """An instant. Raises EntryRefused."""
    if not message.HasField(field):
        return None
    value: Timestamp = getattr(message, field)
    try:
        at = from_timestamp(value)
    except OverflowError:
        raise EntryRefused([Problem(field, "TIME_INVALID", "This is no time.")]) from None
    if not is_plausible(at):
        raise EntryRefused([Problem(field, "TIME_INVALID", YEAR_UNLIKELY)])
    return at


def read_list(message: Any, field: str) -> tuple[str, ...]:
    """Repeated texts."""
    return tuple(getattr(message, field))


def read_struct(message: Any, field: str) -> dict[str, Any]:
    """Values by name."""
    value: Struct = getattr(message, field)
    return {name: _plain(item) for name, item in value.fields.items()}


def _plain(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number: float = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            return {name: _plain(item) for name, item in value.struct_value.fields.items()}
    return None
