"""Today: what is due, what is bare, who is at risk, and the first run."""

from types import SimpleNamespace
from typing import Any

from freelanceflow.analytics.v1.explanation_pb2 import MoneyRange
from freelanceflow.crm.v1.activity_service_pb2 import ListActivitiesResponse
from freelanceflow.crm.v1.client_service_pb2 import Client, ClientKind, ListClientsResponse
from freelanceflow.crm.v1.contact_service_pb2 import ListDealContactsResponse
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsResponse
from freelanceflow.crm.v1.setup_service_pb2 import Setup
from freelanceflow.crm.v1.timeline_service_pb2 import ListTimelineResponse
from kit.errors import ErrorKind
from kit.rpc.errors import PeerUnavailable, RemoteError
from services.gateway.tests.unit.pages.analytics_factories import make_odds, make_odds_list


async def test_it_asks_for_ones_own_until_midnight_of_the_workspace(site: Any) -> None:
    await site.get("/")
    asked = site.neighbours.activities.asked[-1]
    conditions = {condition.field: list(condition.values) for condition in asked.conditions}
    assert conditions["due_at"] == ["2026-11-26T00:00:00+01:00"]
    assert conditions["owner_id"] == ["00000000-0000-0000-0000-000000000001"]
    bare = site.neighbours.deals.asked[-1]
    assert [condition.field for condition in bare.conditions] == [
        "stage_type",
        "next_step",
        "next_step_due_date",
        "next_activity_at",
    ]


async def test_it_answers_what_a_day_is_for(site: Any, make: SimpleNamespace) -> None:
    """Which deal deserves time, what it needs, and what is coming in."""
    site.neighbours.predictions.answers["ListDealOdds"] = make_odds_list(
        deals=[make_odds(0, deal_id="worthy", name="Branding")]
    )
    bare = [make.deal(id="worthy", name="Branding"), make.deal(id="bare", name="Logo")]
    site.neighbours.deals.answers["ListDeals"] = ListDealsResponse(deals=bare)
    ahead = MoneyRange(
        expected=make.money(500_000), lower=make.money(100_000), upper=make.money(900_000)
    )
    site.neighbours.analytics.answers["GetVelocity"].projection.CopyFrom(ahead)
    text = (await site.get("/")).text
    assert "Deals that deserve time" in text
    assert make_odds(0).next_best_step.words in text
    assert text.count('href="/deals/worthy"') == 1  # is not listed again as one without a step
    assert "Other deals without a next step" in text
    assert 'href="/deals/bare"' in text
    assert "Next 30 days" in text
    assert "likely €1,000 to €9,000" in text


async def test_nobody_is_at_risk_for_having_bought_once(site: Any) -> None:
    """Of whom hardly anything is known it is not said on Today that they may leave."""
    listed = site.neighbours.predictions.answers["ListClientRisks"]
    for number, client in enumerate(listed.clients):
        client.client_name = f"Buyer {number}"
        client.basis.evidence = "prior" if number else "low"
    text = (await site.get("/")).text
    assert "Buyer 0" in text
    assert "Buyer 1" not in text
    listed.clients[0].basis.evidence = "prior"
    text = (await site.get("/")).text
    assert "Too little is known yet" in text
    assert "No client looks like leaving." not in text


async def test_nobody_is_said_to_stay_before_it_is_computed(site: Any) -> None:
    listed = site.neighbours.predictions.answers["ListClientRisks"]
    del listed.clients[:]
    assert "No client looks like leaving." in (await site.get("/")).text
    listed.basis.computing = True
    text = (await site.get("/")).text
    assert "Who may be leaving is being computed." in text
    assert "No client looks like leaving." not in text


async def test_without_odds_deals_without_a_step_are_all(site: Any) -> None:
    site.neighbours.predictions.answers["ListDealOdds"] = PeerUnavailable("analytics")
    text = (await site.get("/")).text
    assert "Deals that deserve time" not in text
    assert ">Deals without a next step" in text


async def test_a_day_without_anything_says_so(site: Any) -> None:
    site.neighbours.activities.answers["ListActivities"] = ListActivitiesResponse()
    site.neighbours.deals.answers["ListDeals"] = ListDealsResponse()
    site.neighbours.timelines.answers["ListTimeline"] = ListTimelineResponse()
    text = (await site.get("/")).text
    assert "Nothing is due today." in text
    assert "Deals without a next step" not in text


async def test_an_empty_workspace_offers_three_ways_to_begin(site: Any) -> None:
    site.neighbours.setups.answers["GetSetup"] = Setup(empty=True)
    text = (await site.get("/")).text
    assert "Add three sample deals" in text
    assert 'href="/deals/new"' in text
    assert "Due" not in text
    answer = await site.post("/samples", {"do": "add", "next": "/pipeline"})
    assert (answer.status, answer.headers["location"]) == (303, "/pipeline")


async def test_samples_go_with_one_click(site: Any) -> None:
    site.neighbours.setups.answers["GetSetup"] = Setup(sample_count=3)
    assert "3 sample deals are here" in (await site.get("/")).text
    await site.post("/samples", {"do": "remove"})
    assert type(site.neighbours.setups.asked[-1]).__name__ == "RemoveSamplesRequest"


async def test_with_analytics_away_the_day_still_begins(site: Any) -> None:
    away = PeerUnavailable("analytics")
    for method in ("GetPipeline", "GetVelocity"):
        site.neighbours.analytics.answers[method] = away
    site.neighbours.predictions.answers["ListDealOdds"] = away
    site.neighbours.predictions.answers["ListClientRisks"] = away
    answer = await site.get("/")
    assert answer.status == 200
    assert "Who may be leaving cannot be had at the moment." in answer.text
    assert "No client looks like leaving." not in answer.text


async def test_who_may_see_little_sees_that(site: Any) -> None:
    forbidden = RemoteError(ErrorKind.FORBIDDEN, "PERMISSION_MISSING", "Not allowed.")
    site.may("deals.read")
    for peer, method in (
        (site.neighbours.activities, "ListActivities"),
        (site.neighbours.timelines, "ListTimeline"),
        (site.neighbours.predictions, "ListClientRisks"),
    ):
        peer.answers[method] = forbidden
    answer = await site.get("/")
    assert answer.status == 200
    assert "/activities/new" not in answer.text


async def test_pages_with_nothing_on_them(site: Any, make: SimpleNamespace) -> None:
    neighbours = site.neighbours
    neighbours.deals.answers["GetDeal"] = make.deal(next_step="", next_step_due_date="")
    neighbours.deals.answers["ListDeals"] = ListDealsResponse()
    neighbours.activities.answers["ListActivities"] = ListActivitiesResponse()
    neighbours.timelines.answers["ListTimeline"] = ListTimelineResponse()
    neighbours.contacts.answers["ListDealContacts"] = ListDealContactsResponse()
    neighbours.clients.answers["ListClients"] = ListClientsResponse()
    neighbours.clients.answers["GetClient"] = Client(
        id="c-1", name="Bare", kind=ClientKind.CLIENT_KIND_COMPANY, etag="1"
    )
    for path in ("/", "/deals/d-1", "/clients/c-1", "/clients", "/activities"):
        assert (await site.get(path)).status == 200


async def test_with_crm_away_it_does_not_say_that_nothing_is_due(site: Any) -> None:
    away = PeerUnavailable("crm")
    site.neighbours.activities.answers["ListActivities"] = away
    site.neighbours.deals.answers["ListDeals"] = away
    site.neighbours.timelines.answers["ListTimeline"] = away
    site.neighbours.setups.answers["GetSetup"] = away
    answer = await site.get("/")
    assert answer.status == 200
    assert "cannot be read at the moment" in answer.text
    assert "Nothing is due today." not in answer.text
    assert "Nothing has happened yet." not in answer.text
