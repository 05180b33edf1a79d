"""A deal by itself: its rules, and the stage machine under anything that can happen to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crm.domain.deal import (
    Deal,
    DealCreated,
    DealDeleted,
    DealFact,
    DealMoved,
    DealReordered,
    DealUpdated,
)
from crm.domain.entries import Amount, Named
from crm.domain.errors import DealHasChanged, EntryRefused, LostReasonMissing
from crm.domain.stage import DEFAULT_STAGES, Stage, StageType
from kit.ids import new_id
from kit.money import Money

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
STAGES = [Stage(new_id(), t.name, t.type, t.rotting_days) for t in DEFAULT_STAGES]
OPEN, _, _, WON, LOST = STAGES
PRICE = Named(new_id(), "Price")
ME = new_id()


def make_deal(**over: Any) -> Deal:
    usual: dict[str, Any] = {
        "edit": {"name": "Website"},
        "stage": OPEN,
        "position": "a0",
        "at": NINE,
        "by": ME,
    }
    return Deal.create(new_id(), new_id(), **usual | over)


def test_a_move_tells_where_from_and_how_long() -> None:
    deal = make_deal()
    deal.take_facts()
    deal.move_to(WON, "a1", at=NINE + timedelta(days=3), by=ME, by_name="Ann")
    (fact,) = deal.take_facts()
    assert isinstance(fact, DealMoved)
    assert (fact.days_in_stage, fact.before.stage, fact.deal.stage) == (3.0, OPEN, WON)
    assert (fact.version, fact.by_name) == (2, "Ann")
    assert fact.deal.closed_at == fact.at


def test_a_deal_is_lost_for_a_reason_and_forgets_it_when_it_comes_back() -> None:
    deal = make_deal()
    with pytest.raises(LostReasonMissing):
        deal.move_to(LOST, "a1", at=NINE, by=ME)
    assert deal.state.stage is OPEN
    deal.move_to(LOST, "a1", at=NINE, by=ME, lost_reason=PRICE)
    assert deal.state.lost_reason is PRICE
    deal.move_to(LOST, "a2", at=NINE, by=ME)  # within the column nothing is lost anew
    deal.move_to(OPEN, "a1", at=NINE, by=ME, lost_reason=PRICE)
    assert [deal.state.lost_reason, deal.state.closed_at] == [None, None]


def test_a_decision_on_an_older_state_is_refused() -> None:
    deal = make_deal()
    deal.expect("1")
    for etag in ("2", "", "01", "x"):
        with pytest.raises(DealHasChanged) as refusal:
            deal.expect(etag)
        assert refusal.value.details == {"current": "1"}


def test_an_edit_tells_what_changed_in_words() -> None:
    deal = make_deal(edit={"name": "Website", "amount": Amount(100, "EUR"), "tags": ["a"]})
    deal.take_facts()
    deal.edit(
        {
            "name": "Shop",
            "amount": Amount(250, "EUR"),
            "tags": [" a ", "", "a"],
            "owner": Named(ME, "Ann"),
            "custom_fields": {"size": 3},
        },
        at=NINE,
        by=ME,
    )
    (fact,) = deal.take_facts()
    assert isinstance(fact, DealUpdated)
    assert [tuple(change) for change in fact.changes] == [
        ("name", "Website", "Shop"),
        ("amount", "1.00 EUR", "2.50 EUR"),
        ("owner_id", "", "Ann"),
        ("custom_fields", "", "size: 3"),
    ]
    assert deal.state.amount == Money(250, "EUR")
    deal.edit({"name": "Shop"}, at=NINE + timedelta(days=1), by=ME)
    assert (deal.take_facts(), deal.state.updated_at) == ([], NINE)


def test_an_edit_that_is_refused_changes_nothing() -> None:
    deal = make_deal()
    before = deal.state
    with pytest.raises(EntryRefused) as refusal:
        deal.edit(
            {
                "name": "",
                "source": "x" * 101,
                "next_step": "x" * 501,
                "external_id": "x" * 201,
                "custom_fields": {"": 1, "deep": {"a": 1}, "long": "x" * 10_001},
            },
            at=NINE,
            by=ME,
        )
    assert refusal.value.reason == "NAME_MISSING"
    assert len(refusal.value.fields) == 7
    assert deal.state is before


@pytest.mark.parametrize("values", [{str(n): 1 for n in range(51)}, {"a": [["b"]]}, {"a": ["\0"]}])
def test_custom_fields_are_plain_and_not_many(values: dict[str, Any]) -> None:
    with pytest.raises(EntryRefused):
        make_deal(edit={"name": "x", "custom_fields": values})


def test_an_imported_deal_has_a_past() -> None:
    arrived = NINE + timedelta(days=5)
    common: dict[str, Any] = {
        "edit": {"name": "x"},
        "first": OPEN,
        "position": "a0",
        "created_at": NINE,
        "entered_at": arrived,
        "lost_reason": None,
    }
    lost = Deal.imported(new_id(), new_id(), stage=LOST, **common)
    created, moved = lost.take_facts()
    assert isinstance(created, DealCreated)
    assert isinstance(moved, DealMoved)
    assert (created.deal.stage, created.at, created.by) == (OPEN, NINE, None)
    assert (moved.at, moved.days_in_stage, moved.version, lost.version) == (arrived, 5.0, 2, 2)
    assert lost.state.lost_reason is None  # a source may not know why
    fresh = Deal.imported(new_id(), new_id(), stage=OPEN, **common)
    assert (len(fresh.take_facts()), fresh.version) == (1, 1)


def test_only_open_deals_rot() -> None:
    later = NINE + timedelta(days=31)
    assert OPEN.is_rotting(NINE, later)
    assert not OPEN.is_rotting(NINE, NINE + timedelta(days=30))
    assert not replace(OPEN, rotting_days=0).is_rotting(NINE, later)
    assert not replace(WON, rotting_days=1).is_rotting(NINE, later)


class StageMachine(RuleBasedStateMachine):
    """Whatever is done to a deal in whatever order, these things hold."""

    @initialize(stage=st.sampled_from(STAGES[:4]))
    def begin(self, stage: Stage) -> None:
        self.deal = make_deal(stage=stage)
        self.now = NINE
        self.told: list[DealFact] = []
        self._save()

    def _save(self) -> None:
        """What the unit of work does."""
        for fact in self.deal.take_facts():
            assert isinstance(fact, DealFact)
            self.told.append(fact)
            self.deal.version = fact.version

    @rule(stage=st.sampled_from(STAGES), reason=st.sampled_from([None, PRICE]))
    def move(self, stage: Stage, reason: Named | None) -> None:
        before, self.now = self.deal.state, self.now + timedelta(hours=1)
        try:
            self.deal.move_to(stage, "a5", at=self.now, by=ME, lost_reason=reason)
        except LostReasonMissing:
            assert stage is LOST
            assert reason is None
            assert before.stage is not LOST
            assert self.deal.state is before
        else:
            assert self.deal.state.stage is stage
            assert (self.deal.state.entered_stage_at == self.now) == (before.stage is not stage)
        self._save()

    @rule(name=st.text(max_size=250))
    def edit(self, name: str) -> None:
        before = self.deal.state
        try:
            self.deal.edit({"name": name}, at=self.now, by=ME)
        except EntryRefused:
            assert self.deal.state is before
        self._save()

    @rule()
    def delete(self) -> None:
        self.deal.delete(at=self.now, by=ME)
        self._save()

    @invariant()
    def holds(self) -> None:
        state = self.deal.state
        assert (state.closed_at is None) == (state.stage.type is StageType.OPEN)
        assert (state.lost_reason is not None) == (state.stage.type is StageType.LOST)
        assert state.created_at <= state.entered_stage_at <= state.updated_at
        assert 1 <= len(state.name) <= 200
        assert [fact.version for fact in self.told] == list(range(1, len(self.told) + 1))
        assert isinstance(self.told[0], DealCreated)
        assert self.told[-1].deal == state

    @invariant()
    def the_facts_are_the_whole_story(self) -> None:
        stage = self.told[0].deal.stage
        for fact in self.told:
            if isinstance(fact, DealMoved):
                assert fact.before.stage == stage != fact.deal.stage
                stage = fact.deal.stage
            else:
                assert isinstance(fact, DealCreated | DealUpdated | DealReordered | DealDeleted)
                assert fact.deal.stage == stage


TestStageMachine = StageMachine.TestCase
TestStageMachine.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
