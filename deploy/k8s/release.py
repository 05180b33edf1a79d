"""Name the images of a release by digest, for overlays/production.

    python -m deploy.k8s.release REGISTRY auth=sha256:… crm=sha256:… analytics=… notify=… gateway=…

Writes components/release/kustomization.yaml, which git ignores: a release belongs to an
environment, not to the source. Needs nothing but Python.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(project.parent.name for project in ROOT.glob("services/*/pyproject.toml"))
FILE = Path(__file__).parent / "components" / "release" / "kustomization.yaml"


def main(arguments: list[str], file: Path = FILE) -> int:
    """Write the component, or say which digest is missing or none."""
    if not arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    registry, *pairs = arguments
    digests = dict(pair.partition("=")[::2] for pair in pairs)
    problems = _problems(digests)
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    if problems:
        return 2
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": [
            {"name": f"freelanceflow/{name}", "newName": f"{registry}/{name}", "digest": digest}
            for name, digest in digests.items()
        ],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(component, indent=2))  # which is YAML, too
    return 0


def _problems(digests: dict[str, str]) -> list[str]:
    missing = [f"{name}: no digest" for name in SERVICES if name not in digests]
    unknown = [f"{name}: no service of ours" for name in digests if name not in SERVICES]
    wrong = [
        f"{name}: {digest!r} is no digest"
        for name, digest in digests.items()
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    ]
    return [*missing, *unknown, *wrong]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
