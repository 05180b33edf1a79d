"""Workflows get no more rights than they need, run what they name, and believe nobody's text."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
USES = re.compile(r"^\s*(?:- )?(uses: \S.*)$", re.MULTILINE)
# They run with our secrets on what strangers wrote.
FORBIDDEN = {"pull_request_target", "workflow_run", "issue_comment", "issues"}

Workflow = dict[str, Any]
Rule = Callable[[str, Workflow], Iterator[str]]


def read(text: str) -> Workflow:
    """YAML takes the key `on` for a truth value."""
    workflow: dict[Any, Any] = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in workflow.items()}


def steps(workflow: Workflow) -> Iterator[dict[str, Any]]:
    for job in workflow.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from workflow.get("runs", {}).get("steps", [])


def pins(text: str, workflow: Workflow) -> Iterator[str]:
    """A tag can be moved to anything; a commit cannot. The comment tells people its version."""
    for uses in USES.findall(text):
        if not uses.startswith("uses: ./") and not PINNED.match(uses):
            yield uses


def rights(text: str, workflow: Workflow) -> Iterator[str]:
    """None for the workflow, and each job says which it needs."""
    if workflow.get("permissions") != {}:
        yield "permissions are not {}"
    for name, job in workflow["jobs"].items():
        if "permissions" not in job:
            yield f"{name} does not say what it may do"


def triggers(text: str, workflow: Workflow) -> Iterator[str]:
    on = workflow["on"]
    yield from FORBIDDEN & set(on if isinstance(on, dict | list) else [on])


def ends(text: str, workflow: Workflow) -> Iterator[str]:
    """Nothing hangs for six hours, and nothing runs beside itself."""
    if "concurrency" not in workflow:
        yield "no concurrency"
    for name, job in workflow["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"{name} has no end"


def scripts(text: str, workflow: Workflow) -> Iterator[str]:
    """A value put into a script by `${{ }}` is run; one in the environment is read."""
    for step in steps(workflow):
        if "${{" in str(step.get("run", "")):
            yield str(step["run"])


def credentials(text: str, workflow: Workflow) -> Iterator[str]:
    """A checkout leaves no token behind; who is told a secret of ours has an environment."""
    for step in steps(workflow):
        kept = step.get("with", {}).get("persist-credentials")
        if step.get("uses", "").startswith("actions/checkout@") and kept is not False:
            yield "a checkout that keeps its token"
        if "secrets" in str(step.get("with", {}).get("build-args", "")):
            yield "a secret that stands in the provenance"
    for name, job in workflow.get("jobs", {}).items():
        if "secrets." in str(job) and "environment" not in job:
            yield f"{name} is told secrets without an environment"


OF_ALL: tuple[Rule, ...] = (pins, scripts, credentials)
OF_WORKFLOWS: tuple[Rule, ...] = (*OF_ALL, rights, triggers, ends)
WELL = """
on: {push: {branches: [main]}}
permissions: {}
concurrency: some
jobs:
  some:
    timeout-minutes: 5
    permissions: {contents: read}
    environment: staging
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with: {persist-credentials: false}
      - env: {TITLE: "${{ github.event.pull_request.title }}", KEY: "${{ secrets.KEY }}"}
        run: echo "$TITLE"
"""
BREACHES: dict[Rule, list[tuple[str, str]]] = {
    pins: [
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6"),
        (" # v6.0.2", ""),
    ],
    rights: [
        ("permissions: {}", "permissions: {contents: write}"),
        ("    permissions: {contents: read}\n", ""),
    ],
    triggers: [("push: {branches: [main]}", "pull_request_target: {}")],
    ends: [("concurrency: some", ""), ("    timeout-minutes: 5\n", "")],
    scripts: [('echo "$TITLE"', 'echo "${{ github.event.pull_request.title }}"')],
    credentials: [
        ("        with: {persist-credentials: false}\n", ""),
        ("{persist-credentials: false}", "{build-args: 'A=${{ secrets.KEY }}'}"),
        ("    environment: staging\n", ""),
    ],
}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
@pytest.mark.parametrize("rule", OF_WORKFLOWS, ids=lambda rule: rule.__name__)
def test_a_workflow_keeps_the_rule(rule: Rule, file: Path) -> None:
    text = file.read_text()
    assert list(rule(text, read(text))) == []


@pytest.mark.parametrize("file", ACTIONS, ids=lambda file: file.parent.name)
@pytest.mark.parametrize("rule", OF_ALL, ids=lambda rule: rule.__name__)
def test_an_action_keeps_the_rule(rule: Rule, file: Path) -> None:
    text = file.read_text()
    assert list(rule(text, read(text))) == []


@pytest.mark.parametrize("rule", OF_WORKFLOWS, ids=lambda rule: rule.__name__)
def test_a_breach_is_noticed(rule: Rule) -> None:
    assert list(rule(WELL, read(WELL))) == []
    for old, new in BREACHES[rule]:
        text = WELL.replace(old, new)
        assert text != WELL
        assert list(rule(text, read(text))), new


def test_one_action_is_pinned_to_one_commit() -> None:
    used = {uses for file in (*WORKFLOWS, *ACTIONS) for uses in USES.findall(file.read_text())}
    names = [uses.partition("@")[0] for uses in used if not uses.startswith("uses: ./")]
    assert len(names) == len(set(names))


def test_what_workflows_run_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in (*WORKFLOWS, *ACTIONS):
        text = file.read_text()
        for step in steps(read(text)):
            run = str(step.get("run", ""))
            assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= targets
            for path in re.findall(r"(?<![\w./$-])(?:deploy/[\w./-]+|\.ci/\w+)", run):
                assert (ROOT / path).exists() or path.endswith("/"), path
        for path in re.findall(r"uses: \./(\S+)", text):
            found = ROOT / path
            assert found.is_file() or (found / "action.yml").is_file(), path


def test_images_has_a_digest_for_every_service() -> None:
    workflow = read((GITHUB / "workflows/images.yml").read_text())
    services = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    job = workflow["jobs"]["image"]
    assert set(job["strategy"]["matrix"]["service"]) == services
    assert set(job["outputs"]) == set(workflow["on"]["workflow_call"]["outputs"]) == services


def test_zizmor_finds_nothing() -> None:
    """Its audits need no network; those that would are ours above."""
    zizmor = str(Path(sys.executable).with_name("zizmor"))
    command = [zizmor, "--offline", "--no-progress", str(GITHUB)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
