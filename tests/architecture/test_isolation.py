"""Every service alone: what it declares is enough to start it and brings no other along."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.environment import environment
from local.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venv" / "bin" / "uv"
SERVICES = ("auth", "crm", "analytics", "notify", "gateway")
SHARED = ("libs/kit", "proto")

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(600)]


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    told = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", **more}
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )


def must(*command: str | Path) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All members as they are shipped: files left out of a wheel are missing here too."""
    folder = tmp_path_factory.mktemp("wheels")
    for member in (*SHARED, *(f"services/{service}" for service in SERVICES)):
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=ROOT / member,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_it_declares(service: str, wheels: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    lock = ROOT / "services" / service / "requirements.lock"
    own = [next(wheels.glob(f"freelanceflow_{name}-*.whl")) for name in ("kit", "proto", service)]
    must(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    install = (UV, "pip", "install", "--quiet", "--python", python)
    must(*install, "--require-hashes", "-r", lock)
    must(*install, "--no-deps", *own)

    plan = Plan(tmp_path / "home", 18700)
    told = environment(plan, service)
    if service == "auth":
        keys = run(python, "-m", "auth", "keys", plan.signing_keys, **told)
        assert keys.returncode == 0, keys.stderr
    checked = run(python, "-m", service, "check", **told)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for stranger in {*SERVICES, "local"} - {service}:
        assert run(python, "-P", "-c", f"import {stranger}").returncode != 0, stranger
