"""What an evaluation found, as text for the terminal and as Markdown for the docs."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: one header row, the first column is the method's name."""

    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure held against its limit."""

    name: str
    value: float
    limit: str
    met: bool


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation: what was done, the table, what to keep in mind, and the goals it met."""

    title: str
    method: str
    grid: Grid
    notes: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


def as_text(report: Report) -> str:
    """Aligned columns for a terminal."""
    table = [report.grid.header, *report.grid.rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(report.grid.header))]
    lines = [report.title, "=" * len(report.title), report.method, ""]
    for place, row in enumerate(table):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
        if place == 0:
            lines.append("  ".join("-" * width for width in widths))
    lines += ["", *report.notes] if report.notes else []
    lines += ["", *map(_goal_line, report.goals)] if report.goals else []
    return "\n".join(lines) + "\n"


def as_markdown(report: Report) -> str:
    """A section of a Markdown page."""
    rows = [report.grid.header, ["---"] * len(report.grid.header), *report.grid.rows]
    lines = [f"### {report.title}", "", report.method, ""]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *(f"- {note}" for note in report.notes)] if report.notes else []
    if report.goals:
        lines += ["", "| Goal | Measured | Limit | |", "|---|---|---|---|"]
        lines += [
            f"| {g.name} | {number(g.value)} | {g.limit} | {'met' if g.met else '**missed**'} |"
            for g in report.goals
        ]
    return "\n".join(lines) + "\n"


def at_most(name: str, value: float, limit: float) -> Goal:
    """A goal that holds while `value` does not exceed `limit`."""
    return Goal(name, value, f"≤ {limit:g}", value <= limit)


def within(name: str, value: float, low: float, high: float) -> Goal:
    """A goal that holds while `value` lies in [low, high]."""
    return Goal(name, value, f"{low:g} to {high:g}", low <= value <= high)


def number(value: float, digits: int = 3) -> str:
    """`digits` decimals, a dash for NaN."""
    return "–" if value != value else f"{value:.{digits}f}"


def percent(value: float) -> str:
    """A share as whole percent, a dash for NaN."""
    return "–" if value != value else f"{100 * value:.0f} %"


def bar(items: Sequence[Item], label: str) -> Iterator[Item]:
    """Yield `items` while drawing a progress bar on a terminal's error stream."""
    shown = sys.stderr.isatty()
    for done, item in enumerate(items):
        if shown:
            filled = 30 * done // max(len(items), 1)
            sys.stderr.write(f"\r{label:<24} [{'#' * filled:<30}] {done}/{len(items)}")
            sys.stderr.flush()
        yield item
    if shown:
        sys.stderr.write(f"\r{label:<24} [{'#' * 30}] {len(items)}/{len(items)}\n")


def _goal_line(goal: Goal) -> str:
    return f"{'met   ' if goal.met else 'MISSED'}  {goal.name}: {number(goal.value)} ({goal.limit})"
