"""The life of a process, watched from outside."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import runtime
from kit.runtime import Ended, Readiness, main, run
from kit.telemetry.metrics import REGISTRY
from kit.testing.background import PATIENCE

PROCESS = """
import asyncio, sys
from kit import runtime
from kit.runtime import run
from kit.telemetry import Log, configure

class Settings:
    profile, log_level, otlp_endpoint = "test", "INFO", ""

log = Log("process")
broken = asyncio.Event()

class Server:
    async def start(self, readiness):
        log.info("server_started", ready=not await readiness.problems())
        if "{mode}" == "no_start":
            raise OSError("the address is taken")
        self.readiness = readiness
    async def stop(self):
        log.info("server_stopping", problems=await self.readiness.problems())
        await asyncio.sleep(0.05)
        log.info("server_stopped")

async def forever():
    try:
        await asyncio.Event().wait()
    finally:
        log.info("forever_cancelled")

async def other():
    await asyncio.sleep(0.2)
    match "{mode}":
        case "raises":
            raise RuntimeError("canary")
        case "returns":
            return
    log.info("other_runs")
    try:
        await asyncio.Event().wait()
    finally:
        log.info("other_cancelled")
        if "{mode}" == "fails_to_end":
            raise RuntimeError("not like this")

async def database():
    if "{mode}" == "no_database":
        raise ConnectionError("no database")
    if "{mode}" == "slow_database":
        await asyncio.Event().wait()
    if "{mode}" == "odd_database":
        raise ConnectionError

async def life():
    configure("kit", Settings())
    runtime.CHECK_TIMEOUT = 0.1
    try:
        await run(
            name="test",
            internal_listen="127.0.0.1:{port}",
            servers=[Server()],
            background={{"forever": forever, "other": other}},
            checks={{"database": database}},
        )
    finally:
        log.info("resources_closed")

runtime.main(life())
"""


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


class Process:
    """A running process and its keepers' pages."""

    def __init__(self, mode: str, port: int, folder: Path) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._output = folder / "output"
        script = PROCESS.format(mode=mode, port=port)
        with self._output.open("wb") as output:
            self._process = subprocess.Popen([sys.executable, "-c", script], stdout=output)

    def get(self, path: str) -> tuple[int, bytes]:
        return get(self._base + path)

    def events(self) -> list[dict[str, Any]]:
        lines = self._output.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def names(self) -> list[str]:
        return [event["event"] for event in self.events()]

    def until(self, event: str) -> None:
        while event not in self.names():
            assert self._process.poll() is None, self.names()
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        return self.end()

    def end(self) -> int:
        return self._process.wait(2 * PATIENCE)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def process(tmp_path: Path, free_port: int) -> Iterator[Callable[[str], Process]]:
    processes: list[Process] = []

    def start(mode: str) -> Process:
        processes.append(Process(mode, free_port, tmp_path))
        return processes[-1]

    yield start
    for each in processes:
        each.kill()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_whole_life_in_order(process: Callable[[str], Process], number: int) -> None:
    it = process("good")
    it.until("other_runs")
    assert it.get("/livez") == (200, b"alive\n")
    assert it.get("/readyz") == (200, b'{"ready":true,"problems":{}}')
    status, metrics = it.get("/metrics")
    assert status == 200
    assert b"process_cpu_seconds_total" in metrics
    assert it.stop(number) == 0
    assert it.names() == [
        "server_started",
        "started",
        "other_runs",
        "stopping",
        "server_stopping",
        "server_stopped",
        "other_cancelled",
        "forever_cancelled",
        "stopped",
        "resources_closed",
    ]
    started, stopping = it.events()[0], it.events()[4]
    assert started["ready"] is False
    assert stopping["problems"] == {"process": "draining"}


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("no_database", "ConnectionError: no database"),
        ("odd_database", "ConnectionError"),
        ("slow_database", "no answer in time"),
    ],
)
def test_a_missing_dependency_is_no_reason_to_die(
    process: Callable[[str], Process], mode: str, problem: str
) -> None:
    it = process(mode)
    it.until("started")
    status, body = it.get("/readyz")
    assert status == 503
    assert json.loads(body) == {"ready": False, "problems": {"database": problem}}
    assert it.get("/livez")[0] == 200
    assert it.stop() == 0


@pytest.mark.parametrize(
    ("mode", "text"), [("raises", "RuntimeError: canary"), ("returns", "other has ended")]
)
def test_half_a_service_is_none(process: Callable[[str], Process], mode: str, text: str) -> None:
    it = process(mode)
    assert it.end() == 1
    crashed = it.events()[-1]
    assert crashed["event"] == "crashed"
    assert text in crashed["error.stack"]
    assert "server_stopped" in it.names()
    assert "forever_cancelled" in it.names()
    assert "resources_closed" in it.names()


def test_a_server_that_cannot_start_ends_the_process(process: Callable[[str], Process]) -> None:
    it = process("no_start")
    assert it.end() == 1
    assert "the address is taken" in it.events()[-1]["error.stack"]
    assert "started" not in it.names()
    assert "server_stopped" not in it.names()


def test_a_part_that_fails_while_ending_does_not_stop_the_rest(
    process: Callable[[str], Process],
) -> None:
    it = process("fails_to_end")
    it.until("other_runs")
    assert it.stop() == 0
    assert it.names()[-4:] == [
        "background_failed",
        "forever_cancelled",
        "stopped",
        "resources_closed",
    ]


class Recorder:
    """A server that writes down what is done to it."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.done: list[str] = []
        self.started = asyncio.Event()
        self._breaks = breaks

    async def start(self, readiness: Readiness) -> None:
        self.done.append("start")
        self.started.set()

    async def stop(self) -> None:
        self.done.append("stop")
        if self._breaks:
            raise ConnectionError("it would not stop")


async def test_a_signal_ends_it_and_is_given_back(free_port: int) -> None:
    server = Recorder()
    address = f"127.0.0.1:{free_port}"
    life = asyncio.create_task(run(name="test", internal_listen=address, servers=[server]))
    await server.started.wait()
    for path in ("/livez", "/readyz", "/metrics"):
        status, _ = await asyncio.to_thread(get, f"http://{address}{path}")
        assert status == 200
    os.kill(os.getpid(), signal.SIGTERM)
    await life
    assert server.done == ["start", "stop"]
    assert not asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_whatever_fails_at_the_end_the_rest_is_ended() -> None:
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            raise RuntimeError("not like this")

    async def broken() -> None:
        raise KeyError("canary")

    first, second = Recorder(), Recorder(breaks=True)
    with pytest.raises(ConnectionError) as caught:
        await run(
            name="test",
            internal_listen="127.0.0.1:0",
            servers=[first, second],
            background={"forever": forever, "broken": broken},
        )
    assert isinstance(caught.value.__context__, Ended)
    assert isinstance(caught.value.__context__.__cause__, KeyError)
    assert first.done == second.done == ["start", "stop"]
    assert ended.is_set()


@pytest.mark.parametrize(("error", "code"), [(None, 0), (RuntimeError("canary"), 1)])
async def test_the_exit_code_says_how_it_went(error: Exception | None, code: int) -> None:
    async def life() -> None:
        if error is not None:
            raise error

    def whole() -> int | str | None:
        with pytest.raises(SystemExit) as caught:
            main(life())
        return caught.value.code

    assert await asyncio.to_thread(whole) == code


async def test_not_ready_before_it_is_open() -> None:
    readiness = Readiness({})
    assert await readiness.problems() == {"process": "starting"}
    readiness.open()
    assert await readiness.problems() == {}
    readiness.close()
    assert await readiness.problems() == {"process": "draining"}


async def test_a_check_says_no_by_raising_or_by_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "CHECK_TIMEOUT", 0.05)

    async def fine() -> None:
        return

    async def away() -> None:
        raise ConnectionError("no database")

    async def silent() -> None:
        raise ConnectionError

    async def hanging() -> None:
        await asyncio.Event().wait()

    readiness = Readiness({"a": fine, "b": away, "c": silent, "d": hanging})
    readiness.open()
    assert await readiness.problems() == {
        "b": "ConnectionError: no database",
        "c": "ConnectionError",
        "d": "no answer in time",
    }


def test_a_collector_that_hangs_does_not_keep_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runtime, "FLUSH_TIMEOUT", 0.01)
    monkeypatch.setattr(runtime, "stop_exporting", lambda: time.sleep(0.2))
    runtime._flush_spans()
    assert "spans_lost" in [record.msg for record in caplog.records]


async def test_which_check_fails_is_told() -> None:
    async def passes() -> None:
        pass

    async def fails() -> None:
        raise OSError("not there")

    def told(check: str) -> float | None:
        return REGISTRY.get_sample_value("ready", {"check": check})

    readiness = Readiness({"passes": passes, "fails": fails})
    await readiness.tell()
    assert told("fails") is None  # it only begins
    readiness.open()
    await readiness.tell()
    assert (told("passes"), told("fails")) == (1, 0)
