"""Which passwords are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.errors import PasswordTooCommon, PasswordTooLong, PasswordTooShort
from auth.domain.password import LONGEST, SHORTEST, check_password
from kit.errors import DomainError


def check(password: str) -> None:
    check_password(password, email="mira.okafor@studio.example", name="Mira Okafor")


@pytest.mark.parametrize(
    "password",
    [
        "seven green herons cross the weir",
        "纸船漂过安静的运河与七座石桥",
        "pÄsswörter sind eine plage",
        "x7#Lq!9vTz@2",
    ],
)
def test_length_and_surprise_are_enough(password: str) -> None:
    check(password)


def test_short_and_endless_ones_are_refused() -> None:
    with pytest.raises(PasswordTooShort):
        check("elevenchars")
    with pytest.raises(PasswordTooLong):
        check("a long one " * 12)


@pytest.mark.parametrize(
    "password",
    [
        "password12345678",
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "freelanceflow123",
        "Mira.Okafor.2026",
        "QwertyQwerty1234",
        "iloveyou iloveyou",
        "abcdefghijklmnop",
    ],
)
def test_first_guesses_are_refused(password: str) -> None:
    with pytest.raises(PasswordTooCommon):
        check(password)


@given(st.text(min_size=0, max_size=200))
def test_anything_is_taken_or_refused_for_a_stated_reason(password: str) -> None:
    try:
        check(password)
        reason = ""
    except DomainError as refusal:
        reason = refusal.reason if "password" in refusal.fields else "unexplained"
    if len(password) < SHORTEST:
        assert reason == "PASSWORD_TOO_SHORT"
    elif len(password) > LONGEST:
        assert reason == "PASSWORD_TOO_LONG"
    else:
        assert reason in ("", "PASSWORD_TOO_COMMON")
