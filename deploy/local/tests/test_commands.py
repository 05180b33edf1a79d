"""What a person is told: of ports, of a failed start, of settings that cannot be."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import commands, state
from local.monitoring import BESIDE
from local.plan import Plan
from local.servers import free_port


def local(home: Path, *arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        env={**os.environ, "FF_HOME": str(home), **told},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_named_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = local(tmp_path, "up", FF_PORT=str(port - 20))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert f"{port} (auth)" in line
    assert f"pid {os.getpid()}" in line
    assert "FF_PORT=" in line


@pytest.mark.parametrize("port", ["web", "80", "65535", "-1", "٨٧٠٠"])
def test_a_port_that_cannot_be_is_named_in_one_line(tmp_path: Path, port: str) -> None:
    done = local(tmp_path, "status", FF_PORT=port)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"FF_PORT={port}: a port from 1024 to 65499 is needed"]


def test_a_failed_start_says_why_with_the_end_of_the_log(tmp_path: Path) -> None:
    broken = tmp_path / "nats-server"
    broken.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo v2.15.0 && exit\necho no luck; exit 1\n"
    )
    broken.chmod(0o755)
    home = tmp_path / "two words"
    done = local(home, "up", FF_PORT=str(free_base(home)), FF_NATS_BIN=str(broken))
    assert done.returncode == 1
    first, *log = done.stderr.splitlines()
    assert first.startswith("nats ended 5 times in a row (exit code 1): see ")
    assert log[-1].strip() == "no luck"
    assert state.supervisor_pid(home) is None
    assert not any(unit.pid for unit in state.read_status(home).values())


def test_reset_asks_and_deletes_all_but_itself(tmp_path: Path) -> None:
    plan = Plan(tmp_path, 18_000)
    plan.secret("something")
    plan.data("nats").mkdir(parents=True)
    refused = local(tmp_path, "reset")
    assert refused.returncode == 1
    assert refused.stderr == "reset asks first; without a terminal: make reset YES=1\n"
    assert plan.data("nats").exists()
    assert local(tmp_path, "reset", "--yes").returncode == 0
    assert not plan.data("nats").exists()
    assert not (tmp_path / "secrets").exists()


def test_what_is_not_running_is_said_to_be_so(tmp_path: Path) -> None:
    assert local(tmp_path, "status").returncode == 1
    down = local(tmp_path, "down")
    assert (down.returncode, down.stdout) == (0, "FreelanceFlow is not running.\n")
    assert local(tmp_path, "logs").returncode == 1


def test_a_log_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    assert local(tmp_path, "logs").stderr == "nothing has been logged yet\n"
    (tmp_path / "logs").mkdir()
    for name in ("auth", "crm", "crm.1"):
        (tmp_path / "logs" / f"{name}.log").write_text("a line\n")
    for name in ("ghost", "*", "../crm"):
        done = local(tmp_path, "logs", name)
        assert (done.returncode, done.stderr) == (1, f"no log of {name}; there are auth, crm\n")
    assert len(local(tmp_path, "logs", "").stdout.splitlines()) == 2, "make says nothing as ''"


@pytest.mark.parametrize("text", ["{broken", "[]", "{}", '{"units": {"x": {"who": 1}}}'])
def test_what_somebody_else_wrote_is_named_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    done = local(tmp_path, "status")
    path = tmp_path / "status.json"
    assert done.returncode == 1
    assert done.stderr == f"{path} cannot be read: `make down up` writes it anew\n"
    assert local(tmp_path, "down").returncode == 0


def test_a_folder_that_cannot_be_is_named_in_one_line(tmp_path: Path) -> None:
    home = tmp_path / "file" / "home"
    home.parent.write_text("not a folder")
    for command in ("up", "status", "down"):
        done = local(home, command, FF_PORT=str(free_base(home)))
        (line,) = done.stderr.splitlines()
        assert (done.returncode, line.rpartition(": ")[2]) == (1, "Not a directory")
        assert str(home) in line


def test_ports_need_not_be_told_again(tmp_path: Path) -> None:
    plan = Plan(tmp_path, 18_000)
    assert commands.as_running(plan) == plan
    facts = {**Plan(tmp_path, 19_000).facts, "services": {}}
    (tmp_path / "local.json").write_text(json.dumps(facts))
    assert commands.as_running(plan) == Plan(tmp_path, 19_000)


@pytest.fixture
def ready(tmp_path: Path) -> Plan:
    """What a platform that runs has written, without its processes."""
    plan = Plan(tmp_path, free_base(tmp_path))
    (tmp_path / "local.json").write_text(json.dumps({**plan.facts, "services": {}}))
    return plan


def test_nothing_is_watched_that_does_not_run(tmp_path: Path) -> None:
    done = local(tmp_path, "monitoring")
    assert (done.returncode, done.stderr) == (1, "nothing runs: `make up` first\n")


def test_monitoring_says_in_one_line_what_is_in_its_way(ready: Plan) -> None:
    done = local(ready.home, "monitoring", FF_PROMETHEUS_BIN="/nowhere")
    assert done.stderr == "FF_PROMETHEUS_BIN=/nowhere leads to no prometheus\n"
    with socket.create_server(("127.0.0.1", ready.base + BESIDE)):
        done = local(ready.home, "monitoring")
    assert done.returncode == 1
    who = f"{psutil.Process().name()}, pid {os.getpid()}"
    assert done.stderr == f"port {ready.base + BESIDE} is taken by {who}: free it\n"


def test_a_prometheus_that_ends_says_why_with_the_end_of_its_log(ready: Plan) -> None:
    broken = ready.home / "prometheus"
    broken.write_text("#!/bin/sh\n[ $1 = --version ] && echo 3.5.1 && exit\necho no luck; exit 1\n")
    broken.chmod(0o755)
    for _ in range(2):
        done = local(ready.home, "monitoring", FF_PROMETHEUS_BIN=str(broken))
        first, *log = done.stderr.splitlines()
        assert (done.returncode, log) == (1, ["    no luck"])
        assert first.endswith(f"see {ready.home / 'logs/prometheus.log'}")


@pytest.mark.promtool
def test_prometheus_runs_once_and_ends_with_the_platform(ready: Plan) -> None:
    argv = [sys.executable, "-m", "local", "monitoring"]
    told = {**os.environ, "FF_HOME": str(ready.home)}
    with subprocess.Popen(argv, env=told, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout
            address = f"http://localhost:{ready.base + BESIDE}"
            said = ""
            while address not in said:
                said = first.stdout.readline()
                assert said, "it ended"
            again = local(ready.home, "monitoring")
            assert (again.returncode, again.stdout) == (0, f"Prometheus is running: {address}\n")
            down = local(ready.home, "down")
            assert down.stdout.splitlines()[0] == "Prometheus is stopped."
            assert first.wait() == 0
        finally:
            first.terminate()
    socket.create_server(("127.0.0.1", ready.base + BESIDE)).close()  # free again


def free_base(home: Path) -> int:
    while commands.taken_ports(Plan(home, base := min(free_port(), 65_000))):
        pass
    return base
