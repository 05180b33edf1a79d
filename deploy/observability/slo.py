"""Objectives become rules: how much goes wrong, over several windows, and who is told when.

A page wants to be right and quick: both a long and a short window burn the budget too fast. The
short one ends the alert soon after the trouble. Windows are sums over what was recorded of five
minutes, so no rule ever reads days of raw series, and quiet hours weigh as little as they should.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).parent / "slo"
EVERY = 60  # seconds between evaluations; counts over a window are sums of so many rates
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
FRESH = 86_400  # a service that began less than so many seconds ago may not have been asked yet

Rule = dict[str, Any]


class Burn(NamedTuple):
    """The budget is used so many times too fast, over a long and over a short window."""

    factor: float
    short: str
    long: str


PAGE = (Burn(14.4, "5m", "1h"), Burn(6, "30m", "6h"))
TICKET = (Burn(3, "2h", "1d"), Burn(1, "6h", "3d"))


class CannotFire(ValueError):
    """No share of errors is that large."""


@dataclass(frozen=True)
class Slo:
    """Of so many per cent of requests; fewer than `at_least` in a window tell nothing."""

    name: str
    about: str
    objective: float
    service: str
    at_least: int
    errors: str
    requests: str

    @property
    def budget(self) -> float:
        """The share of requests that may go wrong."""
        return round(1 - self.objective / 100, 6)


def load() -> list[Slo]:
    """The objectives of this checkout."""
    return [
        Slo(name=path.stem, **yaml.safe_load(path.read_text()))
        for path in sorted(FOLDER.glob("*.yaml"))
    ]


def groups(slos: list[Slo]) -> list[Rule]:
    """The rule groups. Raises CannotFire for a burn rate that no errors can reach."""
    for slo in slos:
        for burn in (*PAGE, *TICKET):
            if burn.factor * slo.budget >= 1:
                raise CannotFire(f"{slo.name}: {burn.factor} × {slo.budget} is all and more")
    recorded = [rule for slo in slos for rule in _told(slo)] + [_share(w) for w in WINDOWS]
    return [
        {"name": "slo-records", "interval": f"{EVERY}s", "rules": recorded},
        {"name": "slo-alerts", "interval": f"{EVERY}s", "rules": _alerts()},
    ]


def _told(slo: Slo) -> list[Rule]:
    labels = {"slo": slo.name}
    # An error that has never happened has no series, and is none.
    errors = f"({slo.errors}) or 0 * ({slo.requests})"
    about = {**labels, "service": slo.service}
    return [
        _record("slo:sli_errors:rate5m", errors, labels),
        _record("slo:sli_requests:rate5m", slo.requests, labels),
        _record("slo:error_budget:ratio", f"vector({slo.budget})", about),
        _record("slo:requests_minimum:count", f"vector({slo.at_least})", labels),
    ]


def _share(window: str) -> Rule:
    errors, requests = "slo:sli_errors:rate5m", "slo:sli_requests:rate5m"
    if window != "5m":
        errors, requests = (f"sum_over_time({series}[{window}])" for series in (errors, requests))
    return _record(f"slo:sli_error:ratio_rate{window}", f"{errors} / {requests}", {})


def _record(name: str, expr: str, labels: dict[str, str]) -> Rule:
    return {"record": name, "expr": expr, **({"labels": dict(labels)} if labels else {})}


def _alerts() -> list[Rule]:
    burns = "{{ $labels.slo }} uses its error budget much too fast."
    lasts = "{{ $labels.slo }} will not keep its objective if this goes on."
    absent = "{{ $labels.slo }} has not been measured for a day."
    return [
        alert("SLOErrorBudgetBurnFast", _any(PAGE), severity="page", summary=burns),
        alert("SLOErrorBudgetBurnSlow", _any(TICKET), severity="ticket", summary=lasts),
        alert(
            "SLOMetricAbsent",
            "slo:error_budget:ratio unless on (slo) slo:sli_requests:rate5m"
            " and on (service) max by (service)"
            f' (time() - process_start_time_seconds{{component="serve"}} > {FRESH})',
            lasting="10m",
            severity="ticket",
            summary=absent,
        ),
    ]


def _any(burns: tuple[Burn, ...]) -> str:
    return " or ".join(f"({_burning(burn)})" for burn in burns)


def _burning(burn: Burn) -> str:
    budget = f"on (slo) {burn.factor} * slo:error_budget:ratio"
    over = [f"slo:sli_error:ratio_rate{window} > {budget}" for window in (burn.short, burn.long)]
    count = f"sum_over_time(slo:sli_requests:rate5m[{burn.long}]) * {EVERY}"
    return " and on (slo) ".join([*over, f"{count} >= on (slo) slo:requests_minimum:count"])


def alert(
    name: str,
    expr: str,
    *,
    severity: str,
    summary: str,
    lasting: str = "0m",
    dashboard: str = "ff-slo",
    **labels: str,
) -> Rule:
    """An alert with all that one must have."""
    return {
        "alert": name,
        "expr": expr,
        **({} if lasting == "0m" else {"for": lasting}),
        "labels": {"severity": severity, **labels},
        "annotations": {
            "summary": summary,
            "runbook_url": f"docs/runbooks/{name}.md",
            "dashboard_url": f"/d/{dashboard}",
        },
    }
