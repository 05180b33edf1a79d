"""Whose records are seen: a token's word comes back as it was; nothing is seen by mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kit.database import OWNERS_IN_SIGHT, Statement
from kit.ids import new_id
from kit.sight import EVERYTHING, Sight, current_sight, seeing

SIGHTS = st.builds(Sight, st.none() | st.lists(st.uuids(), max_size=50, unique=True).map(tuple))


@given(SIGHTS)
def test_a_sight_comes_back_from_claim_and_setting(sight: Sight) -> None:
    assert Sight.of_claim(sight.claim) == sight
    assert Sight.of_setting(sight.setting) == sight
    assert len(sight.claim) < 1_200  # it travels in a cookie


@pytest.mark.parametrize("claim", ["everything", "*", "AAAA", "all all"])
def test_what_is_no_claim_is_refused(claim: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Sight.of_claim(claim)


def test_who_sees_some_does_not_see_what_is_nobodys() -> None:
    one, other = new_id(), new_id()
    sight = Sight((one,))
    assert (sight.sees(one), sight.sees(other), sight.sees(None)) == (True, False, False)
    assert EVERYTHING.sees(None)
    assert not Sight.of_claim("").sees(one)


def test_a_statement_asks_for_the_sight_itself() -> None:
    statement = Statement(select(OWNERS_IN_SIGHT.is_(None)))
    assert list(statement.arguments({})) == [None]
    with seeing(Sight((new_id(),))):
        assert list(statement.arguments({})) == [current_sight.get().owners]
    assert list(statement.arguments({})) == [None]
