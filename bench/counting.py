"""What one operation makes the platform do: statements, calls, bytes."""

import asyncio
import re
from dataclasses import dataclass

import httpx

from bench.load.runner import Runner
from bench.platform import Platform

_CALLS = re.compile(r'^rpc_server_duration_seconds_count\{.*rpc_service="([^"]+)"\} (\S+)$', re.M)
_STATEMENT = re.compile(r"crm_app@crm LOG:  (?:execute [^:]*|statement): ")
SETTLE = 0.3


@dataclass(frozen=True)
class Counts:
    """For one operation."""

    statements: float
    calls: float
    received: float  # bytes of the answer, head included


async def count(platform: Platform, runner: Runner, operation: str) -> Counts:
    """Statements that crm's requests send to its database, and calls that any service answers."""
    server = await platform.admin("postgres")
    await server.execute("ALTER SYSTEM SET log_statement = 'all'")
    await server.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(SETTLE)
    log = platform.log("postgres")
    begin, calls = log.stat().st_size, await _calls(platform)
    result = await runner.closed(operation, connections=1, seconds=1.5, warmup=0.0)
    made = len(result.latencies) + 1  # the last one is answered after the time is over
    await asyncio.sleep(SETTLE)
    answered = await _calls(platform) - calls
    await server.execute("ALTER SYSTEM RESET log_statement")
    await server.execute("SELECT pg_reload_conf()")
    await server.close()
    with log.open(errors="replace") as lines:
        lines.seek(begin)
        statements = len(_STATEMENT.findall(lines.read()))
    return Counts(
        # Rounded: a request at either edge of the time is counted on one side only.
        statements=round(statements / made, 1),
        calls=round(answered / made, 1),
        received=result.received / made,
    )


async def _calls(platform: Platform) -> float:
    total = 0.0
    async with httpx.AsyncClient() as http:
        for service in ("auth", "crm", "analytics", "notify"):
            url = f"http://{platform.plan.address(f'{service}-internal')}/metrics"
            found = _CALLS.findall((await http.get(url)).text)
            total += sum(float(number) for name, number in found if "health" not in name)
    return total
