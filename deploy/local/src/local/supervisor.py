"""Start units in the order of their needs, keep them running, stop them in reverse order."""

import asyncio
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local import state
from local.logs import open_log, rotate
from local.processes import Command, kill_group, popen_arguments
from local.state import Board, UnitState
from local.units import Unit, check_graph

BACKOFF_FIRST = 0.2
BACKOFF_MOST = 5.0
QUICK_END = 10.0
QUICK_ENDS_ALLOWED = 5
READY_TIMEOUT = 180.0  # seconds; workers give way, so on a busy machine they start late
STOP_GRACE = 25.0
PROBE_PAUSE = 0.1
ROTATE_EVERY = 10.0
BAD_CONFIGURATION = 78


class GaveUp(Exception):
    """A unit ended too often; the message names it and its log file."""


class Supervisor:
    """Runs one graph of units until told to stop."""

    def __init__(self, units: list[Unit], home: Path, facts: Mapping[str, Any]) -> None:
        check_graph(units)
        self._units = {unit.name: unit for unit in units}
        self._home = home
        self._ready = {name: asyncio.Event() for name in self._units}
        self._ended = {name: asyncio.Event() for name in self._units}
        self._running: dict[str, tuple[asyncio.subprocess.Process, signal.Signals]] = {}
        self._stopping = asyncio.Event()
        self.board = Board(
            home,
            facts,
            [UnitState(u.name, metrics=u.metrics, is_task=u.is_task) for u in units],
        )

    def stop(self) -> None:
        """Begin the stop; a second call does not wait for anybody."""
        if self._stopping.is_set():
            for process, _ in self._running.values():
                kill_group(process.pid)
        self._stopping.set()

    async def run(self) -> bool:
        """Run until stopped; False when a unit failed before all were ready once."""
        keepers = [asyncio.create_task(self._keep(unit)) for unit in self._units.values()]
        housekeeping = asyncio.create_task(self._rotate_logs())
        try:
            came_up = await self._until_ready_or_failed()
            if came_up:
                await self._stopping.wait()
            self._stopping.set()
            await asyncio.gather(*(self._stop_unit(unit) for unit in self._units.values()))
            await asyncio.gather(*keepers)
            return came_up
        finally:
            housekeeping.cancel()
            self.board.close()

    async def _until_ready_or_failed(self) -> bool:
        """A failure counts until everything was ready once; later ones leave the rest running."""
        while not self._stopping.is_set():
            if self.board.failed:
                return False
            if self.board.all_ready:
                return True
            await asyncio.sleep(PROBE_PAUSE)
        return True

    async def _keep(self, unit: Unit) -> None:
        """One unit's life: wait for its needs, run, run again."""
        try:
            if not await self._needs_are_met(unit):
                return
            if unit.is_task:
                await self._run_task(unit)
            else:
                await self._run_again_and_again(unit)
        except Exception as problem:
            self.board.set(unit.name, state=state.FAILED, pid=None, note=str(problem))
        finally:
            self._ended[unit.name].set()

    async def _run_task(self, unit: Unit) -> None:
        command = await asyncio.to_thread(unit.prepare)
        if command is not None:
            self.board.set(unit.name, state=state.STARTING)
            code = await (await self._spawn(unit, command)).wait()
            self._running.pop(unit.name)
            if self._stopping.is_set():
                return
            if code:
                raise GaveUp(f"{unit.name} failed ({_ending(code)}): see {self._log(unit)}")
            await asyncio.to_thread(unit.finish)
        self.board.set(unit.name, state=state.DONE, pid=None)
        self._ready[unit.name].set()

    async def _run_again_and_again(self, unit: Unit) -> None:
        quick_ends = 0
        while not self._stopping.is_set():
            code, lasted = await self._run_once(unit)
            if self._stopping.is_set():
                break
            quick_ends = quick_ends + 1 if lasted < QUICK_END else 0
            if code == BAD_CONFIGURATION:
                raise GaveUp(f"{unit.name} refuses its settings: see {self._log(unit)}")
            if quick_ends >= QUICK_ENDS_ALLOWED:
                raise GaveUp(
                    f"{unit.name} ended {quick_ends} times in a row ({_ending(code)}):"
                    f" see {self._log(unit)}"
                )
            self.board.set(
                unit.name,
                state=state.WAITING,
                pid=None,
                restarts=self.board[unit.name].restarts + 1,
                note=_ending(code),
            )
            await self._pause_or_stop(backoff(quick_ends))
        self.board.set(unit.name, state=state.STOPPED, pid=None)

    async def _run_once(self, unit: Unit) -> tuple[int, float]:
        """Run to its end; answers the exit code and for how long it was of use."""
        command = await asyncio.to_thread(unit.prepare)
        assert command is not None, "only a task may have nothing to do"
        process = await self._spawn(unit, command)
        self.board.set(unit.name, state=state.STARTING, pid=process.pid)
        ended = asyncio.create_task(process.wait())
        ready_since = time.monotonic() if await self._becomes_ready(unit, process, ended) else None
        if ready_since is not None:
            self.board.set(unit.name, state=state.READY, note="")
            self._ready[unit.name].set()
        code = await ended
        kill_group(process.pid)
        self._running.pop(unit.name, None)
        return code, time.monotonic() - ready_since if ready_since is not None else 0.0

    async def _becomes_ready(
        self, unit: Unit, process: asyncio.subprocess.Process, ended: asyncio.Task[int]
    ) -> bool:
        assert unit.ready is not None
        deadline = time.monotonic() + READY_TIMEOUT
        while not ended.done() and not self._stopping.is_set():
            if await asyncio.to_thread(unit.ready, process.pid):
                return True
            if time.monotonic() > deadline:
                kill_group(process.pid)
                break
            await asyncio.wait([ended], timeout=PROBE_PAUSE)
        return False

    async def _spawn(self, unit: Unit, command: Command) -> asyncio.subprocess.Process:
        with open_log(self._log(unit)) as log:
            process = await asyncio.create_subprocess_exec(
                *command.argv, **popen_arguments(command, log)
            )
        self._running[unit.name] = process, command.stop_signal
        return process

    async def _stop_unit(self, unit: Unit) -> None:
        """End one unit once all that need it have ended."""
        await asyncio.gather(*(self._ended[name].wait() for name in self._dependents(unit.name)))
        deadline = time.monotonic() + STOP_GRACE
        asked = None
        while not self._ended[unit.name].is_set():
            # Looked up again each time: the stop may have come while the process was being made.
            process, stop_signal = self._running.get(unit.name, (None, None))
            if process and stop_signal and process is not asked:
                asked = process
                with suppress(ProcessLookupError):
                    process.send_signal(stop_signal)
            if process and time.monotonic() > deadline:
                kill_group(process.pid)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended[unit.name].wait(), PROBE_PAUSE)

    def _dependents(self, name: str) -> set[str]:
        """All that need a unit, also through a task that has long been done."""
        direct = {unit.name for unit in self._units.values() if name in (*unit.needs, *unit.uses)}
        return direct.union(*(self._dependents(other) for other in direct))

    async def _needs_are_met(self, unit: Unit) -> bool:
        """Wait for all needs; False when the stop came first."""

        async def needs() -> bool:
            for name in unit.needs:
                await self._ready[name].wait()
            return True

        waits = [asyncio.create_task(needs()), asyncio.create_task(self._stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return not self._stopping.is_set()

    async def _pause_or_stop(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY)
            for unit in self._units.values():
                await asyncio.to_thread(rotate, self._log(unit))

    def _log(self, unit: Unit) -> Path:
        return self._home / "logs" / f"{unit.name}.log"


async def supervise(supervisor: Supervisor) -> bool:
    """Run a supervisor until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    return await supervisor.run()


def backoff(quick_ends: int) -> float:
    """How long to wait before the next start."""
    return float(min(BACKOFF_FIRST * 2 ** max(quick_ends - 1, 0), BACKOFF_MOST))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"ended by {signal.Signals(-code).name}"
