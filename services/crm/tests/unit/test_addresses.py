"""Addresses and numbers in their one form."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from crm.adapters.regions import region_of
from crm.domain.addresses import normal_email, normal_phone, normal_website


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ann@Acme.CH", "ann@acme.ch"),
        ("Ännchen@Müller.de", "ännchen@müller.de"),
        ("hello@acme.example", "hello@acme.example"),
        ("a@b", None),
        ("a b@acme.ch", None),
        ("a@acme..ch", None),
    ],
)
def test_an_address_has_one_form(typed: str, kept: str | None) -> None:
    assert normal_email(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("030 1234567", "+49 30 1234567"),
        ("+49 (30) 123-4567", "+49 30 1234567"),
        ("0049 30 1234567", "+49 30 1234567"),
        ("030 1234567 ext. 12", "+49 30 1234567 ext. 12"),
        ("+41 44 668 18 00", "+41 44 668 18 00"),
        ("110 99 88 77 66 55 44 33 22 11", "110 99 88 77 66 55 44 33 22 11"),
        ("12", None),
        ("ask Tom", None),
    ],
)
def test_a_number_has_one_form(typed: str, kept: str | None) -> None:
    assert normal_phone(typed, "DE") == kept


def test_without_a_country_a_number_stays_as_it_was_typed() -> None:
    assert normal_phone("030  1234567", "") == "030 1234567"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("acme.ch", "https://acme.ch"),
        ("http://acme.ch/about", "http://acme.ch/about"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("acme", None),
        ("https://[", None),
    ],
)
def test_a_website_can_be_opened(typed: str, kept: str | None) -> None:
    assert normal_website(typed) == kept


@given(st.text(max_size=50))
def test_the_one_form_is_its_own(text: str) -> None:
    for normal in (normal_email, normal_website, lambda typed: normal_phone(typed, "DE")):
        kept = normal(text)
        assert kept is None or normal(kept) == kept


names = st.text(st.sampled_from("aZ9._+-'ä@ "), max_size=70)
domains = st.one_of(
    st.sampled_from(["acme.ch", "ACME.ch", "müller.de", "localhost", "a.test", "[1.2.3.4]", ""]),
    st.text(st.sampled_from("a9.-"), max_size=12),
)


@given(names, domains)
def test_whoever_shares_a_domain_is_read_by_the_same_rules(name: str, domain: str) -> None:
    text = f"{name}@{domain}"
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        assert normal_email(text) is None
    else:
        assert normal_email(text) == found.normalized.lower()


def test_a_time_zone_lies_in_a_country() -> None:
    assert [region_of(zone) for zone in ("Europe/Zurich", "UTC", "")] == ["CH", "", ""]
