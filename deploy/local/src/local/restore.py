"""`make restore`: back to a backup. What is there now waits until the restored has started."""

import asyncio
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from kit import erasure
from kit.migrations import revisions
from kit.provision import with_database
from kit.relay import KEEP_SENT
from kit.resend import resend
from local import archive, binaries, postgres, servers, state
from local.commands import CannotDo, Say, confirmed
from local.environment import WITH_DATABASE
from local.plan import Plan
from local.secrets import private_folder

_REPLACED = ("data", "secrets")


def restore(plan: Plan, source: Path, say: Say, *, sure: bool) -> None:
    """Check the backup, ask, put it in the place of what is there, and see that it starts."""
    try:
        manifest = archive.read(source)
        _refuse_other_versions(manifest)
        archive.verify(source, manifest)
    except archive.Unusable as problem:
        raise CannotDo(str(problem)) from None
    if state.supervisor_pid(plan.home) is not None:  # nobody stops it for a folder that is no good
        raise CannotDo("FreelanceFlow is running: `make down` first")
    said = f"Replace all data in {plan.home} by those of {manifest.made_at}? [y/N] "
    if not sure and not confirmed(said, "restore"):
        raise CannotDo("nothing was restored")
    state.stop_leftovers(plan.home)
    with _unpacked(plan, source) as fresh, _set_aside(plan):
        _put_in_place(plan, fresh, source)
        _start_once(plan, manifest)
    say(f"The data of {manifest.made_at} are back; `make up` starts with them.")


def _refuse_other_versions(manifest: archive.Manifest) -> None:
    here, _ = binaries.version_of(binaries.find(binaries.POSTGRES))
    there = manifest.postgresql
    if there.partition(".")[0] != str(here):
        raise archive.Unusable(f"the backup is of PostgreSQL {there}, here is PostgreSQL {here}")
    for service, revision in manifest.schema.items():
        if revision not in revisions(service):
            raise archive.Unusable(
                f"the backup is of a newer FreelanceFlow: {service} is at migration {revision}"
            )


@contextmanager
def _unpacked(plan: Plan, source: Path) -> Iterator[Path]:
    """The cluster's folder, checked file by file and with its WAL; not yet in its place."""
    fresh = plan.home / "restoring"
    shutil.rmtree(fresh, ignore_errors=True)
    private_folder(fresh)
    try:
        _extract(source / archive.CLUSTER / "base.tar.gz", fresh)
        _extract(source / archive.CLUSTER / "pg_wal.tar.gz", fresh / "pg_wal")
        shutil.copy(source / archive.CLUSTER / "backup_manifest", fresh)
        _check_cluster(fresh)
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _extract(archived: Path, folder: Path) -> None:
    with tarfile.open(archived) as content:
        content.extractall(folder, filter="data")


def _check_cluster(folder: Path) -> None:
    program = binaries.find(binaries.POSTGRES).resolve().parent / "pg_verifybackup"
    done = subprocess.run(
        [program, "--quiet", folder],
        env={"LANG": "C.UTF-8", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotDo(done.stderr.strip())


@contextmanager
def _set_aside(plan: Plan) -> Iterator[None]:
    """Move what is there out of the way; it comes back if what follows fails, or was cut off."""
    aside, elsewhere = plan.home / "before-restore", postgres.outside(plan.data("postgres"))
    if aside.exists():
        _bring_back(plan, aside, elsewhere)
    private_folder(aside)
    for name in _REPLACED:
        _move(plan.home / name, aside / name)
    if elsewhere:
        shutil.rmtree(_beside(elsewhere), ignore_errors=True)
        _move(elsewhere, _beside(elsewhere))
    try:
        yield
    except BaseException:
        _bring_back(plan, aside, elsewhere)
        raise
    # At one stroke: from here on nothing is brought back.
    aside.rename(done_with := plan.home / "replaced")
    for old in (done_with, *([_beside(elsewhere)] if elsewhere else [])):
        shutil.rmtree(old, ignore_errors=True)


def _bring_back(plan: Plan, aside: Path, elsewhere: Path | None) -> None:
    for name in _REPLACED:
        if (aside / name).exists():
            shutil.rmtree(plan.home / name, ignore_errors=True)
            _move(aside / name, plan.home / name)
    if elsewhere and _beside(elsewhere).exists():
        shutil.rmtree(elsewhere, ignore_errors=True)
        _move(_beside(elsewhere), elsewhere)
    shutil.rmtree(aside)


def _beside(cluster: Path) -> Path:
    return cluster.with_name("data.before")


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.rename(target)


def _put_in_place(plan: Plan, fresh: Path, source: Path) -> None:
    folder = plan.data("postgres")
    private_folder(folder)
    shutil.copy(source / archive.PASSWORD, folder / "password")
    shutil.copytree(source / archive.SECRETS, plan.home / "secrets")
    shutil.copytree(source / archive.STAMPS, plan.data("stamps"))
    postgres.adopt(folder, fresh)


def _start_once(plan: Plan, manifest: archive.Manifest) -> None:
    """The databases alone: they recover, and the services will tell again what they had told.

    The bus starts empty. Whatever somebody had not heard by then comes again, and who had heard
    it knows it by its number.
    """
    folder = plan.data("postgres")
    try:
        server = servers.start_postgres(folder, durable=True)
    except servers.ServerFailed as failure:
        raise CannotDo(f"the restored databases do not start: {failure}") from None
    try:
        since = datetime.fromisoformat(manifest.made_at) - KEEP_SENT
        asyncio.run(_tell_again(server.dsn, since))
    finally:
        server.stop()


async def _tell_again(dsn: str, since: datetime) -> None:
    databases = [with_database(dsn, service) for service in WITH_DATABASE]
    await erasure.spread(databases)
    for database in databases:
        await resend(database, since=since)
