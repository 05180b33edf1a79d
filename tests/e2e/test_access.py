"""Who may do what: every operation by every role, by nobody, and by a stranger."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from auth.domain.roles import PERMISSIONS, Role
from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.elsewhere import WORD, found_by_filters, told_by_pages
from tests.e2e.support.operations import (
    Operation,
    bodies,
    everything_of,
    make_world,
    operations,
)
from tests.e2e.support.platform import Platform

OPEN = ("public", "signed_in")
OF_EVERYBODY = ("currency", "valid_from")  # no secrets: any workspace may say the same
# What a stranger's replayed requests do in the stranger's own workspace: invite a guest, read one's
# own notifications, upload a file that nothing is known of, set up what needs no id.
MAY_CHANGE = {
    *("auth.invitations", "auth.api_keys", "auth.outbox", "auth.audit_entries"),
    "auth.custom_roles",
    *("notify.notifications", "notify.preferences", "notify.outbox", "notify.mails"),
    *("crm.imports", "crm.files", "crm.jobs"),
    *("crm.stages", "crm.lost_reasons", "crm.currency_rates", "crm.outbox"),
    *("crm.custom_fields", "crm.tags", "crm.views", "crm.exports", "crm.file_chunks"),
}


@pytest.fixture(scope="module")
async def company(http: httpx.AsyncClient) -> Person:
    """The owner of a workspace whose members the roles are."""
    return await register(http, "Owner")


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_may_do_what_the_table_says_and_nothing_else(
    company: Person, role: Role
) -> None:
    member = company if role is Role.OWNER else await invite(company, role.value)
    assert set((await member.get("/me"))["permissions"]) == PERMISSIONS[role]
    listed = await operations(company)
    wrong = []
    for operation in listed:
        # Ids of nothing and no body: whoever may, is told what is missing; nothing changes.
        status = await _status(member, operation)
        allowed = operation.permission in (*OPEN, *PERMISSIONS[role])
        as_expected = status not in (401, 403) if allowed else status == 403
        if not as_expected or status >= 500:
            wrong.append(f"{operation} ({operation.permission}): {status}")
    assert not wrong, "\n".join(wrong)
    assert {o.permission for o in listed} - set(OPEN) <= PERMISSIONS[Role.OWNER]


async def test_nobody_may_do_nothing_that_needs_a_person(http: httpx.AsyncClient) -> None:
    nobody = Person(http, "")
    for operation in await operations(nobody):
        status = await _status(nobody, operation)
        if operation.permission == "public":
            assert status in (404, 415, 422), f"{operation}: {status}"  # 404: a secret of nothing
        else:
            assert status == 401, f"{operation}: {status}"
    for token in ("x", "a.b.c", "Bearer"):
        answer = await http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token


async def test_a_viewer_is_told_why(company: Person) -> None:
    viewer = await invite(company, "viewer")
    answer = await viewer.request("POST", "/deals", json={"name": "x"})
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (403, "PERMISSION_MISSING"), problem


async def test_a_stranger_reads_nothing_and_writes_nothing(
    owner: Person, stranger: Person, platform: Platform
) -> None:
    """Everything with another workspace's ids, by somebody who may do all in their own."""
    theirs, own = await make_world(owner, of=WORD), await make_world(stranger)
    before = await everything_of(platform, owner.workspace_id)
    own_before = await everything_of(platform, stranger.workspace_id)
    listed = await operations(stranger)
    named = {n for o in listed if o.permission != "public" for n in o.parameters}
    assert named <= theirs.keys(), "an id of nothing is 404 whoever asks, and shows nothing"
    wrong = []
    for operation in listed:
        answer = await _replayed(stranger, operation, theirs)
        if answer is None:
            continue
        echoed = operation.filled(theirs)
        told = [
            name
            for name, id in theirs.items()
            if name not in OF_EVERYBODY and id in answer.text.replace(echoed, "")
        ]
        if operation.parameters and answer.status_code != 404:
            wrong.append(f"{operation}: {answer.status_code} {answer.text[:200]}")
        elif told or answer.status_code >= 500:
            wrong.append(f"{operation} tells {told}: {answer.status_code} {answer.text[:200]}")
        elif WORD in answer.text:
            wrong.append(f"{operation} tells names: {answer.text[:200]}")
    wrong += await found_by_filters(stranger, theirs)
    assert not wrong, "\n".join(wrong)
    assert await _same(stranger, own)
    changed = {
        table
        for table, rows in (await everything_of(platform, stranger.workspace_id)).items()
        if rows != own_before[table]
    }
    # Scores and questions follow whatever has changed.
    changed -= {table for table in changed if table.startswith("analytics.")}
    # What needs no id of anybody was done in the stranger's own workspace.
    assert changed <= MAY_CHANGE, changed
    told_on_pages = await told_by_pages(stranger, platform.gateway, theirs)
    assert not told_on_pages, "\n".join(told_on_pages)
    assert await everything_of(platform, owner.workspace_id) == before


@pytest.mark.parametrize(
    ("path", "field", "of"),
    [
        ("/deals", "client_id", "client_id"),
        ("/deals", "stage_id", "stage_id"),
        ("/deals", "owner_id", "owner_id"),
        ("/clients", "parent_id", "client_id"),
        ("/clients", "owner_id", "owner_id"),
        ("/activities", "client_id", "client_id"),
        ("/activities", "deal_id", "deal_id"),
        ("/activities", "owner_id", "owner_id"),
    ],
)
async def test_a_body_may_not_point_into_another_workspace(
    owner: Person, stranger: Person, path: str, field: str, of: str
) -> None:
    theirs = await _pointers(owner)
    body = {"name": "x", field: theirs[of]}
    if path == "/activities":
        body = {"subject": "x", field: theirs[of]}
    answer = await stranger.request("POST", path, json=body)
    assert answer.status_code in (404, 422), answer.text
    assert (await stranger.get(path))["items"] == []


@pytest.mark.parametrize("field", ["stage_id", "before_id", "after_id", "lost_reason_id"])
async def test_a_move_may_not_point_into_another_workspace(
    owner: Person, stranger: Person, field: str
) -> None:
    theirs = await _pointers(owner)
    deal = await stranger.new_deal("Mine")
    ids = theirs | {"before_id": theirs["deal_id"], "after_id": theirs["deal_id"]}
    stage = "Lost" if field == "lost_reason_id" else "Engaging"
    body = {"stage_id": stranger.stages[stage], field: ids[field]}
    answer = await stranger.request(
        "POST", f"/deals/{deal['id']}/move", json=body, headers={"If-Match": '"1"'}
    )
    now = await stranger.get(f"/deals/{deal['id']}")
    if answer.status_code == 200:  # a neighbour that is not there does not hold a move up
        assert field in ("before_id", "after_id")
        assert theirs["deal_id"] not in answer.text
    else:
        assert answer.status_code in (404, 422), answer.text
        assert now["version"] == deal["version"]


@pytest.mark.parametrize("filter", ["client_id", "stage_id", "owner_id"])
async def test_a_filter_finds_nothing_of_another_workspace(
    owner: Person, stranger: Person, filter: str
) -> None:
    theirs = await _pointers(owner)
    await stranger.new_deal("Mine")
    answer = await stranger.request("GET", "/deals", params={filter: theirs[filter]})
    assert answer.status_code in (200, 404), answer.text
    assert answer.status_code == 404 or answer.json()["items"] == []


@pytest.mark.parametrize("path", ["/deals", "/clients", "/activities", "/auth/register"])
@pytest.mark.parametrize(
    "field", ["is_admin", "tenant_id", "workspace_id", "id", "version", "role"]
)
async def test_no_body_takes_what_is_not_listed(owner: Person, path: str, field: str) -> None:
    body = {"name": "x", "subject": "x", "email": "x@example.org", "password": "x", field: "1"}
    answer = await owner.request("POST", path, json=body)
    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


async def _status(person: Person, operation: Operation) -> int:
    sent = {"Authorization": f"Bearer {person.token}"} if person.token else {}
    request = person.http.build_request(operation.method, operation.filled({}), headers=sent)
    answer = await person.http.send(request, stream=True)  # one of them never ends
    await answer.aclose()
    return answer.status_code


async def _replayed(
    person: Person, operation: Operation, theirs: Mapping[str, str]
) -> httpx.Response | None:
    """The request as its rightful sender would send it; None for what concerns no workspace."""
    if operation.permission == "public" or operation.id in ("stream_events", "end_other_sessions"):
        return None
    more: dict[str, Any] = {"headers": {"If-Match": '"1"'}}
    if operation.id in ("create_import", "import_rates"):
        more["data"] = {"resource": "clients"}
        more["files"] = {"file": ("x.csv", "nothing,known\n1,2\n", "text/csv")}
    elif operation.has_body:
        more["json"] = bodies(theirs)[operation.id]
    if operation.id == "move_deal":
        more["json"] = {"stage_id": person.stages["Proposal"]}
    return await person.request(operation.method, operation.filled(theirs), **more)


async def _same(person: Person, world: Mapping[str, str]) -> bool:
    """The stranger's own records are as they were made."""
    deal = await person.get(f"/deals/{world['deal_id']}")
    client = await person.get(f"/clients/{world['client_id']}")
    return (deal["name"], client["name"]) == ("Deal of the world", "Client of the world")


async def _pointers(owner: Person) -> dict[str, str]:
    client = await owner.post("/clients", {"name": "Theirs"}, 201)
    deal = await owner.new_deal("Theirs", client_id=client["id"])
    return {
        "client_id": client["id"],
        "deal_id": deal["id"],
        "stage_id": owner.stages["Engaging"],
        "owner_id": (await owner.get("/owners"))["items"][0]["id"],
        "lost_reason_id": (await owner.get("/lost-reasons"))["items"][0]["id"],
    }
