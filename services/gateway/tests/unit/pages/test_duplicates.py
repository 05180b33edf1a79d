"""Two clients side by side, and the warning when one is about to be added again."""

import json
from typing import Any

import pytest

from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError


async def test_the_chosen_fields_are_asked_for(site: Any) -> None:
    form = {"etag": "3", "other_etag": "4", "name": "other", "address": "one", "notes": "other"}
    answer = await site.post("/duplicates/c-1/c-2", form)
    assert answer.headers["location"] == "/duplicates?done=merged"
    assert site.neighbours.duplicates.asked[-1] == pb.MergeClientsRequest(
        client_id="c-1",
        etag="3",
        other_id="c-2",
        other_etag="4",
        fields_from_other=["name", "notes"],
    )


async def test_a_stale_merge_shows_both_as_they_stand(site: Any) -> None:
    site.neighbours.duplicates.answers["MergeClients"] = RemoteError(
        ErrorKind.STALE, "CLIENT_HAS_CHANGED", "changed"
    )
    answer = await site.post("/duplicates/c-1/c-2", {"etag": "3", "other_etag": "4"})
    assert answer.status == 422
    assert "changed meanwhile" in answer.text


async def test_merges_are_undone_and_pairs_dismissed(site: Any) -> None:
    answer = await site.post("/merges/m-1/undo", {})
    assert answer.headers["location"] == "/duplicates?done=undone"
    assert site.neighbours.duplicates.asked[-1] == pb.UndoMergeRequest(merge_id="m-1")
    await site.post("/duplicates/dismiss", {"client_id": "c-1", "other_id": "c-2"})
    asked = pb.DismissDuplicateRequest(client_id="c-1", other_id="c-2")
    assert site.neighbours.duplicates.asked[-1] == asked


async def test_who_is_there_already_is_shown_before_it_is_added_again(site: Any) -> None:
    candidates = [{"id": "c-9", "name": "<b>Acme</b>", "matched_by": "email"}]
    site.neighbours.clients.answers["CreateClient"] = RemoteError(
        ErrorKind.DUPLICATE,
        "CLIENT_ALIKE",
        "alike",
        details={"candidates": json.dumps(candidates)},
    )
    answer = await site.post("/clients/new", {"name": "Acme", "kind": "company"})
    assert answer.status == 409
    assert 'href="/clients/c-9"' in answer.text
    assert "<b>Acme</b>" not in answer.text
    assert 'name="allow_duplicate"' in answer.text
    site.neighbours.clients.answers["CreateClient"] = client_pb.Client(id="c-7")
    form = {"name": "Acme", "kind": "company", "allow_duplicate": "1"}
    assert (await site.post("/clients/new", form)).status == 303
    assert site.neighbours.clients.asked[-1].allow_duplicate


async def test_any_two_can_be_compared(site: Any) -> None:
    page = await site.get("/duplicates/compare?client_id=c-1")
    assert 'name="client_id" value="c-1"' in page.text
    sent = {"client": "Domzoom", "other": "Konex"}
    answer = await site.post("/duplicates/compare", sent)
    assert (answer.status, answer.headers["location"]) == (303, "/duplicates/c-3/c-5")


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"client": "Domzoom", "other": "Domzoom"}, "This is the same client."),
        ({"client": "Domzoom", "other": ""}, "Choose a client."),
        ({"client": "Domzoom", "other": "Nobody"}, "No client has this name."),
    ],
)
async def test_two_are_needed(site: Any, sent: dict[str, str], words: str) -> None:
    answer = await site.post("/duplicates/compare", sent)
    assert answer.status == 422
    assert words in answer.text
    assert 'value="Domzoom"' in answer.text
