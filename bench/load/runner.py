"""Runs a scenario's requests: closed loop (a number of connections) and open loop (a rate).

In open loop requests arrive at random (Poisson), and time counts from the moment they should have
gone out: waiting in a queue is part of it.
"""

import asyncio
import gc
import json
import math
import random
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.load.connection import Connection
from bench.load.processes import busy_seconds, cpu_seconds
from bench.load.template import Operation, Row, at

ANSWER_TIMEOUT = 60.0
LONGEST_QUEUE = 128  # connections of an open loop
APART = "scoring"  # once for all changes of its time, however many: no part of a request


class ScenarioFailed(RuntimeError):
    """What comes before measuring did not work."""


@dataclass
class Result:
    """One run of one operation against one target."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    received: int = 0
    cpu: dict[str, float] = field(default_factory=dict)  # seconds, by group of processes
    others: float = 0.0  # cores that processes outside the test took

    @property
    def rate(self) -> float:
        """Good answers in a second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_ms(self) -> dict[str, float]:
        """CPU of each group for a request."""
        served = max(1, len(self.latencies) + self.errors.total())
        return {group: 1000 * seconds / served for group, seconds in self.cpu.items()}

    @property
    def request_cpu_ms(self) -> float:
        """CPU that grows with the requests."""
        return sum(ms for group, ms in self.cpu_ms.items() if group != APART)

    def latency_ms(self, share: float) -> float:
        """A percentile."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class Runner:
    """A target and its scenario; `prepare` signs in and fills the pools of rows."""

    def __init__(
        self,
        name: str,
        base: str,
        scenario: Mapping[str, Any],
        *,
        variables: Mapping[str, Any],
        processes: Mapping[str, Sequence[int]],
        share: tuple[int, int] = (0, 1),
    ) -> None:
        url = urlsplit(base)
        self.name = name
        self.processes = processes
        self._host, self._port = url.hostname or "", url.port or 80
        self._scenario = scenario
        self._variables = {**scenario.get("vars", {}), **variables}
        self._share = share  # (0, 2): the first half of the rows; the others are another target's
        self._pools: dict[str, deque[Row]] = {}
        self._operations = {op.name: op for op in map(self._operation, scenario["requests"])}

    async def prepare(self) -> None:
        """Raises ScenarioFailed."""
        for step in self._scenario.get("setup", []):
            answer = await self._ask(step)
            self._variables.update(answer.extract(step.get("save", {})))
        for name, spec in self._scenario.get("pools", {}).items():
            rows = await self._rows(spec)
            number, shares = self._share
            mine = [row for row in rows if zlib.crc32(str(row["id"]).encode()) % shares == number]
            random.shuffle(mine)
            if not mine:
                raise ScenarioFailed(f"{self.name}: no rows at {spec['path']}")
            self._pools[name] = deque(mine)

    async def closed(self, name: str, *, connections: int, seconds: float, warmup: float) -> Result:
        """Each connection sends its next request when the last one is answered."""
        run = _Run(self, self._operations[name])
        opened = [await Connection.open(self._host, self._port) for _ in range(connections)]
        for connection in opened:
            run.fire(connection, time.perf_counter(), run.fire_again)
        await run.measure(self.processes, seconds=seconds, warmup=warmup)
        await run.drain(opened)
        return run.result

    async def open(self, name: str, *, rate: float, seconds: float, warmup: float) -> Result:
        """Requests arrive by themselves."""
        run = _Run(self, self._operations[name])
        opened: list[Connection] = []
        idle: deque[Connection] = deque()
        backlog: deque[float] = deque()

        def released(connection: Connection) -> None:
            if connection.closed:
                opened.remove(connection)
            elif backlog and not run.over:
                run.fire(connection, backlog.popleft(), released)
            else:
                idle.append(connection)

        async def arrive() -> None:
            due = time.perf_counter()
            while not run.over:
                due += random.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                while idle and idle[0].closed:
                    opened.remove(idle.popleft())
                if not idle and len(opened) < LONGEST_QUEUE:
                    opened.append(await Connection.open(self._host, self._port))
                    idle.append(opened[-1])
                if idle:
                    run.fire(idle.popleft(), due, released)
                else:
                    backlog.append(due)

        arriving = asyncio.create_task(arrive())
        await run.measure(self.processes, seconds=seconds, warmup=warmup)
        arriving.cancel()
        await run.drain(opened)
        if backlog:
            run.result.errors["never sent"] += len(backlog)
        return run.result

    def row_for(self, operation: Operation) -> Row | None:
        """A row of the operation's pool, held until its answer is there."""
        if operation.pool is None:
            return None
        return self._pools[operation.pool].popleft()

    def give_back(self, operation: Operation, row: Row | None) -> None:
        """The row may be used again."""
        if operation.pool is not None and row is not None:
            self._pools[operation.pool].append(row)

    def rendered(self, operation: Operation, row: Row | None) -> bytes:
        """The operation's next request."""
        return operation.render(row or {}, self._variables)

    def _operation(self, spec: Mapping[str, Any]) -> Operation:
        return Operation(spec, self._scenario, f"{self._host}:{self._port}")

    async def _rows(self, spec: Mapping[str, Any]) -> list[Row]:
        rows: list[Row] = []
        path: str | None = spec["path"]
        for _ in range(spec.get("pages", 1)):
            answer = await self._ask({"method": "GET", "path": path})
            page = json.loads(answer.body())
            items = at(page, spec.get("items", ""))
            rows += [{name: at(i, p) for name, p in spec["fields"].items()} for i in items]
            cursor = at(page, spec["next"]) if "next" in spec else None
            if not cursor:
                break
            path = spec["next_path"].replace("${cursor}", str(cursor))
        return rows

    async def _ask(self, spec: Mapping[str, Any]) -> Connection:
        operation = self._operation(spec)
        connection = await Connection.open(self._host, self._port)
        answered = asyncio.get_running_loop().create_future()
        connection.send(operation.render({}, self._variables), answered.set_result)
        await asyncio.wait_for(answered, ANSWER_TIMEOUT)
        connection.close()
        if connection.status not in operation.accepted:
            said = connection.body()[:300]
            raise ScenarioFailed(f"{self.name}: {operation.name}: {connection.status} {said!r}")
        return connection


class _Run:
    """Requests in flight, and what became of those that were answered in time."""

    def __init__(self, runner: Runner, operation: Operation) -> None:
        self.result = Result()
        self.over = False
        self._runner = runner
        self._operation = operation
        self._measuring = False
        self._in_flight = 0

    def fire(
        self, connection: Connection, due: float, released: Callable[[Connection], None]
    ) -> None:
        """Send the next request; the connection is released with its answer."""
        row = self._runner.row_for(self._operation)
        self._in_flight += 1

        def answered(connection: Connection) -> None:
            self._in_flight -= 1
            self._note(connection, time.perf_counter() - due, row)
            self._runner.give_back(self._operation, row)
            released(connection)

        connection.send(self._runner.rendered(self._operation, row), answered)

    def fire_again(self, connection: Connection) -> None:
        """The next request of a closed loop."""
        if not self.over and not connection.closed:
            self.fire(connection, time.perf_counter(), self.fire_again)

    async def measure(
        self, processes: Mapping[str, Sequence[int]], *, seconds: float, warmup: float
    ) -> None:
        """Count what is answered from the end of the warm-up on."""
        await asyncio.sleep(warmup)
        gc.disable()  # a pause of ours would count as one of the target's
        self._measuring = True
        cpu = {group: cpu_seconds(pids) for group, pids in processes.items()}
        busy, own, started = busy_seconds(), time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        self._measuring, self.over = False, True
        gc.enable()
        self.result.seconds = time.perf_counter() - started
        self.result.cpu = {group: cpu_seconds(processes[group]) - cpu[group] for group in cpu}
        known = sum(self.result.cpu.values()) + time.process_time() - own
        self.result.others = max(0.0, busy_seconds() - busy - known) / self.result.seconds

    async def drain(self, opened: Sequence[Connection]) -> None:
        """Let what is under way come back, with its rows."""
        async with asyncio.timeout(ANSWER_TIMEOUT):
            while self._in_flight:  # noqa: ASYNC110 – short, and nothing is measured any more
                await asyncio.sleep(0.02)
        for connection in opened:
            connection.close()

    def _note(self, connection: Connection, seconds: float, row: Row | None) -> None:
        problem = "" if connection.status in self._operation.accepted else str(connection.status)
        if row is not None and self._operation.update and not problem:
            try:
                row.update(connection.extract(self._operation.update))
            except (ValueError, LookupError) as error:
                problem = f"answer lacks {error}"
        if not self._measuring:
            return
        if problem:
            self.result.errors[problem] += 1
            return
        self.result.latencies.append(seconds)
        self.result.received += len(connection.received)
