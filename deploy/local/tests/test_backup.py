"""Backups of a real cluster: what is refused in one line, and what comes back."""

import json
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from deploy.local.tests.test_commands import free_base, local
from kit.provision import with_database
from local import archive, postgres, servers, state
from local.environment import WITH_DATABASE
from local.plan import Plan
from local.secrets import write_private

TABLES = """
CREATE TABLE alembic_version AS SELECT '0001'::text AS version_num;
CREATE TABLE outbox AS SELECT now() AS sent_at;
CREATE TABLE said AS SELECT 'as it was'::text AS what"""
ERASURES = """
CREATE TABLE erasures (workspace_id uuid PRIMARY KEY);
INSERT INTO erasures VALUES (gen_random_uuid())"""
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
SAID = "SELECT what FROM said"


@dataclass(frozen=True)
class Origin:
    """A stopped platform of four small databases, and two backups of it."""

    plan: Plan
    backup: Path
    cannot_start: Path


@contextmanager
def running(plan: Plan) -> Iterator[None]:
    """The databases alone, with a supervisor in name."""
    server = servers.start_postgres(plan.data("postgres"), plan.port("postgres"), durable=True)
    try:
        with state.holding(plan.home, state.SUPERVISOR):
            yield
    finally:
        server.stop()


async def run(plan: Plan, sql: str, database: str = "crm") -> object:
    """By the server's superuser."""
    connection = await asyncpg.connect(with_database(plan.admin_url, database))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def asked(plan: Plan, *arguments: object) -> subprocess.CompletedProcess[str]:
    return local(plan.home, *map(str, arguments), FF_PORT=str(plan.base))


def refusal(plan: Plan, *arguments: object) -> str:
    """The one line of a command that does nothing."""
    done = asked(plan, *arguments)
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
async def origin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Origin]:
    """Its folder has a blank in its path."""
    folder = tmp_path_factory.mktemp("two words")
    plan = Plan(folder / "home", free_base(folder / "home"))
    origin = Origin(plan, folder / "backup", folder / "cannot start")
    plan.secret("sealing-key")
    write_private(plan.data("stamps") / "demo", "done")
    with running(plan):
        for service in WITH_DATABASE:
            await run(plan, f"CREATE DATABASE {service} STRATEGY wal_log", "postgres")
            for statement in TABLES.split(";"):
                await run(plan, statement, service)
        for service in ("auth", "crm"):  # of an older release, two have no such table yet
            for statement in ERASURES.split(";"):
                await run(plan, statement, service)
        done = asked(plan, "backup", origin.backup)
        assert done.returncode == 0, done.stderr
        assert f"make restore FROM='{origin.backup}'" in done.stdout, "it can be pasted"
        await run(plan, "ALTER SYSTEM SET shared_preload_libraries = 'of_another_machine'")
        assert asked(plan, "backup", origin.cannot_start).returncode == 0
        await run(plan, "ALTER SYSTEM RESET shared_preload_libraries")
        await run(plan, "UPDATE said SET what = 'newer'")
    yield origin
    postgres.remove(plan.data("postgres"))


@pytest.fixture
def plan(origin: Origin, tmp_path: Path) -> Iterator[Plan]:
    """A platform to restore into, which has gone on since the backup."""
    plan = Plan(tmp_path / "two words", origin.plan.base)
    for name in ("data", "secrets"):
        shutil.copytree(origin.plan.home / name, plan.home / name)
    yield plan
    postgres.remove(plan.data("postgres"))


@pytest.fixture
def empty(origin: Origin, tmp_path: Path) -> Plan:
    """A platform that never ran."""
    return Plan(tmp_path / "empty", origin.plan.base)


@pytest.fixture
def kept(origin: Origin, tmp_path: Path) -> Path:
    """A backup of a test's own."""
    return Path(shutil.copytree(origin.backup, tmp_path / "kept"))


async def test_what_was_comes_back_with_its_keys(plan: Plan, origin: Origin) -> None:
    (plan.home / "secrets" / "sealing-key").write_text("another")
    (plan.data("nats")).mkdir()
    done = asked(plan, "restore", origin.backup, "--yes")
    assert done.returncode == 0, done.stderr
    with running(plan):
        assert await run(plan, SAID) == "as it was"
        assert await run(plan, UNSENT) == 1
    assert plan.secret("sealing-key") == origin.plan.secret("sealing-key")
    assert (plan.data("stamps") / "demo").read_text() == "done"
    assert not plan.data("nats").exists(), "it would tell of what has not happened"
    assert {path.name for path in plan.home.iterdir()} == {"data", "secrets", "supervisor.lock"}


async def test_what_one_service_was_to_erase_all_are(plan: Plan, origin: Origin) -> None:
    """Who told of it had erased that it did, and the bus on which it lay is not kept."""
    assert asked(plan, "restore", origin.backup, "--yes").returncode == 0
    with running(plan):
        for service in ("auth", "crm"):
            assert await run(plan, "SELECT count(*) FROM erasures", service) == 2


async def test_it_comes_back_on_an_empty_machine(empty: Plan, origin: Origin) -> None:
    assert asked(empty, "restore", origin.backup, "--yes").returncode == 0
    with running(empty):
        assert await run(empty, SAID) == "as it was"


def test_only_its_owner_may_read_a_backup(origin: Origin) -> None:
    files = [path for path in origin.backup.rglob("*") if path.is_file()]
    for path in (origin.backup, *files):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize(
    "name", ["postgres/base.tar.gz", "postgres/pg_wal.tar.gz", "keys/password"]
)
def test_a_damaged_file_is_named_and_nothing_is_touched(empty: Plan, kept: Path, name: str) -> None:
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (kept / name).write_bytes(content)
    assert refusal(empty, "restore", kept, "--yes").startswith(f"{kept / name} is damaged")
    (kept / name).unlink()
    assert refusal(empty, "restore", kept, "--yes") == f"{kept / name} is missing"
    assert not empty.home.exists()


WRONG: dict[str, tuple[Callable[[archive.Manifest], archive.Manifest], str]] = {
    "PostgreSQL": (
        lambda said: replace(said, postgresql="15.9"),
        "the backup is of PostgreSQL 15.9, here is PostgreSQL ",
    ),
    "schema": (
        lambda said: replace(said, schema={**said.schema, "crm": "9999"}),
        "the backup is of a newer FreelanceFlow: crm is at migration 9999",
    ),
    "format": (lambda said: replace(said, format=2), "is a backup of another format: 2"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_backup_that_does_not_fit_is_refused(empty: Plan, kept: Path, wrong: str) -> None:
    change, why = WRONG[wrong]
    write_private(kept / archive.MANIFEST, json.dumps(asdict(change(archive.read(kept)))))
    assert why in refusal(empty, "restore", kept, "--yes")


def test_what_is_no_backup_is_refused(empty: Plan, kept: Path, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert refusal(empty, "restore", missing) == f"there is no folder {missing}"
    assert refusal(empty, "restore", tmp_path).endswith("is no backup: it has no manifest.json")
    (kept / archive.MANIFEST).write_text("{broken")
    assert refusal(empty, "restore", kept) == f"{kept / archive.MANIFEST} is damaged"


def test_it_asks_first_and_never_under_a_running_platform(empty: Plan, kept: Path) -> None:
    why = "restore asks first; without a terminal: make restore YES=1"
    assert refusal(empty, "restore", kept) == why
    with state.holding(empty.home, state.SUPERVISOR):
        why = "FreelanceFlow is running: `make down` first"
        assert refusal(empty, "restore", kept, "--yes") == why
        nowhere = kept.with_name("nowhere")
        assert refusal(empty, "restore", nowhere, "--yes") == f"there is no folder {nowhere}"


def test_a_backup_takes_a_running_platform_and_a_new_folder(empty: Plan, kept: Path) -> None:
    assert refusal(empty, "backup") == "the databases are not running: `make up` first"
    with state.holding(empty.home, state.SUPERVISOR):
        why = f"{kept} is there already: name a folder that is not"
        assert refusal(empty, "backup", kept) == why


async def test_what_was_there_comes_back_when_the_restored_does_not_start(
    plan: Plan, origin: Origin
) -> None:
    done = asked(plan, "restore", origin.cannot_start, "--yes")
    assert done.returncode == 1
    assert "of_another_machine" in done.stderr
    with running(plan):
        assert await run(plan, SAID) == "newer"


async def test_what_was_set_aside_outlives_a_restore_that_was_cut_off(
    plan: Plan, origin: Origin
) -> None:
    aside = plan.home / "before-restore"
    aside.mkdir()
    for name in ("data", "secrets"):
        (plan.home / name).rename(aside / name)
    write_private(plan.data("postgres") / "password", "of the half restored one")
    assert asked(plan, "restore", origin.cannot_start, "--yes").returncode == 1
    with running(plan):
        assert await run(plan, SAID) == "newer"
