"""What a scoring needs is killed -9 in the middle of it: the scores come all the same, and once.

There is so much to score that a scoring takes seconds. What ran when is read from a log that a
trigger writes: it sees every lease as it was committed.
"""

import asyncio
import csv
import io
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from analytics.application.rescoring import MANY
from freelanceflow.analytics.v1.score_events_pb2 import DealsScored
from kit.clock import SystemClock
from tests.e2e.support.api import Person, register
from tests.e2e.support.platform import Platform, until

LONG = 400.0  # seconds; a busy machine takes its time, and a lease half a minute
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
LOG = (
    "CREATE TABLE lease_log (number bigserial, at timestamptz DEFAULT clock_timestamp(), job jobs)",
    """CREATE FUNCTION log_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN INSERT INTO public.lease_log (job) VALUES (NEW); RETURN NULL; END'""",
    """CREATE TRIGGER log_lease AFTER INSERT OR UPDATE ON jobs
    FOR EACH ROW EXECUTE FUNCTION log_lease()""",
)
NO_LOG = (
    "DROP TRIGGER log_lease ON jobs",
    "DROP FUNCTION log_lease()",
    "DROP TABLE lease_log",
)
# The second part of a scoring's odds is written for seconds, and says so where it can be seen.
SLOW = (
    """CREATE FUNCTION write_slowly() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$BEGIN
        PERFORM set_config('test.part', concat(current_setting('test.part', true), '.'), true);
        IF current_setting('test.part') = '..' THEN PERFORM pg_sleep(4); END IF;
        RETURN NULL;
    END$$""",
    """CREATE TRIGGER write_slowly BEFORE INSERT ON deal_scores
    FOR EACH STATEMENT EXECUTE FUNCTION write_slowly()""",
)
NOT_SLOW = ("DROP TRIGGER write_slowly ON deal_scores", "DROP FUNCTION write_slowly()")
WRITES = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"""
# As if half a minute had passed since the worker died: for the short form only.
LEASE_IS_OVER = """
UPDATE jobs SET lease_until = now(), sent_at = now() - interval '1 hour'
WHERE workspace_id = $1::uuid AND status = 'running'"""
STANDING = """
SELECT r.due_at IS NULL AS nothing_due, r.scored_version, w.changes,
    (SELECT count(*) FROM deals d WHERE d.workspace_id = r.workspace_id) AS deals,
    (SELECT count(*) FROM jobs j WHERE j.workspace_id = r.workspace_id AND j.kind = 'rescore'
        AND j.status = 'running') AS running,
    (SELECT count(*) FROM jobs j WHERE j.workspace_id = r.workspace_id AND j.kind = 'rescore'
        AND j.status = 'queued') AS queued
FROM rescoring r JOIN workspaces w USING (workspace_id) WHERE r.workspace_id = $1::uuid"""
# A replay of the past would take minutes, and is not what is asked for here.
NO_REPLAY = """
UPDATE rescoring SET replay_due_at = NULL, replay_at = NULL WHERE workspace_id = $1::uuid"""


@dataclass(frozen=True)
class Past:
    """Two years of deals, of which so large a share has ended."""

    deals: int
    ended: float


USUAL = Past(3000, 0.7)
LARGE = Past(8000, 0.25)  # more are open than are written before all else is computed


@dataclass
class Sciences:
    """The processes with the science that were seen at one time."""

    most: int = 0


@pytest.mark.timeout(600)
async def test_a_scoring_outlives_the_death_of_all_it_needs(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    names = ("analytics-worker", "valkey", "postgres")
    async with kill_in_a_scoring(platform, http, USUAL) as scoring:
        await until(lambda: scoring.is_under_way(told=False), patience=LONG)
        await scoring.lose(names)
        await platform.rows("analytics", LEASE_IS_OVER, scoring.workspace)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("told", [False, True], ids=["before-odds-are-told", "after-it"])
@pytest.mark.parametrize("name", ["analytics-worker", "analytics", "valkey", "nats", "postgres"])
async def test_a_scoring_outlives_the_death_of_any_of_it(
    platform: Platform, http: httpx.AsyncClient, name: str, told: bool
) -> None:
    async with kill_in_a_scoring(platform, http, USUAL) as scoring:
        await until(lambda: scoring.is_under_way(told=told), patience=LONG)
        await scoring.lose([name])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["analytics-worker", "valkey", "postgres"])
async def test_a_scoring_outlives_a_death_while_many_odds_are_written(
    platform: Platform, http: httpx.AsyncClient, name: str
) -> None:
    """A part of them is written, and the rest is being computed beside it."""
    async with (
        changed(platform, SLOW, NOT_SLOW),
        kill_in_a_scoring(platform, http, LARGE) as scoring,
    ):
        await until(scoring.is_writing_many, patience=LONG)
        await scoring.lose([name])
    scored = "SELECT FROM deal_scores WHERE workspace_id = $1::uuid AND edition = 'now'"
    assert len(await platform.rows("analytics", scored, scoring.workspace)) > MANY


@dataclass(frozen=True)
class Scoring:
    """One that is to lose what it needs."""

    platform: Platform
    workspace: str
    past: Past

    async def is_under_way(self, *, told: bool) -> bool:
        """Of the whole past. `told`: its odds, which come first, are committed."""
        row = await standing(self.platform, self.workspace)
        if row is None or row["deals"] < self.past.deals or not row["running"]:
            return False
        has_told = row["scored_version"] == row["changes"]
        return bool(row["nothing_due"] and has_told == told)

    async def is_writing_many(self) -> bool:
        """The first part of its odds is written, the second one is on its way."""
        writes = await self.platform.rows("analytics", WRITES)
        return bool(writes) and await self.is_under_way(told=False)

    async def is_over(self) -> bool:
        """Nothing waits any more."""
        with suppress(*AWAY):
            row = await standing(self.platform, self.workspace)
            return bool(row and row["nothing_due"] and not row["running"] + row["queued"])
        return False

    async def lose(self, names: Sequence[str]) -> None:
        """Kill them, and wait until they are back."""
        before = [self.platform.kill(name) for name in names]
        for name, pid in zip(names, before, strict=True):
            await self.platform.until_back(name, pid)
        await self.platform.until_all_ready()


@asynccontextmanager
async def kill_in_a_scoring(
    platform: Platform, http: httpx.AsyncClient, past: Past
) -> AsyncIterator[Scoring]:
    """A scoring to kill something in; all is as it should be in the end."""
    async with changed(platform, LOG, NO_LOG), science_watched(platform) as sciences:
        person = await register(http, "Scored")
        scoring = Scoring(platform, person.workspace_id, past)
        await imported(person, past)
        yield scoring
        await until(scoring.is_over, patience=LONG)
        await platform.rows("analytics", NO_REPLAY, scoring.workspace)
        await never_two_at_a_time(platform, scoring.workspace)
    assert sciences.most == 1, "two computed at a time"
    await there_is_one_set_of_scores(platform, scoring.workspace)
    await nothing_was_told_twice(platform, scoring.workspace)
    await crm_has_the_odds(platform, scoring.workspace)


async def standing(platform: Platform, workspace: str) -> Any:
    rows = await platform.rows("analytics", STANDING, workspace)
    return rows[0] if rows else None


async def never_two_at_a_time(platform: Platform, workspace: str) -> None:
    """No job ran beside another, and none was taken from somebody whose lease still held."""
    rows = await platform.rows(
        "analytics",
        "SELECT at, (job).id, (job).status, (job).attempts, (job).lease_until, (job).error"
        " FROM lease_log WHERE (job).workspace_id = $1::uuid ORDER BY number",
        workspace,
    )
    running: dict[Any, tuple[int, datetime]] = {}
    for row in rows:
        attempt, lease = running.pop(row["id"], (0, row["at"]))
        assert row["status"] != "failed", row["error"]
        if row["status"] == "running":
            assert not running, "two jobs of a workspace at a time"
            assert attempt in (0, row["attempts"]) or lease <= row["at"], "taken from its holder"
            running[row["id"]] = (row["attempts"], row["lease_until"])


async def there_is_one_set_of_scores(platform: Platform, workspace: str) -> None:
    """Of the newest facts, with a row for each open deal."""
    row = await standing(platform, workspace)
    assert row["scored_version"] == row["changes"]
    editions = await platform.rows(
        "analytics",
        "SELECT data_version FROM editions WHERE workspace_id = $1::uuid AND edition = 'now'",
        workspace,
    )
    assert [edition["data_version"] for edition in editions] == [row["changes"]]
    scored = "SELECT deal_id FROM deal_scores WHERE workspace_id = $1::uuid AND edition = 'now'"
    opened = "SELECT deal_id FROM deals WHERE workspace_id = $1::uuid AND closed_at IS NULL"
    ids = [
        sorted(found["deal_id"] for found in await platform.rows("analytics", sql, workspace))
        for sql in (scored, opened)
    ]
    assert ids[0] == ids[1] != []
    models = await platform.rows(
        "analytics",
        "SELECT kind FROM models WHERE workspace_id = $1::uuid ORDER BY kind",
        workspace,
    )
    assert [model["kind"] for model in models] == ["churn", "win"]


async def nothing_was_told_twice(platform: Platform, workspace: str) -> None:
    """What was told of a deal again was something else."""
    rows = await platform.rows(
        "analytics",
        "SELECT body FROM outbox WHERE workspace_id = $1::uuid"
        " AND type = 'analytics.deal.v1.scored' ORDER BY number",
        workspace,
    )
    told: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for score in DealsScored.FromString(row["body"]).scores:
            told[score.deal_id].append((round(score.win_probability, 3), score.advice))
    for tellings in told.values():
        assert all(before != after for before, after in pairwise(tellings))
    said = await platform.rows(
        "analytics",
        "SELECT subject_id::text, count(*) FROM said_odds WHERE workspace_id = $1::uuid"
        " AND kind = 'win' AND source = 'published' GROUP BY subject_id",
        workspace,
    )
    assert {row["subject_id"]: row["count"] for row in said} == {
        deal_id: len(tellings) for deal_id, tellings in told.items()
    }


async def crm_has_the_odds(platform: Platform, workspace: str) -> None:
    scores = await platform.rows(
        "analytics",
        "SELECT deal_id, probability FROM deal_scores WHERE workspace_id = $1::uuid"
        " AND edition = 'now'",
        workspace,
    )
    wanted = {row["deal_id"]: pytest.approx(row["probability"], abs=0.01) for row in scores}

    async def has_come() -> bool:
        rows = await platform.rows(
            "crm",
            "SELECT id, win_probability FROM deals WHERE workspace_id = $1::uuid"
            " AND win_probability IS NOT NULL",
            workspace,
        )
        return bool({row["id"]: row["win_probability"] for row in rows} == wanted)

    await until(has_come)


async def imported(person: Person, past: Past) -> None:
    answer = await person.request(
        "POST", "/imports", data={"resource": "deals"}, files={"file": ("deals.csv", a_file(past))}
    )
    assert answer.status_code == 201, answer.text
    path = f"/imports/{answer.json()['id']}"
    committed = await person.request("POST", f"{path}/commit")
    assert committed.is_success, committed.text

    async def is_written() -> bool:
        return bool((await person.get(path))["created_rows"] == past.deals)

    await until(is_written)


def a_file(past: Past) -> bytes:
    dice, now = random.Random(7), SystemClock().now()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "stage", "amount", "currency", "source", "created_at", "closed_at"])
    for number in range(past.deals):
        created = now - timedelta(days=1 + dice.random() * 730)
        source = dice.choice(["referral", "website", "cold"])
        chance = {"referral": 0.7, "website": 0.5, "cold": 0.3}[source]
        closed = min(created + timedelta(days=dice.random() * 60), now)
        ended = dice.random() < past.ended
        stage = ("Won" if dice.random() < chance else "Lost") if ended else "Proposal"
        money = (dice.randrange(100, 9000), "EUR")
        times = (created.isoformat(), closed.isoformat() if ended else "")
        writer.writerow([f"Deal {number}", stage, *money, source, *times])
    return text.getvalue().encode()


@asynccontextmanager
async def changed(
    platform: Platform, statements: Sequence[str], undoing: Sequence[str]
) -> AsyncIterator[None]:
    """The database of analytics is another for a while."""
    for statement in statements:
        await platform.rows("analytics", statement)
    try:
        yield
    finally:
        for statement in undoing:
            await platform.rows("analytics", statement)


@asynccontextmanager
async def science_watched(platform: Platform) -> AsyncIterator[Sciences]:
    """Whoever computes for this platform, orphans included, is counted all the time."""
    sciences = Sciences()
    ours = psutil.Process(platform.pid("analytics")).environ()["ANALYTICS_DATABASE_URL_APP"]

    def computes(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            told = alive and process.cmdline()[-2:] == ["analytics", "science"]
            return told and process.environ().get("ANALYTICS_DATABASE_URL_APP") == ours
        return False

    def look() -> None:
        alive = [process.pid for process in psutil.process_iter() if computes(process)]
        sciences.most = max(sciences.most, len(alive))

    async def watch() -> None:
        while True:
            await asyncio.to_thread(look)
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield sciences
    finally:
        watching.cancel()
