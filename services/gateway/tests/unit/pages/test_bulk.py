"""One change of many: what is ticked, or all that a list has, and what became of each."""

import json
from html import unescape
from typing import Any

from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Peer, Site
from services.gateway.tests.unit.pages.factories import make_deal


def answering(site: Site, **answers: Any) -> Peer:
    """crm as it answers changes of many."""
    peer = Peer(dict(answers))
    site.neighbours.bulk = peer
    return peer


def results(*reasons: str) -> pb.BulkResponse:
    """One record for each; an empty reason means that it was changed."""
    made = [
        pb.BulkResult(
            id=f"d-{n}",
            reason=reason,
            message=f"<b>{reason}</b>" if reason else "",
            name=f"<i>Deal</i> {n}" if reason and not reason.endswith("_NOT_FOUND") else "",
        )
        for n, reason in enumerate(reasons)
    ]
    return pb.BulkResponse(results=made, total=len(made))


async def test_rows_can_be_ticked_by_who_may_change_them(site: Site) -> None:
    for path, page in (("deals", "/pipeline?layout=table&q=web"), ("clients", "/clients?q=ac")):
        shown = (await site.get(page)).text
        assert f'action="/bulk/{path}"' in shown
        assert shown.count('name="id" value=') >= 3
        assert "All 85 that match" in shown or path == "deals"
    site.may("deals.read", "clients.read")
    for page in ("/pipeline?layout=table", "/clients"):
        assert 'name="id"' not in (await site.get(page)).text


async def test_what_is_ticked_is_changed_and_what_is_not_says_why(site: Site) -> None:
    bulk = answering(site, ChangeDeals=results("", "DEAL_NOT_FOUND", "DEAL_CLOSED"))
    form = {"action": "move", "id": "d-0", "stage_id": "s-2", "owner_id": "o-1", "tag": "x"}
    answer = await site.post("/bulk/deals", form)
    assert answer.status == 200
    assert "1 deal moved." in answer.text
    assert "&lt;b&gt;DEAL_NOT_FOUND&lt;/b&gt;" in answer.text
    assert (
        '<a class="link" href="/deals/d-2"><bdi>&lt;i&gt;Deal&lt;/i&gt; 2</bdi></a>' in answer.text
    )
    assert "<bdi>Deal d-1</bdi>" in answer.text  # what is not seen has no name, and no page
    assert 'href="/deals/d-1"' not in answer.text
    assert "/undo" not in answer.text
    expected = pb.BulkChange(action=pb.BULK_ACTION_MOVE, ids=["d-0"], stage_id="s-2")
    assert bulk.asked == [pb.ChangeDealsRequest(change=expected)]


async def test_all_that_match_are_those_of_the_list(site: Site) -> None:
    bulk = answering(site, ChangeClients=pb.BulkResponse(job_id="j-1", total=85))
    form = {"action": "tag", "id": "c-0", "all": "1", "list": "q=ac&owner=me", "tag": " vip "}
    answer = await site.post("/bulk/clients", form)
    assert answer.headers["location"] == "/jobs/j-1"
    change = bulk.asked[0].change
    assert (list(change.ids), list(change.add_tags)) == ([], ["vip"])
    assert [condition.field for condition in change.conditions] == ["name", "owner_id"]
    await site.post("/bulk/clients", form | {"list": ""})
    (everything,) = bulk.asked[1].change.conditions
    assert (everything.field, list(everything.values)) == ("created_at", ["false"])


async def test_nothing_ticked_or_chosen_changes_nothing(site: Site) -> None:
    bulk = answering(site)
    for form in ({"action": "delete"}, {"id": "c-0"}, {"id": "c-0", "action": "boil"}):
        answer = await site.post("/bulk/clients", form | {"next": "//evil.example"})
        assert (answer.status, answer.headers["location"]) == (303, "/clients")
    assert bulk.asked == []


async def test_what_was_deleted_comes_back_together(site: Site) -> None:
    answering(site, ChangeDeals=results("", ""))
    form = {"action": "delete", "id": "d-0", "next": "/pipeline?layout=table&q=web"}
    answer = await site.post("/bulk/deals", form)
    assert "2 deals put into the trash." in answer.text
    assert 'action="/bulk/deals/undo"' in answer.text
    site.neighbours.records.answers["RestoreRecord"] = RemoteError(
        ErrorKind.NOT_FOUND, "RECORD_NOT_IN_TRASH", "no"
    )
    steps = [json.dumps(["d-0", "", "", ""]), "no step", json.dumps(["d-0", "1", "name", "x"])]
    back = await site.post("/bulk/deals/undo", {"step": steps[1], "next": form["next"]})
    assert (back.status, back.headers["location"]) == (303, form["next"])
    kept = await site.post("/bulk/deals/undo", {"step": steps[0], "next": form["next"]})
    assert "1 deal stayed as they are" in kept.text


async def test_a_change_is_taken_back_by_the_versions_it_left(site: Site) -> None:
    answering(site, ChangeDeals=results(""), ChangeClients=results(""))
    deal = make_deal(id="d-0", owner_id="o-1", tags=["old"], etag="7")
    site.neighbours.deals.answers["GetDeal"] = deal
    for form, field, had in (
        ({"action": "assign", "owner_id": "o-2"}, "owner_id", "o-1"),
        ({"action": "tag", "tag": "new"}, "tags", ["old"]),
        ({"action": "untag", "tag": "old"}, "tags", ["old"]),
        ({"action": "move", "stage_id": "s-9"}, "stage_id", deal.stage_id),
    ):
        shown = unescape((await site.post("/bulk/deals", form | {"id": "d-0"})).text)
        step = json.dumps(["d-0", "8", field, had])
        assert f'name="step" value="{step}"' in shown
    for form in (
        {"action": "assign", "owner_id": "o-1"},  # theirs already
        {"action": "untag", "tag": "absent"},
        {"action": "move", "stage_id": deal.stage_id},
    ):
        assert "/undo" not in (await site.post("/bulk/deals", form | {"id": "d-0"})).text


async def test_a_step_back_asks_for_the_version(site: Site) -> None:
    step = json.dumps(["d-0", "8", "tags", ["old"]])
    site.neighbours.deals.answers["UpdateDeal"] = make_deal()
    await site.post("/bulk/deals/undo", {"step": step})
    asked = site.neighbours.deals.asked[-1]
    assert (asked.etag, list(asked.deal.tags)) == ("8", ["old"])
    assert list(asked.update_mask.paths) == ["tags"]


async def test_activities_are_ticked_and_given_away(site: Site) -> None:
    shown = (await site.get("/activities")).text
    assert 'action="/bulk/activities"' in shown
    assert 'form="bulk"' in shown
    assert 'value="tag"' not in shown
    bulk = answering(site, ChangeActivities=results(""))
    form = {"action": "assign", "id": "a-0", "owner_id": "o-2", "next": "/activities"}
    answer = await site.post("/bulk/activities", form)
    assert "1 activity given to somebody else." in answer.text
    assert isinstance(bulk.asked[-1], pb.ChangeActivitiesRequest)


async def test_a_change_that_makes_no_sense_is_said(site: Site) -> None:
    refusal = RemoteError(ErrorKind.INVALID, "ACTION_INCOMPLETE", "Say why they are lost.")
    answering(site, ChangeDeals=refusal)
    answer = await site.post("/bulk/deals", {"action": "move", "id": "d-0", "stage_id": "lost"})
    assert answer.status == 422
    assert "Say why they are lost." in answer.text


async def test_a_job_says_how_far_it_is_and_what_it_could_not_do(site: Site) -> None:
    job = pb.Job(id="j-1", kind="bulk", status="running", progress=40, total=320)
    answering(site, GetJob=job)
    page = await site.get("/jobs/j-1")
    assert "40 of 320 records" in page.text
    assert 'hx-get="/jobs/j-1"' in page.text
    job.status, job.progress, job.resource, job.refused_total = "done", 320, "clients", 201
    job.refused.add(id="c-1", reason="CLIENT_NOT_FOUND", message="There is no such client.")
    job.refused.add(id="c-2", reason="CLIENT_IN_USE", message="It has deals.", name="Acme")
    part = await site.get("/jobs/j-1", hx_request="true", hx_target="div#job")
    assert "<html" not in part.text
    assert "119 clients changed." in part.text
    assert "There is no such client." in part.text
    assert "<bdi>Client c-1</bdi>" in part.text
    assert '<a class="link" href="/clients/c-2"><bdi>Acme</bdi></a>' in part.text
    assert "And 199 more." in part.text
    assert 'href="/jobs/j-1/refused.csv"' in part.text
    assert 'href="/clients"' in (await site.get("/jobs/j-1")).text
