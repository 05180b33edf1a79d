"""What people type about themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.errors import (
    CurrencyUnknown,
    EmailInvalid,
    LocaleUnknown,
    NameMissing,
    TimeZoneUnknown,
)
from auth.domain.names import (
    known_currency,
    known_locale,
    known_time_zone,
    normal_email,
    normal_name,
)


def test_an_address_has_one_form() -> None:
    assert normal_email("  Mira@Studio.EXAMPLE ") == "mira@studio.example"
    assert normal_email("INFO@STRAẞE.example") == normal_email("info@xn--strae-oqa.example")
    assert normal_email("info@straße.example") != normal_email("info@strasse.example")
    assert normal_email("ſam@studio.example") != normal_email("sam@studio.example")


@pytest.mark.parametrize(
    "text", ["", "mira", "mira@", "@studio.example", "a b@c.example", "x\n@y.z"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(EmailInvalid) as refusal:
        normal_email(text)
    assert "email" in refusal.value.fields


@given(st.emails())
def test_the_form_of_an_address_is_its_own_form(text: str) -> None:
    try:
        once = normal_email(text)
    except EmailInvalid:
        return
    assert normal_email(once) == once


def test_names_are_folded_and_bounded() -> None:
    assert normal_name("  Mira \t Okafor\n") == "Mira Okafor"
    for text in ("", "   ", "x" * 201):
        with pytest.raises(NameMissing):
            normal_name(text)


def test_codes_are_known_or_refused() -> None:
    assert known_currency("CHF") == "CHF"
    assert known_time_zone("America/Sao_Paulo") == "America/Sao_Paulo"
    assert known_locale("pt-BR") == "pt-BR"
    with pytest.raises(CurrencyUnknown):
        known_currency("euro")
    with pytest.raises(TimeZoneUnknown):
        known_time_zone("Europe/Atlantis")
    with pytest.raises(LocaleUnknown):
        known_locale("klingon please")
