"""The pace that is served is the pace the science defines."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pandas as pd
import pytest

from analytics.adapters import condition
from analytics.application import reports
from analytics.application.scope import Asked, scope
from analytics.science.velocity import velocity
from kit.database import ReadTransaction
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from services.analytics.tests.factories import DAY, NOON, Told
from services.analytics.tests.integration.test_projection import tell


@pytest.fixture
def workspace() -> UUID:
    return new_id()


@pytest.mark.parametrize("closed", [3, 40])
async def test_served_and_computed_are_the_same(
    database: ServiceDatabase, workspace: UUID, closed: int
) -> None:
    dice, crm = random.Random(closed), Told(workspace)
    told: list[dict[str, Any]] = []
    for n in range(closed + 25):
        created = NOON - timedelta(days=dice.uniform(1, 150))
        minor = dice.randrange(1_000, 900_000)
        deal = crm.created(minor=minor, at=created)
        ended = created + timedelta(days=dice.uniform(0, 60)) if n < closed else None
        if ended is not None:
            deal.moved(dice.choice(("won", "lost")), ended)
        await tell(database, deal.events)
        kind = deal.snapshot.stage_type
        told.append(
            {
                "owner": "",
                "created": created,
                "closed": ended,
                "won": None if ended is None else float(kind == 2),
                "value": float(minor),
            }
        )
    async with ReadTransaction(database.app, workspace) as tx:
        here = await scope(
            tx, Asked(first="2026-01-01", last="2026-02-28"), me=new_id(), now=NOON + 30 * DAY
        )
        served = await reports.velocity(tx, here)
    science = velocity(pd.DataFrame(told), here.period.start, here.period.end)
    for pace, said in ((served.pace, science), (served.before, science.previous)):
        assert said is not None
        assert (pace.opportunities, pace.stalled) == (said.n, said.stalled)
        assert pace.won + pace.lost == said.closed
        if said.n:
            assert pace.mean_value_minor == pytest.approx(said.mean_value)
        if said.closed:
            assert pace.win_rate == pytest.approx(said.win_rate)
            assert pace.value_per_day_minor == pytest.approx(said.value_per_day)


@pytest.mark.parametrize("past", [False, True], ids=["now", "past"])
def test_the_ages_of_all_closed_deals_are_sorted_once(past: bool) -> None:
    """Three figures are held against their percentile; of 100,000 deals each sort takes a while."""
    assert condition.PACE[past].sql.count("percentile_cont") == 1
