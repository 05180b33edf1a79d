"""What is running, on disk: for `status`, for whoever reads `.ff/local.json`, and after a crash."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from local.processes import kill_group
from local.secrets import write_private

WAITING, STARTING, READY, DONE, FAILED, STOPPED = (
    "waiting",
    "starting",
    "ready",
    "done",
    "failed",
    "stopped",
)
SUPERVISOR, MONITORING = "supervisor", "monitoring"  # roles


class Damaged(Exception):
    """What the supervisor wrote is not what stands there; the message says what to do."""


@dataclass(frozen=True)
class UnitState:
    """One unit as the supervisor sees it."""

    name: str
    state: str = WAITING
    pid: int | None = None
    born: float | None = None
    restarts: int = 0
    note: str = ""
    metrics: str | None = None
    is_task: bool = False


class Board:
    """The state of all units, written anew at every change."""

    def __init__(self, home: Path, facts: Mapping[str, Any], units: list[UnitState]) -> None:
        self._home = home
        self._facts = facts
        self._units = {unit.name: unit for unit in units}
        self._was_ready = False
        (home / "local.json").unlink(missing_ok=True)
        self._write()

    def __getitem__(self, name: str) -> UnitState:
        return self._units[name]

    def set(self, name: str, **changes: Any) -> None:
        """Change one unit; a pid brings its birth with it, so that it is never mistaken."""
        if "pid" in changes:
            changes["born"] = birth_of(changes["pid"])
        self._units[name] = replace(self._units[name], **changes)
        self._write()

    @property
    def all_ready(self) -> bool:
        """Whether nothing is left to wait for."""
        return all(unit.state in (READY, DONE) for unit in self._units.values())

    @property
    def failed(self) -> list[UnitState]:
        """The units given up."""
        return [unit for unit in self._units.values() if unit.state == FAILED]

    def close(self) -> None:
        """Say that nothing runs any more; why a unit failed stays readable."""
        for unit in self._units.values():
            if unit.state != FAILED:
                self._units[unit.name] = replace(unit, state=STOPPED, pid=None, born=None)
        self._write()
        (self._home / "local.json").unlink(missing_ok=True)

    def _write(self) -> None:
        units = {name: asdict(unit) for name, unit in self._units.items()}
        write_private(self._home / "status.json", json.dumps({"units": units}, indent=1))
        # First when all is there, then at every change: a reader never sees half a platform.
        self._was_ready = self._was_ready or self.all_ready
        if self._was_ready:
            services = {
                unit.name: {"pid": unit.pid, "metrics": unit.metrics}
                for unit in self._units.values()
                if not unit.is_task
            }
            facts = {**self._facts, "services": services}
            write_private(self._home / "local.json", json.dumps(facts, indent=1))


def read_status(home: Path) -> dict[str, UnitState]:
    """The units as last written; empty before the first start."""
    path = home / "status.json"
    with suppress(FileNotFoundError), _as_written(path):
        written = json.loads(path.read_text())
        return {name: UnitState(**unit) for name, unit in written["units"].items()}
    return {}


def read_facts(home: Path) -> dict[str, Any] | None:
    """The content of local.json, None while the platform is not ready."""
    path = home / "local.json"
    with suppress(FileNotFoundError), _as_written(path):
        facts: dict[str, Any] = json.loads(path.read_text())
        return {**facts, "services": dict(facts["services"])}
    return None


@contextmanager
def _as_written(path: Path) -> Iterator[None]:
    """Raises Damaged: somebody else wrote, or an older version did."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Damaged(f"{path} cannot be read: `make down up` writes it anew") from None


@contextmanager
def holding(home: Path, role: str) -> Iterator[bool]:
    """Hold the right to a role that one process has at a time; False when somebody else has it.

    The kernel drops the lock when its holder ends, however it ends: nothing stale can remain.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{role}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield True


def holder(home: Path, role: str) -> int | None:
    """The process that has a role now, if one does."""
    try:
        lock = (home / f"{role}.lock").open("r+")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def supervisor_pid(home: Path) -> int | None:
    """The supervisor that runs now, if one does."""
    return holder(home, SUPERVISOR)


def stop_leftovers(home: Path, patience: float = 10.0) -> list[str]:
    """End what an earlier supervisor left behind; a number given to somebody else is let be."""
    known: dict[str, UnitState] = {}
    with suppress(Damaged):  # then only the kernel's word is left, which ends them as well
        known = read_status(home)
    left = [
        unit
        for unit in known.values()
        if unit.pid and unit.born and birth_of(unit.pid) == unit.born
    ]
    for unit in left:
        assert unit.pid
        # SIGINT is the quick and clean end of PostgreSQL, and good enough for the others.
        with suppress(ProcessLookupError):
            os.kill(unit.pid, signal.SIGINT if unit.name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(birth_of(u.pid) == u.born for u in left):
        time.sleep(0.05)
    for unit in left:
        if unit.pid and birth_of(unit.pid) == unit.born:
            kill_group(unit.pid)
    return [unit.name for unit in left]


def birth_of(pid: int | None) -> float | None:
    """When a process began; None when there is none (or only its remains)."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
