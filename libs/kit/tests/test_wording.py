"""Amounts and levels in words: one way for all who write them."""

import pytest

from kit.money import Money
from kit.wording import MoneyStyle, level_in_words, locale_of, money_in_words


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


@pytest.mark.parametrize(
    ("level", "evidence", "words"),
    [
        ("high", "prior", "perhaps high"),
        ("low", "low", "perhaps low"),
        ("high", "medium", "high"),
        ("high", "", "high"),
        ("watch", "low", "watch"),
    ],
)
def test_a_level_that_rests_on_little_is_not_said_as_if_it_were_known(
    level: str, evidence: str, words: str
) -> None:
    assert level_in_words(level, evidence) == words
