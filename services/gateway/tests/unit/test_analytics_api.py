"""Reports over the public API: the same numbers, sent once, as JSON and CSV."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from gateway.entrypoints.api import analytics, routes
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.identity import Caller
from kit.rpc.identity import CallIdentity
from services.gateway.tests.unit.pages.analytics_factories import (
    make_basis,
    make_forecast,
    make_risk,
    make_risks,
)
from services.gateway.tests.unit.pages.conftest import (
    Answer,
    Site,
    make_neighbours,
    make_principal,
    short_ids,
)

__all__ = ["short_ids"]

BASE = "/api/v1/analytics"


class Signed:
    """The edge, as far as operations see it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.principal = make_principal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["caller"] = Caller(principal=self.principal, identity=CallIdentity("token"))
        await self._app(scope, receive, send)


@pytest.fixture
def api() -> Site:
    neighbours = make_neighbours()
    app = FastAPI(openapi_url=None)
    app.state.clients = neighbours
    routes.install(app)
    return Site(neighbours, Signed(app))  # type: ignore[arg-type]


MOMENT, HOUR = datetime(2026, 3, 31, 8, 5, tzinfo=UTC), timedelta(hours=1)
NO_TABLE = ("churn/c-1", "deals/d-1")
REPORTS = (
    "summary", "forecast", "churn", "churn/c-1", "deals", "deals/d-1", "velocity", "pipeline",
    "health", "conversion", "clients", "activity", "accuracy",
)  # fmt: skip


@pytest.mark.parametrize("path", REPORTS)
async def test_every_report_says_what_it_rests_on(api: Site, path: str) -> None:
    answer = await api.get(f"{BASE}/{path}")
    assert answer.status == 200
    body = read(answer)
    assert {"as_of", "model", "basis", "computing", "own_only"} <= set(body)
    assert (body["behind"], body["estimates_as_of"]) == (False, None)
    assert {"name", "version", "trained_at", "sample_size", "evidence"} == set(body["model"])
    again = await api.get(f"{BASE}/{path}", **{"if-none-match": answer.headers["etag"]})
    assert (again.status, again.text) == (304, "")


@pytest.mark.parametrize("path", [p for p in REPORTS if p not in ("accuracy", "deals/d-1")])
async def test_every_report_can_be_asked_as_of_a_day(api: Site, path: str) -> None:
    answer = await api.get(f"{BASE}/as-of/2026-03-31/{path}")
    assert answer.status == 200
    asked = [request for peer in vars(api.neighbours).values() for request in peer.asked]
    assert "2026-03-31" in str(asked[-1])


async def test_an_estimate_that_is_being_made_is_202_and_a_count_is_not(api: Site) -> None:
    basis = make_basis(computing=True)
    api.neighbours.predictions.answers["GetForecast"] = make_forecast(basis=basis)
    answer = await api.get(f"{BASE}/forecast")
    assert (answer.status, answer.headers["retry-after"]) == (202, "1")
    assert "etag" not in answer.headers
    api.neighbours.analytics.answers["GetVelocity"].basis.computing = True
    answer = await api.get(f"{BASE}/velocity")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("horizon=six", "NUMBER_INVALID"),
        ("horizon=0", "NUMBER_INVALID"),
        ("horizon=25", "NUMBER_INVALID"),
        ("interval=0.7", "INTERVAL_INVALID"),
        ("scenario=best", "SCENARIO_UNKNOWN"),
        ("colour=red", "PARAMETER_UNKNOWN"),
        ("horizon=6%00", "PARAMETER_INVALID"),
        ("format=xml", "FORMAT_UNKNOWN"),
    ],
)
async def test_what_cannot_be_meant_is_refused(api: Site, query: str, reason: str) -> None:
    with pytest.raises(HttpProblem) as refusal:
        await called(api, f"{BASE}/forecast?{query}")
    assert refusal.value.reason == reason


async def test_deals_are_left_out_by_their_ids(api: Site) -> None:
    await api.get(f"{BASE}/forecast?scenario=without:a,b&interval=0.95&horizon=12")
    asked = api.neighbours.predictions.asked[-1]
    assert (list(asked.without_deal_ids), asked.interval_percent, asked.horizon) == (
        ["a", "b"], 95, 12,
    )  # fmt: skip


async def test_a_formula_is_only_text_in_a_table(api: Site) -> None:
    hostile = make_risks(clients=[make_risk(0, client_name="=HYPERLINK(1)")])
    api.neighbours.predictions.answers["ListClientRisks"] = hostile
    answer = await api.get(f"{BASE}/churn?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("\ufeffclient,")
    assert "\n'=HYPERLINK(1),critical,0.86," in answer.text.replace("\r", "")


@pytest.mark.parametrize(
    ("basis", "ending"),
    [
        ({"as_of_date": "2026-03-31"}, "-as-of-2026-03-31"),
        ({"as_of_time": MOMENT + HOUR, "estimate_time": MOMENT}, "-as-of-2026-03-31T0805Z"),
        ({"as_of_time": MOMENT, "estimate_time": MOMENT + HOUR}, "-as-of-2026-03-31T0805Z"),
        ({"as_of_time": MOMENT}, "-as-of-2026-03-31T0805Z"),
        ({}, ""),
    ],
)
async def test_a_file_says_in_its_name_as_of_when_it_is(
    api: Site, basis: dict[str, Any], ending: str
) -> None:
    api.neighbours.predictions.answers["GetForecast"] = make_forecast(basis=pb.Basis(**basis))
    answer = await api.get(f"{BASE}/forecast?format=csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="forecast{ending}.csv"'
    assert answer.text.splitlines()[0] == "\ufeffmonth,kind,value,lower,upper,currency,line"


@pytest.mark.parametrize("path", [p for p in REPORTS if p not in NO_TABLE])
async def test_every_table_says_as_of_when_it_is(api: Site, path: str) -> None:
    api.neighbours.analytics.answers["GetVelocity"].basis.as_of_time.FromDatetime(MOMENT)
    answer = await api.get(f"{BASE}/{path}?format=csv")
    name = answer.headers["content-disposition"].partition("filename=")[2]
    assert re.fullmatch(r'"[a-z_]+-as-of-\d{4}-\d\d-\d\dT\d{4}Z\.csv"', name)


async def test_a_file_is_not_there_before_its_numbers(api: Site) -> None:
    basis = make_basis(computing=True)
    api.neighbours.predictions.answers["GetForecast"] = make_forecast(basis=basis)
    answer = await api.get(f"{BASE}/forecast?format=csv")
    assert (answer.status, answer.headers["retry-after"]) == (202, "1")
    assert read(answer)["computing"]


def read(answer: Answer) -> Any:
    import orjson

    return orjson.loads(answer.text)


async def called(api: Site, target: str) -> None:
    """The operation itself: what it raises is answered by the application elsewhere."""
    path, _, query = target.partition("?")
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    operation: Any = next(
        route for route in analytics.operations.router.routes if getattr(route, "path", "") == path
    )
    scope: Scope = {
        "type": "http", "method": "GET", "path": path, "query_string": query.encode(),
        "headers": [], "app": api.app._app, "path_params": {}, "state": {},
        "caller": Caller(principal=make_principal(), identity=CallIdentity("token")),
    }  # fmt: skip
    await operation.app(scope, receive, send)


async def test_an_estimate_behind_the_facts_says_so(api: Site) -> None:
    basis = make_basis("Rests on 24 months.", behind_words="1 change since then will be in it.")
    basis.estimate_time.FromDatetime(datetime(2026, 3, 2, 9, tzinfo=UTC))
    api.neighbours.predictions.answers["GetForecast"] = make_forecast(6, basis=basis)
    body = read(await api.get(f"{BASE}/forecast"))
    assert (body["behind"], body["estimates_as_of"]) == (True, "2026-03-02T09:00:00Z")
    assert body["basis"] == "Rests on 24 months. 1 change since then will be in it."
