"""One of many, chosen by name: what is offered, and who is meant by what was sent."""

import re
from typing import Any

import pytest

from freelanceflow.crm.v1.client_service_pb2 import ClientKind, ListClientsResponse
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsResponse
from freelanceflow.crm.v1.record_service_pb2 import RecordKind
from freelanceflow.crm.v1.search_service_pb2 import SearchResponse, SearchResult
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.factories import HOSTILE, make_client, make_deal

DEAL = {"name": "Relaunch", "currency": "EUR", "etag": "3", "stage_id": "s-1"}
PERSON = ClientKind.CLIENT_KIND_PERSON


def found(*results: SearchResult) -> Any:
    """A search that finds these, whatever is asked."""
    return lambda request: SearchResponse(results=results)


def a_client(id: str, name: str, **more: Any) -> SearchResult:
    return SearchResult(id=id, kind=RecordKind.RECORD_KIND_CLIENT, title=name, **more)


def refuse_ids(request: Any) -> Any:
    """As crm answers for what names nothing."""
    if request.client_id == "c-1":
        return make_client()
    kind = ErrorKind.NOT_FOUND if request.client_id.startswith("c-") else ErrorKind.INVALID
    return RemoteError(kind, "CLIENT_NOT_FOUND", "There is no such client.")


@pytest.fixture
def asked(site: Any) -> Any:
    """Sends a new deal; the client's id that was stored with it, or the page with its errors."""
    site.neighbours.clients.answers["GetClient"] = refuse_ids

    async def send(**values: str) -> Any:
        answer = await site.post("/deals/new", {**DEAL, **values})
        if answer.status == 303:
            return site.neighbours.deals.asked[-1].deal.client_id
        assert answer.status == 422, answer.text
        return answer.text

    return send


async def test_what_is_found_is_offered_with_what_tells_it_apart(site: Any) -> None:
    site.neighbours.search.answers["Search"] = found(
        a_client("c-9", HOSTILE[0], client_kind=PERSON, client_name="Atelier"),
        SearchResult(id="d-9", kind=RecordKind.RECORD_KIND_DEAL, title="A deal"),
    )
    answer = await site.get("/choices/clients?q=mir", hx_request="true")
    assert answer.status == 200
    assert re.findall(r'data-id="(.*?)"', answer.text) == ["c-9"]
    assert "Person · Atelier" in answer.text
    assert "<script>" not in answer.text


async def test_without_a_word_the_latest_are_offered(site: Any) -> None:
    answer = await site.get("/choices/clients", hx_request="true")
    assert answer.text.count('role="option"') == 6
    listed = site.neighbours.clients.asked[-1]
    assert (listed.sort[0].field, listed.sort[0].descending) == ("updated_at", True)
    assert listed.page_size == 20


async def test_where_search_has_its_fill_the_list_tells_of_the_others(site: Any) -> None:
    eight = [a_client(f"c-{n}", f"Acme {n}") for n in range(20, 28)]
    site.neighbours.search.answers["Search"] = found(*eight)
    answer = await site.get("/choices/clients?q=a", hx_request="true")
    assert answer.text.count('role="option"') == 14
    assert site.neighbours.clients.asked[-1].conditions[-1].values == ["a"]


async def test_a_company_is_under_no_person_and_not_under_itself(site: Any) -> None:
    site.neighbours.search.answers["Search"] = found(
        a_client("c-9", "Mira", client_kind=PERSON), a_client("c-8", "Mira Ltd")
    )
    site.neighbours.clients.answers["ListClients"] = ListClientsResponse(
        clients=[make_client(id="c-7", name="Admira")]
    )
    answer = await site.get("/choices/companies?q=mira&not=c-7", hx_request="true")
    assert re.findall(r'data-id="(.*?)"', answer.text) == ["c-8"]
    kinds = [condition.field for condition in site.neighbours.clients.asked[-1].conditions]
    assert kinds == ["kind", "name"]


async def test_there_is_nothing_else_to_choose_from(site: Any) -> None:
    assert (await site.get("/choices/secrets")).status == 404
    site.sign_out()
    assert (await site.get("/choices/clients")).status == 303


async def test_the_chosen_one_is_meant_among_many_of_the_same_name(asked: Any) -> None:
    assert await asked(client="Acme Corporation", client_id="c-1") == "c-1"


async def test_what_was_chosen_and_typed_over_is_not_meant(asked: Any) -> None:
    assert await asked(client="Domzoom", client_id="c-1") == "c-3"
    assert await asked(client="", client_id="c-1") == ""


@pytest.mark.parametrize("id", ["c-404", "no id", "<b>"])
async def test_an_id_of_nothing_leaves_the_name(asked: Any, id: str) -> None:
    assert await asked(client="Domzoom", client_id=id) == "c-3"


async def test_large_and_small_letters_do_not_matter(site: Any, asked: Any) -> None:
    site.neighbours.search.answers["Search"] = found(
        a_client("c-3", "Domzoom"), a_client("c-4", "Domzoom Ltd")
    )
    assert await asked(client="domzoom") == "c-3"


async def test_a_doubt_is_asked_about(site: Any, asked: Any) -> None:
    twins = [make_client(id=f"c-{n}", name="Mira", emails=[f"{n}@x.example"]) for n in (5, 6)]
    site.neighbours.clients.answers["ListClients"] = ListClientsResponse(clients=twins)
    page = await asked(client="Mira", next_step="kept")
    assert "2 clients have this name. Which one is it?" in page
    assert re.findall(r'name="client_pick" value="(.*?)"', page) == ["c-5", "c-6"]
    assert "Company · 6@x.example" in page
    assert 'value="kept"' in page
    assert "is new: add it" not in page
    site.neighbours.clients.answers["GetClient"] = lambda request: twins[1]
    assert await asked(client="Mira", client_pick="c-6") == "c-6"


async def test_a_name_that_is_nearly_somebodys_is_asked_about(site: Any, asked: Any) -> None:
    site.neighbours.search.answers["Search"] = found(a_client("c-3", "Domzoom"))
    page = await asked(client="Domzom")
    assert "No client has this name. Is it one of these?" in page
    assert 'name="client_pick" value="c-3"' in page
    assert "“Domzom” is new: add it" in page
    site.neighbours.clients.answers["GetClient"] = make_client(id="c-3", name="Domzoom")
    assert await asked(client="Domzom", client_pick="c-3") == "c-3"


async def test_somebody_new_is_added_when_that_is_wanted(site: Any, asked: Any) -> None:
    assert await asked(client="Nobody Ltd", new_client="1") == "c-1"
    created = site.neighbours.clients.asked[-1]
    assert (created.client.name, created.allow_duplicate) == ("Nobody Ltd", True)
    refusal = RemoteError(ErrorKind.INVALID, "X", "", fields={"name": "This name will not do."})
    site.neighbours.clients.answers["CreateClient"] = refusal
    page = await asked(client="Nobody Ltd", new_client="1")
    assert 'id="client-error"' in page
    assert "This name will not do." in page


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
async def test_what_is_no_name_is_nobodys(asked: Any, name: str) -> None:
    assert "No client has this name." in await asked(client=name)


async def test_all_doubts_of_a_form_are_told_at_once(site: Any) -> None:
    site.neighbours.search.answers["Search"] = lambda request: SearchResponse()
    site.neighbours.deals.answers["ListDeals"] = ListDealsResponse(
        deals=[make_deal(id="d-8"), make_deal(id="d-9")]
    )
    sent = {"subject": "Call", "kind": "call", "client": "Nobody", "deal": "Website relaunch"}
    answer = await site.post("/activities/new", sent)
    assert answer.status == 422
    assert "No client has this name." in answer.text
    assert "2 deals have this name. Which one is it?" in answer.text
    assert "Acme Corporation · Engaging" in answer.text


async def test_search_away_is_no_reason_to_refuse_a_name(site: Any, asked: Any) -> None:
    refusal = RemoteError(ErrorKind.UNAVAILABLE, "X", "")
    site.neighbours.search.answers["Search"] = refusal
    assert await asked(client="Domzoom") == "c-3"
    assert "No client has this name." in await asked(client="Nobody")


async def test_no_form_asks_for_all_clients(site: Any) -> None:
    """A workspace of two thousand would not be offered whole anyway."""
    for path in ("/deals/new", "/activities/new", "/clients/new", "/deals/d-1/contacts"):
        assert (await site.get(path)).status == 200
    names = [type(message).__name__ for message in site.neighbours.clients.asked]
    assert "ListClientsRequest" not in names
