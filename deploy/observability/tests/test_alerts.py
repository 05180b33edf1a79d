"""Every alert fires when it should and not when it should not, as Prometheus itself reckons."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.observability import rulebook

CASES = sorted((rulebook.HERE / "rules" / "tests").glob("*.yaml"))
STEPS = re.compile(r"x(\d+)")
ENDLESS = {"Watchdog"}  # it is there to fire always

Series = dict[str, str]
Cases = dict[str, dict[str, list[Series]]]


def cases(file: Path) -> Cases:
    """By alert: the series with which it fires, and those with which it is silent."""
    read: Cases = yaml.safe_load(file.read_text())
    return read


def as_promtool_has_it(alert: str, number: int, series: Series, *, fires: bool) -> dict[str, Any]:
    """One of its tests: at the end of the series, whether the alert fires."""
    minutes = max((sum(map(int, STEPS.findall(told))) for told in series.values()), default=20)
    firing = [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
    return {
        "name": f"{alert} {'fires' if fires else 'is silent'} {number}",
        "interval": "1m",
        "input_series": [{"series": name, "values": told} for name, told in series.items()],
        "promql_expr_test": [
            {
                "expr": f'group by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}})',
                "eval_time": f"{minutes}m",
                "exp_samples": firing if fires else [],
            }
        ],
    }


def test_every_alert_has_cases_of_both_kinds() -> None:
    told: Cases = {}
    for file in CASES:
        told |= cases(file)
    assert set(told) == {alert["alert"] for alert in rulebook.alerts()}
    for alert, both in told.items():
        assert both["fires"], alert
        assert both["silent"] or alert in ENDLESS, alert


@pytest.mark.promtool
def test_rules_are_rules(promtool: Path) -> None:
    run(promtool, "check", "rules", *map(str, rulebook.files()))


@pytest.mark.promtool
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should(file: Path, promtool: Path, tmp_path: Path) -> None:
    tests = [
        as_promtool_has_it(alert, number, series, fires=kind == "fires")
        for alert, both in cases(file).items()
        for kind in ("fires", "silent")
        for number, series in enumerate(both[kind], start=1)
    ]
    asked = [str(path) for path in rulebook.files() if path.stem == file.stem]
    plan = tmp_path / "alerts.yaml"
    plan.write_text(
        yaml.safe_dump({"rule_files": asked, "evaluation_interval": "1m", "tests": tests})
    )
    run(promtool, "test", "rules", str(plan))


def run(promtool: Path, *arguments: str) -> None:
    """It says what is wrong in words; they are the failure's."""
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
