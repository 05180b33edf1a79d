"""A run is judged by its figures; what must not be loaded is refused before anybody comes."""

import pytest

from tests.load import statements
from tests.load.__main__ import Refused, asked_for
from tests.load.gates import API, MET, MISSED, PAGE, Requests, gates, table

FACTS = {
    "gateway": "http://localhost:8700",
    "demo": {"email": "demo@example.org", "password": "x"},
    "services": {"crm": {"metrics": "http://127.0.0.1:8731/metrics"}, "nats": {"metrics": None}},
}
# 95 of 100 take this long, five take long.
QUICK_API = Requests("list deals", API, [199.0] * 95 + [5000.0] * 5)
QUICK_PAGES = Requests("Today", PAGE, [1999.0] * 95 + [9000.0] * 5)
EXPOSITION = """
db_client_operation_duration_seconds_bucket{op="select",table="outbox",le="0.05"} 10.0
db_client_operation_duration_seconds_bucket{op="select",table="outbox",le="0.1"} 90.0
db_client_operation_duration_seconds_bucket{op="select",table="outbox",le="0.2"} 100.0
db_client_operation_duration_seconds_bucket{op="select",table="outbox",le="+Inf"} 100.0
db_client_operation_duration_seconds_bucket{op="insert",table="deals",le="0.05"} 100.0
db_client_operation_duration_seconds_bucket{op="insert",table="deals",le="0.1"} 100.0
db_client_operation_duration_seconds_bucket{op="insert",table="deals",le="0.2"} 100.0
db_client_operation_duration_seconds_bucket{op="insert",table="deals",le="+Inf"} 100.0
http_server_request_duration_seconds_bucket{route="/",le="+Inf"} 7.0
"""


def missed(*requests: Requests, statements_p95: float | None = 99.9) -> list[str]:
    return [gate.name for gate in gates(requests, statements_p95) if not gate.is_met]


def test_what_stays_below_every_limit_is_met() -> None:
    assert missed(QUICK_API, QUICK_PAGES) == []


@pytest.mark.parametrize(
    ("requests", "statements_p95", "gate"),
    [
        ([Requests("a", API, [200.0] * 6 + [1.0] * 94), QUICK_PAGES], 1.0, "API, p95"),
        ([QUICK_API, Requests("p", PAGE, [2000.0])], 1.0, "pages, p95"),
        ([QUICK_API, Requests("p", PAGE, [1.0] * 100, errors=1)], 1.0, "errors"),
        ([QUICK_API, QUICK_PAGES], 100.0, "database statements, p95"),
        ([QUICK_API, QUICK_PAGES], None, "database statements, p95"),
        ([QUICK_PAGES], 1.0, "API, p95"),
    ],
)
def test_one_limit_reached_or_not_measured_is_missed(
    requests: list[Requests], statements_p95: float | None, gate: str
) -> None:
    assert missed(*requests, statements_p95=statements_p95) == [gate]


def test_one_error_in_two_hundred_is_too_many() -> None:
    assert missed(QUICK_API, QUICK_PAGES, Requests("b", API, [1.0] * 1, errors=1)) == []
    assert missed(QUICK_API, Requests("p", PAGE, [1.0] * 100, errors=1)) == ["errors"]


def test_a_run_without_requests_has_missed_everything() -> None:
    assert len(missed(statements_p95=None)) == 4


def test_the_table_tells_all_of_it() -> None:
    shown = table([QUICK_API, QUICK_PAGES], gates([QUICK_API, QUICK_PAGES], None), 60)
    assert "list deals                100     1.7    199    199   5000       0" in shown
    assert f"not measured    < 100 ms   {MISSED}" in shown
    assert f"199.00 ms    < 200 ms   {MET}" in shown


def test_statements_are_counted_over_all_tables_and_since_the_beginning() -> None:
    after = statements.buckets(EXPOSITION)
    assert after == {0.05: 110, 0.1: 190, 0.2: 200, float("inf"): 200}
    assert statements.p95_ms(statements.buckets(""), after) == pytest.approx(100.0)
    before = statements.Buckets({0.05: 100.0, 0.1: 100.0, 0.2: 100.0, float("inf"): 100.0})
    assert statements.p95_ms(before, after) == pytest.approx(150.0)
    assert statements.p95_ms(after, after) is None


def test_statements_beyond_the_last_edge_count_as_that_edge() -> None:
    after = statements.Buckets({0.1: 1.0, float("inf"): 100.0})
    assert statements.p95_ms(statements.Buckets(), after) == pytest.approx(100.0)


def test_the_running_platform_is_asked_unless_told_otherwise() -> None:
    asked = asked_for({"USERS": "50", "MINUTES": "2"}, FACTS)
    assert (asked.host, asked.users, asked.seconds) == ("http://localhost:8700", 50, 120)
    assert asked.metrics == ["http://127.0.0.1:8731/metrics"]
    assert asked.demo == FACTS["demo"]


def test_another_platform_is_not_told_our_demo_password() -> None:
    asked = asked_for({"HOST": "http://127.0.0.1:8080", "METRICS": "http://x http://y"}, FACTS)
    assert (asked.demo, asked.metrics) == (None, ["http://x", "http://y"])


@pytest.mark.parametrize("host", ["https://crm.example.com", "http://10.0.0.7:80", "nonsense"])
def test_a_host_elsewhere_is_refused_unless_it_is_named(host: str) -> None:
    with pytest.raises(Refused, match="not on this machine"):
        asked_for({"HOST": host, "LOAD_ALLOWED_HOST": "other.example.com"}, FACTS)


def test_a_host_elsewhere_that_is_named_is_taken() -> None:
    told = {"HOST": "https://crm.example.com", "LOAD_ALLOWED_HOST": "crm.example.com"}
    assert asked_for(told, None).host == "https://crm.example.com"


@pytest.mark.parametrize("told", [{"USERS": "none"}, {"MINUTES": "0"}, {"USERS": "-1"}])
def test_a_wrong_number_is_named(told: dict[str, str]) -> None:
    with pytest.raises(Refused, match="=".join(*told.items())):
        asked_for(told, FACTS)


def test_nothing_that_runs_is_said() -> None:
    with pytest.raises(Refused, match="make up"):
        asked_for({}, None)
