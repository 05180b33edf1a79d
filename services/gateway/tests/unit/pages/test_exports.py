"""What the form of exports asks crm for."""

from datetime import date
from typing import Any
from uuid import UUID

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
        ["2026-09-30T22:00:00Z"],
        ["2026-12-31T23:00:00Z"],
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


async def test_what_failed_is_asked_for_again_as_it_was(site: Any) -> None:
    found = pb.Export(
        id="e-1",
        resource=pb.EXPORT_RESOURCE_DEALS,
        format=pb.EXPORT_FORMAT_CSV,
        status=pb.EXPORT_STATUS_FAILED,
        error="The disk was full.",
        file_name="deals.csv",
        columns=["name"],
        raw=True,
    )
    site.neighbours.exports.answers["ListExports"] = pb.ListExportsResponse(exports=[found])
    page = await site.get("/exports")
    assert "The disk was full." in page.text
    assert 'action="/exports/e-1/again"' in page.text
    site.neighbours.exports.answers["GetExport"] = found
    answer = await site.post("/exports/e-1/again", {})
    assert (answer.status, answer.headers["location"]) == (303, "/exports")
    asked = site.neighbours.exports.asked[-1]
    assert (list(asked.columns), asked.raw, asked.format) == (["name"], True, found.format)


async def test_a_workspace_is_taken_out_again_as_a_whole(site: Any) -> None:
    site.neighbours.exports.answers |= {
        "GetExport": pb.Export(
            id="e-1", resource=pb.EXPORT_RESOURCE_WORKSPACE, format=pb.EXPORT_FORMAT_ZIP
        ),
        "CreateWorkspaceExport": pb.Export(id="e-2"),
    }
    for path in ("/exports/e-1/again", "/exports/workspace"):
        answer = await site.post(path, {})
        assert (answer.status, answer.headers["location"]) == (303, "/exports")
        assert site.neighbours.exports.asked[-1] == pb.CreateWorkspaceExportRequest()


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


async def test_a_list_goes_into_a_file_as_it_is_shown(site: Any) -> None:
    shown = "q=ac&owner=me&tags=vip&sort=-won_value&show=emails,won_value,cf_text"
    form = {"resource": "clients", "format": "csv", "list": shown}
    answer = await site.post("/exports/list", form)
    assert (answer.status, answer.headers["location"]) == (303, "/exports")
    asked = site.neighbours.exports.asked[-1]
    assert [(c.field, list(c.values)) for c in asked.conditions] == [
        ("name", ["ac"]),
        ("owner_id", [str(UUID(int=1))]),
        ("tags", ["vip"]),
    ]
    assert [(key.field, key.descending) for key in asked.sort] == [
        ("won_value", True),
        ("name", False),
    ]
    assert list(asked.columns) == ["name", "parent", "emails", "won_value", "currency", "cf_text"]


@pytest.mark.parametrize(
    ("shown", "fields", "columns"),
    [
        ("deals q=web", ["name"], 0),
        ("deals layout=table&stage_type=open&show=tags", ["stage_type"], 12),
        ("deals layout=table&stage_type=won&show=tags", ["stage_type"], 9),
        ("activities show=done&kind=call", ["done_at", "kind", "owner_id"], 9),
        ("activities columns=client", ["done_at", "due_at", "owner_id"], 4),
        ("nonsense nothing=1", [], 0),
    ],
)
async def test_every_list_says_what_it_shows(
    site: Any, shown: str, fields: list[str], columns: int
) -> None:
    resource, _, query = shown.partition(" ")
    form = {"resource": resource, "list": query}
    answer = await site.post("/exports/list", form, hx_request="true")
    assert "The file is being written." in answer.text
    asked = site.neighbours.exports.asked[-1]
    assert [condition.field for condition in asked.conditions] == fields
    assert (len(asked.columns), asked.format) == (columns, pb.EXPORT_FORMAT_XLSX)


async def test_a_list_that_is_too_long_for_paper_is_said_where_it_is(site: Any) -> None:
    site.neighbours.exports.answers["CreateExport"] = RemoteError(
        ErrorKind.REFUSED, "EXPORT_TOO_LARGE", "A PDF holds at most 2,000 rows. Choose Excel."
    )
    form = {"resource": "deals", "format": "pdf", "list": ""}
    assert "Choose Excel." in (await site.post("/exports/list", form, hx_request="true")).text


async def test_only_who_may_export_is_offered_it(site: Any) -> None:
    for path in ("/clients", "/pipeline?layout=table", "/activities"):
        assert "/exports/list" in (await site.get(path)).text
    site.may("deals.read", "clients.read", "activities.read")
    for path in ("/clients", "/pipeline?layout=table", "/activities"):
        assert "/exports/list" not in (await site.get(path)).text


async def test_what_was_waited_for_is_told_in_the_window(site: Any) -> None:
    inbox = site.neighbours.notifications.answers["ListNotifications"]
    told = inbox.notifications[0]
    told.target_kind, told.target_id, told.kind = "export", "x-1", "export_finished"
    notice = await site.get(f"/notifications/{told.id}/notice", hx_request="true")
    assert 'href="/exports/x-1/file"' in notice.text
    told.target_kind, told.target_id, told.kind = "job", "j-1", "bulk_finished"
    notice = await site.get(f"/notifications/{told.id}/notice", hx_request="true")
    assert 'href="/jobs/j-1"' in notice.text
    for kind, id, page in (
        ("client", "c-1", "/clients/c-1"),
        ("odds", "", "/analytics/deals"),
        ("risks", "", "/analytics/clients?level=leaving"),
    ):
        told.target_kind, told.target_id = kind, id
        assert f'href="{page}"' in (await site.get("/notifications")).text
    assert (await site.get("/notifications/other/notice", hx_request="true")).status == 204
