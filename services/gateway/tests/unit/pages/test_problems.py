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
