"""Every rule there is, kept by hand or generated, as Prometheus reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
# What others tell, and by which labels we ask for it.
ELSEWHERE = {
    "up": {"service", "component", "instance"},  # Prometheus, of each scrape
    "kube_cronjob_status_last_successful_time": {"cronjob"},  # kube-state-metrics
}
OF_THE_SCRAPE = {"service", "component", "instance"}

Rule = dict[str, Any]


def files() -> list[Path]:
    """Kept by hand, then generated."""
    return [*sorted((HERE / "rules").glob("*.yaml")), *sorted((HERE / "out").glob("*.yaml"))]


def rules() -> Iterator[Rule]:
    """All rules of all groups."""
    for file in files():
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def alerts() -> list[Rule]:
    """Those that tell somebody."""
    return [rule for rule in rules() if "alert" in rule]
