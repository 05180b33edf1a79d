"""What a list is narrowed to is the same in its address, in a saved view, and for crm."""

import re
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freelanceflow.crm.v1.client_service_pb2 import ListClientsRequest
from freelanceflow.crm.v1.view_service_pb2 import View
from gateway.entrypoints.filters import Asker
from gateway.entrypoints.pages import activity_query, client_query
from gateway.entrypoints.pages.activity_query import ActivityQuery
from gateway.entrypoints.pages.client_query import COLUMNS, ClientQuery
from services.gateway.tests.unit.pages.conftest import Site

ANNA = Asker("anna", date(2026, 3, 30))
WORDS = st.text("abc &=+%é", max_size=12).map(str.strip)
CLIENTS = st.builds(
    lambda text, owner, tag, sort, columns: ClientQuery.reading(
        [("q", text), ("owner", owner), ("tags", tag), ("sort", sort), ("show", ",".join(columns))],
        ANNA,
    ),
    WORDS,
    st.sampled_from(["", "me", "o-1"]),
    WORDS,
    st.sampled_from(["", "name", "-created_at", "-won_value", "last_contact_at", "nonsense"]),
    st.lists(st.sampled_from([*COLUMNS, "cf_level", "nonsense"]), unique=True, max_size=12),
)
ACTIVITIES = st.builds(
    ActivityQuery,
    show=st.sampled_from(activity_query.SHOWS),
    text=WORDS,
    kind=st.sampled_from(["", "call", "note"]),
    owner=st.sampled_from(["", "all", "o-1"]),
    chosen=st.lists(st.sampled_from([*activity_query.COLUMNS]), unique=True).map(tuple),
)


def given_in(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query)


@given(CLIENTS)
def test_a_view_of_clients_shows_what_was_seen(query: ClientQuery) -> None:
    view = client_query.view_of(query, name="x", shared=False)
    seen = ClientQuery.reading(given_in(client_query.address_of(view)), ANNA)
    assert seen.conditions == query.conditions
    assert (seen.sort_keys, seen.shown) == (query.sort_keys, query.shown)
    again = ClientQuery.reading(parse_qsl(query.with_()), ANNA)
    assert again == query


@given(ACTIVITIES)
def test_a_view_of_activities_shows_what_was_seen(query: ActivityQuery) -> None:
    view = activity_query.view_of(query, name="x", shared=False)
    seen = ActivityQuery.reading(given_in(activity_query.address_of(view)))
    assert seen.asked("anna", "") == query.asked("anna", "")
    assert ActivityQuery.reading(given_in(query.href())) == query


@pytest.mark.parametrize(
    ("resource", "home", "shown"),
    [
        ("clients", "/clients", "q=ac&tags=vip&sort=-name&show=tags"),
        ("activities", "/activities", "show=done&kind=call"),
    ],
)
async def test_what_a_list_shows_is_saved(site: Site, resource: str, home: str, shown: str) -> None:
    views: Any = site.neighbours.views
    form = await site.get(f"{home}/views/save?{shown}")
    assert f'action="{home}/views/save"' in form.text
    sent = {"query": shown, "name": "Mine", "choose": "1", "show_owner": "1"}
    views.answers["CreateView"] = View(id="v-2", resource=resource, name="Mine")
    answer = await site.post(f"{home}/views/save", sent)
    assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, home)
    create, choose = views.asked[-2:]
    assert (create.view.resource, choose.resource, choose.view_id) == (resource, resource, "v-2")
    assert list(create.view.columns) == ["owner"]
    assert (await site.get("/nowhere/views/save")).status == 404


async def test_the_list_shows_the_columns_of_its_address(site: Site) -> None:
    page = await site.get("/clients?show=kind,emails,cf_number,cf_gone&view=")
    heads = page.text.partition("<thead>")[2].partition("</thead>")[0]
    for label in ("Kind", "E-mail", "Number"):
        assert label in heads
    assert "Owner" not in heads
    assert heads.count("<th ") == 5  # with the boxes to tick and the name


@pytest.mark.parametrize(
    ("sort", "won", "contact"),
    [
        ("", "-won_value", "last_contact_at"),
        ("-won_value", "won_value", "last_contact_at"),
        ("won_value", "-won_value", "last_contact_at"),
        ("last_contact_at", "-won_value", "-last_contact_at"),
        ("-last_contact_at", "-won_value", "last_contact_at"),
    ],
)
async def test_heads_lead_to_who_brought_most_and_was_left_alone_longest(
    site: Site, sort: str, won: str, contact: str
) -> None:
    page = await site.get(f"/clients?view=&sort={sort}")
    heads = page.text.partition("<thead>")[2].partition("</thead>")[0]
    for label, leads_to in (("Won so far", won), ("Last contact", contact)):
        head = re.search(rf"<th ([^>]*)><a [^>]*\?([^\"]*)\">{label}", heads)
        assert head, heads
        assert ("sort", leads_to) in parse_qsl(head[2].replace("&amp;", "&"))
        is_sorted = sort.lstrip("-") == leads_to.lstrip("-")
        assert ("aria-sort" in head[1]) is is_sorted
        assert ("wide-only" in head[1]) is not is_sorted
    deals = re.search(r"<th ([^>]*)>Open deals", heads)
    assert deals
    assert ("wide-only" in deals[1]) is bool(sort)  # a phone shows one: what it is sorted by
    asked: Any = site.neighbours.clients.asked
    sorts = [list(one.sort) for one in asked if isinstance(one, ListClientsRequest)]
    assert [(key.field, key.descending) for key in sorts[-1]] == (
        [(sort.lstrip("-"), sort.startswith("-")), ("name", False)] if sort else []
    )
