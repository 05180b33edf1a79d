"""What `make up` promises: one command, again harmless, and back after whatever dies."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from local import state
from tests.e2e.support.platform import Platform

EVERYTHING = {
    *("postgres", "nats", "valkey", "mail"),
    *("auth", "crm", "crm-worker", "analytics", "analytics-worker", "notify", "gateway"),
}
PATIENCE = 90.0


def until(condition: Callable[[], object]) -> None:
    """Poll: what is waited for happens in other processes."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def all_ready(platform: Platform) -> bool:
    """Whether every process runs and every service says that it can work."""
    services = platform.facts["services"]
    pages = [s["metrics"].replace("/metrics", "/readyz") for s in services.values() if s["metrics"]]
    return all(s["pid"] for s in services.values()) and all(answers(page) for page in pages)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_tells_where_everything_is(platform: Platform) -> None:
    facts = platform.facts
    assert set(facts["services"]) == EVERYTHING
    assert all(psutil.pid_exists(service["pid"]) for service in facts["services"].values())
    metrics = [s["metrics"] for s in facts["services"].values() if s["metrics"]]
    assert len(metrics) == 7
    assert all(answers(url) for url in metrics)
    assert answers(facts["mail"])
    assert (platform.home / "local.json").stat().st_mode & 0o077 == 0, "a password is in it"


def test_a_second_up_says_where_and_changes_nothing(platform: Platform) -> None:
    before = platform.facts
    said = platform.up()
    assert before["gateway"] in said
    assert before["demo"]["password"] in said
    assert platform.facts == before


def test_a_taken_port_is_named_in_one_line(tmp_path: Path) -> None:
    other = Platform(tmp_path)
    with socket.create_server(("127.0.0.1", other.plan.base + 20)):
        done = other.local("up")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"{other.plan.base + 20} (auth)" in line
    assert "FF_PORT=" in line


def test_nothing_outlives_a_killed_supervisor_and_up_recovers(platform: Platform) -> None:
    supervisor = state.supervisor_pid(platform.home)
    assert supervisor
    pids = [service["pid"] for service in platform.facts["services"].values()]
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not any(state.birth_of(pid) for pid in pids))
    assert platform.local("status").returncode == 1
    platform.up()
    assert set(platform.facts["services"]) == EVERYTHING
