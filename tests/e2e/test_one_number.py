"""One number everywhere: what the API tells, its CSV holds and its page and its PDF show.

Of the whole workspace, of one of two owners, and of a past day; of every report and every metric.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.entrypoints.report_words import Words
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages.formatting import Formats
from tests.e2e.support.api import Person, invite
from tests.e2e.support.histories import PATIENCE, Panels, Past, lived, page, told
from tests.e2e.support.platform import until

CLIENTS = ("Acme", "Weir", "Heron")
DEALS = [
    *(
        Past(
            30.4 * n + 15,
            30.4 * n + 4,
            "Lost" if n % 4 == 2 else "Won",
            client=CLIENTS[n % 3],
            amount=f"{1000 + 137 * n}.55",
        )
        for n in range(14)
    ),
    *(Past(12 * n + 3, client=CLIENTS[n % 3], amount=f"{500 + 211 * n}.45") for n in range(5)),
]
METRICS = ("won_value", "pipeline_value", "deals_won")
FIGURES = Formats(locale="en", time_zone="UTC", now=datetime.now(UTC))


@dataclass(frozen=True)
class View:
    """What is asked for, as the API and as the pages spell it."""

    name: str
    owner_id: str = ""
    day: str = ""

    async def json(self, person: Person, report: str, **query: str) -> Any:
        """The answer, once there is one."""
        path, asked = self._of(report), query | self._owner
        said: dict[str, Any] = {}

        async def is_there() -> bool:
            answer = await person.request("GET", path, params=asked)
            assert answer.status_code in (200, 202), answer.text
            said.update(answer.json())
            return not said["computing"]

        await until(is_there, patience=PATIENCE)
        return said

    async def csv(self, person: Person, report: str, **query: str) -> list[list[str]]:
        """Its lines, without the header."""
        asked = query | self._owner | {"format": "csv"}
        answer = await person.request("GET", self._of(report), params=asked)
        assert answer.status_code == 200, answer.text
        return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))[1:]

    async def panels(self, person: Person, path: str, **query: str) -> list[str]:
        """What a reader sees of a page."""
        asked = query | {"owner": self.owner_id, "day": self.day}
        address = "&".join(f"{name}={value}" for name, value in asked.items() if value)
        return Panels(await page(person, f"/analytics{path}?{address}")).panels

    @property
    def _owner(self) -> dict[str, str]:
        return {"owner_id": self.owner_id} if self.owner_id else {}

    def _of(self, report: str) -> str:
        return f"/analytics/as-of/{self.day}/{report}" if self.day else f"/analytics/{report}"


@pytest.mark.timeout(900)
async def test_api_csv_and_page_tell_one_number(owner: Person) -> None:
    count = await lived(owner, DEALS)
    seller = await invite(owner, "sales")
    for amount in (77_55, 31_45):
        deal = await owner.new_deal(
            amount={"amount_minor": amount, "currency": "EUR"}, owner_id=seller.user_id
        )
    await owner.move(deal, "Won")
    await told(owner, count + 2)
    day = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    views = [View("now"), View("one owner", seller.user_id), View("a past day", day=day)]
    totals = []
    for view in views:
        said = {name: await view.json(owner, name) for name in FILES}
        for name, lines in FILES.items():
            wanted = [[_cell(cell) for cell in line] for line in lines(said[name])]
            found = [[_cell(cell) for cell in line] for line in await view.csv(owner, name)]
            assert wanted == [line[: len(wanted[0])] for line in found], (view, name)
        await the_panels_tell_it(owner, view, said)
        for metric in METRICS:
            await the_forecast_is_one(owner, view, metric)
        adds_up(said)
        totals.append(said["pipeline"]["open_count"])
    assert totals[0] == 6
    assert totals[1] == 1
    assert 0 < totals[2] < 5


@pytest.mark.parametrize("locale", ["en", "de", "fr", "pt-BR", "sv"])
@given(minor=st.integers(-(10**11), 10**11), code=st.sampled_from(["EUR", "JPY", "KWD", "SEK"]))
def test_document_and_page_write_an_amount_alike(locale: str, minor: int, code: str) -> None:
    amount = Money(amount_minor=minor, currency_code=code)
    shown = Formats(locale=locale, time_zone="UTC", now=datetime.now(UTC)).money_whole(amount)
    assert Words(locale).money(amount) == shown


def adds_up(said: dict[str, Any]) -> None:
    """Reports that count the same thing count the same."""
    summary = {figure["name"]: figure for figure in said["summary"]["figures"]}
    pipeline, health = said["pipeline"], said["health"]
    owners, clients = said["activity"]["owners"], said["clients"]
    opened = [stage for stage in pipeline["stages"] if stage["stage_type"] == "open"]
    assert _minor(summary["open_value"]["money"]) == _minor(pipeline["open_value"])
    for parts in (
        [stage["sum"] for stage in opened],
        [band["value"] for band in health["ages"]],
        [one["open_value"] for one in owners],
    ):
        assert sum(map(_minor, parts)) == _minor(pipeline["open_value"])
    assert health["open_count"] == pipeline["open_count"] == sum(o["open_count"] for o in owners)
    won = _minor(summary["won_value"]["money"])
    assert won == _minor(clients["won_value"]) == sum(_minor(o["won_value"]) for o in owners)
    assert sum(o["closed_count"] for o in owners) == health["outflow_count"]
    assert said["velocity"]["closed_count"] == health["outflow_count"]
    assert summary["win_rate"]["number"] == said["velocity"]["win_rate"]


async def the_forecast_is_one(owner: Person, view: View, metric: str) -> None:
    said = await view.json(owner, "forecast", metric=metric)
    lines = await view.csv(owner, "forecast", metric=metric)
    shown = [[m["month"], "actual", m["value"]] for m in said["history"]]
    shown += [[m["month"], "forecast", m["value"], m["lower"], m["upper"]] for m in said["months"]]
    for line, wanted in zip(lines, shown, strict=True):
        assert [_cell(c) for c in line[: len(wanted)]] == [_cell(c) for c in wanted]
    panel = _panel(await view.panels(owner, "", metric=metric, view="table"), "Forecast")
    for month in said["months"]:
        for name in ("value", "lower", "upper"):
            assert _shown(month[name]) in panel, (view, metric, month)
    if said["total"]:
        assert _shown(said["total"]["expected"]) in panel


async def the_panels_tell_it(owner: Person, view: View, said: dict[str, Any]) -> None:
    over, pipe, clients = [await view.panels(owner, path) for path in ("", "/pipeline", "/clients")]
    for panels, title, words in (
        (over, "Key figures", _of_summary(said["summary"])),
        (over, "Velocity", _of_velocity(said["velocity"])),
        (pipe, "Pipeline health", _of_health(said["health"])),
        (pipe, "Opened, won and lost by month", _of_flow(said["health"])),
        (pipe, "From stage to stage", _of_conversion(said["conversion"])),
        (pipe, "What was done", _of_owners(said["activity"])),
        (clients, "Where the money comes from", _of_clients(said["clients"])),
    ):
        wanted = list(words)
        panel = _panel(panels, title) if wanted else ""
        assert [word for word in wanted if word not in panel] == [], (view, title, panel)


def _of_summary(said: Any) -> Iterator[str]:
    for figure in said["figures"]:
        if figure["money"]:
            yield _shown(figure["money"])
        elif figure["name"] == "win_rate" and figure["number"] is not None:
            yield FIGURES.percent(figure["number"])


def _of_velocity(said: Any) -> Iterator[str]:
    if said["value_per_day"]:
        yield f"{_shown(said['value_per_day'])} a day"
    if said["win_rate"] is not None:
        yield f"{FIGURES.percent(said['win_rate'])}, {said['won_count']} of {said['closed_count']}"
    if said["projection_30_days"]:
        yield from (_shown(said["projection_30_days"][n]) for n in ("expected", "lower", "upper"))


def _of_health(said: Any) -> Iterator[str]:
    yield from (_shown(band["value"]) for band in said["ages"])
    yield f"In this period {FIGURES.plural(said['inflow_count'], 'deal', 'deals')}"
    yield f"{FIGURES.plural(said['outflow_count'], 'deal', 'deals')} worth"


def _of_flow(said: Any) -> Iterator[str]:
    for month in said["months"]:
        counts = (month["created_count"], month["won_count"], month["lost_count"])
        shown = " ".join(map(str, counts))
        yield f"{FIGURES.month(month['month'])} {shown} {_shown(month['won_value'])}"


def _of_conversion(said: Any) -> Iterator[str]:
    for stage in said["stages"]:
        yield f"{stage['stage_name']} {stage['entered_count']}"
    for reason in said["lost_reasons"]:
        count = FIGURES.plural(reason["count"], "deal", "deals")
        yield f"{reason['name'] or 'No reason given'} {count}, {_shown(reason['value'])}"


def _of_owners(said: Any) -> Iterator[str]:
    for one in said["owners"]:
        counts = (one["open_count"], _shown(one["open_value"]), one["won_count"])
        yield " ".join(map(str, (*counts, _shown(one["won_value"]))))


def _of_clients(said: Any) -> Iterator[str]:
    if said["clients"]:
        yield f"{_shown(said['won_value'])} won from"
    for one in said["clients"]:
        yield f"{one['client_name'] or 'No client'} {_shown(one['won_value'])} {one['won_count']}"


def _part(name: str, value: Any) -> list[Any]:
    return [name, value]


FILES: dict[str, Any] = {
    "summary": lambda said: [
        [f["name"], f["money"] if f["money"] else f["number"]] for f in said["figures"]
    ],
    "velocity": lambda said: [
        _part("opportunities", said["opportunities"]),
        _part("closed_deals", said["closed_count"]),
        _part("won_deals", said["won_count"]),
        *([name, said[name]] for name in ("win_rate", "cycle_days")),
        *([name, said[name]] for name in ("mean_value", "value_per_day", "value_per_day_before")),
        *(
            [_part("projection_30_days", said["projection_30_days"]["expected"])]
            if said["projection_30_days"]
            else []
        ),
    ],
    "pipeline": lambda said: [
        [s["stage_name"], s["stage_type"], s["count"], s["sum"]] for s in said["stages"]
    ],
    "health": lambda said: [
        [m["month"], m["created_count"], m["won_count"], m["lost_count"], m["won_value"]]
        for m in said["months"]
    ],
    "conversion": lambda said: [
        [s["stage_name"], *(s[f"{n}_count"] for n in ("entered", "advanced", "lost", "waiting"))]
        for s in said["stages"]
    ],
    "clients": lambda said: [[c["client_name"], c["won_value"]] for c in said["clients"]],
    "activity": lambda said: [
        [o["owner_id"], o["open_count"], o["open_value"], o["won_count"], o["closed_count"]]
        for o in said["owners"]
    ],
}


def _panel(panels: Sequence[str], title: str) -> str:
    return next(panel for panel in panels if panel.startswith(title))


def _minor(money: Any) -> int:
    return int(money["amount_minor"]) if money else 0


def _shown(value: Any) -> str:
    """As pages show it: money in whole units, deals with one place."""
    if isinstance(value, dict):
        money = Money(amount_minor=value["amount_minor"], currency_code=value["currency"])
        return FIGURES.money_whole(money)
    return FIGURES.number(value, 1)


def _cell(value: Any) -> Any:
    """What a file and an answer have in common: an amount, a number, a word."""
    if isinstance(value, dict):
        return value["amount_minor"] / 100
    if value in (None, ""):
        return ""
    try:
        return float(value)
    except ValueError:
        return value
