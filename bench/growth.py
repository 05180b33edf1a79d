"""What growth costs: time per request in a workspace of a million deals against a hundred thousand.

Both lie in one database, and their rounds alternate, so that whatever else the machine does meets
both. Rows come by SQL, without triggers: what they would have kept of sums is summed up at once,
and search is left out.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import workspace
from bench.load.runner import Result, Runner
from bench.load.targets import platform_runner
from bench.platform import Platform

SMALL, LARGE = 100_000, 1_000_000
OPERATIONS = ("get", "list", "board", "move")
ROUNDS, SECONDS, WARM_UP, CONNECTIONS = 5, 2.5, 0.7, 4
AIM = 1.3
AT_ONCE = 100_000

DEALS = """
INSERT INTO deals (id, workspace_id, version, name, stage_id, position, source, next_step, tags,
    custom_fields, external_id, entered_stage_at, created_at, updated_at, amount_minor, currency)
SELECT uuidv7(), $1::uuid, 1, 'Deal ' || n, stage.id, 'g' || lpad(n::text, 7, '0'), '', '', '{}',
    '{}', 'g' || n, at, at, at, n * 37 % 100000 * 100, 'EUR'
FROM generate_series($2::int, $3::int) n
CROSS JOIN LATERAL (SELECT now() - n * interval '1 minute' AS at) past
JOIN (SELECT id, row_number() OVER (ORDER BY position) - 1 AS place,
          count(*) OVER () AS places
      FROM stages WHERE workspace_id = $1 AND type = 'open') stage
    ON stage.place = n % stage.places"""
HISTORY = """
INSERT INTO deal_history (id, workspace_id, deal_id, version, kind, happened_at, changes)
SELECT uuidv7(), workspace_id, id, 1, 'created', created_at, '[]'
FROM deals WHERE workspace_id = $1"""
SUMS = """
INSERT INTO board_totals (workspace_id, stage_id, owner_id, currency, deals, amount_minor,
    weighted_minor, unscored_minor)
SELECT workspace_id, stage_id, '00000000-0000-0000-0000-000000000000', currency, count(*),
    sum(amount_minor), 0, sum(amount_minor)
FROM deals WHERE workspace_id = $1 GROUP BY workspace_id, stage_id, currency"""


@dataclass
class Growth:
    """Rounds of both workspaces by operation: small and large, one after the other."""

    rounds: dict[str, list[tuple[Result, Result]]] = field(default_factory=dict)

    def ratio(self, operation: str, groups: Sequence[str] = ()) -> float:
        """CPU per request, of all processes or some: the median of the rounds' own ratios."""
        return statistics.median(
            _cpu(large, groups) / _cpu(small, groups) for small, large in self.rounds[operation]
        )

    def cpu_ms(self, operation: str) -> tuple[float, float]:
        """Per request, in the small workspace and in the large one."""
        small, large = zip(*self.rounds[operation], strict=True)
        return statistics.median(map(_cpu, small)), statistics.median(map(_cpu, large))


async def measure(platform: Platform) -> Growth:
    """Fill two workspaces, then ask both in turn."""
    small = await _filled(platform, "small@bench.example", SMALL)
    large = await _filled(platform, "large@bench.example", LARGE)
    connection = await platform.admin("crm")
    await connection.execute("VACUUM ANALYZE", timeout=1800)
    await connection.close()
    found = Growth()
    for runner in (small, large):
        await runner.prepare()
    for _ in range(ROUNDS):
        for operation in OPERATIONS:
            pair = (await _asked(small, operation), await _asked(large, operation))
            found.rounds.setdefault(operation, []).append(pair)
            await platform.settled()
    return found


async def _asked(runner: Runner, operation: str) -> Result:
    return await runner.closed(operation, connections=CONNECTIONS, seconds=SECONDS, warmup=WARM_UP)


async def _filled(platform: Platform, email: str, deals: int) -> Runner:
    async with workspace.connected(platform) as http:
        stage_id = (await workspace.register(http, email))[0]["id"]
        (await http.post("/clients", json={"name": "Bench & Sons"})).raise_for_status()
    connection = await platform.admin("crm")
    found = "SELECT workspace_id FROM stages WHERE id = $1"
    workspace_id = await connection.fetchval(found, stage_id)
    await connection.execute("SET session_replication_role = replica; SET work_mem = '256MB'")
    for first in range(1, deals + 1, AT_ONCE):
        await connection.execute(DEALS, workspace_id, first, first + AT_ONCE - 1, timeout=600)
    for statement in (HISTORY, SUMS):
        await connection.execute(statement, workspace_id, timeout=1800)
    await connection.close()
    return platform_runner(platform, email)


def _cpu(result: Result, groups: Sequence[str] = ()) -> float:
    if not groups:
        return result.request_cpu_ms
    return sum(ms for group, ms in result.cpu_ms.items() if group in groups)
