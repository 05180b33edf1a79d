"""One number everywhere: told by the API, in its CSV, shown by page and chart, printed in its PDF.

Of the whole workspace, of one of two owners, and of a past day; of every report and every metric.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.entrypoints.report_words import Words
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages.charts import WIDE
from gateway.entrypoints.pages.formatting import Formats
from tests.e2e.support.api import Person, invite
from tests.e2e.support.documents import drawn, report_text
from tests.e2e.support.histories import PATIENCE, Panels, Past, lived, page, told
from tests.e2e.support.platform import Platform, until
from tests.e2e.support.report_words import (
    FIGURES,
    FILES,
    as_cell,
    in_words,
    minor,
    number,
    of_clients,
    of_conversion,
    of_flow,
    of_health,
    of_odds,
    of_owners,
    of_risks,
    of_summary,
    of_velocity,
)

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

    async def page(self, person: Person, path: str, **query: str) -> str:
        """A page's HTML."""
        asked = query | {"owner": self.owner_id, "day": self.day}
        address = "&".join(f"{name}={value}" for name, value in asked.items() if value)
        return await page(person, f"/analytics{path}?{address}")

    async def panels(self, person: Person, path: str, **query: str) -> list[str]:
        """What a reader sees of a page."""
        return Panels(await self.page(person, path, **query)).panels

    async def pdf(self, person: Person) -> str:
        """The words of the report."""
        return await report_text(person, **self._owner, **({"as_of": self.day} if self.day else {}))

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
            wanted = [[as_cell(cell) for cell in line] for line in lines(said[name])]
            found = [[as_cell(cell) for cell in line] for line in await view.csv(owner, name)]
            assert wanted == [line[: len(wanted[0])] for line in found], (view, name)
        await the_panels_tell_it(owner, view, said)
        for metric in METRICS:
            await the_forecast_is_one(owner, view, metric)
        await the_file_tells_it(owner, view, said)
        adds_up(said)
        totals.append(said["pipeline"]["open_count"])
    assert totals[0] == 6
    assert totals[1] == 1
    assert 0 < totals[2] < 5


async def test_who_answers_never_loads_the_science(owner: Person, platform: Platform) -> None:
    for report in FILES:
        await View("now").json(owner, report)
    libraries = mapped(platform.pid("analytics"))
    assert "asyncpg" in libraries
    assert not [name for name in ("numpy", "pandas", "scipy") if name in libraries]


def mapped(pid: int) -> str:
    """The files that a process has in its memory."""
    return Path(f"/proc/{pid}/maps").read_text()


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
    assert minor(summary["open_value"]["money"]) == minor(pipeline["open_value"])
    for parts in (
        [stage["sum"] for stage in opened],
        [band["value"] for band in health["ages"]],
        [one["open_value"] for one in owners],
    ):
        assert sum(map(minor, parts)) == minor(pipeline["open_value"])
    assert health["open_count"] == pipeline["open_count"] == sum(o["open_count"] for o in owners)
    odds, projected = said["deals"], said["velocity"]["projection_30_days"]
    assert odds["total"] == pipeline["open_count"]
    if odds["expected"]:
        weighted = minor(odds["expected"]["expected"])
        assert weighted == minor(health["weighted_value"])
        assert weighted == sum(minor(deal["expected_value"]) for deal in odds["items"])
    if projected:
        figure = summary["expected_value"]
        assert figure["money"] == projected["expected"]
        assert (figure["lower"], figure["upper"]) == (projected["lower"], projected["upper"])
    grave = [level for level in said["churn"]["levels"] if level["level"] in ("high", "critical")]
    at_risk = sum(minor(level["value_at_stake"]) for level in grave)
    assert minor(summary["value_at_risk"]["money"]) == at_risk
    won = minor(summary["won_value"]["money"])
    assert won == minor(clients["won_value"]) == sum(minor(o["won_value"]) for o in owners)
    assert sum(o["closed_count"] for o in owners) == health["outflow_count"]
    assert said["velocity"]["closed_count"] == health["outflow_count"]
    assert summary["win_rate"]["number"] == said["velocity"]["win_rate"]


async def the_forecast_is_one(owner: Person, view: View, metric: str) -> None:
    said = await view.json(owner, "forecast", metric=metric)
    lines = await view.csv(owner, "forecast", metric=metric)
    shown = [[m["month"], "actual", m["value"]] for m in said["history"]]
    shown += [[m["month"], "forecast", m["value"], m["lower"], m["upper"]] for m in said["months"]]
    for line, wanted in zip(lines, shown, strict=True):
        assert [as_cell(c) for c in line[: len(wanted)]] == [as_cell(c) for c in wanted]
    panel = _panel(await view.panels(owner, "", metric=metric, view="table"), "Forecast")
    for month in said["months"]:
        for name in ("value", "lower", "upper"):
            assert in_words(month[name]) in panel, (view, metric, month)
    if said["total"]:
        assert in_words(said["total"]["expected"]) in panel
    the_chart_draws_it(await view.page(owner, "", metric=metric), said)


def the_chart_draws_it(html: str, said: dict[str, Any]) -> None:
    """Each month in words, and as high as its number."""
    past = said["history"][-24:]
    months = drawn(html)
    assert len(months) == len(past) + len(said["months"])
    values = []
    for month, there in zip([*past, *said["months"]], months, strict=True):
        names = ("value", "lower", "upper") if "lower" in month else ("value",)
        assert there.words.startswith(f"{FIGURES.month(month['month'])}: ")
        assert [in_words(month[n]) for n in names if in_words(month[n]) not in there.words] == []
        values.append(number(month["value"]))
    top = max(values, default=0)
    for value, there in zip(values, months, strict=True):
        if top:
            height = (WIDE.base - months[values.index(top)].y) * value / top
            assert abs(WIDE.base - height - there.y) < 0.2, there


async def the_file_tells_it(owner: Person, view: View, said: dict[str, Any]) -> None:
    """What is printed, read from the PDF itself."""
    forecast, text = await view.json(owner, "forecast"), await view.pdf(owner)
    panel = _panel(await view.panels(owner, ""), "Forecast")
    if forecast["total"]:
        names = ("expected", "pessimistic", "optimistic")
        middle, low, high = (in_words(forecast["total"][name]) for name in names)
        for part in (f"Expect {middle} by ", f", likely between {low} and {high}."):
            assert part in panel
            assert part in text
    wanted = []
    for month in forecast["months"]:
        ends = (in_words(month[name]) for name in ("value", "lower", "upper"))
        wanted.append(" ".join([FIGURES.month(month["month"]), *ends]))
    wanted += of_summary(said["summary"])
    wanted += (w for w in of_velocity(said["velocity"]) if " closed" not in w and "%" not in w)
    for deal in said["deals"]["items"][:15]:
        share = [FIGURES.chance(deal[n]) for n in ("win_probability", "lower", "upper") if deal[n]]
        wanted.append("{} ({} to {})".format(*share))
        wanted.append(in_words(deal["expected_value"]))
    for client in said["churn"]["items"]:
        if client["level"] != "low":
            wanted += [client["client_name"], in_words(client["value_at_stake"])]
            wanted.append(f"{FIGURES.chance(client['risk'])} in {client['horizon_days']} days")
    wanted += (
        f"{stage['stage_name']} {stage['entered_count']} {stage['advanced_count']}"
        for stage in said["conversion"]["stages"]
    )
    assert [words for words in wanted if words not in text] == [], (view, text)


async def the_panels_tell_it(owner: Person, view: View, said: dict[str, Any]) -> None:
    paths = ("", "/pipeline", "/clients", "/deals")
    over, pipe, clients, deals = [await view.panels(owner, path) for path in paths]
    for panels, title, words in (
        (over, "Key figures", of_summary(said["summary"])),
        (over, "Velocity", of_velocity(said["velocity"])),
        (pipe, "Pipeline health", of_health(said["health"])),
        (pipe, "Opened, won and lost by month", of_flow(said["health"])),
        (pipe, "From stage to stage", of_conversion(said["conversion"])),
        (pipe, "What was done", of_owners(said["activity"])),
        (clients, "Where the money comes from", of_clients(said["clients"])),
        (clients, "Clients at risk", of_risks(said["churn"])),
        (deals, "Win odds of open deals", of_odds(said["deals"])),
    ):
        wanted = list(words)
        panel = _panel(panels, title) if wanted else ""
        assert [word for word in wanted if word not in panel] == [], (view, title, panel)


def _panel(panels: Sequence[str], title: str) -> str:
    return next(panel for panel in panels if panel.startswith(title))
