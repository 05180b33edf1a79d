"""Rules ask for what is told, tell what to do, and follow from what they are generated from."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy.observability import generate, slo
from deploy.observability.rulebook import Rule, alerts, files, rules, unknown

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
DASHBOARD = re.compile(r"/d/(ff-[a-z]+)")


def name(rule: Rule) -> str:
    """What a rule is called."""
    return str(rule.get("alert") or rule["record"])


@pytest.mark.parametrize("rule", list(rules()), ids=name)
def test_a_rule_asks_for_what_is_told(rule: Rule) -> None:
    assert list(unknown(rule["expr"])) == []


@pytest.mark.parametrize(
    "expression",
    ["http_requests_total", 'dlq_messages{workspace_id="1"}', 'outbox_pending_rows{le="1"}'],
)
def test_what_nobody_tells_is_noticed(expression: str) -> None:
    assert [each.name for each in unknown(expression)] == [expression.partition("{")[0]]


def test_what_is_generated_is_up_to_date() -> None:
    for path, text in generate.files().items():
        assert path.read_text() == text, "run python -m deploy.observability.generate"
    there = {*generate.OUT.iterdir(), *generate.DASHBOARDS.iterdir()}
    assert there == set(generate.files())


def test_the_cluster_gets_all_of_it() -> None:
    """Under names that differ: in a ConfigMap they are keys."""
    component = yaml.safe_load((ROOT / "deploy/observability/kustomization.yaml").read_text())
    maps = {each["name"]: each["files"] for each in component["configMapGenerator"]}
    here = ROOT / "deploy/observability"
    for name, wanted in (
        ("prometheus-rules", files()),
        ("grafana-dashboards", generate.DASHBOARDS.iterdir()),
    ):
        paths = [Path(each.rpartition("=")[2]) for each in maps[name]]
        assert sorted(here / path for path in paths) == sorted(wanted)
        # kubectl keeps what it applied in an annotation, which has room for 256 KiB.
        assert sum((here / path).stat().st_size for path in paths) < 200_000


def test_a_burn_rate_that_no_errors_reach_is_refused() -> None:
    loose = replace(slo.load()[0], objective=75)
    with pytest.raises(slo.CannotFire, match=r"14\.4 × 0\.25"):
        slo.groups([loose])


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_whom_it_is_for_and_what_to_do(alert: Rule) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket", "none"}
    notes = alert["annotations"]
    assert notes["summary"].endswith(".")
    assert notes["runbook_url"] == f"docs/runbooks/{alert['alert']}.md"
    assert (ROOT / notes["runbook_url"]).exists()
    leads_to = DASHBOARD.fullmatch(notes["dashboard_url"])
    assert leads_to
    assert (generate.DASHBOARDS / f"{leads_to[1]}.json").exists()


def test_runbooks_are_of_alerts_and_in_four_parts() -> None:
    books = {path.stem: path.read_text() for path in RUNBOOKS.glob("[A-Z]*.md")}
    books.pop("README", None)
    assert set(books) == {alert["alert"] for alert in alerts()}
    for name, text in books.items():
        assert text.startswith(f"# {name}\n")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS, name
    listed = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())
    assert sorted(listed) == sorted(books)
