"""deploy/observability/metrics.yaml, read and typed."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "metrics.yaml"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


@dataclass(frozen=True)
class Metric:
    """What is told under a name."""

    name: str
    type: str
    labels: frozenset[str]

    @property
    def series(self) -> frozenset[str]:
        """The names by which it is asked for."""
        return frozenset(self.name + suffix for suffix in SUFFIXES[self.type])


@cache
def load() -> dict[str, Metric]:
    """The contract of this checkout, by name."""
    raw: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())
    return {
        name: Metric(name, told["type"], frozenset(told["labels"])) for name, told in raw.items()
    }
