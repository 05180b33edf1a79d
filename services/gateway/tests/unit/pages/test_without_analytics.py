"""Who may not read analytics: pages are whole, and have no place for what analytics finds."""

import pytest

from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from freelanceflow.crm.v1.export_service_pb2 import CreateExportRequest, Export
from freelanceflow.notify.v1.notification_service_pb2 import ListNotificationsResponse
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site
from services.gateway.tests.unit.pages.factories import EVERYTHING

TABLE = "/pipeline?layout=table&stage_type=open"
BY_ODDS = f"{TABLE}&sort=-win_probability&win_probability__gte=0.5"


@pytest.fixture
def clerk(site: Site) -> Site:
    site.may(*EVERYTHING - {"analytics.read"})
    return site


def listed(site: Site) -> ListDealsRequest:
    asked = [one for one in site.neighbours.deals.asked if isinstance(one, ListDealsRequest)]
    return asked[-1]


async def test_the_table_has_no_column_of_odds(clerk: Site) -> None:
    page = await clerk.get(TABLE)
    assert (page.status, "Odds" in page.text, "odds-" in page.text) == (200, False, False)
    head, body = page.text.partition("<thead>")[2].split("</thead>")
    row = body.partition("<tr>")[2].partition("</tr>")[0]
    assert head.count("<th") == row.count("<td") + row.count("<th ")


async def test_an_address_or_a_view_that_asks_by_them_asks_without(site: Site) -> None:
    await site.get(BY_ODDS)
    assert [key.field for key in listed(site).sort] == ["win_probability"]
    assert [c.field for c in listed(site).conditions] == ["stage_type", "win_probability"]
    site.may(*EVERYTHING - {"analytics.read"})
    page = await site.get(BY_ODDS)
    assert (page.status, "Odds" in page.text) == (200, False)
    assert not listed(site).sort
    assert [c.field for c in listed(site).conditions] == ["stage_type"]


@pytest.mark.parametrize("path", ["/deals/d-1", "/clients/c-1", "/", "/notifications"])
async def test_pages_leave_no_gap(site: Site, path: str) -> None:
    site.neighbours.notifications.answers["ListNotifications"] = ListNotificationsResponse()
    words = ("Odds", "odds", "at risk", "cannot be had")
    refused = RemoteError(ErrorKind.FORBIDDEN, "PERMISSION_MISSING", "no")
    for peer in (site.neighbours.analytics, site.neighbours.predictions):
        peer.answers |= dict.fromkeys(peer.answers, refused)
    site.may(*EVERYTHING - {"analytics.read"})
    page = await site.get(path)
    assert page.status == 200
    assert not [word for word in words if word in page.text]


async def test_a_file_of_the_table_asks_for_its_columns_only(site: Site) -> None:
    site.neighbours.exports.answers["CreateExport"] = Export()
    form = {"resource": "deals", "format": "xlsx", "list": BY_ODDS.partition("?")[2]}
    for with_odds in (True, False):
        if not with_odds:
            site.may(*EVERYTHING - {"analytics.read"})
        await site.post("/exports/list", form)
        asked = site.neighbours.exports.asked[-1]
        assert isinstance(asked, CreateExportRequest)
        assert ("win_probability" in asked.columns) is with_odds
        assert bool(asked.sort) is with_odds
