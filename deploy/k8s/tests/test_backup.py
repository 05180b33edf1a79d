"""The scripts of the backup jobs, on the embedded server: what they keep comes back."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from kit.migrations import migrate
from kit.provision import ROLES, provision, with_database, with_role
from local import postgres
from local.servers import LOOPBACK, Recipe, Server, free_port, run

SCRIPTS = Path(__file__).parents[1] / "components" / "backup"
SERVICES = ("auth", "crm", "analytics", "notify")
PASSWORD = "drill"


@dataclass
class Kept:
    """A server that archives, and where its backups go."""

    folder: Path
    cluster: postgres.Cluster
    port: int

    @property
    def dsn(self) -> str:
        return (
            f"postgresql://{postgres.SUPERUSER}:{self.cluster.password}@{LOOPBACK}:{self.port}/crm"
        )

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def bases(self) -> list[Path]:
        """Oldest first."""
        return sorted((self.folder / "base").iterdir())

    def script(
        self, name: str, *arguments: object, **told: str
    ) -> subprocess.CompletedProcess[str]:
        """One of the scripts, as in its pod: nobody special, and nothing told but this."""
        env = {
            "PATH": f"{self.cluster.programs}:{os.defpath}",
            "LANG": "C.UTF-8",
            "WAL_ARCHIVE": str(self.wal),
            "BASE_BACKUPS": str(self.folder / "base"),
            "KEEP_DAYS": "30",
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.port),
            "PGUSER": postgres.SUPERUSER,
            "PGPASSWORD": self.cluster.password,
            **told,
        }
        return subprocess.run(
            [*self.cluster.prefix, "sh", str(SCRIPTS / f"{name}.sh"), *map(str, arguments)],
            env=env,
            capture_output=True,
            text=True,
            errors="replace",  # what is damaged is quoted
            check=False,
        )

    def drill(self, **told: str) -> subprocess.CompletedProcess[str]:
        """In a folder of its own, which goes again."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            return self.script("drill", SCRATCH=scratch, **told)

    async def sql(self, statement: str, dsn: str = "") -> object:
        connection = await asyncpg.connect(dsn or self.dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def archived(self) -> Path:
        """The file of the WAL up to here, once it is in the archive."""
        await self.sql("INSERT INTO marks VALUES ('something to archive')")
        name = await self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        while not (self.wal / f"{name}.gz").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return self.wal / f"{name}.gz"


def serve(cluster: postgres.Cluster, port: int, folder: Path, **settings: str) -> Server:
    command = postgres.command(cluster, port, durable=True, **settings)
    return run(Recipe("postgres", command, lambda pid: postgres.is_ready(cluster, pid), ""), folder)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short: the path of a socket has 107 letters at most."""
    with tempfile.TemporaryDirectory(prefix="ff-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
async def kept(folder: Path) -> AsyncIterator[Kept]:
    """All four databases at their newest schema, with one base backup."""
    cluster = postgres.prepare(folder / "postgres")
    if cluster.user:
        pytest.skip("scripts that PostgreSQL refuses to root need user namespaces here")
    kept = Kept(folder, cluster, free_port())
    archive = f"WAL_ARCHIVE='{kept.wal}' sh '{SCRIPTS}/archive.sh' %p %f"
    server = serve(
        cluster, kept.port, folder, archive_mode="on", archive_command=archive, fsync="off"
    )
    for service in SERVICES:
        passwords = dict.fromkeys(ROLES, PASSWORD)
        await provision(kept.dsn.replace("/crm", "/postgres"), service, passwords)
        owner = with_role(with_database(kept.dsn, service), f"{service}_owner", PASSWORD)
        migrate(service, owner)
    await kept.sql("CREATE TABLE marks (mark text)")
    done = kept.script("backup")
    assert done.returncode == 0, done.stderr
    yield kept
    server.stop()


@contextmanager
def restored(kept: Kept, time: str) -> Iterator[str]:
    """The newest backup brought up to a moment; the address of its server."""
    data = kept.folder / "restored"
    done = kept.script("restore", kept.bases[-1], data, time)
    assert done.returncode == 0, done.stderr
    port = free_port()
    server = serve(replace(kept.cluster, data=data), port, kept.folder, fsync="off")
    try:
        yield kept.dsn.replace(str(kept.port), str(port))
    finally:
        server.stop()
        shutil.rmtree(data)


@contextmanager
def damaged(file: Path) -> Iterator[None]:
    """One byte in its middle is another, for a while."""
    whole = file.read_bytes()
    half = len(whole) // 2
    file.write_bytes(whole[:half] + bytes([whole[half] ^ 0xFF]) + whole[half + 1 :])
    try:
        yield
    finally:
        file.write_bytes(whole)


async def test_a_moment_before_the_mistake_comes_back(kept: Kept) -> None:
    await kept.sql("CREATE TABLE goods AS SELECT generate_series(1, 1000) AS number")
    await kept.sql("INSERT INTO marks VALUES ('before')")
    moment = str(await kept.sql("SELECT clock_timestamp()"))
    await kept.sql("DROP TABLE goods")
    await kept.sql("UPDATE marks SET mark = 'after'")
    await kept.archived()
    with restored(kept, moment) as dsn:
        assert await kept.sql("SELECT mark FROM marks", dsn) == "before"
        assert await kept.sql("SELECT sum(number) FROM goods", dsn) == 500_500


async def test_what_went_back_to_a_moment_is_kept_and_restored_again(kept: Kept) -> None:
    """That moment is in its settings, and all that is restored later is of a later one."""
    moment = str(await kept.sql("SELECT clock_timestamp()"))
    await kept.archived()
    (archive := kept.folder / "its-wal").mkdir()
    told = {"BASE_BACKUPS": str(kept.folder / "its-base"), "WAL_ARCHIVE": str(archive)}
    with restored(kept, moment) as dsn:
        await kept.sql("INSERT INTO marks VALUES ('later')", dsn)
        done = kept.script("backup", PGPORT=str(urlsplit(dsn).port), **told)
        assert done.returncode == 0, done.stderr
    done = kept.drill(**told)
    assert done.returncode == 0, done.stderr


async def test_the_drill_restores_all_and_checks_it(kept: Kept) -> None:
    await kept.archived()
    done = kept.drill()
    assert done.returncode == 0, done.stderr
    assert "every table and index are sound" in done.stdout
    assert "is back after" in done.stdout


async def test_the_drill_sees_a_damaged_and_a_missing_wal_file(kept: Kept) -> None:
    first = await kept.archived()
    await kept.sql("INSERT INTO marks VALUES ('more')")
    await kept.archived()
    whole = first.read_bytes()
    with damaged(first):
        done = kept.drill()
    assert done.returncode != 0
    assert f"fetch: {first} is damaged" in done.stderr
    first.unlink()
    done = kept.drill()
    assert done.returncode != 0
    assert f"fetch: {first} is missing" in done.stderr
    first.write_bytes(whole)
    assert kept.drill().returncode == 0


@pytest.mark.parametrize("name", ["base.tar.gz", "pg_wal.tar.gz", "backup_manifest"])
async def test_the_drill_sees_a_damaged_base_backup(kept: Kept, name: str) -> None:
    with damaged(kept.bases[-1] / name):
        assert kept.drill().returncode != 0


@pytest.mark.parametrize(
    ("breaks", "said", "mends"),
    [
        (
            "ALTER TABLE deals NO FORCE ROW LEVEL SECURITY",
            "crm has tables whose policies do not count",
            "ALTER TABLE deals FORCE ROW LEVEL SECURITY",
        ),
        (
            "ALTER ROLE crm_app SUPERUSER",
            "the role crm_app is not as it must be",
            "ALTER ROLE crm_app NOSUPERUSER",
        ),
        ("DELETE FROM alembic_version", "crm has no schema", ""),
    ],
)
async def test_the_check_names_what_is_not_as_it_must_be(
    kept: Kept, breaks: str, said: str, mends: str
) -> None:
    schema = await kept.sql("SELECT version_num FROM alembic_version")
    await kept.sql(breaks)
    try:
        done = kept.script("check")
        assert done.returncode != 0
        assert said in done.stderr
    finally:
        await kept.sql(mends or f"INSERT INTO alembic_version VALUES ('{schema}')")


async def test_what_is_too_old_goes_with_the_wal_it_needed(kept: Kept) -> None:
    await kept.archived()
    (old,) = kept.bases[:1]
    a_long_time_ago = time.time() - 40 * 86_400
    os.utime(old, (a_long_time_ago, a_long_time_ago))
    before = {path.name for path in kept.wal.iterdir()}
    await asyncio.sleep(1)  # backups are named for their second
    done = kept.script("backup")
    assert done.returncode == 0, done.stderr
    assert old not in kept.bases
    assert len(kept.bases) == 1
    await kept.archived()
    assert before - {path.name for path in kept.wal.iterdir()} != set()
    assert kept.drill().returncode == 0


async def test_the_backup_fails_when_the_server_cannot_archive(kept: Kept) -> None:
    await kept.archived()
    kept.wal.rename(aside := kept.folder / "aside")
    kept.wal.write_text("no folder")
    try:
        await kept.sql("INSERT INTO marks VALUES ('never archived')")
        await kept.sql("SELECT pg_switch_wal()")
        failing = "SELECT last_failed_time > last_archived_time FROM pg_stat_archiver"
        while not await kept.sql(failing):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        done = kept.script("backup")
        assert done.returncode != 0
        assert "cannot archive its WAL" in done.stderr
    finally:
        kept.wal.unlink()
        aside.rename(kept.wal)


def test_an_archived_file_is_never_overwritten(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")
    (tmp_path / "other").write_text("other")
    told = {"WAL_ARCHIVE": str(tmp_path / "archive")}
    assert kept.script("archive", tmp_path / "one", "name", **told).returncode == 0
    assert kept.script("archive", tmp_path / "one", "name", **told).returncode == 0
    assert kept.script("archive", tmp_path / "other", "name", **told).returncode != 0


async def test_the_servers_rules_of_access_can_be_read() -> None:
    rules = (SCRIPTS / "pg_hba.conf").read_text()
    parsed = [line.split() for line in rules.splitlines() if line and not line.startswith("#")]
    assert [line[1] for line in parsed] == ["all", "all", "replication"]
    assert [line[-1] for line in parsed] == ["trust", "scram-sha-256", "scram-sha-256"]
