"""`make backup`: the databases as they are now, with the keys that they are worthless without."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from shlex import quote

import asyncpg

from kit.clock import SystemClock
from kit.provision import with_database
from local import archive, binaries, postgres, state
from local.commands import CannotDo, Say
from local.environment import WITH_DATABASE
from local.plan import Plan
from local.secrets import private_folder
from local.servers import LOOPBACK


def backup(plan: Plan, to: Path | None, say: Say) -> Path:
    """Copy all that cannot be made again into a new folder, while everything goes on."""
    if state.supervisor_pid(plan.home) is None:
        raise CannotDo("the databases are not running: `make up` first")
    made_at = SystemClock().now()
    target = to or plan.home / "backups" / f"{made_at:%Y-%m-%dT%H%M%SZ}"
    if target.exists():
        raise CannotDo(f"{target} is there already: name a folder that is not")
    growing = target.with_name(f"{target.name}.partial")
    shutil.rmtree(growing, ignore_errors=True)
    private_folder(growing)
    try:
        _copy_cluster(plan, growing / archive.CLUSTER)
        _copy_keys(plan, growing)
        manifest = archive.seal(
            growing,
            made_at=made_at.isoformat(timespec="seconds"),
            postgresql=_version(),
            schema=asyncio.run(_schema(plan)),
        )
        growing.rename(target)
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    size = sum(file.size for file in manifest.files.values())
    say(f"{target} has everything, {size / 1e6:.1f} MB. It holds all keys: keep it where only")
    say(f"you can read it. To go back to it: make down && make restore FROM={quote(str(target))}")
    return target


def _copy_cluster(plan: Plan, folder: Path) -> None:
    password = (plan.data("postgres") / "password").read_text()
    program = binaries.find(binaries.POSTGRES).resolve().parent / "pg_basebackup"
    done = subprocess.run(
        [
            program,
            f"--host={LOOPBACK}",
            f"--port={plan.port('postgres')}",
            f"--username={postgres.SUPERUSER}",
            f"--pgdata={folder}",
            "--format=tar",
            "--gzip",
            "--checkpoint=fast",
            "--no-password",
        ],
        env={"LANG": "C.UTF-8", "PATH": os.defpath, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotDo(done.stderr.strip())


def _copy_keys(plan: Plan, folder: Path) -> None:
    private_folder(folder / "keys")
    shutil.copy(plan.data("postgres") / "password", folder / archive.PASSWORD)
    shutil.copytree(plan.home / "secrets", folder / archive.SECRETS)
    shutil.copytree(plan.data("stamps"), folder / archive.STAMPS)


async def _schema(plan: Plan) -> dict[str, str]:
    return {service: await _newest_migration(plan, service) for service in WITH_DATABASE}


async def _newest_migration(plan: Plan, service: str) -> str:
    connection = await asyncpg.connect(with_database(plan.admin_url, service))
    try:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await connection.close()


def _version() -> str:
    major, minor = binaries.version_of(binaries.find(binaries.POSTGRES))
    return f"{major}.{minor}"
