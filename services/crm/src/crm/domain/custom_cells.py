"""Cells of an import that go into custom fields."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from crm.domain.custom_field import FILTER_PREFIX, FieldState, FieldType, problem_with
from crm.domain.entries import Entry
from crm.domain.imports import Row
from crm.domain.notations import IN_WORDS, Notation, plain_amount, read_date
from kit.errors import InvalidInput
from kit.money import parse

YES = frozenset({"yes", "y", "true", "1", "x", "done", "completed", "ja", "oui", "si", "sí"})
NO = frozenset({"", "no", "n", "false", "0", "open", "to do", "nein", "non"})
_BETWEEN = re.compile(r"[;|\n]"), re.compile(r"[;|\n,]")


class CustomCells:
    """Reads the cells of a row that go into custom fields; the workspace's currency is usual."""

    def __init__(
        self,
        fields: Mapping[str, FieldState],
        *,
        currency: str,
        zone: tzinfo,
        notation: Notation,
    ) -> None:
        self._fields = fields
        self._currency = currency
        self._zone = zone
        self._notation = notation

    def read(self, entry: Entry, row: Row) -> dict[str, Any]:
        """Values by key; what cannot be read is refused under the column's own field."""
        values: dict[str, Any] = {}
        for key, field in self._fields.items():
            name = f"{FILTER_PREFIX}{key}"
            text = row[name]
            if not text:
                continue
            try:
                value = self._value(field, text)
            except ValueError as problem:
                entry.refuse(name, "FIELD_INVALID", str(problem))
                continue
            if (said := problem_with(field, value)) is not None:
                entry.refuse(name, "FIELD_INVALID", f"“{text[:40]}”: {said}")
                continue
            values[key] = value
        return values

    def _value(self, field: FieldState, text: str) -> Any:
        match field.type:
            case FieldType.NUMBER:
                return self._number(text)
            case FieldType.MONEY:
                return self._money(text)
            case FieldType.DATE:
                return self._day(text)
            case FieldType.CHECKBOX:
                return _flag(text)
            case FieldType.SELECT:
                return _option(field, text)
            case FieldType.MULTI_SELECT:
                return _options(field, text)
        return text

    def _number(self, text: str) -> float | int:
        try:
            plain = plain_amount(text, self._notation.mark)
        except ValueError:
            raise ValueError(f"“{text[:40]}” is no number.") from None
        number = float(plain.number)
        return int(number) if number.is_integer() else number

    def _money(self, text: str) -> dict[str, Any]:
        try:
            plain = plain_amount(text, self._notation.mark)
            money = parse(plain.number, plain.currency or self._currency)
        except InvalidInput as error:
            raise ValueError(" ".join(error.fields.values())) from None
        except ValueError:
            raise ValueError(f"“{text[:40]}” is no amount.") from None
        return {"amount_minor": money.amount_minor, "currency": money.currency}

    def _day(self, text: str) -> str:
        try:
            at = read_date(text, self._notation.order)
        except (ValueError, OverflowError):
            order = IN_WORDS[self._notation.order]
            said = f"“{text[:40]}” is no date ({order}); YYYY-MM-DD always works."
            raise ValueError(said) from None
        return (at.astimezone(self._zone) if at.tzinfo else at).date().isoformat()


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in YES and word not in NO:
        raise ValueError(f"“{text[:40]}” is neither yes nor no.")
    return word in YES


def _option(field: FieldState, text: str) -> str:
    wanted = text.strip().lower()
    found = next((option for option in field.options if option.lower() == wanted), None)
    if found is None:
        raise ValueError(f"“{text[:40]}” is none of the options.")
    return found


def _options(field: FieldState, text: str) -> list[str]:
    """Options with something between them; one of them may hold a comma itself."""
    for between in _BETWEEN:
        parts = [part for part in between.split(text) if part.strip()]
        try:
            return list(dict.fromkeys(_option(field, part) for part in parts))
        except ValueError:
            if between is _BETWEEN[-1]:
                raise
    return []
