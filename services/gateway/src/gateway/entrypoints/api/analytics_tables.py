"""The tables of reports as CSV: the numbers of the JSON, one record a line."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.type.v1.money_pb2 import Money
from kit.money import Money as Amount

BOM = "\ufeff"  # without it spreadsheets take UTF-8 for something else
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

Cell = str | int | float | None


class Table(NamedTuple):
    """A header and rows."""

    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def csv_response(name: str, table: Table, basis: pb.Basis) -> Response:
    """A file for spreadsheets. Text that would be taken for a formula is made plain text.

    Its name says as of when it is: a file is read when nobody remembers, and a line about it among
    the rows, or a column more, would break whoever reads them by machine.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.header)
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}{_as_of(basis)}.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response(BOM + out.getvalue(), headers=headers, media_type="text/csv")


def _as_of(basis: pb.Basis) -> str:
    """The day at whose end it stands or, for now, the moment up to which all of it knows the facts.

    In UTC and without colons: the same everywhere, and a name that every system takes.
    """
    if basis.as_of_date:
        return f"-as-of-{basis.as_of_date}"
    known = [
        getattr(basis, name).ToDatetime()
        for name in ("as_of_time", "estimate_time")
        if basis.HasField(name)
    ]
    return f"-as-of-{min(known):%Y-%m-%dT%H%MZ}" if known else ""


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell


def _money(message: Any, name: str) -> Cell:
    """An amount in whole units, such as 1250.5."""
    return decimal(getattr(message, name)) if message.HasField(name) else None


def decimal(amount: Money) -> Cell:
    """In whole units; the currency stands in a column of its own."""
    return str(Amount(amount.amount_minor, amount.currency_code).amount)


def _number(message: Any, name: str) -> Cell:
    return getattr(message, name) if message.HasField(name) else None


def _currency(*amounts: Money) -> str:
    return next((a.currency_code for a in amounts if a.currency_code), "")


def summary_table(answer: fig.Summary) -> Table:
    """A key figure a line."""
    return Table(
        ("figure", "value", "currency", "lower", "upper", "trend", "evidence", "words"),
        (
            (
                f.name,
                _money(f, "money") if f.HasField("money") else _number(f, "number"),
                f.money.currency_code,
                _money(f, "lower"),
                _money(f, "upper"),
                _number(f, "trend"),
                f.evidence,
                f.words,
            )
            for f in answer.figures
        ),
    )


def forecast_table(answer: pre.Forecast) -> Table:
    """A month a line: what was, then what is expected with its interval."""
    code = answer.currency_code

    def value(number: float) -> Cell:
        return str(Amount(round(number), code).amount) if code else number

    line = {m.month: value(m.value) for m in answer.line.points}
    past = [(m.month, "actual", value(m.value), None, None, code, None) for m in answer.history]
    coming = [
        (p.month, "forecast", value(p.value), value(p.lower), value(p.upper), code,
         line.get(p.month))
        for p in answer.points
    ]  # fmt: skip
    header = ("month", "kind", "value", "lower", "upper", "currency", answer.line.name or "line")
    return Table(header, [*past, *coming])


def velocity_table(answer: pb.Velocity) -> Table:
    """A part of the formula a line, then the projection with its interval."""
    code = _currency(answer.value_per_day, answer.mean_value, answer.projection.expected)
    amounts = ("mean_value", "value_per_day", "value_per_day_before")
    rows: list[Sequence[Cell]] = [
        ("opportunities", answer.opportunities, None, None, None),
        ("closed_deals", answer.closed_count, None, None, None),
        ("won_deals", answer.won_count, None, None, None),
        ("win_rate", _number(answer, "win_rate"), None, None, None),
        ("cycle_days", _number(answer, "cycle_days"), None, None, None),
        *((name, _money(answer, name), None, None, code) for name in amounts),
    ]
    if answer.HasField("projection"):
        told = answer.projection
        ends = (decimal(told.expected), decimal(told.lower), decimal(told.upper))
        rows.append(("projection_30_days", *ends, code))
    return Table(("part", "value", "lower", "upper", "currency"), rows)


def risks_table(answer: pre.ListClientRisksResponse) -> Table:
    """A client a line."""
    return Table(
        ("client", "level", "risk", "horizon_days", "days_silent", "rhythm_days", "win_rate",
         "closed_deals", "value_at_stake", "currency", "evidence", "reasons"),
        (
            (
                c.client_name, c.level, _number(c, "risk"), c.horizon_days,
                _number(c, "days_silent"), _number(c, "rhythm_days"), _number(c, "win_rate"),
                c.closed_count, _money(c, "value_at_stake"), c.value_at_stake.currency_code,
                c.basis.evidence, "; ".join(r.words for r in c.reasons),
            )
            for c in answer.clients
        ),
    )  # fmt: skip


def odds_table(answer: pre.ListDealOddsResponse) -> Table:
    """A deal a line."""
    return Table(
        ("deal", "client", "stage", "value", "currency", "win_probability", "lower", "upper",
         "expected_value", "recommendation", "evidence", "next_best_step", "reasons"),
        (
            (
                d.name, d.client_name, d.stage_name, _money(d, "amount"),
                _currency(d.amount, d.expected_value), _number(d, "win_probability"),
                _number(d, "lower"), _number(d, "upper"), _money(d, "expected_value"),
                d.recommendation, d.basis.evidence, d.next_best_step.words,
                "; ".join(r.words for r in d.reasons),
            )
            for d in answer.deals
        ),
    )  # fmt: skip


def pipeline_table(answer: pb.Pipeline) -> Table:
    """A stage a line."""
    return Table(
        ("stage", "type", "deals", "value", "currency", "mean_days"),
        (
            (s.stage_name, s.stage_type, s.count, decimal(s.sum), s.sum.currency_code,
             _number(s, "mean_days"))
            for s in answer.stages
        ),
    )  # fmt: skip


def health_table(answer: fig.Health) -> Table:
    """A month a line."""
    return Table(
        ("month", "created", "won", "lost", "won_value", "currency"),
        (
            (m.month, m.created_count, m.won_count, m.lost_count, _money(m, "won_value"),
             m.won_value.currency_code)
            for m in answer.months
        ),
    )  # fmt: skip


def conversion_table(answer: fig.Conversion) -> Table:
    """A stage a line."""
    return Table(
        ("stage", "entered", "advanced", "lost", "waiting", "rate", "median_days", "p90_days",
         "stays", "overdue"),
        (
            (s.stage_name, s.entered_count, s.advanced_count, s.lost_count, s.waiting_count,
             _number(s, "rate"), _number(s, "median_days"), _number(s, "p90_days"), s.stay_count,
             s.overdue_count)
            for s in answer.stages
        ),
    )  # fmt: skip


def clients_table(answer: fig.ClientFigures) -> Table:
    """A client a line."""
    return Table(
        ("client", "won_value", "currency", "won_deals", "share"),
        (
            (c.client_name, _money(c, "won_value"), c.won_value.currency_code, c.won_count,
             _number(c, "share"))
            for c in answer.clients
        ),
    )  # fmt: skip


def owners_table(answer: fig.ActivityFigures) -> Table:
    """An owner a line."""
    return Table(
        ("owner_id", "open_deals", "open_value", "won_deals", "closed_deals", "win_rate",
         "won_value", "currency", "activities_done"),
        (
            (o.owner_id, o.open_count, _money(o, "open_value"), o.won_count, o.closed_count,
             _number(o, "win_rate"), _money(o, "won_value"),
             _currency(o.won_value, o.open_value), o.done_count)
            for o in answer.owners
        ),
    )  # fmt: skip


def accuracy_table(answer: pre.Accuracy) -> Table:
    """A month of forecasts a line."""
    return Table(
        ("month", "months_ahead", "expected", "lower", "upper", "actual", "currency", "backtest"),
        (
            (f.month, f.months_ahead, _money(f, "expected"), _money(f, "lower"),
             _money(f, "upper"), _money(f, "actual"), f.expected.currency_code,
             "yes" if answer.forecasts_are_backtest else "no")
            for f in answer.forecasts
        ),
    )  # fmt: skip
