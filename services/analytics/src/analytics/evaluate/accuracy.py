"""`python -m analytics accuracy`: measure every part on the repository's sets, write the report.

python -m analytics accuracy [--every N] [--confirm] [--output docs/accuracy.md]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from analytics.evaluate import churn, forecast, revenue, win
from analytics.evaluate import datasets_crm as crm
from analytics.evaluate.datasets import m3_monthly, repository
from analytics.evaluate.datasets_lumpy import lumpy_series
from analytics.evaluate.report import Report, as_markdown, as_text

SHORT = (6, 9, 12, 18, 24)


def main(arguments: Sequence[str]) -> int:
    """Print each report as it is done; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m analytics accuracy", description=__doc__)
    parser.add_argument("--output", type=Path, default=None, help="docs/accuracy.md if not given")
    parser.add_argument(
        "--every", metavar="N", type=int, default=1, help="forecast every Nth series only (1)"
    )
    parser.add_argument(
        "--confirm", action="store_true",
        help="the confirmation sample too; no choice may be made on what it shows",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    parts: dict[str, list[Report]] = {}
    for part, found in reports(max(1, options.every), confirm=options.confirm):
        sys.stdout.write(as_text(found) + "\n")
        sys.stdout.flush()
        parts.setdefault(part, []).append(found)
    output = options.output or repository() / "docs" / "accuracy.md"
    output.write_text(page(parts, options.every))
    sys.stdout.write(f"Written to {output}\n")
    goals = [goal for found in parts.values() for one in found for goal in one.goals]
    return 0 if all(goal.met for goal in goals) else 1


PART = "> Made with `--every {every}`: a part of the series only, while the goals are for all.\n"


def page(parts: dict[str, list[Report]], every: int) -> str:
    """The Markdown page: the template's words with each part's tables at its mark."""
    text = Path(__file__).with_name("accuracy_template.md").read_text()
    if every > 1:
        text = text.replace("# Accuracy\n", f"# Accuracy\n\n{PART.format(every=every)}", 1)
    for part, found in parts.items():
        text = text.replace(f"<!-- {part} -->\n", "\n".join(map(as_markdown, found)))
    return text


SAMPLES = (("test", 300), ("confirmation", 600))


def reports(every: int, *, confirm: bool = False) -> Iterator[tuple[str, Report]]:
    """(part, report) one after another; `every` = 10 takes every tenth series only."""
    for name, skip in SAMPLES if confirm else SAMPLES[:1]:
        title = f"M3 monthly, 36 to 72 months ({name} sample)"
        long = m3_monthly(skip=skip)[::every]
        yield "forecast", forecast.report(long, title, slow=True, limits="long")
    for months in SHORT:
        series = m3_monthly(skip=0, take=200, seed=100 + months, lengths=(months,))[::every]
        yield (
            "forecast",
            forecast.report(
                series, f"M3 monthly, {months} months", slow=months >= 24, limits="short"
            ),
        )
    yield "forecast", forecast.report(
        lumpy_series()[::every], "Lumpy series (learning part: coverage is not a test)",
        slow=False, limits="lumpy",
    )  # fmt: skip
    yield (
        "win",
        win.report(crm.crm_win(), crm.WIN_CUT, "CRM export: no signal to be found", limit=1.01),
    )
    purchases = crm.cdnow()
    for title, horizon, least in (
        ("CDNOW, 180 days, all clients", 180, 1),
        ("CDNOW, 90 days, all clients", 90, 1),
        ("CDNOW, 180 days, clients with two purchases or more", 180, 2),
    ):
        yield (
            "churn",
            churn.report(
                purchases, crm.CHURN_CUT, horizon, title, least=least, goals=horizon == 180
            ),
        )
    book = crm.crm_revenue()
    for days, cuts in ((30, crm.REVENUE_CUTS), (90, crm.REVENUE_CUTS[:5])):
        yield (
            "revenue",
            revenue.report(
                book, days, cuts, f"CRM export, {days} days per seller", goals=days == 30
            ),
        )
