"""Policy of the images, read from the Dockerfile: building them takes an engine, this does not."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from deploy.docker.dockerfile import ROOT, Dockerfile, ignore_patterns, ignored, parse

SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))
TEXT = (ROOT / "Dockerfile").read_text()
Policy = Callable[[Dockerfile], Iterator[str]]


def targets(dockerfile: Dockerfile) -> Iterator[str]:
    """One image per service, started without a shell, as its own program."""
    for service in SERVICES:
        if service not in dockerfile.stages:
            yield f"{service}: no target"
            continue
        stage = dockerfile.stages[service]
        entry = [instruction.words for instruction in stage.all("ENTRYPOINT")]
        if entry != [["/app/bin/python", "-m", service]]:
            yield f"{service}: starts with {entry}"
        if [instruction.words for instruction in stage.all("CMD")] != [["serve"]]:
            yield f"{service}: does not serve"


def unprivileged(dockerfile: Dockerfile) -> Iterator[str]:
    """The last USER of an image is nobody's account, by number so that Kubernetes can see it."""
    for service in SERVICES:
        users = [u.rest for stage in dockerfile.chain(service) for u in stage.all("USER")]
        if users[-1:] != ["10001:10001"]:
            yield f"{service}: runs as {users[-1:] or 'root'}"


def two_stages(dockerfile: Dockerfile) -> Iterator[str]:
    """What builds is not shipped: an image only copies the finished environment."""
    for service in SERVICES:
        for stage in dockerfile.chain(service):
            for instruction in stage.instructions:
                if instruction.name in ("RUN", "ADD"):
                    yield f"{stage.name}: {instruction.name} in what is shipped"
                if instruction.name == "COPY" and instruction.flag("from") != f"build-{service}":
                    yield f"{stage.name}: copies from elsewhere than its own build"


def pinned(dockerfile: Dockerfile) -> Iterator[str]:
    """One base, exchangeable by digest; every package by hash or made here."""
    for stage in dockerfile.stages.values():
        if stage.base != "${PYTHON_IMAGE}" and stage.base not in dockerfile.stages:
            yield f"{stage.name}: its base {stage.base} cannot be given by digest"
        for instruction in stage.all("RUN"):
            if "install" in instruction.words:
                words = set(instruction.words)
                if "--require-hashes" not in words and not {"--no-deps", "--no-index"} <= words:
                    yield f"{stage.name}: installs without hashes: {instruction.rest}"
    if not re.search(r":3\.11(\.\d+)?-slim-\w+", dockerfile.arguments.get("PYTHON_IMAGE", "")):
        yield "PYTHON_IMAGE: not the slim image of our Python"


def no_shell(dockerfile: Dockerfile) -> Iterator[str]:
    """Every command is a list: no shell expands, downloads or pipes anything."""
    for stage in dockerfile.stages.values():
        for instruction in stage.instructions:
            if instruction.name in ("RUN", "ENTRYPOINT", "CMD") and instruction.rest[0] != "[":
                yield f"{stage.name}: {instruction.name} through a shell"
            if instruction.name in ("ARG", "ENV") and re.search(
                r"(?i)(secret|password|token)", instruction.rest
            ):
                yield f"{stage.name}: a secret would stay in the image"


def sources(dockerfile: Dockerfile) -> Iterator[str]:
    """What is copied is in the repository and .dockerignore lets it through."""
    patterns = ignore_patterns((ROOT / ".dockerignore").read_text())
    for stage in dockerfile.stages.values():
        for instruction in stage.all("COPY"):
            if instruction.flag("from"):
                continue
            for source in instruction.words[:-1]:
                path = ROOT / source
                files = [path] if path.is_file() else path.rglob("*")
                names = (PurePosixPath(file.relative_to(ROOT)) for file in files if file.is_file())
                if all(ignored(name, patterns) for name in names):
                    yield f"{stage.name}: nothing arrives of {source}"


POLICIES: dict[str, Policy] = {
    policy.__name__: policy
    for policy in (targets, unprivileged, two_stages, pinned, no_shell, sources)
}
BREAKS = [
    # policy, what is written, what it becomes, what must be said
    ("targets", "FROM runtime AS notify", "FROM runtime AS notifications", "notify: no target"),
    ("targets", '"-m", "crm"]', '"-m", "crm", "worker"]', "crm: starts"),
    ("unprivileged", "USER 10001:10001\n", "", "root"),
    ("unprivileged", "USER 10001:10001", "USER 0", "runs as"),
    ("two_stages", "FROM runtime AS crm\n", 'FROM runtime AS crm\nRUN ["pip", "list"]\n', "RUN"),
    ("two_stages", "--from=build-crm", "--from=build-auth", "elsewhere"),
    ("pinned", "FROM ${PYTHON_IMAGE} AS runtime", "FROM python:3.11 AS runtime", "digest"),
    ("pinned", '"--require-hashes", ', "", "without hashes"),
    ("pinned", "3.11-slim", "3.13-slim", "PYTHON_IMAGE"),
    ("no_shell", 'ENTRYPOINT ["/app/bin/python", "-m", "crm"]', "ENTRYPOINT python", "shell"),
    ("no_shell", "ENV PYTHONUNBUFFERED=1", "ENV DB_PASSWORD=x", "secret"),
    ("sources", "COPY libs/kit ", "COPY libs/kitt ", "libs/kitt"),
    ("sources", "COPY proto ", "COPY tests ", "of tests"),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_dockerfile_holds_the_policy(policy: str) -> None:
    assert list(POLICIES[policy](parse(TEXT))) == []


@pytest.mark.parametrize(("policy", "written", "becomes", "said"), BREAKS)
def test_planted_error_is_noticed(policy: str, written: str, becomes: str, said: str) -> None:
    assert written in TEXT
    findings = list(POLICIES[policy](parse(TEXT.replace(written, becomes))))
    assert any(said in finding for finding in findings), findings


def test_every_policy_is_broken_on_purpose() -> None:
    assert {policy for policy, *_ in BREAKS} == set(POLICIES)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("services/crm/src/crm/__main__.py", False),
        ("services/crm/src/crm/migrations/versions/0001_start.py", False),
        ("services/crm/requirements.lock", False),
        ("services/crm/tests/factories.py", True),
        ("libs/kit/src/kit/__pycache__/ids.cpython-311.pyc", True),
        (".ff/local.json", True),
        (".git/config", True),
        ("deploy/k8s/components/secrets-generated/secrets/crm-db-app.env", True),
    ],
)
def test_context_holds_sources_and_nothing_else(path: str, kept: bool) -> None:
    patterns = ignore_patterns((ROOT / ".dockerignore").read_text())
    assert ignored(PurePosixPath(path), patterns) is kept
