"""deploy/bin/deploy against a kubectl that records what it is asked."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in
    *"get jobs"*) printf '%s' "$ACTIVE" ;;
    *" wait "*) exit "$WAITED" ;;
esac
"""


@dataclass(frozen=True)
class Deployment:
    """What deploy/bin/deploy did."""

    code: int
    said: str
    calls: list[str]

    def position(self, what: str) -> int:
        """Where in the order of calls something was asked."""
        [found] = [number for number, call in enumerate(self.calls) if what in call]
        return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script with an overlay; secrets are there already."""
    (tmp_path / "deploy/k8s/overlays/kind").mkdir(parents=True)
    (tmp_path / "deploy/k8s/components/secrets-generated/secrets").mkdir(parents=True)
    overlay = ROOT / "deploy/k8s/overlays/kind/kustomization.yaml"
    (tmp_path / "deploy/k8s/overlays/kind/kustomization.yaml").write_text(overlay.read_text())
    (tmp_path / "deploy/bin").mkdir()
    script = tmp_path / "deploy/bin/deploy"
    script.write_text((ROOT / "deploy/bin/deploy").read_text())
    script.chmod(0o755)
    return tmp_path


def deploy(checkout: Path, *arguments: str, active: str = "", waited: int = 0) -> Deployment:
    """Run the script with a recorder in kubectl's place."""
    recorder, calls = checkout / "kubectl", checkout / "calls"
    recorder.write_text(KUBECTL)
    recorder.chmod(0o755)
    calls.touch()
    environment = {
        **os.environ,
        "KUBECTL": str(recorder),
        "CALLS": str(calls),
        "ACTIVE": active,
        "WAITED": str(waited),
    }
    done = subprocess.run(
        [checkout / "deploy/bin/deploy", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Deployment(done.returncode, done.stderr, calls.read_text().splitlines())


def test_migrations_come_before_the_roll_out(checkout: Path) -> None:
    done = deploy(checkout)

    assert done.code == 0, done.said
    order = ["delete jobs", "apply -k deploy/k8s/overlays/kind -l", " wait job", "rollout status"]
    positions = [done.position(what) for what in order]
    assert positions == sorted(positions)
    assert done.calls[positions[2] + 1] == "apply -k deploy/k8s/overlays/kind"


def test_failed_migration_rolls_nothing_out(checkout: Path) -> None:
    done = deploy(checkout, waited=1)

    assert done.code == 1
    assert "nothing was rolled out" in done.said
    assert "apply -k deploy/k8s/overlays/kind" not in done.calls


def test_running_migration_is_left_alone(checkout: Path) -> None:
    done = deploy(checkout, active="crm-migrate ")

    assert done.code == 1
    assert "still running: crm-migrate" in done.said
    assert len(done.calls) == 1


def test_unknown_overlay_is_named(checkout: Path) -> None:
    done = deploy(checkout, "moon")

    assert (done.code, done.calls) == (1, [])
    assert "there is no overlay moon" in done.said


def test_secrets_need_the_services(checkout: Path) -> None:
    (checkout / "deploy/k8s/components/secrets-generated/secrets").rmdir()

    done = deploy(checkout)

    assert (done.code, done.calls) == (1, [])
    assert "make setup" in done.said
