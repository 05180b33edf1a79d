"""What is written down twice agrees: generated files, secrets, and what git must not see."""

import os
import stat
import subprocess
from pathlib import Path

from deploy.k8s import generate, make_secrets
from deploy.k8s.tests.conftest import ROOT, kubectl
from deploy.k8s.topology import load


def test_generated_files_are_up_to_date() -> None:
    for path, text in generate.files(load()).items():
        assert path.read_text() == text, "run python -m deploy.k8s.generate"


def test_secrets_differ_each_time_and_are_ours_alone(k8s_copy: Path) -> None:
    folder = k8s_copy / "components/secrets-generated/secrets"

    assert (folder / "crm-db-app.env").read_text() != make_secrets.contents()["crm-db-app.env"]
    for file in folder.iterdir():
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600, file


def test_secrets_are_never_overwritten(k8s_copy: Path) -> None:
    folder = k8s_copy / "components/secrets-generated/secrets"
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    assert make_secrets.main([str(folder)]) == 1
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_git_ignores_the_secrets() -> None:
    file = make_secrets.FOLDER / "crm-db-app.env"
    done = subprocess.run(["git", "check-ignore", "-q", str(file)], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_missing_secrets_are_named(k8s_copy: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", str(k8s_copy), str(tmp_path)], check=True)
    (tmp_path / "k8s/components/secrets-generated/secrets/crm-db-app.env").unlink()

    done = subprocess.run(
        [kubectl(), "kustomize", str(tmp_path / "k8s/overlays/kind")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "secrets/crm-db-app.env" in done.stderr
