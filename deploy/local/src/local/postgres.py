"""A PostgreSQL cluster in a folder of ours, also for root, whom PostgreSQL refuses.

Root runs it in a user namespace, where it has an ordinary number. Where namespaces are forbidden
(many containers) it runs as `nobody`, from folders that `nobody` can reach.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local import binaries
from local.processes import Command
from local.secrets import private_folder, secret

SUPERUSER = "ff"
_UNPRIVILEGED = "nobody"
_OUTSIDE = Path("/var/tmp")
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
_ENV = {"LANG": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}

# Five pools, Celery and migrations share one small server.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10s",  # a demo or an import fills empty tables within seconds
    "jit": "off",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# A base backup is two connections that read the log of what changes.
_DURABLE = {"wal_level": "replica", "max_wal_senders": "4"}
_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class PostgresUnavailable(RuntimeError):
    """The cluster cannot be made; the message says why."""


@dataclass(frozen=True)
class Cluster:
    """A prepared data folder and the way to run programs on it."""

    programs: Path
    data: Path
    password: str
    prefix: tuple[str, ...] = ()
    user: str | None = None


def prepare(folder: Path, *, namespaces: bool = True) -> Cluster:
    """The cluster that belongs to `folder`, initialised at the first call."""
    cluster = _locate(folder, namespaces=namespaces)
    if cluster.data.exists():
        _forget_dead_server(cluster.data / "postmaster.pid")
    else:
        _initialise(cluster)
    return cluster


def adopt(folder: Path, data: Path) -> None:
    """Make `data`, which a backup had, the cluster of `folder`, whose password is the backup's."""
    cluster = _locate(folder)
    shutil.move(data, cluster.data)
    if cluster.user:
        account = pwd.getpwnam(cluster.user)
        for path in (cluster.data, *cluster.data.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def outside(folder: Path) -> Path | None:
    """The data of the cluster of `folder`, where it had to live elsewhere."""
    if not (folder / "password").exists():
        return None
    cluster = _locate(folder)
    return None if folder in cluster.data.parents else cluster.data


def _locate(folder: Path, *, namespaces: bool = True) -> Cluster:
    private_folder(folder)
    password = secret(folder / "password")
    programs = binaries.find(binaries.POSTGRES).resolve().parent
    if os.geteuid() != 0:
        return Cluster(programs, folder / "data", password)
    if namespaces and _namespaces_work():
        return Cluster(programs, folder / "data", password, prefix=_NAMESPACE)
    return _as_nobody(folder, programs, password)


def command(cluster: Cluster, port: int, *, durable: bool, **settings: str) -> Command:
    """The server in the foreground; SIGINT is its quick and clean end."""
    kind = _DURABLE if durable else _FORGETFUL
    settings = {**_SETTINGS, **kind, "port": str(port), **settings}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Command(
        argv=[
            *cluster.prefix,
            str(cluster.programs / "postgres"),
            "-D",
            str(cluster.data),
            *options,
        ],
        cwd=Path("/"),
        env=_ENV,
        user=cluster.user,
        stop_signal=signal.SIGINT,
    )


def is_ready(cluster: Cluster, pid: int) -> bool:
    """Whether the server itself says so, in the file it keeps for `pg_ctl`."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def remove(folder: Path) -> None:
    """Delete the cluster of `folder`, also where it had to live elsewhere."""
    with suppress(FileNotFoundError):
        password = (folder / "password").read_text()
        shutil.rmtree(_outside(f"{folder.resolve()} {password}"), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _namespaces_work() -> bool:
    if shutil.which(_NAMESPACE[0]) is None:
        return False
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def _as_nobody(folder: Path, programs: Path, password: str) -> Cluster:
    if not _reachable(programs):
        programs = _copy_outside(programs)
    # A name that ends with its password: whoever deletes the folder starts with an empty cluster.
    base = folder if _reachable(folder) else _outside(f"{folder.resolve()} {password}")
    if base != folder:
        _own_folder(base)
    return Cluster(programs, base / "data", password, user=_UNPRIVILEGED)


def _initialise(cluster: Cluster) -> None:
    """Make the cluster beside its place, then move it there: no crash leaves half of one."""
    growing = cluster.data.with_name("data.new")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", prefix="ff-", dir=_OUTSIDE) as password_file:
        password_file.write(cluster.password)
        password_file.flush()
        if cluster.user:
            for path in (growing, password_file.name):
                os.chown(path, pwd.getpwnam(cluster.user).pw_uid, -1)
        _run(
            cluster,
            [
                *cluster.prefix,
                str(cluster.programs / "initdb"),
                f"--pgdata={growing}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        )
    growing.rename(cluster.data)


def _forget_dead_server(lock: Path) -> None:
    """Remove the lock of a server that is gone, when its number now belongs to somebody else.

    PostgreSQL recovers by itself unless another process has the number, as after a reboot.
    """
    try:
        pid = int(lock.read_text().splitlines()[0])
        name = psutil.Process(pid).name()
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return
    if name != "postgres":
        lock.unlink()


def _run(cluster: Cluster, argv: Sequence[str]) -> None:
    done = subprocess.run(
        argv,
        cwd="/",
        env=_ENV,
        user=cluster.user,
        group=pwd.getpwnam(cluster.user).pw_gid if cluster.user else None,
        extra_groups=[] if cluster.user else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PostgresUnavailable(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _reachable(path: Path) -> bool:
    """Whether anybody may walk down to this path."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())


def _outside(what: str) -> Path:
    digest = hashlib.sha256(what.encode()).hexdigest()[:16]
    return _OUTSIDE / f"freelanceflow-{digest}"


def _copy_outside(programs: Path) -> Path:
    """Copy the installation (programs, shared files, libraries) where everybody may read it."""
    source = programs.parents[1]
    target = _outside(str(source))
    copied = target / "complete"
    if not copied.exists():
        _own_folder(target)
        for name in (source.name, f"{source.name}.libs"):
            if (source.parent / name).exists():
                shutil.copytree(source.parent / name, target / name, dirs_exist_ok=True)
        copied.touch()
    return target / programs.relative_to(source.parent)


def _own_folder(folder: Path) -> None:
    """Make a folder in a place open to all, refusing one that somebody else put there."""
    folder.mkdir(exist_ok=True)
    info = folder.lstat()
    if folder.is_symlink() or info.st_uid != os.geteuid():
        raise PostgresUnavailable(f"{folder} belongs to somebody else: remove it")
    folder.chmod(0o755)
