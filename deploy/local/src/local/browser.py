"""Provide a Chromium for the tests: one that is there, else Playwright's, else the system's.

`python -m local.browser` prints its path, or says in one line why there is none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.attempts import attempt

# The shell has the same engine without windows around it: it takes half the work.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DOWNLOAD_TIMEOUT = 240.0
APT_TIMEOUT = 600.0
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# What must be printed at least to know that a program is a browser that starts here.
_PROBE = ("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank")


class NoBrowser(RuntimeError):
    """There is none and none can be had; the message says what was tried."""


def find() -> Path | None:
    """A Chromium that is here: FF_CHROMIUM, then PATH, then Playwright's own."""
    wanted = os.environ.get("FF_CHROMIUM")
    if wanted:
        if not _starts(Path(wanted)):
            raise NoBrowser(f"FF_CHROMIUM={wanted} does not start")
        return Path(wanted)
    for path in (*_on_path(), _MAC, *_playwrights_own()):
        if _starts(path):
            return path
    return None


def provide(say: Callable[[str], None]) -> Path:
    """A Chromium, fetched when there is none."""
    tried = []
    for name, fetch in (("", None), ("Playwright's download", _download), ("apt-get", _apt_get)):
        if fetch:
            say(f"no browser here, trying {name} …")
            problem = fetch()
            if problem:
                tried.append(f"{name}: {problem}")
        if found := find():
            return found
    raise NoBrowser(
        f"no Chromium for the browser tests ({'; '.join(tried)}):"
        " install one, set FF_CHROMIUM, or run with BROWSER=none"
    )


def _on_path() -> list[Path]:
    return [Path(found) for name in NAMES if (found := shutil.which(name))]


def _playwrights_own() -> list[Path]:
    cache = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if cache:
        folder = Path(cache)
    elif sys.platform == "darwin":
        folder = Path.home() / "Library/Caches/ms-playwright"
    else:
        folder = Path.home() / ".cache/ms-playwright"
    programs = ("chrome-linux*/chrome", "chrome-headless-shell-*/chrome-headless-shell")
    return [path for program in programs for path in sorted(folder.glob(f"chromium*/{program}"))]


def _starts(path: Path) -> bool:
    """Whether it is a browser that can show a page here; one without its libraries cannot."""
    if not path.exists():
        return False
    try:
        shown = subprocess.run([path, *_PROBE], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"<html" in shown.stdout


def _download() -> str:
    """Answers what went wrong; nothing when nothing did."""
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    return attempt(command, seconds=DOWNLOAD_TIMEOUT)


def _apt_get() -> str:
    if shutil.which("apt-get") is None:
        return "not a Debian system"
    if os.geteuid() != 0:
        return "only root may install packages"
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]
    if problem := attempt(["apt-get", "update", "--quiet"], seconds=APT_TIMEOUT):
        return problem
    # An older Debian has the whole browser only.
    return attempt([*install, SHELL], seconds=APT_TIMEOUT) and attempt(
        [*install, "chromium"], seconds=APT_TIMEOUT
    )


def main() -> int:
    """Print the path of a browser that starts."""
    try:
        found = provide(_tell)
    except NoBrowser as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{found}\n")
    return 0


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
