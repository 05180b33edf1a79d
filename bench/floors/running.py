"""Floors on the platform's own PostgreSQL, in a database beside the services'."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from bench.floors import sql
from bench.load.processes import cpu_seconds
from bench.load.runner import Result
from bench.platform import BenchFailed, Platform
from kit.provision import with_database
from local import binaries

FIRST_PORT = 60  # behind the platform's own
CLIENTS = 16


async def make_database(platform: Platform, deals: int) -> str:
    """Its address."""
    connection = await platform.admin("postgres")
    await connection.execute("DROP DATABASE IF EXISTS floor")
    await connection.execute("CREATE DATABASE floor")
    await connection.close()
    dsn = with_database(platform.plan.admin_url, "floor")
    await sql.seed(dsn, deals)
    return dsn


@contextmanager
def running(platform: Platform, dsn: str) -> Iterator[dict[str, tuple[str, dict[str, list[int]]]]]:
    """Both floors that speak HTTP: address, and processes by group."""
    first = platform.plan.base + FIRST_PORT
    service, told = f"127.0.0.1:{first + 2}", {**os.environ, "FLOOR_DSN": dsn}
    told["FLOOR_SERVICE"] = service
    web = ("uvicorn", "--no-access-log", "--log-level=warning", "--loop=uvloop", "--port")
    started = [
        subprocess.Popen([sys.executable, "-m", *command], env=told)
        for command in (
            (*web, str(first), "bench.floors.monolith:app"),
            (*web, str(first + 1), "bench.floors.gateway:app"),
            ("bench.floors.service", service),
        )
    ]
    database = [platform.pids["postgres"]]
    monolith, gateway, behind = ([process.pid] for process in started)
    try:
        yield {
            "floor 1": (f"http://127.0.0.1:{first}", {"app": monolith, "database": database}),
            "floor 2": (
                f"http://127.0.0.1:{first + 1}",
                {"gateway": gateway, "crm": behind, "database": database},
            ),
        }
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def database_alone(platform: Platform, dsn: str, operation: str, seconds: int) -> Result:
    """pgbench with the floor's statements."""
    program = binaries.find(binaries.POSTGRES).resolve().with_name("pgbench")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / f"{operation}.sql"
        script.write_text(sql.pgbench_scripts()[operation])
        command = [
            str(program), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}",
            f"--time={seconds}", f"--define=w={sql.WORKSPACE}", "--log",
            f"--log-prefix={folder}/log", f"--file={script}", dsn,
        ]  # fmt: skip
        pids = [platform.pids["postgres"]]
        before, began = cpu_seconds(pids), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"pgbench: {done.stderr[-1000:]}")
        lines = [line for log in Path(folder).glob("log.*") for line in log.open()]
    return Result(
        seconds=time.monotonic() - began,
        latencies=[int(line.split()[2]) / 1e6 for line in lines],
        cpu={"database": cpu_seconds(pids) - before},
    )


async def answering(dsn: str, address: str) -> None:
    """Wait until a floor listens and the database knows its tables."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        await (await asyncpg.connect(dsn)).close()
        return
    raise BenchFailed(f"nothing answers at {address}")
