"""Every page, with the data that breaks pages: nothing, too much, hostile words."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from freelanceflow.analytics.v1.analytics_service_pb2 import Basis, Pipeline, Velocity
from freelanceflow.crm.v1.client_service_pb2 import Client, ClientKind, ListClientsResponse
from freelanceflow.crm.v1.deal_service_pb2 import Board, BoardColumn, Card, Deal
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.notify.v1.notification_service_pb2 import ListNotificationsResponse
from kit.errors import ErrorKind
from kit.rpc.errors import PeerUnavailable, RemoteError
from services.gateway.tests.unit.pages.file_factories import STATUSES
from services.gateway.tests.unit.pages.people_answers import ROLE_FORMS

PAGES = (
    "/",
    "/pipeline",
    "/pipeline?deal=d-1&q=gtx&owner=o-1",
    "/pipeline/cards?stage_id=s-1&page_token=t",
    "/deals/new",
    "/deals/d-1",
    "/deals/d-1/edit",
    "/deals/d-1/move",
    "/deals/d-1/close",
    "/deals/d-1/contacts",
    "/deals/d-1?before=t",
    "/clients",
    "/clients?q=ac",
    "/clients/new",
    "/clients/new?parent=Acme",
    "/clients/c-1?before=t",
    "/clients/c-1",
    "/clients/c-1/edit",
    "/settings/stages",
    "/settings/stages?saved=stage",
    "/settings/stages/new",
    "/settings/stages/s-1/edit",
    "/settings/stages/s-1/remove",
    "/settings/stages/s-4/remove",
    "/activities",
    "/activities?show=undated",
    "/activities?show=done&kind=call&owner=all&q=offer",
    "/activities/calendar",
    "/activities/new",
    "/activities/new?text=Call%20Mira&deal_id=d-1",
    "/activities/a-1/edit",
    "/settings/workspace",
    "/settings/members/00000000-0000-0000-0000-000000000002/remove",
    *("/settings/roles", *ROLE_FORMS),
    "/settings/currencies",
    "/settings/fields",
    "/settings/fields/new",
    "/settings/fields/f-deals-select/edit",
    "/settings/tags",
    "/settings/views",
    "/settings/views/v-1/edit",
    "/pipeline/views/save?tags=web&amount__gte=5",
    "/pipeline?layout=table&sort=-amount_minor&tags=web&show=tags,cf_money&view=v-1",
    "/pipeline?tags=web&cf_hours__gte=3&show=tags,cf_money,expected_close_date&owner=me",
    "/settings/currencies?imported=3",
    "/analytics",
    "/analytics?view=table&horizon=12&line=linear&period=365",
    "/analytics/clients?level=high",
    "/analytics/deals?advice=focus&owner=o-1",
    "/analytics/pipeline?day=2026-03-31",
    "/analytics/accuracy",
    "/imports",
    *(f"/imports/i-{state}" for state in STATUSES),
    "/imports/i-ready?step=columns",
    "/duplicates?done=merged",
    "/duplicates/c-1/c-2",
    "/exports",
    "/exports?resource=clients&format=csv&name__contains=ac",
    "/notifications",
    "/notifications?unread=1",
    "/settings",
    "/more",
    "/help/keys",
    "/styleguide",
)
OUTSIDE = ("/sign-in", "/register")
FOR_BOTH = ("/forgot", "/reset?token=of-a-mail")


class Outline(HTMLParser):
    """What structure a page has."""

    VOID = frozenset(("br", "hr", "img", "input", "link", "meta", "wbr"))

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.fields: list[str] = []
        self.labels: list[str] = []
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.mains = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.ids += [str(attributes["id"])] if attributes.get("id") else []
        self.mains += tag == "main"
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if tag == "label" and attributes.get("for"):
            self.labels.append(str(attributes["for"]))
        if (
            tag in ("input", "select", "textarea")
            and attributes.get("type")
            not in (
                "hidden",
                "checkbox",
                "radio",
            )
            and not attributes.get("aria-label")
        ):
            self.fields.append(str(attributes.get("id")))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in self.VOID and tag not in (
            "rect",
            "path",
            "use",
            "line",
            "circle",
            "polyline",
        ):
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()


def outline_of(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    return outline


@pytest.mark.parametrize("path", [*PAGES, *FOR_BOTH])
async def test_a_page_is_whole(site: Any, path: str) -> None:
    answer = await site.get(path)
    assert answer.status == 200
    assert answer.text.startswith("<!doctype html>")
    outline = outline_of(answer.text)
    assert outline.headings.count("h1") == 1
    assert outline.mains == 1
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.fields) <= set(outline.labels)
    assert not outline.unclosed
    assert answer.headers["cache-control"] == "private, no-store"
    assert "HX-Request" in answer.headers["vary"]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_the_entrance_is_for_those_outside(site: Any, path: str) -> None:
    assert (await site.get(path)).status == 303
    site.sign_out()
    answer = await site.get(path)
    assert answer.status == 200
    assert 'autocomplete="username"' in answer.text
    assert "onpaste" not in answer.text


@pytest.mark.parametrize("path", PAGES[:-1])
async def test_a_page_needs_a_person(site: Any, path: str) -> None:
    site.sign_out()
    answer = await site.get(path)
    assert answer.status == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")
    fragment = await site.get(path, hx_request="true")
    assert fragment.status == 401


def fill(message: Any, text: str) -> Any:
    """Puts the text into every field for people's words."""
    for name in (
        "name",
        "client_name",
        "owner_name",
        "next_step",
        "source",
        "stage_name",
        "address",
        "notes",
        "website",
        "parent_name",
        "title",
        "body",
        "lost_reason_name",
        *("subject", "role", "deal_name", "actor_name", "from_stage_name", "to_stage_name"),
        *("field", "before", "after"),
    ):
        if name in message.DESCRIPTOR.fields_by_name:
            setattr(message, name, text)
    for name in ("tags", "emails", "phones"):
        if name in message.DESCRIPTOR.fields_by_name:
            getattr(message, name)[:] = [text]
    if "custom_fields" in message.DESCRIPTOR.fields_by_name:
        message.custom_fields.update({text: text})
    return message


@pytest.mark.parametrize("number", range(9))
async def test_words_stay_words(site: Any, make: SimpleNamespace, number: int) -> None:
    text = make.hostile[number]
    neighbours = site.neighbours
    deal, client = fill(make.deal(), text), fill(make.client(parent_id="c-2"), text)
    board = make.board(0)
    board.columns[0].cards.append(fill(make.card(1), text))
    board.columns[0].stage.name = text
    me = neighbours.account.answers["GetMe"]
    fill(me, text)
    me.workspace_name = text
    for entry in neighbours.timelines.answers["ListTimeline"].entries:
        fill(entry, text)
        fill(entry.activity, text)
        for change in entry.changes:
            fill(change, text)
    for contact in neighbours.contacts.answers["ListDealContacts"].contacts:
        fill(contact, text)
    for activity in neighbours.activities.answers["ListActivities"].activities:
        fill(activity, text)
    neighbours.deals.answers |= {"GetDeal": deal, "GetBoard": board}
    neighbours.clients.answers |= {
        "GetClient": client,
        "ListClients": ListClientsResponse(clients=[client]),
    }
    notification = fill(make.notification(1), text)
    neighbours.notifications.answers["ListNotifications"] = ListNotificationsResponse(
        notifications=[notification]
    )
    neighbours.account.answers["ListSessions"].sessions[0].device = text
    for path in PAGES[:-1]:
        answer = await site.get(path)
        assert answer.status == 200
        for payload in ("<script>alert", "<img src=x", "<svg onload", "onfocus='alert", '"><img'):
            assert payload not in answer.text
        assert "49" not in re.sub(r"[^{}$%=*\d]", "", text) or "{{ 7*7 }}" in answer.text


async def test_a_board_without_anything(site: Any) -> None:
    site.neighbours.deals.answers["GetBoard"] = Board()
    answer = await site.get("/pipeline")
    assert answer.status == 200


async def test_cards_without_client_amount_and_owner(site: Any, make: SimpleNamespace) -> None:
    board = make.board(0)
    bare = Card(id="d-9", name="Bare", enter_stage_time=make.ago(days=1), etag="1")
    board.columns[0].cards.append(bare)
    site.neighbours.deals.answers["GetBoard"] = board
    text = (await site.get("/pipeline")).text
    assert "No client" in text
    assert "No amount" in text
    assert "No next step" in text


async def test_a_deal_without_anything_but_a_name(site: Any, make: SimpleNamespace) -> None:
    bare = Deal(
        id="d-1",
        name="Bare",
        stage_id="s-1",
        stage_name="Prospecting",
        stage_type=StageType.STAGE_TYPE_OPEN,
        etag="1",
    )
    bare.enter_stage_time.CopyFrom(make.ago(days=1))
    bare.create_time.CopyFrom(make.ago(days=1))
    site.neighbours.deals.answers["GetDeal"] = bare
    site.neighbours.analytics.answers["GetDealInsight"] = PeerUnavailable("away")
    for path in ("/deals/d-1", "/deals/d-1/edit", "/deals/d-1/move"):
        assert (await site.get(path)).status == 200


async def test_a_client_without_anything_but_a_name(site: Any) -> None:
    site.neighbours.clients.answers["GetClient"] = Client(
        id="c-1", kind=ClientKind.CLIENT_KIND_PERSON, name="Bare", etag="1"
    )
    assert (await site.get("/clients/c-1")).status == 200


async def test_thin_data_is_said_in_words(site: Any) -> None:
    basis = Basis(words="Only 3 deals have closed; 10 are needed.")
    site.neighbours.analytics.answers |= {
        "GetPipeline": Pipeline(basis=basis),
        "GetVelocity": Velocity(basis=basis),
    }
    text = (await site.get("/pipeline")).text
    assert "Only 3 deals have closed" in text
    assert "Not enough data" in text


async def test_the_board_says_at_which_rates_its_figures_and_its_columns_count(site: Any) -> None:
    told = "2 open deals in other currencies count here at the rate of the day of their last change"
    assert "in other currencies" not in (await site.get("/pipeline")).text
    site.neighbours.analytics.answers["GetPipeline"].converted_count = 2
    assert told in (await site.get("/pipeline")).text


async def test_the_board_stands_without_analytics_and_notify(site: Any) -> None:
    away = PeerUnavailable("away")
    site.neighbours.analytics.answers = {"GetPipeline": away, "GetVelocity": away}
    site.neighbours.notifications.answers = {"ListNotifications": away}
    answer = await site.get("/pipeline")
    assert answer.status == 200
    assert "Key figures cannot be had" in answer.text
    assert 'id="card-d-0"' in answer.text


async def test_what_the_role_does_not_reach_is_not_offered(site: Any) -> None:
    site.may("deals.read", "clients.read")
    for path in ("/pipeline", "/deals/d-1", "/clients", "/clients/c-1"):
        text = (await site.get(path)).text
        assert "data-writable" not in text
        assert "/edit" not in text
        assert "/new" not in text
    assert "/pipeline" in (await site.get("/more")).text
    site.may()
    assert 'href="/pipeline"' not in (await site.get("/more")).text


@pytest.mark.parametrize("locale", ["ar", "he", "de", "pt-BR", "xx-broken", ""])
async def test_pages_follow_the_locale(site: Any, locale: str) -> None:
    site.neighbours.account.answers["GetMe"].locale = locale
    text = (await site.get("/pipeline")).text
    assert f'dir="{"rtl" if locale in ("ar", "he") else "ltr"}"' in text


async def test_looks_come_from_cookies(site: Any) -> None:
    text = (await site.get("/more", cookie="theme=dark; density=compact; shortcuts=off")).text
    assert 'data-theme="dark" data-density="compact" data-shortcuts="off"' in text
    text = (await site.get("/more", cookie='theme="><script>; density=wide')).text
    assert 'data-theme="system" data-density="comfortable"' in text


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.FORBIDDEN, 403),
        (ErrorKind.NOT_FOUND, 404),
        (ErrorKind.STALE, 412),
        (ErrorKind.REFUSED, 409),
        (ErrorKind.EXHAUSTED, 429),
        (ErrorKind.UNAVAILABLE, 503),
    ],
)
async def test_refusals_are_pages_fragments_or_messages(
    site: Any, kind: ErrorKind, status: int
) -> None:
    refusal = RemoteError(kind, "REASON", "<b>No</b>")
    site.neighbours.deals.answers |= {"GetDeal": refusal, "MoveDeal": refusal}
    page = await site.get("/deals/d-1")
    assert page.status == status
    assert outline_of(page.text).headings == ["h1"]
    assert "<b>No" not in page.text
    assert ('href="/trash"' in page.text) is (status == 404), "it may lie there"
    panel = await site.get("/deals/d-1", hx_request="true", hx_target="aside#panel")
    assert panel.status == status
    assert "hx-retarget" not in panel.headers
    message = await site.post("/deals/d-1/move", {"stage_id": "s-1"}, hx_request="true")
    assert message.status == status
    assert message.headers["hx-retarget"] == "#toasts"
    unasked = await site.get("/deals/d-1", hx_request="true", x_refresh="true")
    assert unasked.headers["hx-reswap"] == "none"


async def test_a_mistake_of_ours_tells_nothing(site: Any) -> None:
    site.neighbours.deals.answers["GetDeal"] = ZeroDivisionError("secret")
    answer = await site.get("/deals/d-1")
    assert answer.status == 500
    assert "secret" not in answer.text


async def test_columns_keep_their_length_when_refreshed(site: Any) -> None:
    site.neighbours.deals.answers["GetBoard"] = board = Board()
    column = BoardColumn(next_page_token="more")
    column.stage.id, column.stage.name = "s-1", "Prospecting"
    board.columns.append(column)
    answer = await site.get(
        "/pipeline?cards=60", hx_request="true", hx_target="section#board", x_refresh="true"
    )
    assert answer.status == 200
    asked = site.neighbours.deals.asked[-1]
    assert (asked.stage_id, asked.page_size, asked.page_token) == ("s-1", 35, "more")
    assert "hx-partial" not in answer.text
