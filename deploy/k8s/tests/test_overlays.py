"""Every overlay holds every rule; every rule notices an error of its kind."""

import copy
from collections.abc import Callable

import pytest

from deploy.k8s.tests.breaks import BREAKS, Break, Objects
from deploy.k8s.tests.conftest import ROOT
from deploy.k8s.tests.network import network
from deploy.k8s.tests.objects import Manifest, of_kind, references, workloads
from deploy.k8s.tests.policy import RULES, Rule, digests
from deploy.k8s.tests.settings import addresses, settings

ALL: dict[str, Rule] = {
    **RULES,
    "network": network,
    "settings": settings,
    "addresses": addresses,
}


MAIL_LOGIN: Manifest = {  # kind's mail catcher asks for no password
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "notify-smtp", "namespace": "freelanceflow"},
    "data": {"username": "bm90aWZ5", "password": "c2VjcmV0"},
}


@pytest.fixture(scope="module")
def kind(render: Callable[[str], list[Manifest]]) -> list[Manifest]:
    return render("kind")


@pytest.fixture(scope="module")
def production(render: Callable[[str], list[Manifest]], kind: list[Manifest]) -> list[Manifest]:
    """Production's objects, and Secrets as its own store must bring them: kind's names and keys."""
    return [*render("production"), *of_kind(kind, "Secret").values(), MAIL_LOGIN]


@pytest.mark.parametrize("rule", ALL)
def test_kind_holds_the_rule(kind: list[Manifest], rule: str) -> None:
    assert list(ALL[rule](kind)) == []


@pytest.mark.parametrize("rule", ALL)
def test_production_holds_the_rule(production: list[Manifest], rule: str) -> None:
    assert list(ALL[rule](production)) == []


def test_production_runs_digests_only(production: list[Manifest], kind: list[Manifest]) -> None:
    assert list(digests(production)) == []
    assert list(digests(kind)) != []


def test_production_is_our_services_alone(production: list[Manifest]) -> None:
    assert {workload.name for workload in workloads(production) if not workload.ours} == set()


def test_every_rule_is_broken_on_purpose() -> None:
    assert {rule for rule, *_ in BREAKS} == set(ALL)


@pytest.mark.parametrize(
    ("rule", "what", "breaks", "said"),
    BREAKS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_planted_error_is_noticed(
    kind: list[Manifest], rule: str, what: str, breaks: Break, said: str
) -> None:
    objects = Objects(copy.deepcopy(kind))
    breaks(objects)
    findings = list(ALL[rule](objects))
    assert any(said in finding for finding in findings), findings or f"nobody noticed that {what}"


def test_guide_names_every_secret(production: list[Manifest]) -> None:
    guide = (ROOT / "docs/deployment.md").read_text()
    needed = {
        (name, key)
        for workload in workloads(production)
        for kind, name, key in references(workload)
        if kind == "Secret"
    }
    for name, key in needed:
        [row] = [
            line for line in guide.splitlines() if line.startswith("|") and f"`{name}`" in line
        ]
        assert key is None or f"`{key}`" in row
