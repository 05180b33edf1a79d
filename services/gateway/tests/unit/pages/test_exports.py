"""What the form of exports asks crm for."""

from datetime import date
from typing import Any

import pytest

from freelanceflow.crm.v1 import export_service_pb2 as pb
from gateway.entrypoints.pages.exports import period
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError


def asked_of(site: Any) -> dict[str, list[str]]:
    request = next(
        r for r in site.neighbours.exports.asked if isinstance(r, pb.CreateExportRequest)
    )
    return {f"{c.field} {c.operator}": list(c.values) for c in request.conditions}


async def test_a_quarter_of_won_deals(site: Any) -> None:
    answer = await site.post(
        "/exports",
        {"resource": "deals", "format": "xlsx", "state": "won", "period": "quarter"},
    )
    assert (answer.status, answer.headers["location"]) == (303, "/exports")
    conditions = asked_of(site)
    assert conditions.pop("stage_type 1") == ["won"]
    assert sorted(conditions.values()) == [
        ["2026-10-01T00:00:00+00:00"],
        ["2027-01-01T00:00:00+00:00"],
    ]
    assert {name.partition(" ")[0] for name in conditions} == {"closed_at"}


async def test_the_filter_of_a_list_travels_along(site: Any) -> None:
    page = await site.get("/exports?resource=clients&name__contains=ac&owner_id=o-1")
    assert 'value="name__contains=ac&amp;owner_id=o-1"' in page.text
    assert "Name contains: ac" in page.text
    await site.post(
        "/exports",
        {"resource": "clients", "format": "csv", "filter": "name__contains=ac&owner_id=o-1"},
    )
    assert list(asked_of(site).values()) == [["ac"], ["o-1"]]


async def test_what_is_refused_is_said_on_the_page(site: Any) -> None:
    site.neighbours.exports.answers["CreateExport"] = RemoteError(
        ErrorKind.REFUSED, "EXPORT_TOO_LARGE", "A PDF holds at most 2,000 rows. Choose Excel."
    )
    answer = await site.post("/exports", {"resource": "deals", "format": "pdf"})
    assert answer.status == 422
    assert "Choose Excel." in answer.text


async def test_only_the_list_is_fetched_while_a_file_is_written(site: Any) -> None:
    answer = await site.get("/exports", hx_request="true", hx_target="section#exports")
    assert "<!doctype" not in answer.text
    assert 'hx-trigger="every 1500ms"' in answer.text


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("month", "2026-02-01", "2026-03-01"),
        ("last_month", "2026-01-01", "2026-02-01"),
        ("quarter", "2026-01-01", "2026-04-01"),
        ("last_quarter", "2025-10-01", "2026-01-01"),
        ("year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_periods(name: str, begin: str, end: str) -> None:
    found = period(name, date(2026, 2, 28))
    assert found == (date.fromisoformat(begin), date.fromisoformat(end))
