"""One page of what a test run brought out: results, what failed, coverage, the slowest."""

import html
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

# Of domain, application and kit together with its branches; each package must have it.
REQUIRED_COVERAGE = 90.0
REQUIRED_OF = re.compile(r"kit|\w+\.(domain|application)")
SLOWEST = 20
COVERAGE = ".coverage-"  # and the name of a part: what it ran
_NOT_PASSED = ("failure", "error", "skipped")

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
td, th { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #8884 }
.n { text-align: right; font-variant-numeric: tabular-nums }
.bad { color: #c0392b; font-weight: 600 }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
"""


@dataclass(frozen=True)
class Phase:
    """One part of the run."""

    name: str
    code: int
    seconds: float


@dataclass(frozen=True)
class Case:
    """One test."""

    name: str
    seconds: float
    outcome: str
    text: str


@dataclass(frozen=True)
class Covered:
    """What of a package was run."""

    statements: int
    branches: int
    percent: float

    @classmethod
    def of(cls, summary: Mapping[str, int]) -> "Covered":
        """From coverage's own numbers; a branch counts as much as a statement."""
        statements, branches = summary["num_statements"], summary["num_branches"]
        run = summary["covered_lines"] + summary["covered_branches"]
        return cls(statements, branches, 100 * run / max(statements + branches, 1))


def write_report(folder: Path, phases: list[Phase]) -> list[str]:
    """Write index.html; answers what is wrong beside failing phases."""
    cases = [case for path in sorted(folder.glob("*.xml")) for case in _cases(path)]
    covered = _covered(folder)
    problems = [
        f"coverage of {package} is {has.percent:.1f} %, {REQUIRED_COVERAGE:.0f} % is needed"
        for package, has in covered.items()
        if REQUIRED_OF.fullmatch(package) and has.percent < REQUIRED_COVERAGE
    ]
    page = "".join(
        [
            _phases(phases),
            _results(cases),
            _coverage(covered),
            _table(
                f"The {SLOWEST} slowest",
                ("Test", "Seconds"),
                sorted(((c.name, c.seconds) for c in cases), key=lambda row: -row[1])[:SLOWEST],
            ),
        ]
    )
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tests of FreelanceFlow</title>'
        f"<style>{_STYLE}</style><h1>Tests of FreelanceFlow</h1>{page}"
    )
    return problems


def _cases(junit: Path) -> Iterable[Case]:
    for case in ET.parse(junit).getroot().iter("testcase"):
        told = next((child for child in case if child.tag in _NOT_PASSED), None)
        outcome = "passed" if told is None else told.tag
        text = "" if told is None else str(told.text or told.get("message"))
        name = f"{case.get('classname')}::{case.get('name')}"
        yield Case(name, float(case.get("time", 0)), outcome, text)


def _covered(folder: Path) -> dict[str, Covered]:
    """Coverage of every room of every package; of kit as a whole."""
    parts = [str(path) for path in folder.glob(f"{COVERAGE}*")]
    if not parts:
        return {}
    coverage = Coverage(data_file=folder / "coverage")
    coverage.combine(parts)
    coverage.json_report(outfile=str(folder / "coverage.json"))
    packages: dict[str, Counter[str]] = {}
    for path, file in json.loads((folder / "coverage.json").read_text())["files"].items():
        if file["summary"]["num_statements"] and (package := _package(Path(path))):
            packages.setdefault(package, Counter()).update(file["summary"])
    return {package: Covered.of(numbers) for package, numbers in sorted(packages.items())}


def _package(path: Path) -> str:
    """`crm.domain` for …/src/crm/domain/deal.py, `kit` for all of kit."""
    parts = path.with_suffix("").parts
    if "src" not in parts:
        return ""
    inside = parts[parts.index("src") + 1 :]
    return inside[0] if inside[0] == "kit" else ".".join(inside[:2])


def _phases(phases: list[Phase]) -> str:
    rows = [(p.name, "failed" if p.code else "ok", p.seconds) for p in phases]
    return _table("Parts", ("Part", "Result", "Seconds"), rows)


def _results(cases: list[Case]) -> str:
    counts = Counter(case.outcome for case in cases)
    order = ("passed", *_NOT_PASSED)
    summary = _table("Results", order, [tuple(counts[outcome] for outcome in order)])
    told = "".join(
        f"<h3 class=bad>{html.escape(case.outcome)}: {html.escape(case.name)}</h3>"
        f"<pre>{html.escape(case.text)}</pre>"
        for case in cases
        if case.outcome != "passed"
    )
    return summary + told


def _coverage(covered: dict[str, Covered]) -> str:
    rows = [
        (package, has.statements, has.branches, f"{has.percent:.1f} %")
        for package, has in covered.items()
    ]
    head = ("Package", "Statements", "Branches", "Covered with branches")
    return _table(f"Coverage (needed: {REQUIRED_COVERAGE:.0f} % of rules and kit)", head, rows)


def _table(title: str, head: Iterable[str], rows: Iterable[tuple[object, ...]]) -> str:
    def cell(value: object) -> str:
        if isinstance(value, int | float):
            return f'<td class="n">{value:{".2f" if isinstance(value, float) else ""}}'
        return f"<td{' class=bad' if value == 'failed' else ''}>{html.escape(str(value))}"

    columns = "".join(f"<th>{html.escape(name)}" for name in head)
    body = "".join("<tr>" + "".join(cell(value) for value in row) for row in rows)
    return f"<h2>{html.escape(title)}</h2><table><thead><tr>{columns}<tbody>{body}</table>"
