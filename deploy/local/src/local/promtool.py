"""Provide Prometheus' programs: those that are there, else those of Debian's package.

`python -m local.promtool` prints the path of promtool, or says in one line why there is none.
"""

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from local.attempts import attempt
from local.binaries import BinaryMissing, Program, find
from local.paths import TOOLS

PACKAGE = "prometheus"
# Scripts and styles to which Debian's pages of it lead.
OF_ITS_PAGES = (
    "fonts-glyphicons-halflings",
    "libjs-bootstrap4",
    "libjs-d3",
    "libjs-eonasdan-bootstrap-datetimepicker",
    "libjs-jquery",
    "libjs-jquery-hotkeys",
    "libjs-moment",
    "libjs-moment-timezone",
    "libjs-mustache",
    "libjs-popper.js",
    "libjs-rickshaw",
)
TIMEOUT = 300.0
UNPACKED = TOOLS / PACKAGE
PROMTOOL = Program(
    title="promtool",
    names=("promtool",),
    setting="FF_PROMTOOL_BIN",
    tools=f"{PACKAGE}/usr/bin",
    minimum=(2, 40),
)
PROMETHEUS = Program(
    title="Prometheus",
    names=("prometheus",),
    setting="FF_PROMETHEUS_BIN",
    tools=f"{PACKAGE}/usr/bin",
    minimum=(2, 40),
)


class NoPrometheus(RuntimeError):
    """There is none and none can be had; the message says what was tried."""


def provide(say: Callable[[str], None], program: Program = PROMTOOL) -> Path:
    """One of Prometheus' programs, fetched when it is not there."""
    tried = []
    for name, fetch in (("", None), ("apt-get download", _unpack), ("apt-get update", _update)):
        if fetch:
            say(f"no {program.names[0]} here, trying {name} …")
            problem = fetch()
            if problem:
                tried.append(f"{name}: {problem}")
        try:
            return find(program)
        except BinaryMissing:
            if program.setting in os.environ:
                raise  # whoever names one wants that one
    raise NoPrometheus(
        f"no {program.names[0]} here ({'; '.join(tried)}):"
        f" install Prometheus, or set {program.setting}"
    )


def assets(program: Path) -> Path | None:
    """The pages of one that we unpacked: Debian keeps them outside of the program."""
    pages = UNPACKED / "usr/share/prometheus/web"
    return pages if program.is_relative_to(UNPACKED) and pages.exists() else None


def _unpack() -> str:
    """Into our own tools, which asks for no rights; answers what went wrong, if anything."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return "not a Debian system"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=TOOLS) as folder:
        inside = partial(attempt, seconds=TIMEOUT, folder=folder)
        if problem := inside(["apt-get", "download", "--quiet", PACKAGE]):
            return problem
        inside(["apt-get", "download", "--quiet", *OF_ITS_PAGES])  # plain without them
        for package in Path(folder).glob("*.deb"):
            if problem := inside(["dpkg", "-x", package.name, "unpacked"]):
                return problem
        if not UNPACKED.exists():  # somebody else was quicker
            Path(folder, "unpacked").rename(UNPACKED)
    return ""


def _update() -> str:
    """A fresh machine has no list of packages yet."""
    if shutil.which("apt-get") is None:
        return "not a Debian system"
    if os.geteuid() != 0:
        return "only root may update the list of packages"
    return attempt(["apt-get", "update", "--quiet"], seconds=TIMEOUT, folder="/") or _unpack()


def main() -> int:
    """Print the path of promtool."""
    try:
        found = provide(lambda text: print(text, file=sys.stderr))  # noqa: T201
    except (NoPrometheus, BinaryMissing) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
