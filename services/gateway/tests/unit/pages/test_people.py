"""Members and the audit log: what is asked for, and what is shown to whom."""

import pytest

from freelanceflow.auth.v1.audit_service_pb2 import AuditEntry, ListAuditEntriesRequest
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.workspace_service_pb2 import (
    ChangeMemberRoleRequest,
    Invitation,
    RemoveMemberRequest,
)
from gateway.entrypoints.pages.audit import page_of, words_of
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site
from services.gateway.tests.unit.pages.people_answers import ROLE_FORMS
from services.gateway.tests.unit.pages.test_giving_roles import confirmed

SECOND = "00000000-0000-0000-0000-000000000002"


async def test_members_are_shown_with_what_they_see(site: Site) -> None:
    page = await site.get("/settings/members")
    assert page.status == 200
    assert page.text.count('<li class="member-row') == 3
    assert "Sees all records" in page.text
    assert '<option value="team" selected>' in page.text
    assert "<script>alert(1)" not in page.text
    site.may("members.read", "deals.read")
    read_only = await site.get("/settings/members")
    assert '<form method="post" action="/settings/members' not in read_only.text
    assert "sees the records of North" in read_only.text


async def test_only_what_is_another_one_is_sent(site: Site) -> None:
    form = {"role": "sales", "visibility": "own", "team": "North"}
    answer = await site.post(f"/settings/members/{SECOND}", form)
    assert (answer.status, answer.headers["location"]) == (303, "/settings/members?saved=1")
    asked = site.neighbours.workspaces.asked[-1]
    assert asked == ChangeMemberRoleRequest(user_id=SECOND, visibility="own")
    await site.post(f"/settings/members/{SECOND}", form | {"visibility": "team"})
    assert not isinstance(site.neighbours.workspaces.asked[-1], ChangeMemberRoleRequest)
    await confirmed(site, f"/settings/members/{SECOND}", form | {"role": "admin"})
    assert site.neighbours.workspaces.asked[-1] == ChangeMemberRoleRequest(
        user_id=SECOND, role="admin"
    )


async def test_a_refusal_is_said_on_the_page(site: Site) -> None:
    site.neighbours.workspaces.answers["ChangeMemberRole"] = RemoteError(
        ErrorKind.INVALID, "TEAM_MISSING", "no", fields={"team": "Say which team."}
    )
    form = {"role": "sales", "visibility": "team", "team": ""}
    answer = await site.post(f"/settings/members/{SECOND}", form)
    assert answer.status == 422
    assert "Say which team." in answer.text


async def test_somebody_is_taken_out_once_that_is_confirmed(site: Site) -> None:
    page = await site.get("/settings/members")
    assert f'href="/settings/members/{SECOND}/remove"' in page.text
    asks = await site.get(f"/settings/members/{SECOND}/remove")
    assert f'href="/clients?owner={SECOND}"' in asks.text
    assert not isinstance(site.neighbours.workspaces.asked[-1], RemoveMemberRequest)
    answer = await site.post(f"/settings/members/{SECOND}/remove", {})
    assert (answer.status, answer.headers["location"]) == (303, "/settings/members?removed=1")
    assert site.neighbours.workspaces.asked[-1] == RemoveMemberRequest(user_id=SECOND)
    assert "Removed." in (await site.get("/settings/members?removed=1")).text
    unknown = SECOND.replace("2", "9")
    assert (await site.get(f"/settings/members/{unknown}/remove")).status == 404
    site.may("members.read")
    assert "/remove" not in (await site.get("/settings/members")).text


async def test_who_leaves_is_signed_out_and_the_last_owner_stays(site: Site) -> None:
    me = SECOND.replace("2", "1")
    assert "You are signed out" in (await site.get(f"/settings/members/{me}/remove")).text
    answer = await site.post(f"/settings/members/{me}/remove", {})
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?out=1")
    assert any("ff_access" in cookie and "Max-Age=0" in cookie for cookie in answer.cookies)
    site.neighbours.workspaces.answers["RemoveMember"] = RemoteError(
        ErrorKind.REFUSED, "LAST_OWNER", "A workspace needs an owner."
    )
    refused = await site.post(f"/settings/members/{me}/remove", {})
    assert (refused.status, "A workspace needs an owner." in refused.text) == (422, True)


async def test_somebody_is_invited_by_a_link_that_is_shown_once(site: Site) -> None:
    site.neighbours.workspaces.answers["CreateInvitation"] = Invitation(
        email="new@example.com", role="sales", token="se/cret"
    )
    form = {"email": "new@example.com", "role": "sales"}
    answer = await site.post("/settings/invitations", form)
    assert answer.status == 200
    assert "/join?token=se%2Fcret" in answer.text
    assert 'data-copy="link" hidden' in answer.text
    assert "on its way to new@example.com" in answer.text
    assert "/join?token=" not in (await site.get("/settings/members")).text
    site.neighbours.workspaces.answers["CreateInvitation"] = Invitation(email="new@example.com")
    by_mail = await site.post("/settings/invitations", form)
    assert ("on its way" in by_mail.text, "/join?token=" in by_mail.text) == (True, False)
    site.neighbours.workspaces.answers["CreateInvitation"] = RemoteError(
        ErrorKind.FORBIDDEN, "ROLE_TOO_HIGH", "You cannot invite above your own."
    )
    refused = await site.post("/settings/invitations", form | {"role": "owner"})
    assert (refused.status, "You cannot invite above your own." in refused.text) == (422, True)
    assert 'value="new@example.com"' in refused.text
    site.may("members.read")
    assert "Invite somebody" not in (await site.get("/settings/members")).text


async def test_the_link_lets_in(site: Site) -> None:
    page = await site.get("/join?token=secret")
    assert 'name="token" value="secret"' in page.text
    assert 'href="/forgot"' in page.text  # whose account has no password, or none they know
    site.neighbours.auth.answers["AcceptInvitation"] = RemoteError(
        ErrorKind.NOT_FOUND, "INVITATION_NOT_FOUND", "This invitation is not valid any more."
    )
    form = {"token": "secret", "name": "New", "password": "  with blanks  "}
    refused = await site.post("/join", form)
    assert (refused.status, "Ask whoever invited you" in refused.text) == (422, True)
    assert site.neighbours.auth.asked[-1].password == "  with blanks  "
    site.neighbours.auth.answers["AcceptInvitation"] = RemoteError(
        ErrorKind.INVALID, "NAME_INVALID", "", fields={"name": "Give a name of 1 to 200."}
    )
    nameless = await site.post("/join", form | {"name": ""})
    assert (nameless.status, "A new account needs a name." in nameless.text) == (422, True)
    site.neighbours.auth.answers["AcceptInvitation"] = TokenPair(access_token="a")
    answer = await site.post("/join", form)
    assert (answer.status, answer.headers["location"]) == (303, "/")


async def test_the_audit_log_says_who_what_when_and_from_where(site: Site) -> None:
    page = await site.get("/audit")
    assert page.status == 200
    for said in ("Moved a deal", "192.0.2.7", "12 clients, xlsx", "The system", "A former member"):
        assert said in page.text
    assert 'href="/deals/s-0"' in page.text
    assert 'href="/clients/s-1"' not in page.text
    assert 'href="/audit?page_token=older"' in page.text
    assert page.text.count("one of many") == 1  # the moved deal; an import is all of it


async def test_it_is_narrowed_by_person_kind_and_days_of_the_workspace(site: Site) -> None:
    await site.get(f"/audit?who={SECOND}&what=crm.deal.&from=2026-03-01&to=2026-03-02")
    asked = site.neighbours.audit.asked[-1]
    assert (asked.actor_id, asked.type) == (SECOND, "crm.deal.")
    assert asked.from_time.ToJsonString() == "2026-02-28T23:00:00Z"
    assert asked.to_time.ToJsonString() == "2026-03-02T23:00:00Z"
    await site.get("/audit?what=nonsense&from=someday")
    assert site.neighbours.audit.asked[-1] == ListAuditEntriesRequest(page_size=50)


async def test_tabs_lead_only_where_a_role_may_go(site: Site) -> None:
    assert 'href="/audit"' in (await site.get("/settings")).text
    site.may("deals.read")
    page = await site.get("/settings")
    assert 'href="/audit"' not in page.text
    assert 'href="/settings/members"' not in page.text


@pytest.mark.parametrize(
    ("type", "words", "page"),
    [
        ("crm.deal.v1.moved", "Moved a deal", "/deals/x"),
        ("crm.deal.v1.deleted", "Deleted a deal", ""),
        ("crm.deal.v1.reordered", "Put a deal elsewhere in its column", "/deals/x"),
        ("crm.duplicate.v1.dismissed", "Said that two clients are not the same", ""),
        ("crm.export.v1.requested", "Exported", ""),
        ("crm.import.v1.failed", "Began something with an import that failed", "/imports/x"),
        ("crm.merge.v1.made", "Made one client of two", ""),
        ("crm.merge.v1.undone", "Made two clients of one again", ""),
        ("crm.view.v1.changed", "Changed a saved view", ""),
        ("crm.view.v1.chosen", "Chose the view they see first", ""),
        ("crm.calendar.v1.changed", "Changed their calendar address", ""),
        ("crm.thing.v1.turned_round", "Turned round thing", ""),
    ],
)
def test_entries_in_words(type: str, words: str, page: str) -> None:
    entry = AuditEntry(type=type, subject_id="x")
    assert (words_of(entry), page_of(entry)) == (words, page)


async def test_a_person_chooses_what_to_hear_of(site: Site) -> None:
    page = await site.get("/settings/notifications")
    assert page.status == 200
    assert "A deal moves to another stage: by mail" in page.text
    assert "An export of mine is finished: by mail" not in page.text
    moved, finished = (page.text.index(said) for said in ("A deal moves", "An export of mine is f"))
    assert moved < finished, "in the order in which people look for them"
    won = page.text.partition('name="mail-deal_won"')[2].partition("</select>")[0]
    assert '<option value="digest" selected>In the morning</option>' in won
    form = {
        "kinds": "deal_moved,deal_won,deal_lost,export_finished",
        "mail-deal_moved": "at_once",
        "mail-deal_won": "digest",
        "mail-deal_lost": "off",
    }
    answer = await site.post("/settings/notifications", form)
    assert answer.headers["location"] == "/settings/notifications?saved=1"
    asked = site.neighbours.notifications.asked[-1]
    assert [(p.kind, p.in_app, p.by_mail, p.digest) for p in asked.preferences] == [
        ("deal_moved", False, True, False),
        ("deal_won", False, True, True),
        ("deal_lost", False, False, False),
        ("export_finished", False, False, False),
    ]
    assert [p.HasField("digest") for p in asked.preferences] == [True, True, False, False]
    assert (asked.HasField("mute_own_changes"), asked.mute_own_changes) == (True, True)
    await site.post("/settings/notifications", form | {"own_changes": "1"})
    assert site.neighbours.notifications.asked[-1].mute_own_changes is False


@pytest.mark.parametrize(
    "path",
    [
        "/deals/new",
        "/deals/d-1/edit",
        "/deals/d-1/move",
        "/deals/d-1/close",
        "/deals/d-1/contacts",
        "/clients/new",
        "/clients/c-1/edit",
        "/activities/new",
        "/activities/a-1/edit",
        "/settings/stages/new",
        "/settings/stages/s-1/edit",
        "/settings/stages/s-1/remove",
        "/settings/fields/new",
        "/settings/fields/f-deals-select/edit",
        f"/settings/members/{SECOND}/remove",
        *ROLE_FORMS,
    ],
)
async def test_nobody_fills_in_what_they_may_not_send(site: Site, path: str) -> None:
    assert (await site.get(path)).status == 200
    site.may("deals.read", "clients.read", "activities.read", "members.read")
    refused = await site.get(path)
    assert (refused.status, "You may not do this" in refused.text) == (403, True)
    site.sign_out()
    assert (await site.get(path)).status == 303
