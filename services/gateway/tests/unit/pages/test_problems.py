"""What is said when something cannot be done: what happened, and what to do now."""

from typing import Any

from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError


async def test_what_could_not_be_read_is_tried_again_where_it_was(site: Any) -> None:
    site.neighbours.deals.answers["ListDeals"] = RemoteError(ErrorKind.UNAVAILABLE, "AWAY", "")
    page = (await site.get("/pipeline?layout=table&q=web")).text
    assert 'href="/pipeline?layout=table&amp;q=web"' in page
    assert "Look whether" not in page


async def test_what_was_sent_may_have_been_saved(site: Any) -> None:
    site.neighbours.deals.answers["MoveDeal"] = RemoteError(ErrorKind.UNAVAILABLE, "AWAY", "")
    said = (await site.post("/deals/d-1/move", {"stage_id": "s-1"}, hx_request="true")).text
    assert "Look whether it was saved before you send it again." in said


async def test_what_was_typed_is_not_lost_with_it(site: Any) -> None:
    """The browser would not show it again: pages are not stored."""
    away = RemoteError(ErrorKind.UNAVAILABLE, "AWAY", "")
    site.neighbours.clients.answers["UpdateClient"] = away
    typed = {"name": "Acme", "notes": 'Says "later",\nmeans <never>', "etag": "3"}
    page = (await site.post("/clients/c-1/edit", typed)).text
    assert '<form method="post" action="/clients/c-1/edit">' in page
    assert 'name="notes" value="Says &#34;later&#34;,\nmeans &lt;never&gt;"' in page
    assert 'name="etag" value="3"' in page
    site.neighbours.auth.answers["LogIn"] = away
    secret = {"email": "mira@example.com", "password": "a few words"}
    page = await site.post("/sign-in", secret)
    assert page.status == 503
    assert "a few words" not in page.text
    assert "Send it again" not in page.text


async def test_too_much_at_once_says_how_long_to_wait(site: Any) -> None:
    for seconds, words in (("1", "1 second,"), ("17", "17 seconds,")):
        refusal = RemoteError(ErrorKind.EXHAUSTED, "TOO_MANY", "", details={"retry_after": seconds})
        site.neighbours.deals.answers["GetDeal"] = refusal
        page = (await site.get("/deals/d-1")).text
        assert f"Please wait {words} then try again." in page


async def test_who_is_signed_out_is_told_beside_the_page(site: Any) -> None:
    """In a dialog it would lie upon the banner that leads to the sign-in."""
    htmx = {"hx_request": "true", "hx_target": "dialog#dialog"}
    site.neighbours.deals.answers["GetDeal"] = RemoteError(ErrorKind.NOT_FOUND, "GONE", "")
    framed = await site.get("/deals/d-1/move", **htmx)
    assert (framed.status, "hx-retarget" in framed.headers) == (404, False)
    site.sign_out()
    told = await site.get("/deals/d-1/move", **htmx)
    assert (told.status, told.headers["hx-retarget"]) == (401, "#toasts")
    assert 'href="/sign-in' in told.text


async def test_an_address_that_takes_forms_alone_says_so(site: Any) -> None:
    page = await site.get("/bulk/clients")
    assert page.status == 405
    assert "There is no page here" in page.text
    assert "Method" not in page.text
