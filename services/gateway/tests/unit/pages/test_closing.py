"""The form of a deal that was won or lost before today."""

from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site

FORM = {"stage_id": "s-3", "closed_on": "2026-03-01", "lost_reason_id": "", "etag": "4"}


async def test_a_deal_is_closed_as_of_a_day(site: Site) -> None:
    page = await site.get("/deals/d-1/close")
    assert 'type="date"' in page.text
    assert ">Prospecting<" not in page.text, "only how a deal can end"
    answer = await site.post("/deals/d-1/close", FORM)
    assert (answer.status, answer.headers["location"]) == (303, "/deals/d-1")
    asked = site.neighbours.deals.asked[-1]
    assert (asked.stage_id, asked.closed_on, asked.etag) == ("s-3", "2026-03-01", "4")
    inside = await site.post("/deals/d-1/close", FORM, hx_request="true")
    assert "ff:saved" in inside.headers["hx-trigger"]


async def test_a_day_that_cannot_be_is_said_beside_it(site: Site) -> None:
    site.neighbours.deals.answers["MoveDeal"] = RemoteError(
        ErrorKind.INVALID, "CLOSE_DAY_INVALID", "No.", fields={"closed_on": "This lies ahead."}
    )
    refused = await site.post("/deals/d-1/close", FORM, hx_request="true")
    assert (refused.status, "This lies ahead." in refused.text) == (422, True)
    assert 'value="2026-03-01"' in refused.text
