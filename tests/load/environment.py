"""Locust in an environment of its own, so that nobody else has to carry it."""

import os
import subprocess
from pathlib import Path

from local.paths import ROOT

LOCK = Path(__file__).parent / "requirements.lock"
UV = ROOT / ".venv/bin/uv"
ENVIRONMENT = ROOT / ".ff/load/venv"
STAMP = ENVIRONMENT / "ff-lock"


def provide() -> Path:
    """The program, installed as the lock says; a second call compares one file and ends."""
    if not STAMP.exists() or STAMP.read_text() != LOCK.read_text():
        python = ENVIRONMENT / "bin/python"
        _run(UV, "--quiet", "venv", "--clear", "--python", ROOT / ".venv/bin/python", ENVIRONMENT)
        _run(UV, "--quiet", "pip", "install", "--python", python, "--require-hashes", "-r", LOCK)
        STAMP.write_text(LOCK.read_text())
    return ENVIRONMENT / "bin/locust"


def _run(*command: str | Path) -> None:
    told = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    environment = {**os.environ, **told}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(command, check=True, env=environment)
