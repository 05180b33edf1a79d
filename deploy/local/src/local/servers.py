"""The three servers of the platform, embedded: PostgreSQL, NATS with JetStream, Valkey.

`*_recipe` prepares a folder and says how to run the server (the supervisor does the running);
`start_*` runs it here and now, for tests.
"""

import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local import binaries, postgres
from local.processes import Command, spawn, stop_group, wait_until
from local.secrets import private_folder, secret, write_private

LOOPBACK = "127.0.0.1"
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class ServerFailed(RuntimeError):
    """A server did not become ready; the message carries the end of its log."""


class PortTaken(ServerFailed):
    """Somebody else listens on the port."""


@dataclass(frozen=True)
class Recipe:
    """How to run one server, how to see that it is ready, and where it answers."""

    name: str
    command: Command
    ready: Callable[[int], bool]
    url: str


@dataclass(frozen=True)
class Server:
    """A running server; `url` (or `dsn`, the same) is all that a client needs."""

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    @property
    def dsn(self) -> str:
        """The address under the name that databases use."""
        return self.url

    @property
    def pid(self) -> int:
        """Process id of the server itself."""
        return self.process.pid

    def stop(self) -> None:
        """End the server and whatever it started."""
        stop_group(self.process, self.stop_signal, STOP_TIMEOUT)


def start_postgres(folder: Path, port: int = 0, *, durable: bool = False) -> Server:
    """PostgreSQL on loopback; `dsn` is its superuser's. Not durable = quick, a crash loses data.

    Stopping keeps the data; `local.postgres.remove(folder)` deletes it.
    """
    return _start(lambda free: postgres_recipe(folder, free, durable=durable), folder, port)


def start_nats(folder: Path, port: int = 0) -> Server:
    """NATS with JetStream on loopback."""
    return _start(lambda free: nats_recipe(folder, free, free_port()), folder, port)


def start_valkey(folder: Path, port: int = 0) -> Server:
    """Valkey on loopback."""
    return _start(lambda free: valkey_recipe(folder, free), folder, port)


def postgres_recipe(folder: Path, port: int, *, durable: bool) -> Recipe:
    """A cluster in `folder`, made if it is not there yet."""
    cluster = postgres.prepare(folder)
    return Recipe(
        name="postgres",
        command=postgres.command(cluster, port, durable=durable),
        ready=lambda pid: postgres.is_ready(cluster, pid),
        url=postgres_url(folder, port),
    )


def nats_recipe(folder: Path, port: int, monitor_port: int) -> Recipe:
    """JetStream in `folder`; only who knows the password in the url may connect."""
    private_folder(folder)
    password = _password(folder)
    # Names relative to the folder: its own path may hold what these files' syntax cannot.
    settings = {
        "host": LOOPBACK,
        "port": port,
        "http": f"{LOOPBACK}:{monitor_port}",
        "jetstream": {
            "store_dir": "jetstream",
            "max_memory_store": 64 * 2**20,
            "max_file_store": 4 * 2**30,
        },
        "authorization": {"user": "ff", "password": password},
        "max_payload": 2**20,
    }
    config = folder / "nats.conf"
    write_private(config, json.dumps(settings))
    return Recipe(
        name="nats",
        command=Command(
            argv=[str(binaries.find(binaries.NATS)), "-c", config.name],
            cwd=folder,
            # Enough for the streams of a large import: near its limit Go does little but collect.
            env={"GOMEMLIMIT": "112MiB"},
        ),
        ready=lambda _pid: _answers(f"http://{LOOPBACK}:{monitor_port}/healthz"),
        url=nats_url(folder, port),
    )


def valkey_recipe(folder: Path, port: int) -> Recipe:
    """Valkey with an append-only file: a queued job survives a restart."""
    private_folder(folder)
    password = _password(folder)
    config = folder / "valkey.conf"
    write_private(
        config,
        f"bind {LOOPBACK}\nport {port}\nrequirepass {password}\ndir .\nappendonly yes\n"
        'save ""\nmaxmemory 128mb\nmaxmemory-policy noeviction\ndatabases 8\n',
    )
    return Recipe(
        name="valkey",
        command=Command(
            argv=[str(binaries.find(binaries.VALKEY)), config.name], cwd=folder, env={}
        ),
        ready=lambda _pid: _valkey_is_ready(port, password),
        url=valkey_url(folder, port),
    )


def postgres_url(folder: Path, port: int) -> str:
    """Where the superuser of the cluster in `folder` connects."""
    return f"postgresql://{postgres.SUPERUSER}:{_password(folder)}@{LOOPBACK}:{port}/postgres"


def nats_url(folder: Path, port: int) -> str:
    """Where clients of the bus in `folder` connect."""
    return f"nats://ff:{_password(folder)}@{LOOPBACK}:{port}"


def valkey_url(folder: Path, port: int) -> str:
    """Where clients of the Valkey in `folder` connect; a database number may follow."""
    return f"redis://:{_password(folder)}@{LOOPBACK}:{port}"


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _start(recipe_for: Callable[[int], Recipe], folder: Path, port: int) -> Server:
    """Run a recipe; with no port wished for, a port lost to somebody else is tried again."""
    for _ in range(0 if port else 2):
        with suppress(PortTaken):
            return run(recipe_for(free_port()), folder)
    return run(recipe_for(port or free_port()), folder)


def run(recipe: Recipe, folder: Path) -> Server:
    log = folder / f"{recipe.name}.log"
    with log.open("wb") as output:
        process = spawn(recipe.command, output)
    server = Server(recipe.name, recipe.url, log, process, recipe.command.stop_signal)
    if wait_until(lambda: recipe.ready(process.pid), lambda: process.poll() is None, START_TIMEOUT):
        return server
    server.stop()
    said = log.read_text(errors="replace")[-2000:]
    failure = PortTaken if re.search("in use", said, re.IGNORECASE) else ServerFailed
    raise failure(f"{recipe.name} did not start:\n{said}")


def _password(folder: Path) -> str:
    return secret(folder / "password")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _valkey_is_ready(port: int, password: str) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answers = connection.makefile("rb")
            return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
