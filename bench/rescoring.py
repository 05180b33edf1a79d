"""Scoring by the worker's own code: one large workspace, and a night of small ones.

python -m bench.rescoring DSN_OWNER DSN_APP [DEALS] [SMALL]

The facts are written as events would leave them, into the database of an analytics that runs or
not. Seconds are wall and CPU of this one process, which is what the worker's process with the
science would need.
"""

import asyncio
import sys
import time
from uuid import UUID

import asyncpg
from sqlalchemy import Uuid, bindparam, text

from analytics.adapters.events import to_outbox
from analytics.adapters.rescoring import Fence
from analytics.application.rescoring import rescore
from kit.clock import SystemClock
from kit.database import Statement
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.pool import Pool, open_pool
from kit.unit_of_work import UnitOfWork

# Deals over three years, seven of ten closed; values, clients and outcomes from the id's own dice.
DEALS = """
INSERT INTO deal_states (workspace_id, deal_id, version, happened_at, told_at, client_id,
    amount_minor, currency, base_currency, stage_id, stage_type, source, has_next_step,
    created_at, entered_stage_at, closed_at, deleted)
SELECT $1, d.id, v.version, v.at, v.at, d.client, d.amount, 'EUR', '',
    CASE v.type WHEN 'open' THEN $3::uuid WHEN 'won' THEN $4::uuid ELSE $5::uuid END, v.type,
    d.source, true, d.created, v.at, CASE WHEN v.type <> 'open' THEN v.at END, false
FROM (
    SELECT gen_random_uuid() AS id, now() - random() * interval '3 years' AS created,
        ($6::uuid[])[1 + floor(random() * cardinality($6::uuid[]))::int] AS client,
        (100 + random() * 9900)::bigint * 100 AS amount,
        (ARRAY['referral', 'website', 'cold'])[1 + origin] AS source, 0.75 - 0.2 * origin AS chance,
        random() AS closes, random() AS wins, random() * interval '60 days' AS took
    FROM (SELECT floor(random() * 3)::int AS origin FROM generate_series(1, $2)) dice
) d CROSS JOIN LATERAL (
    SELECT 1 AS version, d.created AS at, 'open' AS type
    UNION ALL
    SELECT 2, least(d.created + d.took, now()), 
        CASE WHEN d.wins < d.chance THEN 'won' ELSE 'lost' END
    WHERE d.closes < 0.7
) v"""
CURRENT = """
INSERT INTO deals (workspace_id, deal_id, version, name, client_id, amount_minor, currency,
    stage_id, stage_type, source, created_at, entered_stage_at, closed_at)
SELECT DISTINCT ON (deal_id) workspace_id, deal_id, version, 'Deal', client_id, amount_minor,
    currency, stage_id, stage_type, source, created_at, entered_stage_at, closed_at
FROM deal_states WHERE workspace_id = $1 ORDER BY deal_id, version DESC"""
CLIENTS = """
INSERT INTO clients (workspace_id, client_id, version, presence_version, kind, name, created_at)
SELECT $1, id, 1, 1, 'company', 'Client', now() - interval '3 years' FROM unnest($2::uuid[]) id"""
REST = """
INSERT INTO workspaces (workspace_id, version, currency, time_zone, changes, as_of)
VALUES ($1, 1, 'EUR', 'Europe/Berlin', 1, now())"""
DUE = "INSERT INTO rescoring (workspace_id, due_at) VALUES ($1, NULL)"
MOVE = """
UPDATE deals SET version = version + 1, entered_stage_at = now() WHERE workspace_id = $1
    AND deal_id = (SELECT deal_id FROM deals WHERE workspace_id = $1 AND closed_at IS NULL LIMIT 1)
RETURNING deal_id"""
MOVED = """
INSERT INTO deal_states
SELECT workspace_id, deal_id, version + 1, now(), now(), client_id, owner_id, amount_minor,
    currency, base_minor, base_currency, stage_id, stage_type, source,
    expected_close_date, has_next_step, created_at, now(), NULL, false
FROM deal_states WHERE workspace_id = $1 AND deal_id = $2"""


_RUNNING = Statement(
    text("UPDATE jobs SET status = 'running', attempts = 1 WHERE id = :job").bindparams(
        bindparam("job", type_=Uuid())
    )
)


async def main(owner_dsn: str, app_dsn: str, deals: int = 100_000, small: int = 20) -> None:
    """Print what each takes."""
    owner = await asyncpg.connect(owner_dsn)
    pool = await open_pool(app_dsn, size=2, name="bench")
    workspace = await _made(owner, deals, clients=deals // 50)
    await _measured(f"first scoring of {deals:,} deals, with its fit", pool, workspace, refit=True)
    await _measured("again, nothing new", pool, workspace)
    moved = await owner.fetchval(MOVE, workspace)
    await owner.execute(MOVED, workspace, moved)
    await _measured("again after a move", pool, workspace)
    many = [await _made(owner, 60, clients=12) for _ in range(small)]
    for night in ("first", "usual"):
        begun, cpu = time.perf_counter(), time.process_time()
        for one in many:
            await _scored(pool, one, refit=True)
        each = (time.perf_counter() - begun) / small, (time.process_time() - cpu) / small
        _say(f"{night} night of a workspace of 60 deals", *each)
    await pool.close()
    await owner.close()


async def _made(owner: asyncpg.Connection, deals: int, *, clients: int) -> UUID:
    workspace, people = new_id(), [new_id() for _ in range(clients)]
    stages = [new_id() for _ in range(3)]
    async with owner.transaction():
        await owner.execute(REST, workspace)
        await owner.execute(DUE, workspace)
        await owner.execute(CLIENTS, workspace, people)
        await owner.execute(DEALS, workspace, deals, *stages, people)
        await owner.execute(CURRENT, workspace)
    return workspace


async def _scored(pool: Pool, workspace: UUID, *, refit: bool) -> dict[str, object]:
    def unit() -> UnitOfWork:
        return UnitOfWork(pool, workspace, to_outbox=to_outbox, wake_relay=lambda: None)

    async with unit() as uow:
        job_id = await enqueue(uow, "bench", {})
        await uow.commit()
    async with unit() as uow:
        await uow.run(_RUNNING, job=job_id)
        await uow.commit()
    return await rescore(unit, Fence(job_id, 1), now=SystemClock().now(), refit=refit)


async def _measured(what: str, pool: Pool, workspace: UUID, *, refit: bool = False) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    await _scored(pool, workspace, refit=refit)
    _say(what, time.perf_counter() - begun, time.process_time() - cpu)


def _say(what: str, wall: float, cpu: float) -> None:
    sys.stdout.write(f"{what:50} {wall:7.2f} s, {cpu:7.2f} s of CPU\n")
    sys.stdout.flush()


if __name__ == "__main__":
    owner_url, app_url, *numbers = sys.argv[1:]
    asyncio.run(main(owner_url, app_url, *(int(number) for number in numbers)))
