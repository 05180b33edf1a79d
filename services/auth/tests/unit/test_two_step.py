"""Codes: right for a moment, and once."""

from datetime import UTC, datetime, timedelta

import pyotp
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.two_step import DRIFT, STEP, new_recovery_codes, new_seed, normal_code, step_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def code_at(at: datetime, seed: str = SEED) -> str:
    return str(pyotp.TOTP(seed).at(at))


def test_it_is_the_code_of_the_standard() -> None:
    """RFC 6238, appendix B, cut to six digits."""
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        at = datetime.fromtimestamp(seconds, UTC)
        assert step_of(SEED, code, at, after=0) == seconds // STEP


@given(st.integers(-200, 200))
def test_a_code_is_right_beside_its_step_and_nowhere_else(seconds: int) -> None:
    at = NOON + timedelta(seconds=seconds)
    near = abs(int(at.timestamp()) // STEP - int(NOON.timestamp()) // STEP) <= DRIFT
    assert (step_of(SEED, code_at(NOON), at, after=0) is not None) == near


@given(st.integers(-1, 1), st.integers(-1, 1))
def test_no_code_lets_in_after_itself_or_a_later_one(used: int, shown: int) -> None:
    last = step_of(SEED, code_at(NOON + timedelta(seconds=STEP * used)), NOON, after=0)
    assert last is not None
    code = code_at(NOON + timedelta(seconds=STEP * shown))
    assert (step_of(SEED, code, NOON, after=last) is not None) == (shown > used)


def test_seeds_and_codes_on_paper_are_all_different() -> None:
    assert len({new_seed() for _ in range(50)}) == 50
    codes = new_recovery_codes()
    assert len(set(codes)) == len(codes) == 10
    assert normal_code(f" {codes[0].upper()} ") == codes[0]
    assert normal_code("123 456") == "123456"
