"""The locks serve what the projects ask for, agree with each other, and name no registry."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml"))
LOCKS = sorted(
    path
    for pattern in ("*.lock", "services/*/*.lock", "deploy/*/*.lock", "tests/*/*.lock")
    for path in ROOT.glob(pattern)
)
OURS = "freelanceflow-"


def pins(lock: Path) -> dict[str, str]:
    """Name → version; markers may pin one name several times, then the last counts."""
    lines = (line.split(" ")[0] for line in lock.read_text().splitlines() if "==" in line)
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def asked_for(project: Path) -> list[Requirement]:
    """A project's own requirements, and those of our members it stands on."""
    declared = tomllib.loads(project.read_text())["project"]["dependencies"]
    requirements = [Requirement(text) for text in declared]
    return [requirement for requirement in requirements if not requirement.name.startswith(OURS)]


def unserved(requirements: list[Requirement], locked: dict[str, str]) -> list[str]:
    return [
        str(wanted)
        for wanted in requirements
        if wanted.marker is None
        and not wanted.specifier.contains(locked.get(canonicalize_name(wanted.name), "0"))
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_a_lock_holds_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_gets_what_it_asks_for_as_tested_together(service: Path) -> None:
    own = pins(service / "requirements.lock")
    together = pins(ROOT / "requirements.lock")
    assert unserved(asked_for(service / "pyproject.toml"), own) == []
    assert {name: own[name] for name in own if together.get(name) != own[name]} == {}


def test_development_stands_on_the_same_pins() -> None:
    development = pins(ROOT / "requirements-dev.lock")
    together = pins(ROOT / "requirements.lock")
    lines = (ROOT / "requirements-dev.in").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert unserved(wanted, development) == []
    both = development.keys() & together.keys()
    assert {name for name in both if development[name] != together[name]} == set()
