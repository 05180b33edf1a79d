"""The supervisor on small real processes: order, restarts, giving up, stopping, crashes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local import state, supervisor
from local.processes import Command
from local.supervisor import Supervisor
from local.units import Unit

# Says that it is ready by a file, notes its end, and takes its time for it.
SERVICE = """
import pathlib, signal, sys, time
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def end(*_):
    time.sleep(0.05)
    with (folder / "ends").open("a") as ends: ends.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with (folder / "begins").open("a") as begins: begins.write(name + "\\n")
(folder / (name + ".ready")).touch()
while True: time.sleep(0.05)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A platform's folder whose path has a blank."""
    folder = tmp_path / "two words"
    folder.mkdir()
    return folder


def python(home: Path, program: str, *arguments: str) -> Command:
    return Command(argv=[sys.executable, "-c", program, *arguments], cwd=home)


def service(home: Path, name: str, *needs: str, program: str = SERVICE) -> Unit:
    return Unit(
        name=name,
        prepare=lambda: python(home, program, name, str(home)),
        ready=lambda _pid: (home / f"{name}.ready").exists(),
        needs=needs,
    )


def task(home: Path, name: str, program: str, *needs: str) -> Unit:
    return Unit(name=name, prepare=lambda: python(home, program), needs=needs)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def until(condition: Callable[[], object]) -> None:
    """Poll: what is waited for happens in other processes."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(home: Path, *units: Unit) -> AsyncIterator[Supervisor]:
    """A supervisor whose units are all ready; stopped afterwards."""
    supervised = Supervisor(list(units), home, {"gateway": "http://localhost"})
    run = asyncio.create_task(supervised.run())
    try:
        await until(lambda: supervised.board.all_ready or run.done())
        yield supervised
    finally:
        supervised.stop()
        await run


async def test_units_start_after_their_needs_and_stop_before_them(home: Path) -> None:
    units = [
        service(home, "top", "left", "right"),
        service(home, "left", "prepared"),
        service(home, "right", "prepared"),
        task(home, "prepared", "print('done')", "base"),
        service(home, "base"),
    ]
    async with running(home, *units) as supervised:
        assert supervised.board["prepared"].state == state.DONE
    begins, ends = lines(home / "begins"), lines(home / "ends")
    assert (begins[0], begins[-1]) == ("base", "top")
    assert (ends[0], ends[-1]) == ("top", "base"), "a done task between them does not matter"
    assert sorted(begins) == sorted(ends) == ["base", "left", "right", "top"]


async def test_what_is_only_used_may_start_later_but_ends_later_too(home: Path) -> None:
    gate = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.02)"
    using = replace(service(home, "using"), uses=("used",))
    units = [using, service(home, "used", "gate"), task(home, "gate", gate)]
    supervised = Supervisor(units, home, {})
    run = asyncio.create_task(supervised.run())
    await until(lambda: supervised.board["using"].state == state.READY)
    (home / "go").touch()
    await until(lambda: supervised.board.all_ready)
    supervised.stop()
    await run
    assert lines(home / "begins") == lines(home / "ends") == ["using", "used"]


async def test_a_killed_process_comes_back_under_a_new_pid(home: Path) -> None:
    async with running(home, service(home, "one")) as supervised:
        first = supervised.board["one"].pid
        assert first
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervised.board["one"].pid not in (None, first))
        await until(lambda: supervised.board["one"].state == state.READY)
        assert supervised.board["one"].restarts == 1
        facts = state.read_facts(home)
        assert facts
        assert facts["services"]["one"] == {"pid": supervised.board["one"].pid, "metrics": None}
    assert state.read_facts(home) is None


async def test_what_a_killed_process_started_goes_with_it(home: Path) -> None:
    program = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "folder = pathlib.Path(sys.argv[2])\n"
        "(folder / 'child').write_text(str(child.pid)); (folder / 'one.ready').touch()\n"
        "time.sleep(60)\n"
    )
    async with running(home, service(home, "one", program=program)) as supervised:
        child = int((home / "child").read_text())
        os.kill(supervised.board["one"].pid or 0, signal.SIGKILL)
        await until(lambda: state.birth_of(child) is None)


async def test_it_gives_up_after_quick_ends_and_names_the_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST", 0.01)
    broken = service(home, "broken", program="print('no such luck'); raise SystemExit(3)")
    supervised = Supervisor([service(home, "base"), broken], home, {})
    assert await supervised.run() is False
    failed = state.read_status(home)["broken"]
    log = home / "logs" / "broken.log"
    assert failed.state == state.FAILED
    assert failed.note == f"broken ended 5 times in a row (exit code 3): see {log}"
    # gRPC, if this process uses it, may write a line of its own into a child that is just forked.
    assert lines(log).count("no such luck") == 5
    assert lines(home / "ends") == ["base"], "the rest was stopped"


async def test_bad_settings_are_not_tried_again(home: Path) -> None:
    refusing = service(home, "refusing", program="raise SystemExit(78)")
    assert await Supervisor([refusing], home, {}).run() is False
    assert "refuses its settings" in state.read_status(home)["refusing"].note


async def test_a_failing_task_stops_the_start(home: Path) -> None:
    units = [task(home, "migrate", "raise SystemExit(1)"), service(home, "one", "migrate")]
    assert await Supervisor(units, home, {}).run() is False
    assert not (home / "begins").exists()


async def test_a_stop_during_the_start_leaves_nothing(home: Path) -> None:
    never_ready = service(home, "slow", program="import time; time.sleep(60)")
    supervised = Supervisor([never_ready, service(home, "after", "slow")], home, {})
    run = asyncio.create_task(supervised.run())
    await until(lambda: supervised.board["slow"].pid)
    pid = supervised.board["slow"].pid
    supervised.stop()
    await run
    assert state.birth_of(pid) is None
    assert not (home / "begins").exists()


def test_backoff_doubles_up_to_its_limit() -> None:
    pauses = [supervisor.backoff(ends) for ends in range(1, 9)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_graph_that_cannot_start_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="not defined: ghost"):
        Supervisor([service(home, "one", "ghost")], home, {})
    with pytest.raises(ValueError, match="wait for each other: one, two"):
        Supervisor([service(home, "one", "two"), service(home, "two", "one")], home, {})


SUPERVISING = """
import asyncio, pathlib, sys
sys.path.insert(0, sys.argv[1])
import test_supervisor as t
from local.supervisor import Supervisor, supervise
from local.state import SUPERVISOR, holding
home = pathlib.Path(sys.argv[2])
with holding(home, SUPERVISOR) as free:
    assert free
    units = [t.service(home, "one"), t.service(home, "two", "one")]
    asyncio.run(supervise(Supervisor(units, home, {})))
"""


@pytest.fixture
def other(home: Path) -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own, with two units ready."""
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(Path(__file__).parent), str(home)]
    )


async def test_no_unit_outlives_a_killed_supervisor(
    home: Path, other: subprocess.Popen[bytes]
) -> None:
    await until(lambda: state.read_facts(home))
    pids = [unit.pid for unit in state.read_status(home).values()]
    assert state.supervisor_pid(home) == other.pid
    other.kill()
    other.wait()
    await until(lambda: not any(state.birth_of(pid) for pid in pids))
    assert state.supervisor_pid(home) is None


async def test_sigterm_stops_everything_in_order(
    home: Path, other: subprocess.Popen[bytes]
) -> None:
    await until(lambda: state.read_facts(home))
    other.terminate()
    assert other.wait() == 0
    assert lines(home / "ends") == ["two", "one"]


def test_leftovers_are_ended_but_a_reused_number_is_not(home: Path) -> None:
    left, stranger = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    units = {
        "left": state.UnitState("left", pid=left.pid, born=state.birth_of(left.pid)),
        "reused": state.UnitState("reused", pid=stranger.pid, born=1.0),
    }
    written = {"units": {name: vars(unit) for name, unit in units.items()}}
    (home / "status.json").write_text(json.dumps(written))
    try:
        assert state.stop_leftovers(home) == ["left"]
        assert left.wait() == -signal.SIGTERM
        assert psutil.pid_exists(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()
