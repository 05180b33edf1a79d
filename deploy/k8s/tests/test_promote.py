"""deploy/bin/promote takes the images of one commit, by digest, if we built them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.k8s.tests.conftest import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DOCKER = """#!/bin/sh
case "$4" in
    ghcr.io/o/r/auth:*) echo "sha256:$(printf '%064d' 1)" ;;
    ghcr.io/o/r/*) echo "sha256:$(printf '%064d' 2)" ;;
esac
"""
GH = """#!/bin/sh
case "$3" in *"$FOREIGN"*) echo "no attestation of $3" >&2; exit 1 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script, and programs that stand in for the registry's and GitHub's."""
    for name in ("deploy/bin/promote", "deploy/k8s/release.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for service in ROOT.glob("services/*/pyproject.toml"):
        (tmp_path / "services" / service.parent.name).mkdir(parents=True)
        (tmp_path / "services" / service.parent.name / "pyproject.toml").touch()
    (tmp_path / "bin").mkdir()
    for name, text in (("docker", DOCKER), ("gh", GH)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def promote(
    checkout: Path, commit: str = COMMIT, foreign: str = "nobody's"
) -> subprocess.CompletedProcess[str]:
    told = {
        "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "GITHUB_REPOSITORY": "o/r",
        "FOREIGN": foreign,
    }
    command = [str(checkout / "deploy/bin/promote"), "ghcr.io/o/r", commit]
    return subprocess.run(
        command, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )


def release(checkout: Path) -> Path:
    return checkout / "deploy/k8s/components/release/kustomization.yaml"


def test_the_release_names_what_the_registry_holds(checkout: Path) -> None:
    done = promote(checkout)

    assert done.returncode == 0, done.stderr
    images = yaml.safe_load(release(checkout).read_text())["images"]
    assert {image["name"]: image["newName"] for image in images} == {
        f"freelanceflow/{name}": f"ghcr.io/o/r/{name}"
        for name in ("auth", "crm", "analytics", "notify", "gateway")
    }
    assert images[0]["digest"] == f"sha256:{1:064}"


def test_an_image_that_we_did_not_build_is_refused(checkout: Path) -> None:
    done = promote(checkout, foreign="/crm@")

    assert done.returncode != 0
    assert "no attestation of oci://ghcr.io/o/r/crm@sha256:" in done.stderr
    assert not release(checkout).exists()


@pytest.mark.parametrize("commit", ["main", COMMIT[:12], f"{COMMIT}; rm -rf /"])
def test_what_is_no_commit_is_refused(checkout: Path, commit: str) -> None:
    done = promote(checkout, commit=commit)

    assert (done.returncode, "is no full commit id" in done.stderr) == (1, True)
    assert not release(checkout).exists()
