"""Dashboards ask for what is told, in expressions that Prometheus reads, under fixed addresses."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.observability import generate
from deploy.observability.rulebook import unknown

BOARDS = {path.stem: json.loads(path.read_text()) for path in generate.DASHBOARDS.iterdir()}


def expressions(board: dict[str, Any]) -> Iterator[str]:
    """All that a dashboard asks, with values in the place of Grafana's variables."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$__rate_interval", "5m").replace("$service", ".*")


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_asks_for_what_is_told(uid: str) -> None:
    assert BOARDS[uid]["uid"] == uid
    asked = list(expressions(BOARDS[uid]))
    assert asked
    assert [each for expression in asked for each in unknown(expression)] == []


def test_panels_lie_beside_each_other() -> None:
    for uid, board in BOARDS.items():
        places = [panel["gridPos"] for panel in board["panels"]]
        cells = [
            (place["x"] + x, place["y"] + y)
            for place in places
            for x in range(place["w"])
            for y in range(place["h"])
        ]
        assert len(cells) == len(set(cells)), uid
        assert max(x for x, _ in cells) < 24, uid


@pytest.mark.promtool
def test_prometheus_reads_every_expression(promtool: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"asked:{number}", "expr": expression}
        for board in BOARDS.values()
        for number, expression in enumerate(expressions(board))
    ]
    file = tmp_path / "asked.yaml"
    groups = [{"name": str(number), "rules": [rule]} for number, rule in enumerate(rules)]
    file.write_text(yaml.safe_dump({"groups": groups}))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
