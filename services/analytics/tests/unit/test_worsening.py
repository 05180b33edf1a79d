"""What got worse in one scoring is told to each owner once."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from analytics.domain.facts import ClientRiskChanged, DealScoreDropped
from analytics.domain.worsening import NAMED, deals_dropped, risks_risen

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORKSPACE, MIRA = uuid4(), uuid4()


def drop(owner: UUID | None, to: float) -> DealScoreDropped:
    return DealScoreDropped(
        aggregate_id=uuid4(), version=7, at=NOW, by=None, name=f"to {to}", owner_id=owner,
        before=0.9, probability=to, reason="",
    )  # fmt: skip


def change(before: str, level: str, probability: float = 0.6) -> ClientRiskChanged:
    return ClientRiskChanged(
        aggregate_id=uuid4(), version=7, at=NOW, by=None, name="A", owner_id=MIRA,
        before=before, level=level, probability=probability, evidence="high", reason="",
    )  # fmt: skip


def test_hundreds_of_falls_are_one_fact_for_each_owner() -> None:
    drops = [drop(MIRA, 0.3 + n / 1000) for n in range(300)] + [drop(None, 0.1)]
    mine, nobodys = deals_dropped(WORKSPACE, drops)
    assert (mine.owner_id, mine.count, len(mine.drops)) == (MIRA, 300, NAMED)
    assert [fall.probability for fall in mine.drops] == [0.3, 0.301, 0.302]
    assert (nobodys.owner_id, nobodys.count, mine.version) == (None, 1, 7)
    assert deals_dropped(WORKSPACE, []) == []


@pytest.mark.parametrize(
    ("before", "level", "tells"),
    [
        ("low", "watch", True),
        ("low", "high", True),
        ("watch", "critical", True),
        ("high", "critical", True),
        ("critical", "high", False),
        ("high", "low", False),
    ],
)
def test_people_are_told_of_what_got_worse(before: str, level: str, tells: bool) -> None:
    assert bool(risks_risen(WORKSPACE, [change(before, level)])) is tells


def test_the_most_likely_to_stay_away_are_named() -> None:
    changes = [change("low", "high", n / 100) for n in range(50, 70)]
    (told,) = risks_risen(WORKSPACE, [*changes, change("critical", "low", 0.1)])
    assert (told.count, [rise.probability for rise in told.rises]) == (20, [0.69, 0.68, 0.67])
