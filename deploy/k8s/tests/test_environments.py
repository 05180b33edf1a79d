"""Staging is production but for what is listed here; what scales stays within the databases."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from analytics.bootstrap import computing, rebuilding, working
from analytics.bootstrap import serving as analytics_serving
from crm.bootstrap import pools as crm_pools
from deploy.k8s.tests.conftest import ROOT
from deploy.k8s.tests.objects import Manifest, long_running, of_kind
from deploy.k8s.tests.settings import settings_class
from kit.settings import DatabaseSettings
from notify import bootstrap as notify_bootstrap

GENERATED = re.compile(r"-[0-9a-z]{10}$")
MAY_DIFFER = {
    # Where it is, and whom it believes.
    *(f"ConfigMap/gateway-config.data.GATEWAY_{key}" for key in ("PUBLIC_URL", "TRUSTED_PROXIES")),
    *(
        f"ConfigMap/notify-config.data.NOTIFY_{key}"
        for key in ("PUBLIC_URL", "MAIL_FROM", "SMTP_HOST", "SMTP_PORT", "SMTP_STARTTLS")
    ),
    # Losing a zone may stop staging.
    *(
        f"Deployment/{name}.spec.template.spec.topologySpreadConstraints.0.whenUnsatisfiable"
        for name in ("auth", "crm", "analytics", "notify", "gateway")
    ),
}
RESERVED = 3  # connections that PostgreSQL keeps for its superuser
MIGRATION = 1
RELAY = 1
POOL = int(DatabaseSettings.model_fields["database_pool_size"].default)
# Connections of one process at most, by the pools that its bootstrap opens.
SERVING = {
    "auth": POOL + POOL + RELAY,
    "crm": POOL + crm_pools.SYSTEM_POOL_SIZE + RELAY,
    "analytics": POOL + analytics_serving.SYSTEM_POOL_SIZE + RELAY,
    "notify": POOL + notify_bootstrap.SYSTEM_POOL_SIZE + RELAY,
}
SCIENCE = computing.POOL_SIZE + 1
WORKING = {
    "crm": POOL + crm_pools.SYSTEM_POOL_SIZE,
    "analytics": working.POOL_SIZE + SCIENCE,
}
BY_HAND = {"analytics": rebuilding.POOL_SIZE + 1, "auth": 2}  # a command beside everything else
POOLS_COUNTED = 13


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every single value with its path; names of generated ConfigMaps without their hash."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{number}")
    elif isinstance(value, str):
        yield path, GENERATED.sub("", value)
    else:
        yield path, value


def flat(objects: list[Manifest]) -> dict[str, Any]:
    return {
        path: value
        for item in objects
        for path, value in leaves(
            item, f"{item['kind']}/{GENERATED.sub('', item['metadata']['name'])}"
        )
    }


def test_staging_differs_from_production_in_what_is_listed(
    render: Callable[[str], list[Manifest]],
) -> None:
    staging, production = flat(render("staging")), flat(render("production"))
    differing = {
        path
        for path in staging.keys() | production.keys()
        if staging.get(path) != production.get(path)
    }
    assert differing - MAY_DIFFER == set()
    assert "ConfigMap/gateway-config.data.GATEWAY_PUBLIC_URL" in differing


def test_the_base_leaves_the_number_of_pods_to_others() -> None:
    for file in (ROOT / "deploy/k8s/base").rglob("*.yaml"):
        for item in yaml.safe_load_all(file.read_text()):
            assert "replicas" not in (item or {}).get("spec", {}), file


def most_connections(service: str, most: dict[str, int]) -> int:
    """Of a service to its database, while one more pod of each kind comes up in a deployment."""
    serving = (most[service] + 1) * SERVING[service]
    working = 2 * WORKING.get(service, 0)
    return serving + working + BY_HAND.get(service, 0) + MIGRATION + RESERVED


def told(service: str) -> list[int]:
    """The guide's row: most pods, connections, max_connections."""
    guide = (ROOT / "docs/deployment.md").read_text()
    [row] = re.findall(rf"^\| {service} \| (\d+) \| (\d+) \| (\d+) \|$", guide, re.MULTILINE)
    return [int(figure) for figure in row]


@pytest.mark.parametrize("service", SERVING)
def test_what_scales_stays_within_its_database(
    service: str, render: Callable[[str], list[Manifest]]
) -> None:
    scalers = of_kind(render("production"), "HorizontalPodAutoscaler")
    most = {name: int(scaler["spec"]["maxReplicas"]) for name, scaler in scalers.items()}
    pods, connections, limit = told(service)
    assert (pods, connections) == (most[service], most_connections(service, most))
    assert connections <= limit


def test_kind_stays_within_its_only_server(render: Callable[[str], list[Manifest]]) -> None:
    objects = render("kind")
    [server] = [one for one in long_running(objects) if one.name == "postgres"]
    arguments = " ".join(server.pod["containers"][0]["args"])
    [limit] = re.findall(r"max_connections=(\d+)", arguments)
    pods = {one.name: one.replicas for one in long_running(objects)}
    asked = sum((pods[name] + 1) * each for name, each in SERVING.items())
    asked += sum((pods[f"{name}-worker"] + 1) * each for name, each in WORKING.items())
    assert asked + RESERVED <= int(limit)


def test_every_pool_is_counted() -> None:
    """A new one belongs into the sums above."""
    assert set(SERVING) == {
        name
        for name in ("auth", "crm", "analytics", "notify", "gateway")
        if issubclass(settings_class(name), DatabaseSettings)
    }
    opened = sum(
        file.read_text().count("role_pool(") for file in (ROOT / "services").glob("*/src/**/*.py")
    )
    assert opened == POOLS_COUNTED
