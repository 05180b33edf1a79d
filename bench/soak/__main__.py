"""Keep the platform at work for a while, kill its processes, and say what came of it.

    python -m bench.soak [--minutes 30] [--people 6] [--no-kills]

It runs a platform of its own. Ends with 1 when an acknowledged write is lost or doubled, when an
answer was wrong, or when an error was answered while nothing was coming back.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Sequence

from bench import workspace
from bench.freshness import percentile_ms
from bench.platform import BenchFailed, Platform, running
from bench.soak.people import Done, People
from bench.soak.watch import Sample, complaints, growth, look
from local import state

DEALS = 2_000  # that are there before
LOOK_EVERY = 5.0
KILL_EVERY = 30.0
SETTLE = 5.0  # seconds after a process is back in which connections may still be found broken
PATIENCE = 120.0
KILLED = (
    *("gateway", "crm", "auth", "analytics", "notify", "crm-worker", "analytics-worker"),
    *("nats", "valkey", "postgres"),
)
VERSIONS = "SELECT id::text, version FROM deals WHERE name LIKE 'Soak %'"


class Soak:
    """One run."""

    def __init__(self, platform: Platform, people: People, *, seconds: float, kills: bool) -> None:
        self.platform = platform
        self.people = people
        self.seconds = seconds
        self.kills = kills
        self.samples: list[Sample] = []
        self.recoveries: list[tuple[str, float]] = []
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Everything, until what was written has been told and handled."""
        working = asyncio.create_task(self.people.work())
        watching = asyncio.create_task(self._watch())
        await asyncio.wait({working}, timeout=KILL_EVERY if self.kills else self.seconds)
        until = time.monotonic() + self.seconds - (KILL_EVERY if self.kills else self.seconds)
        while time.monotonic() < until and not working.done():
            await self._kill(KILLED[len(self.recoveries) % len(KILLED)])
            await asyncio.wait({working}, timeout=KILL_EVERY * (0.5 + random.random()))
        self.people.end()
        await working
        watching.cancel()
        await self.platform.settled()
        self.samples.append(await look(self.platform))
        await self._compare()

    async def _watch(self) -> None:
        while True:
            self.samples.append(await look(self.platform))
            await asyncio.sleep(LOOK_EVERY)

    async def _kill(self, name: str) -> None:
        home, began = self.platform.plan.home, time.monotonic()
        pid = state.read_status(home)[name].pid
        if pid is None:
            return
        self.people.disturbed = True
        os.kill(pid, signal.SIGKILL)
        while not _is_back(state.read_status(home), name, pid):
            if time.monotonic() - began > PATIENCE:
                self.wrong.append(f"{name} did not come back")
                break
            await asyncio.sleep(0.1)
        self.recoveries.append((name, time.monotonic() - began))
        say(f"{name} was killed, all is back after {self.recoveries[-1][1]:.1f} s")
        await asyncio.sleep(SETTLE)
        self.people.disturbed = False

    async def _compare(self) -> None:
        connection = await self.platform.admin("crm")
        stored = {row["id"]: row["version"] for row in await connection.fetch(VERSIONS)}
        await connection.close()
        told = self.people.done.created
        lost, more = told.keys() - stored.keys(), stored.keys() - told.keys()
        other = [id for id in told.keys() & stored.keys() if told[id] != stored[id]]
        for count, what in ((len(lost), "lost"), (len(more), "doubled"), (len(other), "changed")):
            if count:
                self.wrong.append(f"{count} acknowledged writes were {what}")


def _is_back(units: dict[str, state.UnitState], name: str, killed: int) -> bool:
    well = (state.READY, state.DONE)
    return units[name].pid not in (None, killed) and all(u.state in well for u in units.values())


def report(soak: Soak) -> str:
    """What came of it, in words."""
    done, samples = soak.people.done, soak.samples
    behind = [sample.waiting for sample in samples if sample.waiting is not None]
    now = behind[-1] if behind else "nobody knows how many"
    first, last = samples[min(2, len(samples) - 1)], samples[-1]
    lines = [
        f"{done.requests.total()} requests ({_counts(done)}), {len(done.created)} deals written",
        f"p50 {percentile_ms(done.latencies, 0.5):.0f} ms,"
        f" p99 {percentile_ms(done.latencies, 0.99):.0f} ms",
        f"refused while something came back: {done.away.total()} {dict(done.away)}",
        f"errors: {done.errors.total()} {dict(done.errors)}",
        f"events behind: at most {max(behind, default=0)}, {now} at the end",
        f"memory: {first.total:.0f} MB at first, {last.total:.0f} MB at the end,"
        f" {growth(samples):+.0f} MB an hour over the second half",
    ]
    lines += [
        f"  {name}: {first.memory.get(name, 0):.0f} -> {last.memory[name]:.0f} MB"
        for name in sorted(last.memory)
    ]
    if soak.recoveries:
        slowest = max(soak.recoveries, key=lambda one: one[1])
        lines.append(f"kills: {len(soak.recoveries)}, slowest {slowest[0]} {slowest[1]:.1f} s")
    lines += [f"logged {count} times: {what}" for what, count in complaints(soak.platform).items()]
    return "\n".join([*lines, *(f"WRONG: {wrong}" for wrong in soak.wrong)]) + "\n"


def _counts(done: Done) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(done.requests.items()))


def say(line: str) -> None:
    """Progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def soak(minutes: float, people: int, *, kills: bool) -> int:
    """The exit code."""
    with running() as (platform, _):
        await workspace.fill(platform, DEALS)
        await platform.settled()
        say(f"{people} people at work for {minutes:g} minutes")
        one = Soak(platform, People(platform, people), seconds=60 * minutes, kills=kills)
        await one.run()
        sys.stdout.write(report(one))
        return 1 if one.wrong or one.people.done.errors else 0


def main(arguments: Sequence[str]) -> int:
    """`make soak`."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--no-kills", action="store_true", help="load only")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(soak(options.minutes, options.people, kills=not options.no_kills))
    except BenchFailed as problem:
        sys.exit(str(problem).strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
