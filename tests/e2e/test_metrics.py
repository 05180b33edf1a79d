"""What the running platform tells at /metrics is what the contract says, and no more."""

import re
from collections.abc import Iterator

import httpx
from prometheus_client import Metric as Family
from prometheus_client.openmetrics import parser

from deploy.observability.contract import Metric, load
from tests.e2e.support.api import Person
from tests.e2e.support.platform import Platform

# An id, a mail address, a number of a record: labels that would never stop growing.
PERSONAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|@|\d{6}")


def read(exposition: str) -> Iterator[Family]:
    """The families on a page of OpenMetrics."""
    yield from parser.text_string_to_metric_families(exposition)  # type: ignore[no-untyped-call]


async def scraped(platform: Platform) -> dict[str, list[Family]]:
    """The families of every process that tells of itself."""
    addresses = {name: told["metrics"] for name, told in platform.facts["services"].items()}
    async with httpx.AsyncClient() as client:
        return {
            name: list(read((await client.get(address)).text))
            for name, address in addresses.items()
            if address is not None
        }


def told(families: list[Family]) -> Iterator[Metric]:
    """Families in the contract's words; one without samples has no labels to look at."""
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        agreed = load().get(name)
        labels = {frozenset(sample.labels) - {"le"} for sample in family.samples}
        seen = labels or {agreed.labels if agreed else frozenset[str]()}
        yield from (Metric(name, family.type, each) for each in seen)


async def test_every_process_keeps_the_contract(platform: Platform, demo: Person) -> None:
    """The demo's import has left traces of all kinds in them."""
    processes = await scraped(platform)

    assert {f"{name}-worker" for name in ("crm", "analytics")} < set(processes)
    found = {name: set(told(families)) for name, families in processes.items()}
    agreed = set(load().values())
    assert {name: metrics - agreed for name, metrics in found.items() if metrics - agreed} == {}
    assert agreed - set().union(*found.values()) == set()


async def test_no_label_is_of_somebody(platform: Platform, demo: Person) -> None:
    processes = await scraped(platform)
    values = {
        (family.name, name, value)
        for families in processes.values()
        for family in families
        for sample in family.samples
        for name, value in sample.labels.items()
        if name != "fingerprint"
    }
    assert [each for each in values if PERSONAL.search(each[2])] == []


async def test_promises_lie_on_edges(platform: Platform, demo: Person) -> None:
    """0.2 and 2 s of a page, 0.1 s of a statement, 10 s of an event, 5 min of a mail."""
    promised = {
        "http_server_request_duration_seconds": {0.2, 2.0},
        "db_client_operation_duration_seconds": {0.1},
        "event_end_to_end_lag_seconds": {10.0},
        "mail_accepted_delay_seconds": {300.0},
    }
    edges: dict[str, set[float]] = {name: set() for name in promised}
    for families in (await scraped(platform)).values():
        for family in families:
            for sample in family.samples:
                if "le" in sample.labels and family.name in edges:
                    edges[family.name].add(float(sample.labels["le"]))
    assert [name for name in promised if not promised[name] <= edges[name]] == []
