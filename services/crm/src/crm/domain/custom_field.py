"""Fields that a workspace adds to its clients and deals, and what they can hold."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypedDict
from urllib.parse import urlsplit
from uuid import UUID

from crm.domain.entries import MAX_AMOUNT, Entry
from crm.domain.setting_errors import FieldHasChanged, FieldNameTaken, FieldsTooMany
from kit.aggregate import Aggregate, Fact
from kit.money import is_currency

FILTER_PREFIX = "cf_"  # before the key of a custom field, wherever a filter names it
MAX_FIELDS, MAX_FIELD_NAME = 50, 50
MAX_OPTIONS, MAX_OPTION, MAX_KEY = 100, 100, 40
MAX_VALUE, MAX_URL, MAX_NUMBER = 1000, 500, 10**15


class FieldType(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    URL = "url"
    CHECKBOX = "checkbox"


class Resource(StrEnum):
    """Whose fields they are."""

    CLIENTS = "clients"
    DEALS = "deals"


_WITH_OPTIONS = (FieldType.SELECT, FieldType.MULTI_SELECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldState:
    """All of a custom field at one moment."""

    resource: Resource
    key: str
    name: str
    type: FieldType
    options: Sequence[str]
    position: int


class FieldEdit(TypedDict, total=False):
    """What a person may change in a custom field."""

    name: str
    options: Sequence[str]
    position: int


@dataclass(frozen=True, kw_only=True)
class CustomFieldChanged(Fact):
    """A custom field came to be, is another one or is gone."""

    field: FieldState
    before: FieldState | None = None
    removed: bool = False


@dataclass(eq=False, kw_only=True)
class CustomField(Aggregate):
    """Loaded and saved by adapters/custom_fields.py."""

    state: FieldState
    removed: bool = False

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        resource: Resource,
        type: FieldType,
        edit: FieldEdit,
        beside: Sequence["CustomField"],
        at: datetime,
        by: UUID,
    ) -> "CustomField":
        """A new field behind the others. Raises EntryRefused, FieldNameTaken, FieldsTooMany."""
        offered = [field for field in beside if not field.removed]
        if len(offered) >= MAX_FIELDS:
            raise FieldsTooMany(f"At most {MAX_FIELDS} fields.")
        blank = FieldState(
            resource=resource, key="", name="", type=type, options=(), position=len(offered)
        )
        edit = {"options": (), **edit, "name": edit.get("name", ""), "position": len(offered)}
        state = _edited(blank, edit)
        state = replace(state, key=_key(state.name, {field.state.key for field in beside}))
        field = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        expect_names_apart([*offered, field])
        field.tell(CustomFieldChanged(aggregate_id=id, version=1, at=at, by=by, field=state))
        return field

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise FieldHasChanged("The field was changed meanwhile.", current=str(self.version))

    def edit(self, edit: FieldEdit, *, at: datetime, by: UUID) -> bool:
        """Take other values; answers whether there is anything to tell. Raises EntryRefused."""
        before, self.state = self.state, _edited(self.state, edit)
        if self.state != before:
            self._tell(before, at=at, by=by)
        return self.state != before

    def remove(self, *, at: datetime, by: UUID) -> None:
        """Be gone; what records hold stays there, unseen."""
        self.removed = True
        self._tell(self.state, at=at, by=by)

    def _tell(self, before: FieldState, *, at: datetime, by: UUID) -> None:
        self.tell(
            CustomFieldChanged(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                field=self.state,
                before=before,
                removed=self.removed,
            )
        )


def expect_names_apart(fields: Sequence[CustomField]) -> None:
    """Raises FieldNameTaken."""
    names = [field.state.name.lower() for field in fields if not field.removed]
    if len(set(names)) < len(names):
        raise FieldNameTaken(
            "There is a field of this name already.", fields={"name": "This name is taken."}
        )


def clean_values(
    entry: Entry,
    fields: Mapping[str, FieldState],
    values: Mapping[str, Any],
    held: Mapping[str, Any],
) -> dict[str, Any]:
    """What was entered for custom fields, by key; None takes a value away.

    What the record holds already may stay, also when it is not offered any more.
    """
    clean: dict[str, Any] = {}
    for key, value in values.items():
        where, field = f"custom_fields.{key[:MAX_KEY]}", fields.get(key)
        if field is None:
            entry.refuse(where, "FIELD_UNKNOWN", "There is no such field.")
        elif value is None or value == "" or value == []:
            clean[key] = None
        elif (problem := problem_with(_offering(field, held.get(key)), value)) is not None:
            entry.refuse(where, "FIELD_INVALID", problem)
        else:
            clean[key] = value.strip() if isinstance(value, str) else value
    return clean


def _offering(field: FieldState, held: Any) -> FieldState:
    more = held if isinstance(held, list) else [held] if isinstance(held, str) else []
    return replace(field, options=(*field.options, *more))


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A record's values after some were set and others taken away."""
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def problem_with(field: FieldState, value: Any) -> str | None:
    """What is wrong with a value, in words."""
    match field.type:
        case FieldType.NUMBER:
            return None if _is_number(value) else "Enter a number."
        case FieldType.MONEY:
            return None if _is_money(value) else "An amount in minor units and its currency."
        case FieldType.CHECKBOX:
            return None if isinstance(value, bool) else "Say yes or no."
        case FieldType.MULTI_SELECT:
            fits = isinstance(value, list) and all(item in field.options for item in value)
            apart = fits and len(set(value)) == len(value)
            return None if apart else "Choose among the options, each once."
    if not isinstance(value, str) or "\0" in value or len(value) > MAX_VALUE:
        return f"Enter a text of at most {MAX_VALUE} characters."
    match field.type:
        case FieldType.SELECT:
            return None if value in field.options else "Choose one of the options."
        case FieldType.DATE:
            return None if _is_date(value) else "This is no date; write YYYY-MM-DD."
        case FieldType.URL:
            return None if _is_url(value) else "An address that begins with https:// or http://."
    return None


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value) and abs(value) <= MAX_NUMBER


def _is_money(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"amount_minor", "currency"}:
        return False
    amount, currency = value["amount_minor"], value["currency"]
    return type(amount) is int and abs(amount) <= MAX_AMOUNT and is_currency(str(currency))


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value  # weeks are read as well
    except ValueError:
        return False


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    safe = value.isprintable() and len(value) <= MAX_URL
    return safe and parts.scheme in ("http", "https") and bool(parts.hostname)


def _key(name: str, taken: set[str]) -> str:
    """The name in small letters and underscores; a number behind it where there is one already."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_KEY].strip("_") or "field"
    number, key = 1, base
    while key in taken:
        number += 1
        key = f"{base}_{number}"
    return key


def _edited(state: FieldState, edit: FieldEdit) -> FieldState:
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "name" in edit:
        clean["name"] = entry.text("name", edit["name"], limit=MAX_FIELD_NAME, needed=True)
    if "options" in edit:
        options = entry.texts("options", edit["options"], limit=MAX_OPTION, at_most=MAX_OPTIONS)
        if state.type in _WITH_OPTIONS and not options:
            entry.refuse("options", "OPTIONS_MISSING", "Enter what can be chosen.")
        clean["options"] = options if state.type in _WITH_OPTIONS else ()
    if edit.get("position", 0) < 0:
        entry.refuse("position", "POSITION_INVALID", "A place from 0.")
    entry.done()
    return replace(state, **clean)
