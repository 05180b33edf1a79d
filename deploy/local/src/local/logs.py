"""Log files: written by the processes themselves, rotated by size, followed for reading."""

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

ROTATE_AT = 10 * 2**20
FOLLOW_PAUSE = 0.3


def open_log(path: Path) -> IO[bytes]:
    """A log to append to; children write into it without passing through us."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab", buffering=0)


def rotate(path: Path, limit: int = ROTATE_AT) -> None:
    """Keep one older file. Writers hold the file open, so it is copied and emptied, not renamed."""
    if path.exists() and path.stat().st_size > limit:
        shutil.copyfile(path, path.with_suffix(".1.log"))
        with path.open("r+b") as log:
            log.truncate()


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 400 * lines))
        return log.read().decode(errors="replace").splitlines()[-lines:]


def follow(paths: Iterable[Path], show: Callable[[str, str], None]) -> None:
    """Show what is appended, for ever; a rotated file is read from its start."""
    positions = {path: path.stat().st_size for path in paths}
    while True:
        for path, position in positions.items():
            size = path.stat().st_size
            with path.open("rb") as log:
                log.seek(position if position <= size else 0)
                for line in log:
                    show(path.stem, line.decode(errors="replace").rstrip("\n"))
                positions[path] = log.tell()
        time.sleep(FOLLOW_PAUSE)
