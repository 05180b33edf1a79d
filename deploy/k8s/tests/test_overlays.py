"""Every overlay holds every rule; every rule notices an error of its kind."""

import copy
from base64 import b64encode
from collections.abc import Callable

import pytest

from deploy.k8s.tests.breaks import BREAKS, Break, Objects
from deploy.k8s.tests.breaks_around import AROUND
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


def secret(name: str, **data: str) -> Manifest:
    """One that kind does without."""
    metadata = {"name": name, "namespace": "freelanceflow"}
    encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}


MAIL_LOGIN = secret("notify-smtp", username="notify", password="secret")
GOOGLE_CLIENT = secret("auth-google", **{"client-id": "web", "client-secret": "secret"})


@pytest.fixture(scope="module")
def kind(render: Callable[[str], list[Manifest]]) -> list[Manifest]:
    return render("kind")


@pytest.fixture(scope="module")
def production(render: Callable[[str], list[Manifest]], kind: list[Manifest]) -> list[Manifest]:
    """Production's objects, and Secrets as its own store must bring them: kind's names and keys."""
    return [*render("production"), *of_kind(kind, "Secret").values(), MAIL_LOGIN]


@pytest.fixture(scope="module")
def staging(render: Callable[[str], list[Manifest]], kind: list[Manifest]) -> list[Manifest]:
    """The same of staging."""
    return [*render("staging"), *of_kind(kind, "Secret").values(), MAIL_LOGIN]


@pytest.fixture(scope="module")
def with_google(render: Callable[[str], list[Manifest]], kind: list[Manifest]) -> list[Manifest]:
    """Production whose people may sign in with Google."""
    secrets = [*of_kind(kind, "Secret").values(), MAIL_LOGIN, GOOGLE_CLIENT]
    return [*render("production-google"), *secrets]


@pytest.mark.parametrize("rule", ALL)
def test_kind_holds_the_rule(kind: list[Manifest], rule: str) -> None:
    assert list(ALL[rule](kind)) == []


@pytest.mark.parametrize("rule", ALL)
def test_production_holds_the_rule(production: list[Manifest], rule: str) -> None:
    assert list(ALL[rule](production)) == []


@pytest.mark.parametrize("rule", ALL)
def test_staging_holds_the_rule(staging: list[Manifest], rule: str) -> None:
    assert list(ALL[rule](staging)) == []


@pytest.mark.parametrize("rule", ALL)
def test_production_with_google_holds_the_rule_but_that_auth_asks_google(
    with_google: list[Manifest], rule: str
) -> None:
    asks = ["Deployment/auth reaches internet:443 and should not"] if rule == "network" else []
    assert list(ALL[rule](with_google)) == asks


def test_production_runs_digests_only(production: list[Manifest], kind: list[Manifest]) -> None:
    assert list(digests(production)) == []
    assert list(digests(kind)) != []


def test_production_is_our_services_alone(production: list[Manifest]) -> None:
    assert {workload.name for workload in workloads(production) if not workload.ours} == set()


def test_every_rule_is_broken_on_purpose() -> None:
    assert {rule for rule, *_ in (*BREAKS, *AROUND)} == set(ALL)


@pytest.mark.parametrize(
    ("rule", "what", "breaks", "said"),
    [*BREAKS, *AROUND],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_planted_error_is_noticed(
    kind: list[Manifest], rule: str, what: str, breaks: Break, said: str
) -> None:
    objects = Objects(copy.deepcopy(kind))
    breaks(objects)
    findings = list(ALL[rule](objects))
    assert any(said in finding for finding in findings), findings or f"nobody noticed that {what}"


def test_guide_names_every_secret(with_google: list[Manifest]) -> None:
    guide = (ROOT / "docs/deployment.md").read_text()
    needed = {
        (name, key)
        for workload in workloads(with_google)
        for kind, name, key in references(workload)
        if kind == "Secret"
    }
    for name, key in needed:
        [row] = [
            line for line in guide.splitlines() if line.startswith("|") and f"`{name}`" in line
        ]
        assert key is None or f"`{key}`" in row
