"""Measure the platform beside floors: `python -m bench`; with BENCH=quick in a few minutes.

What it finds is printed and written into docs/performance.md (the quick form only prints).
BENCH=growth asks instead what ten times the deals cost, BENCH=analytics what the analytics engine
costs; both only print.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass

import uvloop

from bench import counting, freshness, growth, report, rescoring, workspace
from bench.floors import running as floors
from bench.floors import sql, web
from bench.load.processes import pss_mb
from bench.load.runner import Runner
from bench.load.targets import platform_runner, scenario
from bench.platform import BenchFailed, Platform
from bench.platform import running as running_platform
from bench.report import ALONE, OPERATIONS, Measured

CONNECTIONS = 16
WARM_UP = 0.7
REST = 240.0  # seconds after the last work: pools let go within two minutes, NATS collects then


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    deals: int
    rounds: int
    seconds: float
    moves: int


FORMS = ("full", "quick", "growth", "analytics")
FULL, QUICK = Size(100_000, 3, 2.5, 200), Size(5_000, 1, 1.5, 40)


async def measure(size: Size) -> Measured:
    """Everything, one after the other."""
    found = Measured(size.deals, size.rounds)
    with running_platform() as (platform, found.first_start):
        say(f"started in {found.first_start:.1f} s")
        platform.command("down")
        found.warm_start = platform.command("up")
        say(f"started again in {found.warm_start:.1f} s")
        await platform.scored()  # the demo's past is replayed
        await platform.at_rest()
        await asyncio.sleep(REST)
        found.pss = {name: pss_mb([pid]) for name, pid in platform.pids.items()}
        say(f"{sum(found.pss.values()):.0f} MB at rest")
        found.import_seconds = await workspace.fill(platform, size.deals)
        say(f"{size.deals} deals imported in {found.import_seconds:.0f} s")
        began = time.monotonic()
        await platform.settled()
        found.projection_seconds = time.monotonic() - began
        await platform.scored()
        await _vacuum(platform)
        found.export_seconds = await workspace.export(platform, size.deals)
        say(f"exported in {found.export_seconds:.0f} s")
        dsn = await floors.make_database(platform, size.deals)
        with floors.running(platform, dsn) as addresses:
            runners = await _runners(platform, dsn, addresses)
            await _rounds(platform, dsn, runners, size, found)
            await _half_load(platform, dsn, runners, size, found)
            await runners[0].prepare()
            for operation in OPERATIONS:
                found.counts[operation] = await counting.count(platform, runners[0], operation)
        for operation in OPERATIONS:
            await sql.trim(dsn)
            alone = floors.database_alone(platform, dsn, operation, round(size.seconds))
            found.closed["database alone", operation] = [alone]
        await platform.settled()
        kept, seen = await freshness.measure(platform, size.moves)
        found.fresh_in_reports, found.fresh_in_browser = kept, seen
    return found


async def _runners(
    platform: Platform, dsn: str, addresses: dict[str, tuple[str, dict[str, list[int]]]]
) -> list[Runner]:
    runners = [platform_runner(platform)]
    token = {"token": web.token(str(sql.WORKSPACE), str(sql.WORKSPACE))}
    for number, (name, (address, processes)) in enumerate(addresses.items()):
        await floors.answering(dsn, address)
        share = (number, len(addresses))
        floor = scenario("floor")
        runners.append(
            Runner(name, address, floor, variables=token, processes=processes, share=share)
        )
    for runner in runners:
        await runner.prepare()
    return runners


async def _rounds(
    platform: Platform, dsn: str, runners: list[Runner], size: Size, found: Measured
) -> None:
    for number in range(size.rounds):
        await runners[0].prepare()  # a token lives ten minutes
        for operation in (*OPERATIONS, *ALONE):
            await sql.trim(dsn)
            for runner in _asked(runners, operation):
                await platform.quiet()  # the floors are not to pay for our writes, nor we for them
                result = await runner.closed(
                    operation, connections=CONNECTIONS, seconds=size.seconds, warmup=WARM_UP
                )
                found.closed.setdefault((runner.name, operation), []).append(result)
                cpu = {group: round(ms, 2) for group, ms in result.cpu_ms.items()}
                say(f"{number} {operation} {runner.name}: {result.rate:.0f} req/s, {cpu}")


async def _half_load(
    platform: Platform, dsn: str, runners: list[Runner], size: Size, found: Measured
) -> None:
    """In rounds too: nineteen creates are the slowest twentieth of 2.5 seconds, and one moment in
    which the machine did something else makes as many. None begins before what earlier rounds have
    left is done: sixteen connections leave minutes of mails and vacuum, half a load does not.
    """
    for number in range(size.rounds):
        await runners[0].prepare()  # a token lives ten minutes
        for operation in (*OPERATIONS, *ALONE):
            await sql.trim(dsn)
            for runner in _asked(runners, operation):
                await platform.quiet()
                half = found.median(runner.name, operation, lambda result: result.rate) / 2
                result = await runner.open(
                    operation, rate=half, seconds=size.seconds, warmup=WARM_UP
                )
                found.half.setdefault((runner.name, operation), []).append(result)
                say(f"{number} {operation} {runner.name} at half load: {report.slow(result)}")


def _asked(runners: list[Runner], operation: str) -> list[Runner]:
    return runners[:1] if operation in ALONE else runners


async def _vacuum(platform: Platform) -> None:
    """As the floors are: what autovacuum would do within minutes."""
    for database in ("crm", "analytics", "notify"):
        connection = await platform.admin(database)
        await connection.execute("VACUUM ANALYZE", timeout=300)
        await connection.close()


def say(line: str) -> None:
    """Progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def _grown() -> str:
    with running_platform() as (platform, _):
        return report.growth_text(await growth.measure(platform))


async def _analytics() -> str:
    with running_platform() as (platform, _):
        await rescoring.measure(platform, rescoring.Size.asked())
    return ""


def main() -> None:
    """`make bench`."""
    asked = os.environ.get("BENCH") or "full"
    if asked not in FORMS:
        sys.exit(f"BENCH={asked}: {', '.join(FORMS)} are known")
    try:
        _bench(asked)
    except BenchFailed as problem:
        sys.exit(str(problem).strip())


def _bench(asked: str) -> None:
    if asked in ("growth", "analytics"):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sys.stdout.write(runner.run(_grown() if asked == "growth" else _analytics()))
        return
    quick = asked == "quick"
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(QUICK if quick else FULL))
    sys.stdout.write(report.text(found))
    if not quick:
        report.write(found)


main()
