"""Search, palette and trash: what they show, where they lead, and what a role hides."""

import pytest

from services.gateway.tests.unit.pages.conftest import Site

HTMX = {"hx-request": "true"}


async def test_search_shows_what_was_found_and_where_it_is(site: Site) -> None:
    page = await site.get("/search?q=weir")
    assert page.status == 200
    for href in ("/deals/d-1", "/clients/c-1"):
        assert f'href="{href}"' in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert(1)" not in page.text
    nothing = await site.get("/search?q=nothing")
    assert "Nothing contains “nothing”" in nothing.text


async def test_the_palette_is_a_dialog_and_then_only_results(site: Site) -> None:
    dialog = await site.get("/search", **HTMX)
    assert 'id="dialog-title"' in dialog.text
    assert "<html" not in dialog.text
    assert 'href="/trash"' in dialog.text
    results = await site.get("/search?q=new+d", **HTMX, **{"hx-target": "div#search-results"})
    assert results.text.strip().startswith('<div id="search-results"')
    assert 'href="/deals/new"' in results.text
    assert 'href="/clients/new"' not in results.text


async def test_commands_are_those_of_the_role(site: Site) -> None:
    site.may("deals.read")
    page = await site.get("/search")
    assert 'href="/deals/new"' not in page.text
    assert 'href="/imports"' not in page.text
    trash = await site.get("/trash")
    assert "/restore" not in trash.text


async def test_the_trash_lists_and_leads_back(site: Site) -> None:
    page = await site.get("/trash?kind=deal&saved=deleted")
    assert page.status == 200
    assert page.text.count("/restore") == 3
    assert 'href="/trash?kind=deal&amp;page_token=next"' in page.text
    back = await site.post("/trash/d-1/restore", {})
    assert (back.status, back.headers["location"]) == (303, "/deals/d-1")
    assert 'href="/trash/t-2/purge?kind=deal"' in page.text
    asked = await site.get("/trash/t-2/purge?kind=deal")
    assert "cannot be undone. The client “" in asked.text
    asked = await site.get("/trash/elsewhere/purge")
    assert "cannot be undone. The record goes" in asked.text
    gone = await site.post("/trash/d-1/purge", {})
    assert gone.headers["location"] == "/trash?saved=purged"


@pytest.mark.parametrize("path", ["/deals/d-1/delete", "/clients/c-1/delete"])
async def test_a_record_goes_to_the_trash(site: Site, path: str) -> None:
    answer = await site.post(path, {})
    assert (answer.status, answer.headers["location"]) == (303, "/trash?saved=deleted")


async def test_a_deal_is_reopened_on_its_page(site: Site) -> None:
    answer = await site.post("/deals/d-1/reopen", {})
    assert (answer.status, answer.headers["location"]) == (303, "/deals/d-1")


async def test_an_activity_has_a_page_with_its_history(site: Site) -> None:
    page = await site.get("/activities/a-1")
    assert page.status == 200
    assert "Put into the trash" in page.text
    assert "2 Mar, 10:00" in page.text.replace("\u202f", " ") or "Mar 2, 10:00" in page.text
    assert 'href="/activities/a-1?before=older"' in page.text
    assert "<script>alert(1)" not in page.text
    part = await site.get("/activities/a-1", **HTMX, **{"hx-target": "div#activity-page"})
    assert part.text.strip().startswith("<div")
    assert "<html" not in part.text


async def test_a_client_has_a_history(site: Site) -> None:
    page = await site.get("/clients/c-1/history")
    assert page.status == 200
    assert "Owner: <bdi>Mira Holm</bdi>" in page.text
    assert "Imported" in page.text
    assert 'href="/clients/c-1/history"' in (await site.get("/clients/c-1")).text
