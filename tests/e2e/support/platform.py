"""A platform of the test run's own: other ports and another folder than `make up`'s."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from kit.provision import with_database
from local import commands, state
from local.environment import base, environment
from local.logs import open_log, tail
from local.plan import Plan
from local.processes import Command, spawn, stop_group
from local.units import answers

ROOT = Path(__file__).resolve().parents[3]
WITH_DATABASE = ("auth", "crm", "analytics", "notify")
SERVICES = ("auth", "crm", "analytics", "notify", "gateway")
PATIENCE = 120.0  # seconds until a test is told that it waits in vain; never what is measured
COMMAND_TIMEOUT = 300.0
PAUSE = 0.05
FIRST_BASE, LAST_BASE, STEP = 18_700, 28_700, 100
BESIDE = 50  # distance of further processes from the base port


class Platform:
    """Everything that `make up` runs, and how to command it."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.plan = Plan(home, _free_base(home))
        self._settings = settings or {}
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        """Where its data, logs and secrets are."""
        return self.plan.home

    @property
    def gateway(self) -> str:
        """The address of the web page."""
        return self.plan.url("gateway")

    @property
    def mail(self) -> str:
        """The address of the mail sink's page."""
        return self.plan.url("mail")

    @property
    def facts(self) -> dict[str, Any]:
        """The content of local.json as it is now."""
        facts: dict[str, Any] = json.loads((self.home / "local.json").read_text())
        return facts

    async def start(self) -> None:
        """Start it and wait until all of it is ready.

        As a child of ours, other than `up` does: should we be killed, the kernel ends it too.
        """
        with open_log(self.home / "logs" / "supervisor.log") as log:
            argv = [sys.executable, "-m", "local", "supervise"]
            self._supervisor = spawn(Command(argv=argv, cwd=self.home, env=self._told()), log)
        await until(lambda: self._is_up() or self._has_failed(), patience=COMMAND_TIMEOUT)
        if self._has_failed():
            raise AssertionError(f"the platform did not start:\n{self._why()}")

    async def stop(self, keep_logs_in: Path) -> None:
        """Stop it, and delete all but its logs."""
        if self._supervisor is not None:
            await asyncio.to_thread(
                stop_group, self._supervisor, signal.SIGTERM, commands.STOP_TIMEOUT
            )
        shutil.rmtree(keep_logs_in, ignore_errors=True)
        with suppress(FileNotFoundError):
            shutil.copytree(self.home / "logs", keep_logs_in)
        await asyncio.to_thread(commands.reset, self.plan, lambda _line: None, sure=True)

    def local(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m local …` on it, as `make` does."""
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env=self._told(),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )

    def up(self) -> str:
        """`make up`: start it or find it running; answers what was printed."""
        done = self.local("up")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def units(self) -> dict[str, state.UnitState]:
        """What the supervisor says of each process."""
        return state.read_status(self.home)

    def pid(self, name: str) -> int:
        """The process of a unit. Raises AssertionError while it is coming back."""
        pid = self.units()[name].pid
        assert pid is not None, f"{name} does not run"
        return pid

    def kill(self, name: str) -> int:
        """End a process at once; answers the id it had."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    async def until_back(self, name: str, killed: int) -> None:
        """Wait until another process has taken the place of one that was killed."""

        def is_back() -> bool:
            unit = self.units()[name]
            return unit.state == state.READY and unit.pid not in (None, killed)

        await until(is_back)

    async def until_all_ready(self) -> None:
        """Wait until every unit stands again."""
        well = (state.READY, state.DONE)
        await until(lambda: all(unit.state in well for unit in self.units().values()))

    def log_lines(self, name: str) -> list[str]:
        """Everything that a process has written, standard output and error alike."""
        return (self.home / "logs" / f"{name}.log").read_text(errors="replace").splitlines()

    async def rows(self, service: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Look into a service's database past every policy, as the server's superuser."""
        connection = await asyncpg.connect(with_database(self.plan.admin_url, service))
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    @asynccontextmanager
    async def second_gateway(self, **settings: str) -> AsyncIterator[str]:
        """The address of another gateway beside the first, told something else."""
        listen, internal = (f"127.0.0.1:{self.plan.base + BESIDE + more}" for more in (0, 1))
        told = {"LISTEN": listen, "INTERNAL_LISTEN": internal, **settings}
        with open_log(self.home / "logs" / "gateway-beside.log") as log:
            argv = [sys.executable, "-m", "gateway", "serve"]
            env = environment(self.plan, "gateway", **told)
            process = spawn(Command(argv=argv, cwd=self.home, env=env), log)
        ready = answers(f"http://{internal}/readyz")
        try:
            await until(lambda: asyncio.to_thread(ready, process.pid))
            yield f"http://{listen}"
        finally:
            await asyncio.to_thread(stop_group, process, signal.SIGTERM, commands.STOP_TIMEOUT)

    def _told(self) -> dict[str, str]:
        return {**base(self.plan), **self._settings}

    def _is_up(self) -> bool:
        return state.read_facts(self.home) is not None

    def _has_failed(self) -> bool:
        ended = self._supervisor is not None and self._supervisor.poll() is not None
        return ended or any(unit.state == state.FAILED for unit in self.units().values())

    def _why(self) -> str:
        notes = [unit.note for unit in self.units().values() if unit.note]
        return "\n".join([*notes, *tail(self.home / "logs" / "supervisor.log", 20)])


async def until(holds: Callable[[], bool | Awaitable[bool]], *, patience: float = PATIENCE) -> None:
    """Poll until something holds. Raises TimeoutError."""
    async with asyncio.timeout(patience):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(PAUSE)


def _free_base(home: Path) -> int:
    start = FIRST_BASE + os.getpid() % 50 * STEP  # two runs side by side begin apart
    for number in range(start, LAST_BASE, STEP):
        if not commands.taken_ports(Plan(home, number)):
            return number
    raise AssertionError("no free ports for the platform of the tests")
