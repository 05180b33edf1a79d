"""The embedded servers on real binaries: as root and not, in awkward folders, and after a crash."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from local import postgres, servers

STARTERS = [servers.start_postgres, servers.start_nats, servers.start_valkey]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose path has blanks and letters beyond ASCII."""
    yield tmp_path / "two words é"
    postgres.remove(tmp_path / "two words é")


async def first_row(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize("start", STARTERS, ids=lambda start: start.__name__)
def test_a_server_starts_stops_and_starts_again_in_its_folder(
    start: Callable[..., servers.Server], folder: Path
) -> None:
    first = start(folder)
    first.stop()
    second = start(folder)
    try:
        assert psutil.pid_exists(second.pid)
        assert first.url.split("@")[0] == second.url.split("@")[0], "the password is kept"
    finally:
        second.stop()
    assert not psutil.pid_exists(second.pid)


@pytest.mark.parametrize("start", STARTERS, ids=lambda start: start.__name__)
def test_a_taken_port_is_told_apart(start: Callable[..., servers.Server], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(servers.PortTaken):
        start(folder, taken.getsockname()[1])


async def test_postgres_asks_for_its_password(folder: Path) -> None:
    server = servers.start_postgres(folder)
    try:
        assert await first_row(server.dsn, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await first_row(server.dsn.replace("ff:", "ff:not"), "SELECT 1")
        data_folder = stat.S_IMODE((folder / "data").stat().st_mode)
        assert data_folder & 0o077 == 0
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way around PostgreSQL's refusal")
async def test_postgres_runs_for_root_where_namespaces_are_forbidden(folder: Path) -> None:
    cluster = postgres.prepare(folder, namespaces=False)
    port = servers.free_port()
    command = postgres.command(cluster, port, durable=False)
    recipe = servers.Recipe(
        "postgres", command, lambda pid: postgres.is_ready(cluster, pid), url=""
    )
    server = servers.run(recipe, folder)
    try:
        assert psutil.Process(server.pid).username() == "nobody"
        dsn = f"postgresql://ff:{cluster.password}@127.0.0.1:{port}/postgres"
        assert await first_row(dsn, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_cluster_left_half_made_is_made_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18")
    servers.start_postgres(folder).stop()


def test_a_lock_whose_number_was_reused_does_not_stop_postgres(folder: Path) -> None:
    servers.start_postgres(folder).stop()
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'data'}\n")
    servers.start_postgres(folder).stop()


def test_no_server_outlives_a_killed_starter(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from local import servers\n"
        "folder = Path(sys.argv[1])\n"
        "for start in (servers.start_postgres, servers.start_nats, servers.start_valkey):\n"
        "    sys.stdout.write(f'{start(folder / start.__name__).pid}\\n')\n"
        "sys.stdout.flush(); time.sleep(60)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    started = [psutil.Process(int(starter.stdout.readline())) for _ in STARTERS]
    children = [child for process in started for child in process.children(recursive=True)]
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    _, alive = psutil.wait_procs([*started, *children], timeout=15)
    assert alive == []
