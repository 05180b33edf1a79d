"""What was rolled out, and the way back. Both are kept in the cluster, as ConfigMaps.

    python3 -m deploy.k8s.releases record OVERLAY RELEASE COMMIT     (deploy/bin/deploy does it)
    python3 -m deploy.k8s.releases back [RELEASE]                    (deploy/bin/rollback)

`release-NAME` holds one release and never changes: what was rolled out, the schema its code knows,
and which release it took the place of. `release` says which one is current, and below which
revisions no code may go that runs on these databases. Going back rolls out what an earlier record
holds. It runs no migration: databases only go forward, and older code does not know the revisions
of newer code.

Needs Python and kubectl only: in a bad hour nothing is to be installed.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "freelanceflow"
POINTER, PREFIX = "release", "release-"
LABEL = "freelanceflow.dev/record"
KEPT = 20
TIMEOUT = "300s"
CONTRACTS = "CONTRACTS"  # what a migration says of itself that takes away what older code reads
_SERVES = re.compile(r"^    app\.kubernetes\.io/component: (serve|worker)$", re.MULTILINE)
_KIND = re.compile(r"^kind: (\S+)$", re.MULTILINE)
_NAME = re.compile(r"^  name: (\S+)$", re.MULTILINE)
_IMAGE = re.compile(r"^\s+image: (\S+)$", re.MULTILINE)

Manifest = dict[str, Any]


class Refused(Exception):
    """Nothing was changed; the message says why."""


def main(arguments: list[str]) -> int:
    """Carry out the command; a refusal is one line."""
    try:
        match arguments:
            case ["record", overlay, release, commit]:
                record(overlay, release, commit)
            case ["back", *release] if len(release) <= 1:
                back(*release)
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except Refused as refusal:
        sys.stderr.write(f"releases: {refusal}\n")
        return 1
    return 0


def record(overlay: str, release: str, commit: str) -> None:
    """Keep what is about to be rolled out, and make it the current one.

    Comes after the migrations, before the roll-out: should that fail, the way back is there.
    """
    objects = rolled_out(_kubectl("kustomize", f"deploy/k8s/overlays/{overlay}"))
    pointer = _get(POINTER) or {"current": "", "floors": "{}"}
    heads, floors = schema(ROOT)
    data = {
        "before": pointer["current"],
        "commit": commit,
        "images": "\n".join(sorted(set(_IMAGE.findall(objects)))),
        "schema": json.dumps(heads),
        "objects": objects,
    }
    manifest = _config_map(PREFIX + release, data)
    _kubectl("create", "-f", "-", given={**manifest, "immutable": True})
    _point(release, {**json.loads(pointer["floors"]), **floors})
    _forget_the_oldest()


def back(release: str = "") -> None:
    """Roll out an earlier release: the one before the current, or the named one. Raises Refused."""
    pointer = _get(POINTER)
    if pointer is None:
        raise Refused("no release is recorded in this cluster")
    current = _get(PREFIX + pointer["current"]) or {}
    release = release or current.get("before", "")
    if not release:
        raise Refused(f"there is no release before {pointer['current']}")
    target = _get(PREFIX + release)
    if target is None:
        raise Refused(f"there is no release {release}; there are {', '.join(_recorded())}")
    floors: dict[str, Any] = json.loads(pointer["floors"])
    refuse_to_cross(release, json.loads(target["schema"]), floors)
    _say(f"going back from {pointer['current']} to {release}")
    _kubectl("apply", "-f", "-", given=target["objects"])
    _point(release, floors)
    names = [f"deployment/{name}" for name in _deployments(target["objects"])]
    for name in names:
        _kubectl("rollout", "status", name, f"--timeout={TIMEOUT}")
    _say(f"release {release} runs, made from {target['commit']}; the databases stay as they are")


def refuse_to_cross(release: str, heads: dict[str, str], floors: dict[str, Any]) -> None:
    """Raises Refused: since that release a migration took away what its code reads."""
    for service, floor in floors.items():
        if heads.get(service, "") < floor["revision"]:
            raise Refused(
                f"release {release} cannot run on this database: {service}'s migration"
                f" {floor['revision']} contracts ({floor['why']}). Go forward instead"
            )


def rolled_out(rendered: str) -> str:
    """Of a rendered overlay: what serves and works, and the ConfigMaps it names. Never a Secret."""
    documents = re.split(r"^---\n", rendered, flags=re.MULTILINE)
    kinds = {document: _first(_KIND, document) for document in documents}
    running = [
        document for document in documents if kinds[document] == "Deployment" and _serves(document)
    ]
    named = set(re.findall(r"[\w.-]+", "".join(running)))
    told = [
        document
        for document in documents
        if kinds[document] == "ConfigMap" and _first(_NAME, document) in named
    ]
    return "---\n".join([*told, *running])


def schema(root: Path) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """By service: its newest revision, and the last one that contracts, if any does."""
    heads, floors = {}, {}
    for folder in sorted(root.glob("services/*/src/*/migrations/versions")):
        service = folder.parents[1].name
        for revision, why in _revisions(folder):
            heads[service] = revision
            if why:
                floors[service] = {"revision": revision, "why": why}
    return heads, floors


def _revisions(folder: Path) -> Iterator[tuple[str, str]]:
    """Number and what it says of contracting; the names of the files are in order."""
    for file in sorted(folder.glob("[0-9]*.py")):
        said = {
            node.targets[0].id: node.value.value
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        yield str(said["revision"]), str(said.get(CONTRACTS, ""))


def _serves(document: str) -> bool:
    return bool(_SERVES.search(document.partition("\nspec:")[0]))


def _first(pattern: re.Pattern[str], document: str) -> str:
    found = pattern.search(document)
    return found.group(1) if found else ""


def _deployments(objects: str) -> list[str]:
    documents = re.split(r"^---\n", objects, flags=re.MULTILINE)
    return [_first(_NAME, each) for each in documents if _first(_KIND, each) == "Deployment"]


def _point(release: str, floors: dict[str, Any]) -> None:
    data = {"current": release, "floors": json.dumps(floors)}
    _kubectl("apply", "-f", "-", given=_config_map(POINTER, data))


def _recorded() -> list[str]:
    """All releases that are kept, the oldest first: their names begin with the time."""
    names = _kubectl("get", "configmaps", "-l", f"{LABEL}=release", "-o", "name").split()
    return sorted(name.partition(f"/{PREFIX}")[2] for name in names if f"/{PREFIX}" in name)


def _forget_the_oldest() -> None:
    for release in _recorded()[:-KEPT]:
        _kubectl("delete", "configmap", PREFIX + release)


def _config_map(name: str, data: dict[str, str]) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {LABEL: "release"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _get(name: str) -> dict[str, str] | None:
    """The data of a ConfigMap."""
    found = _kubectl("get", "configmap", name, "--ignore-not-found", "-o", "json")
    data: dict[str, str] | None = json.loads(found)["data"] if found.strip() else None
    return data


def _kubectl(*arguments: str, given: Manifest | str | None = None) -> str:
    """Raises Refused with what kubectl said."""
    kubectl = shlex.split(os.environ.get("KUBECTL", "kubectl"))
    scope = [] if arguments[0] == "kustomize" else ["-n", NAMESPACE]
    done = subprocess.run(
        [*kubectl, *scope, *arguments],
        input=given if isinstance(given, str) or given is None else json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise Refused(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
