"""Amounts, chances and levels as people read them, on pages, in mails, documents and calendars."""

from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_compact_currency, format_currency, format_percent

from kit.money import Money

DEFAULT_LOCALE = "en"
_COMPACT_FROM = 1_000_000
# exact: cents where there are any; whole: never; short: whole, and from a million on as €1.2M.
MoneyStyle = Literal["exact", "whole", "short"]


@lru_cache(maxsize=64)
def locale_of(tag: str) -> Locale:
    """How a language writes; English where it is not known."""
    try:
        return Locale.parse(tag or DEFAULT_LOCALE, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE)


@lru_cache(maxsize=4096)
def money_in_words(money: Money, locale: Locale, style: MoneyStyle = "exact") -> str:
    """An amount; whole ones are written without decimal places."""
    amount = money.amount
    if style == "short" and abs(amount) >= _COMPACT_FROM:
        return format_compact_currency(amount, money.currency, locale=locale, fraction_digits=1)
    if style != "exact":
        amount = amount.to_integral_value()
    has_cents = amount != amount.to_integral_value()
    pattern = None if has_cents else _without_cents(locale)
    return format_currency(
        amount, money.currency, format=pattern, locale=locale, currency_digits=has_cents
    )


def chance_in_words(share: float, locale: Locale) -> str:
    """A share of what is never certain: nothing says 0 % or 100 % of it."""
    said: str = format_percent(min(max(share, 0.01), 0.99), "#,##0%", locale=locale)
    if share > 0.99:
        return f"over {said}"
    return f"under {said}" if share < 0.01 else said


def level_in_words(level: str, evidence: str) -> str:
    """A level of risk. One that rests on next to nothing, such as that of somebody who has bought
    once, is not said as if it were known; to watch somebody claims nothing."""
    return f"perhaps {level}" if evidence in ("prior", "low") and level != "watch" else level


@lru_cache(maxsize=64)
def _without_cents(locale: Locale) -> str:
    pattern: str = locale.currency_formats["standard"].pattern
    return pattern.replace(".00", "")
