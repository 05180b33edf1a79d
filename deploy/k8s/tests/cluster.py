"""A kubectl that records what it is asked, keeps ConfigMaps, and knows no cluster."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
KUBECTL = """\
import json, os, pathlib, sys
asked, home = sys.argv[1:], pathlib.Path(__file__).parent
with (home / "calls").open("a") as calls:
    calls.write(" ".join(asked) + "\\n")
line, kept = " ".join(asked), home / "kept"
if "kustomize" in asked:
    print((home / "rendered.yaml").read_text())
elif "get jobs" in line:
    print(os.environ.get("ACTIVE", ""), end="")
elif "wait" in asked:
    sys.exit(int(os.environ.get("WAITED", "0")))
elif "rollout" in asked:
    sys.exit(int(os.environ.get("ROLLED", "0")))
elif "get configmap " in line:
    file = kept / asked[asked.index("configmap") + 1]
    print(file.read_text() if file.exists() else "")
elif "get configmaps" in line:
    print("\\n".join(f"configmap/{file.name}" for file in kept.iterdir()))
elif "delete configmap " in line:
    (kept / asked[-1]).unlink()
elif asked[-2:] == ["-f", "-"]:
    given = sys.stdin.read()
    if given.startswith("{"):
        manifest = json.loads(given)
        (kept / manifest["metadata"]["name"]).write_text(given)
    else:
        (home / "applied.yaml").write_text(given)
"""


@dataclass(frozen=True)
class Done:
    """What a script did."""

    code: int
    said: str
    calls: list[str]

    def position(self, what: str) -> int:
        """Where in the order of calls something was asked."""
        [found] = [number for number, call in enumerate(self.calls) if what in call]
        return found


class Cluster:
    """A checkout with the scripts in it, and the cluster they believe to talk to."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder
        (folder / "kept").mkdir()
        (folder / "rendered.yaml").touch()
        for name in ("deploy/bin/deploy", "deploy/bin/rollback", "deploy/k8s/releases.py"):
            self._bring(name)
        self._bring("deploy/k8s/overlays/kind/kustomization.yaml")
        (folder / "deploy/k8s/components/secrets-generated/secrets").mkdir(parents=True)
        kubectl = folder / "kubectl"
        program = folder / "kubectl.py"
        program.write_text(KUBECTL)
        # A path with a blank cannot stand behind #!.
        kubectl.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
        kubectl.chmod(0o755)

    def _bring(self, name: str) -> None:
        (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, self.checkout / name)

    def renders(self, text: str) -> None:
        """What `kubectl kustomize` says from now on."""
        (self.checkout / "rendered.yaml").write_text(text)

    def migration(self, service: str, revision: str, contracts: str = "") -> None:
        """One more in the checkout."""
        folder = self.checkout / f"services/{service}/src/{service}/migrations/versions"
        folder.mkdir(parents=True, exist_ok=True)
        said = f"CONTRACTS = {contracts!r}\n" if contracts else ""
        (folder / f"{revision}_some.py").write_text(f'revision = "{revision}"\n{said}')

    def run(self, script: str, *arguments: str, **told: str) -> Done:
        """Run a script of deploy/bin; the calls are those of this run."""
        calls = self.checkout / "calls"
        calls.write_text("")
        done = subprocess.run(
            [self.checkout / "deploy/bin" / script, *arguments],
            env={
                **os.environ,
                "KUBECTL": str(self.checkout / "kubectl"),
                "PYTHON": sys.executable,
                **told,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stderr, calls.read_text().splitlines())

    def kept(self, name: str) -> dict[str, Any]:
        """A ConfigMap."""
        found: dict[str, Any] = json.loads((self.checkout / "kept" / name).read_text())
        return found

    @property
    def releases(self) -> list[str]:
        """Those that are recorded."""
        return sorted(file.name for file in (self.checkout / "kept").glob("release-*"))

    @property
    def applied(self) -> str:
        """The objects that were sent last."""
        return (self.checkout / "applied.yaml").read_text()
