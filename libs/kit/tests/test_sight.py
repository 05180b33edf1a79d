"""Whose records are seen: a token's word comes back as it was; nothing is seen by mistake."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Uuid, column, exists, or_, select
from sqlalchemy.sql.expression import ClauseElement

from kit.ids import new_id
from kit.sight import EVERYTHING, Sight, current_sight, seeing
from kit.statement import Statement, in_sight

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


@given(SIGHTS, SIGHTS, st.uuids())
def test_who_covers_a_sight_sees_all_of_it(wide: Sight, narrow: Sight, owner: UUID) -> None:
    assert wide.covers(wide)
    assert EVERYTHING.covers(narrow)
    if wide.covers(narrow):
        for seen in (*(narrow.owners or ()), owner, None):
            assert wide.sees(seen) or not narrow.sees(seen)
    elif narrow.owners is not None:
        assert any(not wide.sees(seen) for seen in narrow.owners)


def test_a_statement_asks_for_the_sight_itself() -> None:
    owner = column("owner_id", Uuid())
    cases: list[ClauseElement] = [
        select(owner).where(in_sight(owner)),
        select(owner).where(exists().where(or_(in_sight(owner), owner.is_(None)))),
    ]
    for clause in cases:
        statement = Statement(clause)
        with seeing(Sight((new_id(),))):
            assert list(statement.arguments({})) == [current_sight.get().owners]
            assert "owner_id = ANY ($1::UUID[])" in statement.sql
        assert list(statement.arguments({})) == []
        assert "ANY" not in statement.sql
