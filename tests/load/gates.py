"""What a run of `make load` is held to, and the verdict on it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PAGE, API = "page", "api"
MISSED, MET = "missed", "met"


@dataclass(frozen=True)
class Requests:
    """All requests of one name: how long each took, and how many were answered wrongly."""

    name: str
    kind: str
    milliseconds: Sequence[float]
    errors: int = 0


@dataclass(frozen=True)
class Gate:
    """A figure, and what it has to stay below. None is a figure that nobody could take."""

    name: str
    measured: float | None
    below: float
    unit: str

    @property
    def is_met(self) -> bool:
        """What was not measured was not kept."""
        return self.measured is not None and self.measured < self.below


def gates(requests: Iterable[Requests], statements_p95: float | None) -> list[Gate]:
    """Held against what a run came to; `statements_p95` is in milliseconds."""
    found = list(requests)
    asked = sum(len(one.milliseconds) for one in found)
    wrong = sum(one.errors for one in found)
    return [
        Gate("API, p95", _p95(found, API), 200, "ms"),
        Gate("pages, p95", _p95(found, PAGE), 2000, "ms"),
        Gate("errors", 100 * wrong / asked if asked else None, 0.5, "%"),
        Gate("database statements, p95", statements_p95, 100, "ms"),
    ]


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def table(requests: Iterable[Requests], verdict: Sequence[Gate], seconds: float) -> str:
    """For people: every kind of request, then the gates."""
    lines = [
        f"{'':7}{'request':22}{'count':>7}{'per s':>8}{'p50':>7}{'p95':>7}{'max':>7}{'errors':>8}"
    ]
    for one in sorted(requests, key=lambda one: (one.kind, one.name)):
        times = one.milliseconds
        figures = (percentile(times, 0.5), percentile(times, 0.95), max(times, default=None))
        shown = "".join(f"{_number(figure):>7}" for figure in figures)
        rate = f"{len(times) / seconds:.1f}"
        lines.append(f"{one.kind:7}{one.name:22}{len(times):7}{rate:>8}{shown}{one.errors:8}")
    lines.append("")
    for gate in verdict:
        figure = "not measured" if gate.measured is None else f"{gate.measured:.2f} {gate.unit}"
        limit = f"< {gate.below:g} {gate.unit}"
        lines.append(f"{gate.name:29}{figure:>16}{limit:>12}   {MET if gate.is_met else MISSED}")
    return "\n".join(lines) + "\n"


def _p95(requests: Iterable[Requests], kind: str) -> float | None:
    times = (ms for one in requests if one.kind == kind for ms in one.milliseconds)
    return percentile(times, 0.95)


def _number(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.0f}"
