"""Every rule there is, kept by hand or generated, as Prometheus reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.observability import contract
from deploy.observability.expressions import Selector, selectors

HERE = Path(__file__).parent
OF_THE_SCRAPE = {"service", "component", "instance"}
# What others tell, and by which labels we ask for it.
ELSEWHERE = {
    "ALERTS": {"alertname", "alertstate", "severity"},  # Prometheus, of its own rules
    "up": {"service", "component", "instance"},  # Prometheus, of each scrape
    "kube_cronjob_status_last_successful_time": {"cronjob"},  # kube-state-metrics
}

Rule = dict[str, Any]


def files() -> list[Path]:
    """Kept by hand, then generated."""
    return [*sorted((HERE / "rules").glob("*.yaml")), *sorted((HERE / "out").glob("*.yaml"))]


def rules() -> Iterator[Rule]:
    """All rules of all groups."""
    for file in files():
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def known() -> dict[str, set[str]]:
    """The series that one may ask for, and by which labels."""
    told: dict[str, set[str]] = {
        series: {*metric.labels, *OF_THE_SCRAPE} | ({"le"} if series.endswith("_bucket") else set())
        for metric in contract.load().values()
        for series in metric.series
    }
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return {**told, **ELSEWHERE, **{name: {"slo", "service"} for name in recorded}}


def unknown(expression: str) -> Iterator[Selector]:
    """What an expression asks for and nobody tells."""
    series = known()
    for each in selectors(expression):
        if each.name not in series or not each.labels <= series[each.name]:
            yield each


def alerts() -> list[Rule]:
    """Those that tell somebody."""
    return [rule for rule in rules() if "alert" in rule]
