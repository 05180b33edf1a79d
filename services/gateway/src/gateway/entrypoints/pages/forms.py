"""Plain forms: read what was typed, and say what is wrong with it beside the field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from babel.numbers import NumberFormatError, get_currency_symbol, parse_decimal
from starlette.requests import Request

from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.filters import CUSTOM
from gateway.entrypoints.pages.rendering import Viewer
from gateway.entrypoints.pages.sent import note_sent
from kit.errors import DomainError, ErrorKind, InvalidInput
from kit.money import currencies, parse

ADDED_BEFORE = "Was added before, as you first sent it:"
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
# What forms offer first.
USUAL_CURRENCIES = (
    *("EUR", "USD", "GBP", "CHF", "SEK", "NOK"),
    *("DKK", "PLN", "CZK", "JPY", "AUD", "CAD"),
)


class Values(dict[str, str]):
    """What a form holds; a field that was not sent is empty."""

    def __missing__(self, name: str) -> str:
        return ""


class Unclear(InvalidInput):
    """Names that may mean several records, or none. By field: what to say, and who may be meant."""

    def __init__(self, fields: Mapping[str, str], choices: Mapping[str, Sequence[Any]]) -> None:
        super().__init__("", fields=fields)
        self.choices = choices

    @classmethod
    def of(cls, doubts: Iterable["Unclear"]) -> "Unclear":
        """Those of several fields."""
        fields: dict[str, str] = {}
        choices: dict[str, Sequence[Any]] = {}
        for doubt in doubts:
            fields |= doubt.fields
            choices |= doubt.choices
        return cls(fields, choices)


@dataclass(slots=True)
class Errors:
    """What a form is shown again with."""

    message: str = ""
    fields: Values = field(default_factory=Values)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # who may be meant, by field
    refused: int = 422  # the status if there is anything wrong

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows them."""
        return self.refused if self.message or self.fields else 200


async def values_of(request: Request) -> Values:
    """The text fields of a form, without blanks around them.

    Where it cannot be carried out, the page that says so offers to send it again.
    """
    form = await request.form()
    note_sent(request, form.multi_items())
    return Values({name: text.strip() for name, text in form.items() if isinstance(text, str)})


def content_key(values: Values, content: bytes = b"") -> str:
    """The form's own id for just this content: sent again it is the same, otherwise another one."""
    sent = content or urlencode(sorted(values.items())).encode()
    return sha256(values["request_id"].encode() + sent).hexdigest() if values["request_id"] else ""


def added_before(refusal: DomainError) -> str:
    """The id of what a form has added already: its answer was lost, and it is sent again otherwise.

    There is nothing to correct in it, and a second record is not what is meant.
    """
    return refusal.details.get("first_id", "") if refusal.reason == KEY_REUSED else ""


def errors_of(refusal: DomainError, names: Mapping[str, str]) -> Errors:
    """A refusal in the form's own field names. Raises it again when a form cannot help."""
    if refusal.kind not in (ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.DUPLICATE):
        raise refusal
    fields = Values()
    for name, text in refusal.fields.items():
        top, _, rest = name.partition(".")
        usual = f"{CUSTOM}{rest}" if top == "custom_fields" else top
        fields[names.get(name, names.get(top, usual))] = text
    choices = refusal.choices if isinstance(refusal, Unclear) else {}
    return Errors("" if fields else refusal.message, fields, choices)


def read_money(text: str, currency: str, viewer: Viewer, field_name: str) -> Money | None:
    """An amount as the viewer writes numbers, perhaps with the currency's own sign; None for an
    empty field. Raises InvalidInput.
    """
    if not text:
        return None
    locale = viewer.locale.replace("-", "_")
    text = _without_sign(text, currency, locale)
    try:
        if any(letter.isalpha() for letter in text):
            raise ValueError("an amount holds no letters")  # 1e9 would be one
        plain = _plain(parse_decimal(text, locale=locale, strict=True))
    except (NumberFormatError, ValueError):
        plain = text
    amount = parse(plain, currency, field=field_name)
    if amount.amount_minor < 0:
        raise InvalidInput("", fields={field_name: "Enter an amount that is not negative."})
    return Money(currency_code=currency, amount_minor=amount.amount_minor)


def _without_sign(text: str, currency: str, locale: str) -> str:
    """As it is copied from an invoice: “€1,200” or “1.200 EUR”. Another currency's sign stays."""
    symbol = get_currency_symbol(currency, locale)
    for sign in (currency, symbol, "$" if symbol.endswith("$") else ""):
        if sign and text.startswith(sign) != text.endswith(sign):
            return text.removeprefix(sign).removesuffix(sign).strip()
    return text


def _plain(number: Decimal) -> str:
    return format(number, "f")


def currency_options(*first: str) -> list[tuple[str, str]]:
    """Every currency: those that come first here, the usual ones, then the others."""
    in_order = (*filter(None, first), *USUAL_CURRENCIES, *currencies())
    return [(code, code) for code in dict.fromkeys(in_order)]


def options(items: Any) -> list[tuple[str, str]]:
    """(id, name) pairs for a select."""
    return [(item.id, item.name) for item in items]
