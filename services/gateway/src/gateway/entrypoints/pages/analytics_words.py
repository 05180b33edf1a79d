"""Reports as sentences and charts, with the numbers of the message and no others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages import charts
from gateway.entrypoints.pages.charts import NARROW, WIDE, BarChart, Box, TimeChart, Value
from gateway.entrypoints.pages.formatting import Formats

SHOWN = {WIDE: 24, NARROW: 9}
"""Months of history on each sheet."""

METRICS = {
    "won_value": ("Won revenue", "won"),
    "pipeline_value": ("Pipeline value", "open at the end of the month"),
    "deals_won": ("Deals won", "won"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A month of the table; `line` is what the second line says of it."""

    month: str
    value: str
    lower: str = ""
    upper: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class ForecastView:
    """A forecast as it is read."""

    sentence: str
    parts: list[str]
    scenarios: list[tuple[str, str]]
    coming: list[Row]
    past: list[Row]
    wide: TimeChart | None
    narrow: TimeChart | None


def forecast_view(fmt: Formats, forecast: pre.Forecast) -> ForecastView:
    """Sentence, chart and table of one message."""
    value = _Values(fmt, forecast.currency_code)
    drawn = bool(forecast.history or forecast.points)
    return ForecastView(
        sentence=_sentence(fmt, forecast, value),
        parts=_parts(forecast, value),
        scenarios=_scenarios(forecast, value),
        coming=_coming(fmt, forecast, value),
        past=_past(fmt, forecast, value),
        wide=_chart(WIDE, fmt, forecast, value) if drawn else None,
        narrow=_chart(NARROW, fmt, forecast, value) if drawn else None,
    )


class _Values:
    """How the metric's numbers are written: everywhere the same, but for the axis of the chart."""

    def __init__(self, fmt: Formats, currency: str) -> None:
        self._fmt = fmt
        self._currency = currency

    def __call__(self, number: float) -> str:
        if not self._currency:
            return self._fmt.number(number, 1)
        return self._fmt.money_whole(self._money(number))

    def on_axis(self, number: float) -> str:
        """Where room is scarce and the number is round anyway."""
        if not self._currency:
            return self._fmt.number(number, 1)
        return self._fmt.money_short(self._money(number))

    def _money(self, number: float) -> Money:
        return Money(amount_minor=round(number), currency_code=self._currency)


def _sentence(fmt: Formats, forecast: pre.Forecast, value: _Values) -> str:
    if not forecast.HasField("total"):
        return forecast.basis.words
    total = forecast.total
    likely = f"likely between {value(total.lower)} and {value(total.upper)}"
    end = fmt.day(total.end_date)
    if forecast.metric == "pipeline_value":
        return f"Expect a pipeline worth {value(total.value)} on {end}, {likely}."
    noun = " deals won" if forecast.metric == "deals_won" else ""
    return f"Expect {value(total.value)}{noun} by {end}, {likely}."


def _parts(forecast: pre.Forecast, value: _Values) -> list[str]:
    """What the sum is made of, where it is told apart."""
    total: Any = forecast.total
    named = (
        ("won_part", "won already"),
        ("pipeline_part", "expected from deals that are open now"),
        ("new_part", "from deals not opened yet"),
    )
    said = [
        f"{value(getattr(total, name))} {words}"
        for name, words in named
        if total.HasField(name) and round(getattr(total, name))
    ]
    return said if forecast.HasField("total") else []


def _scenarios(forecast: pre.Forecast, value: _Values) -> list[tuple[str, str]]:
    if not forecast.HasField("total"):
        return []
    total = forecast.total
    return [
        ("Pessimistic", value(total.lower)),
        ("Expected", value(total.value)),
        ("Optimistic", value(total.upper)),
    ]


def _coming(fmt: Formats, forecast: pre.Forecast, value: _Values) -> list[Row]:
    line = {m.month: value(m.value) for m in forecast.line.points}
    return [
        Row(
            fmt.month(p.month),
            value(p.value),
            value(p.lower),
            value(p.upper),
            line.get(p.month, ""),
        )
        for p in forecast.points
    ]


def _past(fmt: Formats, forecast: pre.Forecast, value: _Values) -> list[Row]:
    """The newest month first: that is what the coming ones are compared with."""
    return [Row(fmt.month(m.month), value(m.value)) for m in reversed(forecast.history)]


def _chart(box: Box, fmt: Formats, forecast: pre.Forecast, value: _Values) -> TimeChart:
    done = METRICS[forecast.metric][1]
    past = [
        Value(m.month, m.value, f"{fmt.month(m.month)}: {value(m.value)} {done}")
        for m in forecast.history[-SHOWN[box] :]
    ]
    coming = [
        Value(
            p.month,
            p.value,
            f"{fmt.month(p.month)}: {value(p.value)} expected, "
            f"{value(p.lower)} to {value(p.upper)}",
            p.lower,
            p.upper,
        )
        for p in forecast.points
    ]
    line = [Value(m.month, m.value, "") for m in forecast.line.points]
    return charts.time_chart(
        box, past, coming, line=line, label=value.on_axis, month_label=fmt.month_short
    )


def flow_charts(fmt: Formats, months: Sequence[fig.FlowMonth]) -> list[BarChart]:
    """Opened, won and lost deals by month, on both sheets."""
    return [_flow(box, fmt, months[-count:]) for box, count in ((WIDE, 12), (NARROW, 6))]


def _flow(box: Box, fmt: Formats, months: Sequence[fig.FlowMonth]) -> BarChart:
    words = [
        f"{fmt.month(m.month)}: {fmt.number(m.created_count)} opened, "
        f"{fmt.number(m.won_count)} won, {fmt.number(m.lost_count)} lost"
        for m in months
    ]
    return charts.bar_chart(
        box,
        [m.month for m in months],
        [
            [m.created_count for m in months],
            [m.won_count for m in months],
            [m.lost_count for m in months],
        ],
        words,
        label=fmt.number,
        month_label=fmt.month_short,
    )


def coverage_words(fmt: Formats, health: fig.Health) -> str:
    """Whether the pipeline holds what a usual quarter brings."""
    weighted = fmt.money_short(health.weighted_value) if health.HasField("weighted_value") else ""
    if not health.HasField("coverage"):
        if not weighted:
            return "No open deal has odds and a value, so coverage cannot be stated."
        return (
            f"The open deals are worth {weighted} by their odds. What a usual quarter brings is "
            "not known before a year of won deals."
        )
    usual = fmt.money_short(health.usual_quarter)
    if health.coverage >= 1:
        share = f"{fmt.number(health.coverage, 1)} times the {usual}"
    elif health.coverage >= 0.01:
        share = f"{fmt.percent(health.coverage)} of the {usual}"
    else:
        share = f"less than a hundredth of the {usual}"
    return (
        f"The open deals are worth {weighted} by their odds: {share} that a usual quarter brings."
    )


def stalled_words(fmt: Formats, health: fig.Health) -> str:
    """How many open deals are older than nearly all were when they closed."""
    if not health.open_count:
        return "No deal is open."
    if not health.HasField("stalled_days"):
        return (
            "Fewer than 20 deals have closed, so it cannot be said from which age on a deal is "
            "stalled."
        )
    days = fmt.duration(health.stalled_days)
    if not health.stalled_count:
        return f"No open deal is older than {days}, the age by which 95 of 100 deals had closed."
    count = fmt.plural(health.stalled_count, "deal is", "deals are")
    value = fmt.money_short(health.stalled_value)
    return (
        f"{count} older than {days}, the age by which 95 of 100 had closed. Together "
        f"{value} stand in them."
    )
