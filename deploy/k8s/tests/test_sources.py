"""What is written down twice agrees: generated files, secrets, and what git must not see."""

import ast
import os
import stat
import subprocess
from pathlib import Path

import pytest

from deploy.k8s import generate, make_secrets, release
from deploy.k8s.tests.conftest import ROOT, kubectl
from deploy.k8s.topology import Service, load
from kit.bus.jetstream import streams
from kit.rpc import revocations
from kit.rpc.revocations import Revocations


def test_generated_files_are_up_to_date() -> None:
    for path, text in generate.files(load()).items():
        assert path.read_text() == text, "run python -m deploy.k8s.generate"


@pytest.mark.parametrize("service", load().services.values(), ids=lambda service: service.name)
def test_topology_names_the_streams_the_code_reads(service: Service) -> None:
    """Streams stand in the code as plain words; sessions' ends come from AUTH by way of the kit."""
    names = {config.name for config in streams()}
    read = set()
    for file in (ROOT / "services" / service.name / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and node.value in names:
                read.add(node.value)
            if isinstance(node, ast.Name) and node.id == Revocations.__name__:
                read.add(revocations.STREAM)
    assert read == set(service.consumes)


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


@pytest.mark.parametrize(
    ("digests", "said"),
    [
        ({"crm": "latest"}, "crm: 'latest' is no digest"),
        ({"crm": None}, "crm: no digest"),
        ({"cmr": f"sha256:{'0' * 64}"}, "cmr: no service of ours"),
    ],
)
def test_release_refuses_what_is_no_release(
    digests: dict[str, str | None],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good: dict[str, str | None] = dict.fromkeys(load().services, f"sha256:{'0' * 64}")
    pairs = [f"{name}={digest}" for name, digest in (good | digests).items() if digest]

    assert release.main(["registry.example.com/ff", *pairs], tmp_path / "release.yaml") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "release.yaml").exists()


def test_missing_secrets_are_named(k8s_copy: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", f"{k8s_copy.parent}/.", str(tmp_path)], check=True)
    (tmp_path / "k8s/components/secrets-generated/secrets/crm-db-app.env").unlink()

    done = subprocess.run(
        [kubectl(), "kustomize", str(tmp_path / "k8s/overlays/kind")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "secrets/crm-db-app.env" in done.stderr
