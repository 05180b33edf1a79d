"""Forms: they work without scripts, keep what was typed, and htmx gets the part it asks for."""

from typing import Any

import pytest

from freelanceflow.auth.v1.auth_service_pb2 import RegisterResponse, TokenPair
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages.forms import Values, content_key, currency_options, read_money
from gateway.entrypoints.pages.rendering import Viewer
from gateway.entrypoints.paths import local_path
from kit.errors import ErrorKind, InvalidInput
from kit.money import currencies
from kit.rpc.errors import RemoteError

DEAL = {"name": "Relaunch", "amount": "1,250.50", "currency": "EUR", "etag": "3", "stage_id": "s-1"}


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "evil",
        "/a\nb",
    ],
)
def test_nobody_is_sent_elsewhere(target: str) -> None:
    assert local_path(target, "/pipeline") == "/pipeline"


def test_a_path_of_ours_is_kept() -> None:
    assert local_path("/deals/1?x=y", "/pipeline") == "/deals/1?x=y"


@pytest.mark.parametrize(
    ("locale", "typed", "minor"),
    [
        ("en", "1,250.50", 125050),
        ("en", "1250.5", 125050),
        ("de", "1.250,50", 125050),
        ("de", "1250,5", 125050),
        ("en", "0", 0),
    ],
)
def test_an_amount_is_read_as_the_locale_writes_it(locale: str, typed: str, minor: int) -> None:
    money = read_money(typed, "EUR", Viewer(locale=locale), "amount")
    assert money is not None
    assert money.amount_minor == minor


@pytest.mark.parametrize(
    ("locale", "typed", "currency"),
    [
        ("en", "€1,250.50", "EUR"),
        ("en", "1,250.50 EUR", "EUR"),
        ("de", "1.250,50 €", "EUR"),
        ("en", "$1,250.50", "USD"),
        ("en", "$1,250.50", "CAD"),
        ("en", "CA$ 1,250.50", "CAD"),
        ("sv", "1250,50 kr", "SEK"),
    ],
)
def test_an_amount_may_have_its_currency_s_sign(locale: str, typed: str, currency: str) -> None:
    money = read_money(typed, currency, Viewer(locale=locale), "amount")
    assert money == Money(currency_code=currency, amount_minor=125050)


@pytest.mark.parametrize(
    "typed", ["much", "1.2.3", "-5", "1.234", "1e9", "９９x", "$5", "5 USD", "€-5", "€", "€5€"]
)
def test_what_is_no_amount_is_said_at_its_field(typed: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_money(typed, "EUR", Viewer(locale="en"), "amount")
    assert "amount" in refusal.value.fields


def test_a_number_that_is_too_large_is_called_so() -> None:
    for typed in ("9" * 19, "9" * 40):
        with pytest.raises(InvalidInput) as refusal:
            read_money(typed, "EUR", Viewer(locale="en"), "cf_budget")
        assert refusal.value.fields == {"cf_budget": "It is too large."}


async def test_a_deal_is_added_and_shown(site: Any) -> None:
    answer = await site.post("/deals/new", {**DEAL, "request_id": "r-1"})
    assert answer.status == 303
    assert answer.headers["location"] == "/deals/d-1"
    asked = site.neighbours.deals.asked[-1]
    assert asked.deal.amount.amount_minor == 125050
    assert asked.deal.stage_id == "s-1"


async def test_with_scripts_the_page_stays(site: Any) -> None:
    answer = await site.post("/deals/new", DEAL, hx_request="true")
    assert answer.status == 200
    assert "ff:saved" in answer.headers["hx-trigger"]
    assert 'hx-target="#toasts"' in answer.text


@pytest.mark.parametrize("path", ["/deals/new", "/deals/d-1/edit"])
async def test_errors_stand_beside_their_fields(site: Any, path: str) -> None:
    refusal = RemoteError(ErrorKind.INVALID, "INVALID_INPUT", "", fields={"name": "Enter a name."})
    site.neighbours.deals.answers |= {"CreateDeal": refusal, "UpdateDeal": refusal}
    for headers in ({}, {"hx_request": "true"}):
        answer = await site.post(path, {**DEAL, "next_step": "kept <b>"}, **headers)
        assert answer.status == 422
        assert 'aria-describedby="name-error"' in answer.text
        assert 'role="alert"' in answer.text
        assert "kept &lt;b&gt;" in answer.text
        assert ("<!doctype" in answer.text) is not bool(headers)


async def test_an_unknown_client_is_said_at_its_field(site: Any) -> None:
    answer = await site.post("/deals/new", {**DEAL, "client": "Nobody Ltd"})
    assert answer.status == 422
    assert "No client has this name" in answer.text


async def test_a_conflict_shows_both_sides(site: Any) -> None:
    site.neighbours.deals.answers["UpdateDeal"] = RemoteError(
        ErrorKind.STALE, "DEAL_HAS_CHANGED", ""
    )
    answer = await site.post("/deals/d-1/edit", {**DEAL, "etag": "1"})
    assert answer.status == 412
    assert "Website relaunch" in answer.text
    assert 'value="Relaunch"' in answer.text
    assert 'name="etag" value="3"' in answer.text


async def test_a_conflict_tells_currencies_and_fields_of_one_s_own(site: Any, make: Any) -> None:
    theirs = make.deal(amount=Money(currency_code="USD", amount_minor=125050))
    theirs.custom_fields.update({"number": 5, "multi_select": ["a", "b"], "text": "same"})
    site.neighbours.deals.answers |= {
        "GetDeal": theirs,
        "UpdateDeal": RemoteError(ErrorKind.STALE, "DEAL_HAS_CHANGED", ""),
    }
    typed = {
        "amount": "1250.50",
        "cf_text": "same",
        "cf_multi_select__a": "1",
        "cf_url": "https://a.b",
    }
    answer = await site.post("/deals/d-1/edit", {**DEAL, **typed})
    assert answer.status == 412
    said = ("Value “1250.5 USD”", "Number “5”", "Multi_select “a, b”", "Url “–”")
    assert [words for words in said if words not in answer.text] == []
    assert "Text “" not in answer.text


async def test_a_conflict_over_a_client_tells_what_it_now_reads(site: Any, make: Any) -> None:
    theirs = make.client(website="https://theirs.example", emails=["a@b.example", "c@d.example"])
    theirs.custom_fields.update({"text": "theirs"})
    site.neighbours.clients.answers |= {
        "GetClient": theirs,
        "UpdateClient": RemoteError(ErrorKind.STALE, "CLIENT_HAS_CHANGED", ""),
    }
    typed = {"name": theirs.name, "kind": "company", "emails": "a@b.example\r\nc@d.example"}
    answer = await site.post("/clients/c-1/edit", {**typed, "address": "Typed 1", "etag": "1"})
    assert answer.status == 412
    for words in ("Website “https://theirs.example”", "Text “theirs”"):
        assert words in answer.text
    assert "E-mail “" not in answer.text
    assert "Typed 1</textarea>" in answer.text
    assert f'name="etag" value="{theirs.etag}"' in answer.text


async def test_a_move_without_scripts_goes_on(site: Any) -> None:
    answer = await site.post("/deals/d-1/move", {"stage_id": "s-3", "next": "/deals/d-1"})
    assert (answer.status, answer.headers["location"]) == (303, "/deals/d-1")
    answer = await site.post("/deals/d-1/move", {"stage_id": "s-3", "next": "//evil.example"})
    assert answer.headers["location"] == "/pipeline"


async def test_a_move_answers_card_heads_message_and_words(site: Any) -> None:
    answer = await site.post(
        "/deals/d-1/move",
        {"stage_id": "s-3", "from_stage_id": "s-2", "from_after_id": "d-7", "etag": "3"},
        hx_request="true",
        hx_current_url="http://localhost/pipeline?q=gtx",
    )
    assert answer.status == 200
    for target in ("#card-d-1", "#column-s-1", "#column-s-5", "#toasts", "#announcer"):
        assert f'hx-target="{target}"' in answer.text
    assert 'name="stage_id" value="s-2"' in answer.text
    assert 'name="after_id" value="d-7"' in answer.text
    assert "data-undo" in answer.text
    asked = site.neighbours.deals.asked[-1]
    assert asked.totals_only
    assert asked.conditions[0].values == ["gtx"]


async def test_another_place_in_the_column_is_not_worth_a_message(site: Any) -> None:
    data = {"stage_id": "s-2", "from_stage_id": "s-2", "etag": "3"}
    answer = await site.post("/deals/d-1/move", data, hx_request="true")
    assert 'hx-target="#toasts"' not in answer.text


async def test_lost_asks_why(site: Any) -> None:
    data = {"stage_id": "s-5", "from_stage_id": "s-2", "etag": "3"}
    answer = await site.post("/deals/d-1/move", data, hx_request="true")
    assert answer.status == 202
    assert 'name="lost_reason_id" value="r-0"' in answer.text
    plain = await site.post("/deals/d-1/move", data)
    assert (plain.status, plain.headers["location"]) == (303, "/deals/d-1/move")
    answered = await site.post(
        "/deals/d-1/move", {**data, "lost_reason_id": "r-0"}, hx_request="true"
    )
    assert answered.status == 200


async def test_sign_in_starts_a_session_and_goes_on(site: Any) -> None:
    from freelanceflow.auth.v1.auth_service_pb2 import TokenPair

    site.sign_out()
    site.neighbours.auth.answers["LogIn"] = TokenPair(
        access_token="a", refresh_token="r", refresh_expires_in=60
    )
    answer = await site.post(
        "/sign-in", {"email": "a@b.example", "password": " x ", "next": "/clients"}
    )
    assert (answer.status, answer.headers["location"]) == (303, "/clients")
    assert len(answer.cookies) == 2
    assert site.neighbours.auth.asked[-1].password == " x "


async def test_a_wrong_password_is_said_and_nothing_is_lost(site: Any) -> None:
    site.sign_out()
    site.neighbours.auth.answers["LogIn"] = RemoteError(
        ErrorKind.UNAUTHENTICATED, "CREDENTIALS_WRONG", "That did not match."
    )
    answer = await site.post(
        "/sign-in", {"email": "a@b.example", "password": "no", "next": "/clients"}
    )
    assert answer.status == 401
    assert "That did not match." in answer.text
    assert 'value="a@b.example"' in answer.text
    assert 'value="/clients"' in answer.text
    assert not answer.cookies


@pytest.mark.parametrize("request_id", ["€", "x" * 201])
async def test_an_id_that_no_form_of_ours_has_is_refused(site: Any, request_id: str) -> None:
    """It would travel on as metadata, which hold printable ASCII of some length only."""
    answer = await site.post("/deals/new", DEAL | {"request_id": request_id})
    assert answer.status == 400
    assert "printable ASCII" in answer.text


async def test_registration_says_what_is_wrong(site: Any) -> None:
    site.sign_out()
    fields = {"password": "Use at least 12 characters."}
    site.neighbours.auth.answers["Register"] = RemoteError(
        ErrorKind.INVALID, "PASSWORD_TOO_SHORT", "", fields=fields
    )
    answer = await site.post("/register", {"email": "a@b.example", "password": "x", "name": "A"})
    assert answer.status == 422
    assert "Use at least 12 characters." in answer.text


@pytest.mark.parametrize(
    ("told", "sent"), [("Asia/Kolkata", "Asia/Kolkata"), ("Moon/Base", ""), ("", "")]
)
async def test_days_begin_where_the_browser_s_do(site: Any, told: str, sent: str) -> None:
    """A zone that nobody here knows is no reason to let nobody in."""
    site.sign_out()
    site.neighbours.auth.answers["Register"] = RegisterResponse(tokens=TokenPair(access_token="a"))
    form = {"email": "a@b.example", "password": "x" * 12, "name": "A", "time_zone": told}
    answer = await site.post("/register", form)
    assert answer.status == 303
    assert site.neighbours.auth.asked[-1].time_zone == sent


def test_every_currency_is_offered_the_usual_ones_first() -> None:
    codes = [code for code, _ in currency_options("INR", "EUR")]
    assert codes[:3] == ["INR", "EUR", "USD"]
    assert len(codes) == len(set(codes)) == len(currencies())


async def test_looks_are_kept_in_cookies(site: Any) -> None:
    answer = await site.post(
        "/settings/appearance", {"theme": "dark", "density": "evil", "shortcuts": "on"}
    )
    assert answer.status == 303
    text = "\n".join(answer.cookies)
    assert "theme=dark" in text
    assert "evil" not in text


REUSED = RemoteError(
    ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED", "Used before.", details={"first_id": "x-1"}
)


@pytest.mark.parametrize(
    ("kind", "method", "form", "leads_to"),
    [
        ("deals", "CreateDeal", DEAL, "/deals/x-1"),
        ("clients", "CreateClient", {"name": "Acme"}, "/clients/x-1"),
        ("activities", "CreateActivity", {"subject": "Call", "kind": "call"}, ""),
    ],
)
async def test_a_form_whose_answer_was_lost_leads_to_what_it_made(
    site: Any, kind: str, method: str, form: dict[str, str], leads_to: str
) -> None:
    """Corrected and sent again it is refused as often as it is sent: nothing can be corrected."""
    peer = getattr(site.neighbours, kind)
    peer.answers[method] = REUSED
    answer = await site.post(f"/{kind}/new", {**form, "request_id": "r-1"})
    assert answer.status == 303
    assert answer.headers["location"].startswith(leads_to)
    if kind == "deals":
        assert peer.asked[-1].deal_id == "x-1"
        inside = await site.post("/deals/new", {**form, "request_id": "r-1"}, hx_request="true")
        assert (inside.status, "Was added before" in inside.text) == (200, True)
    peer.answers[method] = RemoteError(ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED", "Used before.")
    unknown = await site.post(f"/{kind}/new", {**form, "request_id": "r-1"})
    assert (unknown.status, "Used before." in unknown.text) == (422, True)


def test_what_is_asked_for_otherwise_is_another_request() -> None:
    form = Values(request_id="r-1", format="csv")
    assert content_key(form) == content_key(Values(dict(reversed(form.items()))))
    assert content_key(form) != content_key(Values(form | {"format": "pdf"}))
    assert content_key(form) != content_key(Values(form | {"request_id": "r-2"}))
    assert content_key(Values(format="csv")) == ""
