"""The overlays, rendered once for all tests, from a copy with secrets of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
# `deploy` is a folder of this repository, no distribution: it is found from the root.
sys.path.insert(0, str(ROOT))

from deploy.k8s import make_secrets, release  # noqa: E402
from deploy.k8s.topology import load  # noqa: E402

WITH_GOOGLE = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: freelanceflow
resources: [../production]
components: [../../components/google-sign-in]
"""
RELEASE = "components/release/kustomization.yaml"

Manifest = dict[str, Any]
Render = Callable[[str], list[Manifest]]


@pytest.fixture(scope="session")
def k8s_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deploy/k8s as a newcomer has it, with freshly made secrets."""
    folder = tmp_path_factory.mktemp("deploy") / "k8s"
    shutil.copytree(
        ROOT / "deploy/k8s", folder, ignore=shutil.ignore_patterns("secrets", "release", "tests")
    )
    # Beside it, as here: the rules and dashboards that one of the components shows.
    shutil.copytree(ROOT / "deploy/observability", folder.parent / "observability")
    assert make_secrets.main([str(folder / "components/secrets-generated/secrets")]) == 0
    digests = [f"{name}=sha256:{'0' * 64}" for name in load().services]
    assert release.main(["registry.example.com/ff", *digests], folder / RELEASE) == 0
    (folder / "overlays/production-google").mkdir()
    (folder / "overlays/production-google/kustomization.yaml").write_text(WITH_GOOGLE)
    for example in (folder / "overlays").glob("*/*.example.env"):
        shutil.copy(example, example.with_name(example.name.replace(".example", "")))
    return folder


@pytest.fixture(scope="session")
def render(k8s_copy: Path) -> Render:
    """Objects of an overlay, as `kubectl apply -k` would send them."""

    def rendered(overlay: str) -> list[Manifest]:
        output = subprocess.run(
            [kubectl(), "kustomize", str(k8s_copy / "overlays" / overlay)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return list(yaml.load_all(output, Loader=yaml.CSafeLoader))

    return rendered


def kubectl() -> str:
    """The machine's own, else the one that came with the development tools."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("kubectl") or shutil.which("kubectl", path=beside)
    assert found, "no kubectl: install the development requirements"
    return found
