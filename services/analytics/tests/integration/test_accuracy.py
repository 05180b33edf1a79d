"""What was said is kept and judged; a past that was brought along is replayed, and called so."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from analytics.application.replaying import PARTS
from kit.testing.database import ServiceDatabase
from services.analytics.tests.factories import NOON, Told
from services.analytics.tests.scoring import replayed, scored, tell
from services.analytics.tests.studio import story

STOP = datetime(2023, 9, 15, 6, tzinfo=UTC)


async def accuracies(
    database: ServiceDatabase, workspace: UUID
) -> dict[tuple[str, str], dict[str, Any]]:
    rows = await database.owner.fetch("SELECT * FROM accuracies WHERE workspace_id = $1", workspace)
    return {(row["subject"], row["source"]): dict(row) for row in rows}


async def test_a_past_is_replayed_and_said_to_be_a_back_test(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await tell(database, workspace, story(workspace, 3, clients=40).until(STOP))
    await scored(database, workspace, STOP, refit=True)
    assert await accuracies(database, workspace) == {}
    assert await replayed(database, workspace, STOP) == {"parts": len(PARTS)}
    found = await accuracies(database, workspace)
    assert found.keys() == {
        ("win", "backtest"),
        ("churn", "backtest"),
        ("forecast:won_value", "backtest"),
        ("forecast:deals_won", "backtest"),
        ("forecast:pipeline_value", "backtest"),
    }
    win = found["win", "backtest"]
    assert win["brier"] < 1.03 * win["base_brier"]
    assert sum(step["n"] for step in win["bins"]) == win["n"] > 30
    assert win["words"].startswith("Back-test on your own past, never shown to you")
    assert win["last_on"] < STOP.date()
    months = found["forecast:won_value", "backtest"]
    assert 0.5 < months["coverage80"] <= 1
    assert {step["month"] for step in months["by_month"]} <= {
        f"2023-{m:02}-01" for m in range(1, 9)
    }


async def test_a_replay_makes_room_and_goes_on_where_it_was_left(
    database: ServiceDatabase, workspace: UUID
) -> None:
    async def somebody_waits() -> bool:
        return True

    await tell(database, workspace, story(workspace, 3, clients=40).until(STOP))
    await scored(database, workspace, STOP, refit=True)
    for part in range(1, len(PARTS) + 1):
        assert await replayed(database, workspace, STOP, somebody_waits) == {"parts": part}
    in_parts = await accuracies(database, workspace)
    assert await replayed(database, workspace, STOP) == {"parts": 0}  # once a month is enough
    again = "UPDATE rescoring SET backtested_on = NULL WHERE workspace_id = $1"
    await database.owner.execute(again, workspace)
    await scored(database, workspace, STOP, refit=True)
    await replayed(database, workspace, STOP)
    assert await accuracies(database, workspace) == in_parts  # said once, not twice


async def test_a_past_is_replayed_as_soon_as_there_is_one(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    await tell(database, workspace, crm.created(at=NOON).events)
    same_month, next_day = NOON + timedelta(days=3), NOON + timedelta(days=4)
    await scored(database, workspace, same_month, refit=True)
    assert await replayed(database, workspace, same_month) == {"parts": 0}
    await tell(database, workspace, crm.created(at=NOON - timedelta(days=90)).events)  # imported
    await scored(database, workspace, next_day, refit=True)
    assert await replayed(database, workspace, next_day) == {"parts": len(PARTS)}


async def test_what_was_shown_is_judged_when_the_end_is_known(
    database: ServiceDatabase, workspace: UUID
) -> None:
    past = story(workspace, 3, clients=40)
    await tell(database, workspace, past.until(STOP))
    await scored(database, workspace, STOP, refit=True)
    said = "SELECT kind, outcome FROM said_odds WHERE workspace_id = $1 AND source = 'published'"
    before = await database.owner.fetch(said, workspace)
    assert {row["kind"] for row in before} == {"win", "churn"}
    assert {row["outcome"] for row in before} == {None}

    later = STOP + timedelta(days=100)
    await tell(database, workspace, past.until(later))
    await scored(database, workspace, later, refit=True)
    found = await accuracies(database, workspace)
    win, churn = found["win", "published"], found["churn", "published"]
    judged = await database.owner.fetch(
        """
        SELECT s.probability, d.stage_type = 'won' AS won FROM said_odds s
        JOIN deals d USING (workspace_id) WHERE s.workspace_id = $1 AND d.deal_id = s.subject_id
            AND s.source = 'published' AND s.kind = 'win' AND d.closed_at IS NOT NULL""",
        workspace,
    )
    brier = sum((row["probability"] - row["won"]) ** 2 for row in judged) / len(judged)
    assert win["brier"] == pytest.approx(brier)
    assert churn["n"] == sum(row["kind"] == "churn" for row in before)
    shown = found["forecast:won_value", "published"]
    assert [step["month"] for step in shown["by_month"]] == [
        "2023-09-01",
        "2023-10-01",
        "2023-11-01",
    ]
