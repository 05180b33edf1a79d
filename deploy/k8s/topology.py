"""deploy/topology.yaml, read and typed."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "topology.yaml"


@dataclass(frozen=True)
class Process:
    """One kind of pod of a service: what it calls and what else it needs."""

    service: str
    name: str
    calls: tuple[str, ...]
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """A service: its listening port by name, its stream, the streams it reads, its processes."""

    name: str
    listens: str
    public: bool
    stream: str | None
    consumes: tuple[str, ...]
    processes: dict[str, Process]


@dataclass(frozen=True)
class Topology:
    """The whole platform."""

    ports: dict[str, int]
    providers: dict[str, int]
    scraped_from: str
    services: dict[str, Service]

    @property
    def processes(self) -> list[Process]:
        """Every kind of pod of every service."""
        return [
            process for service in self.services.values() for process in service.processes.values()
        ]

    def callers_of(self, service: str) -> list[Process]:
        """Who calls a service."""
        return [process for process in self.processes if service in process.calls]


@cache
def load() -> Topology:
    """The topology of this checkout."""
    raw: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return Topology(
        ports=raw["ports"],
        providers={name: provider["port"] for name, provider in raw["providers"].items()},
        scraped_from=raw["scraped_from"],
        services={name: _service(name, service) for name, service in raw["services"].items()},
    )


def _service(name: str, raw: dict[str, Any]) -> Service:
    return Service(
        name=name,
        listens=raw["listens"],
        public=raw.get("public", False),
        stream=raw.get("stream"),
        consumes=tuple(raw["consumes"]),
        processes={
            process: Process(name, process, tuple(needs["calls"]), tuple(needs["uses"]))
            for process, needs in raw["processes"].items()
        },
    )
