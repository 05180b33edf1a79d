"""Analytics pages: words beside numbers, the same numbers everywhere, every state."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.report_service_pb2 import Report
from gateway.entrypoints.api.analytics_json import forecast_json
from gateway.entrypoints.api.analytics_tables import forecast_table
from gateway.entrypoints.pages.analytics_words import forecast_view
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.zones import speaks_of_days
from kit.errors import ErrorKind
from kit.rpc.errors import PeerUnavailable, RemoteError
from services.gateway.tests.unit.pages.analytics_answers import empty
from services.gateway.tests.unit.pages.analytics_factories import (
    make_basis,
    make_forecast,
    make_odds,
    make_odds_list,
    make_risk,
    make_risks,
    make_summary,
)
from services.gateway.tests.unit.pages.factories import HOSTILE, NOW

TABS = (
    "/analytics",
    "/analytics?view=table",
    "/analytics/clients",
    "/analytics/deals",
    "/analytics/pipeline",
    "/analytics/accuracy",
)
PERCENT = re.compile(r"\d\s*%")


def text_of(html: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("path", TABS)
async def test_an_empty_workspace_shows_no_percentage(site: Any, path: str) -> None:
    nothing = empty()
    site.neighbours.figures.answers = nothing.figures
    site.neighbours.predictions.answers = nothing.predictions
    site.neighbours.analytics.answers["GetVelocity"].Clear()
    answer = await site.get(path)
    assert answer.status == 200
    main = text_of(answer.text.partition("<main")[2])
    assert not PERCENT.search(main), main


async def test_an_interval_never_ends_at_nothing_nor_at_certainty(site: Any) -> None:
    odds = site.neighbours.predictions.answers
    odds["ListDealOdds"] = make_odds_list(deals=[make_odds(0, lower=0.003, upper=0.996)])
    said = text_of((await site.get("/analytics/deals")).text)
    assert "under 1% to over 99%" in said


@pytest.mark.parametrize("path", TABS)
async def test_a_page_survives_analytics_being_away(site: Any, path: str) -> None:
    for peer in (site.neighbours.figures, site.neighbours.predictions, site.neighbours.analytics):
        for method in peer.answers:
            peer.answers[method] = PeerUnavailable("analytics is away")
    answer = await site.get(path)
    assert answer.status == 200
    assert "cannot be had at the moment" in answer.text


@pytest.mark.parametrize("path", TABS)
async def test_the_part_alone_is_what_htmx_gets(site: Any, path: str) -> None:
    part = await site.get(path, hx_request="true", hx_target="div#analytics")
    assert part.text.count('id="analytics"') == 1
    assert "<html" not in part.text


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_stay_words(site: Any, words: str) -> None:
    answers = site.neighbours.predictions.answers
    answers["ListClientRisks"] = make_risks(clients=[make_risk(0, client_name=words)])
    answers["ListDealOdds"] = make_odds_list(deals=[make_odds(0, name=words, client_name=words)])
    page = await site.get("/analytics")
    for markup in ("<script>alert", "<img src=x", "<svg onload", "</title><svg"):
        assert markup not in page.text


async def test_sentence_chart_table_json_and_csv_tell_the_same_numbers() -> None:
    fmt = Formats(locale="en", time_zone="Europe/Berlin", now=NOW)
    forecast = make_forecast(6)
    view, told = forecast_view(fmt, forecast), forecast_json(forecast)
    assert view.wide is not None
    drawn = [m.words for m in view.wide.months if m.expected]
    rows = view.coming
    lines = [line for line in forecast_table(forecast).rows if line[1] == "forecast"]
    for words, row, month, line in zip(drawn, rows, told["months"], lines, strict=True):
        for shown in (row.value, row.lower, row.upper):
            assert shown in words
        amounts = [month[name]["amount_minor"] for name in ("value", "lower", "upper")]
        assert [round(float(cell or 0) * 100) for cell in line[2:5]] == amounts
        numbers = [re.sub(r"\D", "", shown) for shown in (row.value, row.lower, row.upper)]
        assert [int(n) for n in numbers] == [round(minor / 100) for minor in amounts]
    total = told["total"]
    for name in ("pessimistic", "expected", "optimistic"):
        assert f"{round(total[name]['amount_minor'] / 100):,}" in view.sentence
    assert sum(m["value"]["amount_minor"] for m in told["months"]) == pytest.approx(
        total["expected"]["amount_minor"], abs=6
    )


async def test_the_page_says_the_sentence_and_draws_the_same_months(site: Any) -> None:
    fmt = Formats(locale="en", time_zone="Europe/Berlin", now=NOW)
    view = forecast_view(fmt, make_forecast(6))
    chart, table = await site.get("/analytics"), await site.get("/analytics?view=table")
    assert view.sentence in chart.text
    assert view.sentence in table.text
    for row in view.coming:
        assert f"{row.month}: {row.value} expected, {row.lower} to {row.upper}" in chart.text
        for shown in (row.month, row.value, row.lower, row.upper):
            assert f">{shown}<" in table.text


async def test_controls_stay_in_the_address(site: Any) -> None:
    path = "/analytics?period=365&horizon=12&metric=deals_won&line=linear&owner=o-1&day=2026-03-31"
    page = await site.get(path)
    asked = next(r for r in site.neighbours.predictions.asked if hasattr(r, "horizon"))
    assert (asked.horizon, asked.metric, asked.line) == (12, "deals_won", "linear")
    assert (asked.owner_id, asked.as_of_date) == ("o-1", "2026-03-31")
    scope = site.neighbours.figures.asked[0].scope
    assert (scope.start_date, scope.end_date) == ("2025-04-01", "2026-03-31")
    assert 'value="365" selected' in page.text
    assert "period=365" in page.text.partition("Win odds")[0]
    assert "As it stood" not in page.text
    assert "Everything as it stood at the end of Mar 31" in page.text
    nonsense = await site.get("/analytics?period=7&horizon=x&day=soon&view=3d")
    assert nonsense.status == 200


async def test_what_is_being_computed_asks_again(site: Any) -> None:
    basis = make_basis("This is being computed.", computing=True, evidence="none")
    site.neighbours.predictions.answers["GetForecast"] = make_forecast(
        0, points=[], history=[], total=None, basis=basis
    )
    page = await site.get("/analytics?horizon=12")
    assert 'hx-trigger="load delay' in page.text
    assert "Look again" in page.text


async def test_a_forecast_behind_the_facts_says_so_without_being_opened(site: Any) -> None:
    behind = "5,000 changes since then will be in it soon."
    basis = make_basis("Rests on 12 months of history.", behind_words=behind)
    site.neighbours.predictions.answers["GetForecast"] = make_forecast(6, basis=basis)
    page = await site.get("/analytics")
    panel = page.text.partition('id="forecast-panel"')[2].partition("</section>")[0]
    folded = panel.partition("<details")[2].partition("</details>")[0]
    assert behind in panel.replace(folded, "")
    assert "As of <time" in panel


LATE = "3 changes since then will be in it soon."
ESTIMATED = (
    ("predictions", "GetForecast", "/analytics"),
    ("figures", "GetSummary", "/analytics"),
    ("analytics", "GetVelocity", "/analytics"),
    ("figures", "GetHealth", "/analytics"),
    ("predictions", "ListDealOdds", "/analytics"),
    ("predictions", "ListClientRisks", "/analytics"),
    ("predictions", "ListDealOdds", "/analytics/deals"),
    ("predictions", "ListClientRisks", "/analytics/clients"),
    ("analytics", "GetDealInsight", "/deals/d-1"),
    ("predictions", "GetClientRisk", "/clients/c-1"),
)


@pytest.mark.parametrize(("peer", "method", "path"), ESTIMATED)
async def test_an_estimate_behind_the_facts_says_so_and_waits_for_the_next(
    site: Any, peer: str, method: str, path: str
) -> None:
    assert LATE not in (await site.get(path)).text
    answers = getattr(site.neighbours, peer).answers
    answer = make_forecast(6) if method == "GetForecast" else answers[method]
    answer.basis.behind_words = LATE
    answers[method] = answer
    text = (await site.get(path)).text
    assert LATE in text
    refreshed = " ".join(re.findall(r'data-refresh="([^"]*)"', text.partition("<main")[2]))
    assert "pipeline" in refreshed.split()


async def test_a_client_that_never_bought_is_said_to_have_no_score(site: Any) -> None:
    """Neither a share nor a sum at stake, and nothing to answer; what is known is said."""
    refused = pre.ClientRisk(client_id="c-1", closed_count=3, win_rate=0.0, horizon_days=90)
    site.neighbours.predictions.answers["GetClientRisk"] = refused
    page = (await site.get("/clients/c-1")).text
    box = page.partition('aria-labelledby="risk-heading"')[2].partition("</section>")[0]
    assert "No score" in box
    assert "Has not bought yet, so there is nothing to lose" in box
    assert "0 of 3 closed deals won" in box
    assert "%" not in box
    assert "at stake" not in box
    assert "<form" not in box


@pytest.mark.parametrize(
    ("peer", "method", "path", "words"),
    [
        ("analytics", "GetDealInsight", "/deals/d-1", "What speaks for and against this deal"),
        ("predictions", "GetClientRisk", "/clients/c-1", "Whether this client may be leaving"),
    ],
)
async def test_reasons_that_cannot_be_read_are_not_left_out_silently(
    site: Any, peer: str, method: str, path: str, words: str
) -> None:
    """What is not known of, or not theirs to read, is nothing that will be there in a moment."""
    answers = getattr(site.neighbours, peer).answers
    assert words not in (await site.get(path)).text
    for kind, said in (
        (ErrorKind.UNAVAILABLE, True),
        (ErrorKind.NOT_FOUND, False),
        (ErrorKind.FORBIDDEN, False),
    ):
        answers[method] = RemoteError(kind, "NO", "")
        page = await site.get(path)
        assert (page.status, words in page.text) == (200, said), kind


@pytest.mark.parametrize(
    ("level", "evidence", "words"),
    [
        ("high", "prior", "Perhaps high"),
        ("high", "low", "Perhaps high"),
        ("high", "medium", "High"),
        ("high", "high", "High"),
        ("watch", "low", "Watch"),
    ],
)
async def test_a_level_that_rests_on_little_is_not_said_as_if_it_were_known(
    site: Any, level: str, evidence: str, words: str
) -> None:
    """Somebody who has bought once has no rhythm; the number and the order stay."""
    once = make_risk(2, level=level, basis=make_basis(evidence=evidence))
    predictions = site.neighbours.predictions.answers
    predictions["GetClientRisk"] = once
    predictions["ListClientRisks"] = make_risks(clients=[once])
    for path, heading in (("/clients/c-2", "risk"), ("/analytics/clients", "risks"), ("/", "risk")):
        box = (await site.get(path)).text.partition(f'id="{heading}')[2]
        silent = path == "/" and evidence == "prior"
        assert (f"</svg>{words}</span>" in box) is not silent, path
    assert "54%" in (await site.get("/clients/c-2")).text


async def test_own_figures_say_so(site: Any) -> None:
    site.neighbours.figures.answers["GetSummary"] = make_summary(basis=make_basis(own_only=True))
    assert "these are your own figures" in (await site.get("/analytics")).text


async def test_an_answer_goes_back_to_where_it_was_given(site: Any) -> None:
    path = "/analytics/clients/c-1/answer"
    given = {"answer": "snoozed", "next": "/analytics/clients?level=high"}
    answer = await site.post(path, given)
    assert (answer.status, answer.headers["location"]) == (303, given["next"])
    assert site.neighbours.predictions.asked[-1].answer == "snoozed"
    for outside in ("https://evil.example", "//evil.example", "/\\evil.example"):
        answer = await site.post(path, {"answer": "snoozed", "next": outside})
        assert answer.headers["location"] == "/analytics/clients"


@pytest.mark.parametrize("part", ["", "/clients", "/deals", "/pipeline", "/accuracy"])
async def test_who_may_not_read_is_told_so(site: Any, part: str) -> None:
    site.may("deals.read")
    page = await site.get(f"/analytics{part}")
    assert (page.status, "You may not do this" in page.text) == (403, True)
    assert 'href="/analytics" title="Analytics"' not in page.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "being made"),
        ("running", "being made"),
        ("done", "Download analytics.pdf"),
        ("failed", "could not be made: OutOfMemory"),
    ],
)
async def test_a_report_says_how_far_it_is(site: Any, status: str, words: str) -> None:
    report = Report(
        id="r-1",
        status=status,
        error="OutOfMemory" if status == "failed" else "",
        file_name="analytics.pdf" if status == "done" else "",
    )
    site.neighbours.reports.answers |= {"CreateReport": report, "GetReport": report}
    asked = await site.post("/analytics/report", {"period": "30", "horizon": "12", "owner": ""})
    assert (asked.status, asked.headers["location"]) == (303, "/analytics/reports/r-1")
    assert site.neighbours.reports.asked[0].horizon == 12
    assert site.neighbours.reports.asked[0].workspace_name == "Holm & Partner"
    assert site.neighbours.reports.asked[0].start_date == "2026-10-27"
    page = await site.get("/analytics/reports/r-1")
    assert words in page.text
    assert ("hx-trigger" in page.text.partition("<main")[2].partition("</main")[0]) is (
        status in ("queued", "running")
    )


async def test_a_day_that_has_not_come_is_told_as_it_is_now(site: Any) -> None:
    page = await site.get("/analytics?day=2999-01-01")
    assert page.status == 200
    assert "as it stood" not in page.text
    assert 'max="2026-11-25"' in page.text
    asked = [request for request in site.neighbours.figures.asked if hasattr(request, "scope")]
    assert {request.scope.as_of_date for request in asked} == {""}


async def test_nobody_is_sent_to_a_longer_period_that_is_as_empty(site: Any) -> None:
    figures, nothing = site.neighbours.figures.answers, empty()
    full = {name: figures[name] for name in ("GetClients", "GetConversion")}
    figures |= {name: nothing.figures[name] for name in full}
    for path in ("/analytics/clients", "/analytics/pipeline"):
        page = (await site.get(path)).text
        assert "Choose a longer period" not in page
        assert "This fills with the next deal that is" in page
    for name, answer in full.items():

        def by_period(request: Any, name: str = name, answer: Any = answer) -> Any:
            return answer if "" < request.scope.start_date < "2026-01-01" else nothing.figures[name]

        figures[name] = by_period
    assert (await site.get("/analytics/clients")).text.count("Choose a longer period.") == 2
    assert "Choose a longer period." in (await site.get("/analytics/pipeline")).text


async def test_a_period_ends_on_the_day_of_the_workspace(site: Any) -> None:
    site.app.zone = ZoneInfo("Pacific/Honolulu")  # where 09:30 in UTC is the evening before
    assert speaks_of_days({"query_string": b"period=30"}, {})
    await site.get("/analytics?period=30")
    assert site.neighbours.figures.asked[0].scope.start_date == "2026-10-26"
