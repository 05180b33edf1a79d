"""What changed between two states of a record, in words."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from crm.domain.activity import ActivityUpdated
from crm.domain.client import ClientUpdated
from crm.domain.deal import Change


def changes_of(fact: ClientUpdated | ActivityUpdated) -> list[Change]:
    """Field by field, before and after, as the public API spells the fields."""
    after = fact.client if isinstance(fact, ClientUpdated) else fact.activity
    return [
        Change(field, in_words(_value(fact.before, field)), in_words(_value(after, field)))
        for field in fact.changed_fields
    ]


def _value(state: Any, field: str) -> Any:
    name = field if state is None or hasattr(state, field) else field.removesuffix("_id")
    return getattr(state, name, None)


def in_words(value: Any) -> str:
    """As a person reads it; things that have a name by their name."""
    match value:
        case None:
            return ""
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat(timespec="minutes")
        case date():
            return value.isoformat()
        case str():
            return value
        case Mapping():
            return ", ".join(f"{key}: {in_words(item)}" for key, item in sorted(value.items()))
        case Iterable():
            return ", ".join(in_words(item) for item in value)
    return str(getattr(value, "name", value))
