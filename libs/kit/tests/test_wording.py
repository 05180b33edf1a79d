"""Amounts in words: one way for all who write them."""

import pytest

from kit.money import Money
from kit.wording import MoneyStyle, locale_of, money_in_words


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "style", "words"),
    [
        (500_000, "EUR", "en", "exact", "€5,000"),
        (500_050, "EUR", "en", "exact", "€5,000.50"),
        (500_050, "EUR", "en", "whole", "€5,000"),
        (500_050, "EUR", "en", "short", "€5,000"),
        (123_456_789, "EUR", "en", "short", "€1.2M"),
        (123_456_700, "EUR", "en", "whole", "€1,234,567"),
        (500_000, "EUR", "de", "exact", "5.000\u00a0€"),
        (1_250_000, "JPY", "en", "exact", "¥1,250,000"),
        (-500_000, "USD", "en", "exact", "-$5,000"),
        (500_000, "EUR", "no such thing", "exact", "€5,000"),
        (500_000, "EUR", "", "exact", "€5,000"),
    ],
)
def test_an_amount_reads_as_its_language_writes_it(
    minor: int, currency: str, locale: str, style: MoneyStyle, words: str
) -> None:
    assert money_in_words(Money(minor, currency), locale_of(locale), style) == words
