"""One change of many: what is ticked, or all that a list has, and what became of each."""

from typing import Any

from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Peer, Site


def answering(site: Site, **answers: Any) -> Peer:
    """crm as it answers changes of many."""
    peer = Peer(dict(answers))
    site.neighbours.bulk = peer
    return peer


def results(*reasons: str) -> pb.BulkResponse:
    """One record for each; an empty reason means that it was changed."""
    made = [
        pb.BulkResult(id=f"d-{n}", reason=reason, message=f"<b>{reason}</b>" if reason else "")
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
    bulk = answering(site, ChangeDeals=results("", "DEAL_NOT_FOUND"))
    form = {"action": "move", "id": "d-0", "stage_id": "s-2", "owner_id": "o-1", "tag": "x"}
    answer = await site.post("/bulk/deals", form)
    assert answer.status == 200
    assert "1 deal moved." in answer.text
    assert "&lt;b&gt;DEAL_NOT_FOUND&lt;/b&gt;" in answer.text
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
    back = await site.post("/bulk/deals/undo", {"id": "d-0", "next": form["next"]})
    assert (back.status, back.headers["location"]) == (303, form["next"])


async def test_a_change_that_makes_no_sense_is_said(site: Site) -> None:
    refusal = RemoteError(ErrorKind.INVALID, "ACTION_INCOMPLETE", "Say why they are lost.")
    answering(site, ChangeDeals=refusal)
    answer = await site.post("/bulk/deals", {"action": "move", "id": "d-0", "stage_id": "lost"})
    assert answer.status == 422
    assert "Say why they are lost." in answer.text


async def test_a_job_says_how_far_it_is_and_what_it_could_not_do(site: Site) -> None:
    job = pb.Job(id="j-1", kind="bulk", status="running", progress=40, total=120)
    answering(site, GetJob=job)
    page = await site.get("/jobs/j-1")
    assert "40 of 120 rows" in page.text
    assert 'hx-get="/jobs/j-1"' in page.text
    job.status, job.progress = "done", 120
    job.refused.add(id="d-1", reason="DEAL_NOT_FOUND", message="There is no such deal.")
    part = await site.get("/jobs/j-1", hx_request="true", hx_target="div#job")
    assert "<html" not in part.text
    assert "119 records changed." in part.text
    assert "There is no such deal." in part.text
