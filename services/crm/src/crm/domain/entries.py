"""What people and programs enter: tidied, bounded, and refused field by field."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from crm.domain.errors import EntryRefused, Problem
from kit.money import Money, is_currency

MAX_NAME = 200
MAX_TAGS, MAX_TAG = 20, 50
MAX_CUSTOM_FIELDS, MAX_CUSTOM_NAME, MAX_CUSTOM_VALUE = 50, 100, 10_000
MAX_CUSTOM_ITEMS = 100
MAX_AMOUNT = 10**13  # minor units; the sum of nine hundred thousand of them fits into a bigint


@dataclass(frozen=True, slots=True)
class Named:
    """Something else, as far as it is needed here: its id, and what to call it."""

    id: UUID
    name: str


class Amount(NamedTuple):
    """Money as it was entered: not yet known to be any."""

    amount_minor: int
    currency: str


class Entry:
    """Collects what is wrong, so that a person hears all of it at once."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def refuse(self, field: str, reason: str, message: str) -> None:
        """Note that a field cannot be taken."""
        self._problems.append(Problem(field, reason, message))

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Note what is refused inside, of fields that nothing is known to be wrong with yet."""
        try:
            yield
        except EntryRefused as refusal:
            known = {problem.field for problem in self._problems}
            self._problems += [one for one in refusal.problems if one.field not in known]

    @property
    def refused(self) -> bool:
        """Whether anything was noted."""
        return bool(self._problems)

    def done(self) -> None:
        """Raises EntryRefused if anything was noted."""
        if self._problems:
            raise EntryRefused(self._problems)

    def text(self, field: str, value: str, *, limit: int, needed: bool = False) -> str:
        """A text without blanks around it."""
        value = value.strip()
        if not value and needed:
            self.refuse(field, f"{field.upper()}_MISSING", "Enter something here.")
        if len(value) > limit:
            self.refuse(field, f"{field.upper()}_TOO_LONG", f"At most {limit} characters.")
        if "\0" in value:  # PostgreSQL stores no such text
            self.refuse(field, "TEXT_INVALID", "This text contains a character that is none.")
        return value

    def texts(
        self, field: str, values: Sequence[str], *, limit: int, at_most: int
    ) -> tuple[str, ...]:
        """Texts without repetition, empty ones left out."""
        kept = dict.fromkeys(self.text(field, value, limit=limit) for value in values)
        kept.pop("", None)
        if len(kept) > at_most:
            self.refuse(field, f"{field.upper()}_TOO_MANY", f"At most {at_most} of them.")
        return tuple(kept)

    def tags(self, values: Sequence[str], held: Sequence[str] = ()) -> tuple[str, ...]:
        """Labels. Forms, filters and files write a comma between two, so that none has one in it;
        one that is `held` already may stay."""
        kept = self.texts("tags", values, limit=MAX_TAG, at_most=MAX_TAGS)
        if any("," in tag for tag in kept if tag not in held):
            self.refuse("tags", "TAGS_WITH_COMMA", "A tag has no comma in it.")
        return kept

    def money(self, amount_minor: int, currency: str) -> Money | None:
        """An amount that is not negative."""
        if not is_currency(currency):
            self.refuse("amount.currency", "CURRENCY_UNKNOWN", "Use an ISO 4217 code such as EUR.")
        elif not 0 <= amount_minor <= MAX_AMOUNT:
            self.refuse(
                "amount", "AMOUNT_INVALID", "An amount is not negative, and not that large."
            )
        else:
            return Money(amount_minor, currency)
        return None

    def custom_fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by name: texts, numbers, booleans, or lists of these."""
        if len(values) > MAX_CUSTOM_FIELDS:
            self.refuse("custom_fields", "FIELDS_TOO_MANY", f"At most {MAX_CUSTOM_FIELDS} of them.")
        for name, value in values.items():
            if not name or len(name) > MAX_CUSTOM_NAME or not _is_plain(value) or "\0" in name:
                self.refuse(
                    f"custom_fields.{name[:MAX_CUSTOM_NAME]}",
                    "FIELD_INVALID",
                    "A text, a number, an amount, yes or no, or a list of texts.",
                )
        return dict(values)


def _is_plain(value: Any) -> bool:
    match value:
        case None | bool() | int() | float():
            return True
        case str():
            return len(value) <= MAX_CUSTOM_VALUE and "\0" not in value
        case list():
            return len(value) <= MAX_CUSTOM_ITEMS and not any(
                isinstance(item, list | dict) or not _is_plain(item) for item in value
            )
        case {"amount_minor": int(), "currency": str(), **rest}:
            return not rest
    return False
