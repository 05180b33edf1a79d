"""`python -m analytics evaluate KIND FILE.csv`: how good the science would have been on your data.

Strictly in time order: at each moment a method sees what was known then, and is held against what
came after.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from analytics.evaluate.report import Report, as_text
from analytics.evaluate.table import BadFileError, Table, read_table


def main(arguments: Sequence[str]) -> int:
    """Run one evaluation; 0 when it ran, 1 for a file that cannot be used, 2 for bad arguments."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        table = read_table(options.file, dict(options.column))
        found = KINDS[options.kind](table, options)
    except BadFileError as error:
        sys.stderr.write(f"analytics evaluate: {error}\n")
        return 1
    sys.stdout.write(as_text(found))
    return 0


def _forecast(table: Table, options: argparse.Namespace) -> Report:
    from analytics.evaluate import forecast

    series = forecast.read(table, options.horizon or 6, options.limit)
    title = f"Forecast, {table.path.name}"
    return forecast.report(series, title, slow=not options.without_prophet, limits=None)


def _win(table: Table, options: argparse.Namespace) -> Report:
    from analytics.evaluate import win

    book = win.read(table)
    cut = _day(options.cut) if options.cut else win.cut_for(book)
    return win.report(book, cut, f"Win odds, {table.path.name}", limit=None)


def _churn(table: Table, options: argparse.Namespace) -> Report:
    from analytics.evaluate import churn

    purchases, horizon = churn.read(table), options.horizon or 90
    cut = _day(options.cut) if options.cut else churn.last_cut(purchases, horizon)
    title = f"Churn, {table.path.name}"
    return churn.report(purchases, cut, horizon, title, least=options.least, goals=False)


def _revenue(table: Table, options: argparse.Namespace) -> Report:
    from analytics.evaluate import revenue

    book, days = revenue.read(table), options.horizon or 30
    cuts = [_day(options.cut)] if options.cut else revenue.cuts(book, days)
    return revenue.report(book, days, cuts, f"Revenue, {table.path.name}", goals=False)


KINDS: dict[str, Callable[[Table, argparse.Namespace], Report]] = {
    "forecast": _forecast,
    "win": _win,
    "churn": _churn,
    "revenue": _revenue,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analytics evaluate",
        description="Back-test the science on a CSV file of your own.",
        epilog=(
            "forecast reads date, value and optionally series (rows are summed by month); win "
            "reads created, closed, won and features; churn reads client, date and value; revenue "
            "reads owner, created, closed, won and value. Common names of exports are known; name "
            "others with --column."
        ),
    )
    parser.add_argument("kind", choices=sorted(KINDS), help="what to evaluate")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="the data; .gz is read too")
    parser.add_argument(
        "--column", metavar="OURS=YOURS", action="append", default=[], type=_renaming,
        help="the file's name for one of our columns, e.g. value=Betrag; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--horizon", metavar="N", type=_positive,
        help="months ahead for forecast (6), days for churn (90) and revenue (30)",
    )  # fmt: skip
    parser.add_argument("--cut", metavar="DATE", help="learn before this day, test from it on")
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=300, help="series to forecast at most (300)"
    )
    parser.add_argument(
        "--least", metavar="N", type=_positive, default=1, help="purchases a client needs (1)"
    )
    parser.add_argument(
        "--without-prophet", action="store_true", help="leave out Prophet, which takes most time"
    )
    return parser


def _renaming(text: str) -> tuple[str, str]:
    ours, equals, yours = text.partition("=")
    if not equals or not ours or not yours:
        raise argparse.ArgumentTypeError(f"{text!r} is not OURS=YOURS")
    return ours, yours


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _day(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise BadFileError(f"--cut {text!r} is not a date (2024-12-31 would be one).") from None
