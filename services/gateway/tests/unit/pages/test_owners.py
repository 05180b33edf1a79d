"""Whom things belong to, in a workspace of more people than a select can hold."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from freelanceflow.crm.v1.client_service_pb2 import ListClientsResponse
from freelanceflow.crm.v1.search_service_pb2 import SearchResponse
from freelanceflow.crm.v1.stage_service_pb2 import ListOwnersRequest, ListOwnersResponse, Owner
from freelanceflow.type.v1.filter_pb2 import Operator
from kit.sight import Sight
from services.gateway.tests.unit.pages.conftest import Peer
from services.gateway.tests.unit.pages.factories import make_client, make_deal

EVERYBODY = [Owner(id=f"o-{n}", name=f"Agent {n:03}", user_id=f"o-{n}") for n in range(300)]
TWINS = [Owner(id="o-900", name="Mara", user_id="o-900"), Owner(id="o-901", name="Mara")]


def list_owners(request: ListOwnersRequest) -> ListOwnersResponse:
    """As crm does."""
    found = [*EVERYBODY, *TWINS]
    for condition in request.conditions:
        value, values = condition.values[0], list(condition.values)
        found = [
            owner
            for owner in found
            if {
                ("name", Operator.OPERATOR_CONTAINS): value.casefold() in owner.name.casefold(),
                ("name", Operator.OPERATOR_EQ): value == owner.name,
                ("id", Operator.OPERATOR_EQ): value == owner.id,
                ("id", Operator.OPERATOR_IN): owner.id in values,
            }[condition.field, condition.operator]
        ]
    page = found[: request.page_size]
    return ListOwnersResponse(owners=page, next_page_token="more" if len(found) > len(page) else "")


@pytest.fixture
def site(site: Any) -> Any:
    site.neighbours.stages.answers["ListOwners"] = list_owners
    return site


async def test_each_of_them_can_be_found(site: Any) -> None:
    found = (await site.get("/choices/owners?q=agent+299", hx_request="true")).text
    assert found.count('role="option"') == 1
    assert 'data-id="o-299"' in found
    assert 'data-id="me"' not in (await site.get("/choices/owners", hx_request="true")).text
    assert 'data-id="me"' in (await site.get("/choices/whose", hx_request="true")).text
    twins = (await site.get("/choices/owners?q=mara", hx_request="true")).text
    assert twins.count("Not a member") == 1


@pytest.mark.parametrize("path", ["/deals/d-1/edit", "/clients/c-1/edit", "/activities/a-1/edit"])
async def test_a_form_keeps_an_owner_who_is_far_down_the_list(site: Any, path: str) -> None:
    site.neighbours.deals.answers["GetDeal"] = make_deal(owner_id="o-299", owner_name="Agent 299")
    site.neighbours.clients.answers["GetClient"] = make_client(
        owner_id="o-299", owner_name="Agent 299"
    )
    activity = site.neighbours.activities.answers["GetActivity"]
    activity.owner_id, activity.owner_name = "o-299", "Agent 299"
    form = (await site.get(path)).text
    assert 'data-combobox="/choices/owners"' in form
    assert '<input type="hidden" name="owner_id" value="o-299">' in form
    assert 'name="owner" value="Agent 299"' in form


async def test_a_new_client_belongs_to_whoever_adds_it_unless_they_say_otherwise(site: Any) -> None:
    """Where many are chosen by name, and where crm has not heard of somebody new yet."""
    me = str(UUID(int=1))
    form = (await site.get("/clients/new")).text
    assert f'<input type="hidden" name="owner_id" value="{me}">' in form
    assert 'name="owner" value="Mira Holm"' in form
    site.neighbours.stages.answers["ListOwners"] = ListOwnersResponse(owners=EVERYBODY[:2])
    form = (await site.get("/clients/new")).text
    assert f'<option value="{me}" selected>Mira Holm</option>' in form
    assert '<option value="">Nobody</option>' in form


@pytest.mark.parametrize("path", ["/deals/d-1/edit", "/clients/c-1/edit", "/activities/a-1/edit"])
async def test_a_record_is_not_offered_to_whom_one_does_not_see(site: Any, path: str) -> None:
    """It would be refused. An activity is seen with its record, whoever does it."""
    people = [Owner(id=str(UUID(int=n)), name=f"Agent {n}") for n in range(1, 5)]
    found = {"all": people, "seen": people[:2]}
    site.neighbours.stages.answers["ListOwners"] = lambda request: ListOwnersResponse(
        owners=found["seen" if request.conditions else "all"]
    )
    form = (await site.get(path)).text
    assert ('<option value="">Nobody</option>' in form, ">Agent 4<" in form) == (True, True)
    site.app.principal = replace(site.app.principal, sight=Sight((UUID(int=1), UUID(int=2))))
    form = (await site.get(path)).text
    free = path.startswith("/activities")
    assert ('<option value="">Nobody</option>' in form, ">Agent 4<" in form) == (free, free)
    assert ">Agent 2<" in form
    asked = [r for r in site.neighbours.stages.asked if isinstance(r, ListOwnersRequest)][-1]
    assert free or list(asked.conditions[0].values) == [str(UUID(int=n)) for n in (1, 2)]


async def test_who_is_new_with_a_deal_belongs_to_whom_it_is_given(site: Any) -> None:
    site.neighbours.clients.answers["ListClients"] = ListClientsResponse()
    site.neighbours.search.answers["Search"] = SearchResponse()
    deal = {"name": "Relaunch", "currency": "EUR", "client": "New Ltd", "new_client": "1"}
    for form, owner in (
        (deal, str(UUID(int=1))),
        (deal | {"owner": "Agent 250"}, "o-250"),
    ):
        assert (await site.post("/deals/new", form)).status == 303
        assert site.neighbours.clients.asked[-1].client.owner_id == owner


async def test_who_is_called_so_gets_the_deal(site: Any) -> None:
    deals = site.neighbours.deals
    typed = {"name": "Relaunch", "currency": "EUR", "owner": "agent 250", "owner_id": ""}
    assert (await site.post("/deals/new", typed)).status == 303
    assert deals.asked[-1].deal.owner_id == "o-250"
    again = await site.post("/deals/new", {**typed, "owner": "Mara"})
    assert again.status == 422
    assert "2 owners have this name. Which one is it?" in again.text
    assert (await site.post("/deals/new", {**typed, "owner_pick": "o-901"})).status == 303
    assert deals.asked[-1].deal.owner_id == "o-901"


async def test_whoever_has_it_keeps_it_also_when_they_have_left(site: Any) -> None:
    site.neighbours.stages.answers["ListOwners"] = ListOwnersResponse(owners=EVERYBODY[:2])
    site.neighbours.deals.answers["GetDeal"] = make_deal(owner_id="o-7", owner_name="Gone")
    form = (await site.get("/deals/d-1/edit")).text
    assert '<option value="o-7" selected>Gone</option>' in form
    sent = {"name": "Relaunch", "currency": "EUR", "etag": "3", "owner_before": "o-7"}
    await site.post("/deals/d-1/edit", {**sent, "owner_id": "o-7"})
    assert "owner_id" not in site.neighbours.deals.asked[-1].update_mask.paths
    await site.post("/deals/d-1/edit", {**sent, "owner_id": ""})
    assert "owner_id" in site.neighbours.deals.asked[-1].update_mask.paths


async def test_a_client_out_of_sight_stays_where_no_other_is_named(site: Any) -> None:
    site.neighbours.deals.answers["GetDeal"] = make_deal(client_id="c-9", client_name="")
    form = (await site.get("/deals/d-1/edit")).text
    assert '<input type="hidden" name="client_unseen" value="c-9">' in form
    assert "There is one that you do not see." in form
    assert "A client you do not see" in (await site.get("/deals/d-1")).text
    sent = {"name": "Relaunch", "currency": "EUR", "etag": "3", "client_unseen": "c-9"}
    await site.post("/deals/d-1/edit", {**sent, "client": "", "client_id": "c-9"})
    assert "client_id" not in site.neighbours.deals.asked[-1].update_mask.paths
    await site.post("/deals/d-1/edit", {**sent, "client": "Acme Corporation", "client_id": "c-1"})
    assert "client_id" in site.neighbours.deals.asked[-1].update_mask.paths
    await site.post("/deals/d-1/edit", {**sent, "client_unseen": "", "client": ""})
    assert "client_id" in site.neighbours.deals.asked[-1].update_mask.paths


@pytest.mark.parametrize("path", ["/pipeline", "/clients", "/analytics"])
async def test_a_filter_names_whom_it_asks_for(site: Any, path: str) -> None:
    page = (await site.get(f"{path}?owner=o-299")).text
    assert 'name="owner_name" value="Agent 299"' in page
    assert '<input type="hidden" name="owner" value="o-299">' in page
    typed = await site.get(f"{path}?owner_name=agent+250&owner=")
    assert (typed.status, typed.headers["location"]) == (303, f"{path}?owner=o-250")
    mine = await site.get(f"{path}?owner_name=mine&owner=")
    assert mine.headers["location"] == f"{path}?owner=me"
    emptied = await site.get(f"{path}?owner_name=&owner=o-250")
    assert emptied.headers["location"] == f"{path}?view="
    unclear = (await site.get(f"{path}?owner_name=Mara&owner=")).text
    assert "Who is meant?" in unclear
    assert f'href="{path}?owner=o-901"' in unclear


async def test_activities_of_anybody_are_asked_for_by_name(site: Any) -> None:
    page = (await site.get("/activities")).text
    assert 'name="owner_name" value="Mine"' in page
    assert 'data-combobox="/choices/doers"' in page
    everybody = (await site.get("/activities?owner=all")).text
    assert 'name="owner_name" value="Everybody&#39;s"' in everybody
    agent = (await site.get("/activities?owner=o-299")).text
    assert 'name="owner_name" value="Agent 299"' in agent
    offered = (await site.get("/choices/doers?q=", hx_request="true")).text
    assert 'data-id="me"' in offered
    assert 'data-id="all"' in offered
    for typed, there in {
        "agent+250": "owner=o-250",
        "everybody's": "owner=all",
        "Mine": "owner=me",
        "": "view=",
    }.items():
        answer = await site.get(f"/activities?owner_name={typed}&owner=")
        assert answer.headers["location"] == f"/activities?{there}"
    unclear = (await site.get("/activities?owner_name=Mara&owner=&show=done")).text
    assert 'href="/activities?show=done&amp;owner=o-901"' in unclear


async def test_deals_of_one_client_are_asked_for_by_name(site: Any) -> None:
    page = (await site.get("/pipeline?client_id=c-1")).text
    assert 'data-combobox="/choices/clients"' in page
    assert 'name="client_id" value="c-1"' in page
    asked = "/pipeline?layout=table&client_name=&client_id=c-1&q=site"
    there = (await site.get(asked)).headers["location"]
    assert there == "/pipeline?layout=table&q=site"


async def test_many_are_given_to_whoever_is_called_so(site: Any) -> None:
    form = {"action": "assign", "id": "d-1", "owner": "Agent 250", "owner_id": ""}
    bulk = site.neighbours.bulk = Peer({"ChangeDeals": pb.BulkResponse()})
    await site.post("/bulk/deals", form)
    assert bulk.asked[-1].change.owner_id == "o-250"
    refused = await site.post("/bulk/deals", {**form, "owner": "Nobody of ours"})
    assert refused.status == 422
    assert "No owner has this name." in refused.text
