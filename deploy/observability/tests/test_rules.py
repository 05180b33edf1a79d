"""Rules ask for what is told, tell what to do, and follow from what they are generated from."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.observability import contract, generate, slo
from deploy.observability.expressions import Selector, selectors
from deploy.observability.rulebook import ELSEWHERE, OF_THE_SCRAPE, Rule, alerts, rules

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
DASHBOARD = re.compile(r"/d/(ff-[a-z]+)")


def known(recorded: set[str]) -> dict[str, set[str]]:
    """The series one may ask for, and the labels by which."""
    told: dict[str, set[str]] = {
        series: {*metric.labels, *OF_THE_SCRAPE} | ({"le"} if series.endswith("_bucket") else set())
        for metric in contract.load().values()
        for series in metric.series
    }
    return {**told, **ELSEWHERE, **{name: {"slo", "service"} for name in recorded}}


def unknown(expression: str) -> Iterator[Selector]:
    """What an expression asks for and nobody tells."""
    series = known({rule["record"] for rule in rules() if "record" in rule})
    for each in selectors(expression):
        if each.name not in series or not each.labels <= series[each.name]:
            yield each


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


def test_generated_rules_are_up_to_date() -> None:
    for path, text in generate.files().items():
        assert path.read_text() == text, "run python -m deploy.observability.generate"
    assert {path for path in generate.OUT.iterdir()} <= set(generate.files())


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
    assert DASHBOARD.fullmatch(notes["dashboard_url"])


def test_runbooks_are_of_alerts_and_in_four_parts() -> None:
    books = {path.stem: path.read_text() for path in RUNBOOKS.glob("[A-Z]*.md")}
    books.pop("README", None)
    assert set(books) == {alert["alert"] for alert in alerts()}
    for name, text in books.items():
        assert text.startswith(f"# {name}\n")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS, name
    listed = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())
    assert sorted(listed) == sorted(books)
