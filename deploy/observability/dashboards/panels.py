"""The few kinds of panels our dashboards are made of."""

import json
from typing import NamedTuple

from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import (
    CustomVariable,
    Dashboard,
    DashboardLink,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    TimeZoneBrowser,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
SECONDS, PER_SECOND, SHARE, COUNT, BYTES = "s", "reqps", "percentunit", "short", "bytes"
WIDE, HALF, THIRD, QUARTER = 24, 12, 8, 6


Part = Row | CustomVariable | Stat | Timeseries


class Query(NamedTuple):
    """What is asked for, and how a series of the answer is called."""

    expr: str
    legend: str = ""


def graph(title: str, unit: str, *queries: Query, width: int = HALF, tells: str = "") -> Timeseries:
    """Lines over time."""
    panel = (
        Timeseries()
        .title(title)
        .description(tells)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .fill_opacity(10)
        .span(width)
        .height(8)
        .legend(
            VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
    )
    for name, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_query(query).ref_id(name))
    return panel


def number(
    title: str,
    unit: str,
    query: Query,
    *,
    bad_above: float | None = None,
    bad_below: float | None = None,
    width: int = QUARTER,
    tells: str = "",
) -> Stat:
    """The latest value, red where it is bad."""
    return (
        Stat()
        .title(title)
        .description(tells)
        .datasource(SOURCE)
        .unit(unit)
        .no_value("–")
        .thresholds(_thresholds(bad_above, bad_below))
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .span(width)
        .height(5)
        .with_target(_query(query).ref_id("A"))
    )


def board(uid: str, title: str, tells: str, *parts: Part) -> Dashboard:
    """A dashboard under an address that stays: choices, headings and panels in their order."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(tells)
        .tags(["freelanceflow"])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone(TimeZoneBrowser)
        .link(
            DashboardLink("FreelanceFlow")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["freelanceflow"])
            .as_dropdown(True)
        )
    )
    for part in parts:
        if isinstance(part, Row):
            made.with_row(part)
        elif isinstance(part, CustomVariable):
            made.with_variable(part)
        else:
            made.with_panel(part)
    return made


def one_of(name: str, values: list[str]) -> CustomVariable:
    """A choice at the head of the page, of all at first."""
    everything = VariableOption(selected=True, text="All", value="$__all")
    return (
        CustomVariable(name)
        .values(",".join(values))
        .include_all(True)
        .all_value(".*")
        .multi(True)
        .current(everything)
    )


def as_json(dashboard: Dashboard) -> str:
    """What Grafana reads, the same for the same dashboard."""
    return json.dumps(dashboard.build(), cls=JSONEncoder, sort_keys=True, indent=1) + "\n"


def _query(query: Query) -> Dataquery:
    return Dataquery().expr(query.expr).legend_format(query.legend).datasource(SOURCE)


def _thresholds(bad_above: float | None, bad_below: float | None) -> ThresholdsConfig:
    low, high = ("red", "green") if bad_below is not None else ("green", "red")
    edge = bad_below if bad_below is not None else bad_above
    steps = [Threshold(color=low, value=None)]
    if edge is not None:
        steps.append(Threshold(color=high, value=edge))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
