"""Activities: days, a line that becomes one, and what a form makes of what is typed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freelanceflow.crm.v1.activity_service_pb2 import ListActivitiesResponse
from freelanceflow.crm.v1.client_service_pb2 import ListClientsResponse
from gateway.entrypoints.pages.activities import days_of
from gateway.entrypoints.pages.formatting import Formats
from kit.clock import from_timestamp, to_timestamp
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.factories import NOW, ago, make_activity

WITHOUT_TARGET = RemoteError(ErrorKind.INVALID, "ACTIVITY_WITHOUT_TARGET", "Choose a client.")
HTMX = {"hx_request": "true"}


def test_what_is_late_stands_together_and_the_rest_by_day() -> None:
    formats = Formats(locale="en", time_zone="Europe/Berlin", now=NOW)
    dues = [ago(days=9), ago(days=1), ago(hours=1), ago(hours=-2), ago(days=-1), ago(days=-20)]
    days = days_of([make_activity(1, due_time=due) for due in dues], formats)
    assert [(day.name, len(day.items), day.late) for day in days] == [
        ("Overdue", 2, True),
        ("Today", 2, False),
        ("Tomorrow", 1, False),
        ("Tue, Dec 15", 1, False),
    ]


@pytest.mark.parametrize(
    ("hours", "all_day", "expected"),
    [
        (1, False, ("overdue", "Today, 9:30 AM")),
        (1, True, ("today", "Today")),
        (-1, False, ("today", "Today, 11:30 AM")),
        (24, True, ("overdue", "Yesterday")),
        (-24, False, ("later", "Tomorrow, 10:30 AM")),
    ],
)
def test_due_in_words(hours: int, all_day: bool, expected: tuple[str, str]) -> None:
    formats = Formats(locale="en", time_zone="Europe/Berlin", now=NOW)
    assert formats.due(ago(hours=hours), all_day) == expected


async def test_the_list_asks_for_ones_own_until_told_otherwise(site: Any) -> None:
    await site.get("/activities")
    mine = site.neighbours.activities.asked[-1]
    assert [c.field for c in mine.conditions] == ["done_at", "due_at", "owner_id"]
    await site.get("/activities?owner=all&show=done&kind=nonsense")
    everybodys = site.neighbours.activities.asked[-1]
    assert [c.field for c in everybodys.conditions] == ["done_at"]
    assert (everybodys.sort[0].field, everybodys.sort[0].descending) == ("done_at", True)


async def test_nothing_to_do_says_how_to_begin(site: Any) -> None:
    site.neighbours.activities.answers["ListActivities"] = ListActivitiesResponse()
    assert "Nothing to do" in (await site.get("/activities")).text
    assert "No activities match" in (await site.get("/activities?q=x")).text
    assert "Nothing done yet" in (await site.get("/activities?show=done")).text


async def test_a_line_becomes_an_activity(site: Any) -> None:
    answer = await site.post(
        "/activities/quick", {"text": "Call Mira Fri", "deal_id": "d-9", "next": "/deals/d-9"}
    )
    assert (answer.status, answer.headers["location"]) == (303, "/deals/d-9")
    created = site.neighbours.activities.asked[-1].activity
    assert (created.subject, created.deal_id, created.client_id) == ("Lunch", "d-9", "")


async def test_a_line_that_names_nobody_opens_as_a_form(site: Any) -> None:
    site.neighbours.activities.answers["CreateActivity"] = WITHOUT_TARGET
    typed = {"text": "Buy paper", "next": "//evil.example"}
    answer = await site.post("/activities/quick", typed)
    location = answer.headers["location"]
    assert location == "/activities/new?text=Buy+paper&next=%2Factivities"
    enhanced = await site.post("/activities/quick", typed, **HTMX)
    assert enhanced.status == 204
    assert json.loads(enhanced.headers["hx-trigger"]) == {"ff:open": {"href": location}}
    assert "which client or deal" in (await site.get(location)).text


async def test_done_has_a_way_back(site: Any) -> None:
    answer = await site.post("/activities/a-1/done", {"done": "1"}, **HTMX)
    assert json.loads(answer.headers["hx-trigger"])["ff:saved"] == {
        "kind": "activity",
        "id": "a-1",
    }
    assert "data-undo" in answer.text
    assert site.neighbours.activities.asked[-1].done
    back = await site.post("/activities/a-1/done", {"done": "", "undo": "1"}, **HTMX)
    assert "data-undo" not in back.text
    assert not site.neighbours.activities.asked[-1].done


async def typed(site: Any, **over: str) -> Any:
    values = {"subject": "Call", "kind": "call", "client": "Acme Corporation", **over}
    answer = await site.post("/activities/new", values)
    return answer, site.neighbours.activities.asked[-1]


async def test_due_times_are_those_of_the_workspace(site: Any) -> None:
    _, request = await typed(site, due_date="2026-12-01", due_time="14:30", remind="60")
    due = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
    assert from_timestamp(request.activity.due_time) == due
    assert from_timestamp(request.activity.remind_time) == due - timedelta(hours=1)
    assert not request.activity.all_day
    _, request = await typed(site, due_date="2026-12-01", remind="0")
    assert request.activity.all_day
    morning = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
    assert from_timestamp(request.activity.remind_time) == morning
    _, request = await typed(site, due_time="18:00")
    assert from_timestamp(request.activity.due_time) == NOW.replace(hour=17, minute=0)


@pytest.mark.parametrize(
    ("day", "at", "remind"),
    [
        (day, at, remind)
        for day in ("2027-03-28", "2027-03-29", "2027-10-31", "2027-12-01")
        for at in ("", "03:10", "10:00")
        for remind in ("0", "15", "60", "1440")
    ],
)
async def test_a_reminder_stays_where_it_is_when_the_form_is_saved_again(
    site: Any, day: str, at: str, remind: str
) -> None:
    """Also on the two days a year that are longer or shorter."""
    _, request = await typed(site, due_date=day, due_time=at, remind=remind)
    assert (
        from_timestamp(request.activity.remind_time) <= from_timestamp(request.activity.due_time)
        or not at
    )
    site.neighbours.activities.answers["GetActivity"] = request.activity
    page = await site.get("/activities/a-1/edit")
    assert f'<option value="{remind}" selected>' in page.text


async def test_what_was_done_is_done_now_or_when_it_was_due(site: Any) -> None:
    _, request = await typed(site, done="1")
    assert from_timestamp(request.activity.done_time) == NOW
    _, request = await typed(site, done="1", due_date="2026-11-01", due_time="10:00")
    assert request.activity.done_time == to_timestamp(datetime(2026, 11, 1, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"due_date": "soon"}, "This is no date."),
        ({"due_date": "0001-01-01"}, "Check the year."),
        ({"due_time": "25:00"}, "This is no time of day."),
        ({"remind": "60"}, "Say when it is due"),
        ({"remind": "x", "due_date": "2026-12-01"}, "Choose when to remind."),
    ],
)
async def test_what_cannot_be_meant_is_said_beside_the_field(
    site: Any, wrong: dict[str, str], words: str
) -> None:
    answer = await site.post("/activities/new", {"subject": "Keep me", **wrong})
    assert answer.status == 422
    assert words in answer.text
    assert 'value="Keep me"' in answer.text


async def test_a_change_made_on_an_older_version_is_told(site: Any) -> None:
    stale = RemoteError(ErrorKind.STALE, "ACTIVITY_HAS_CHANGED", "Changed.")
    site.neighbours.activities.answers["UpdateActivity"] = stale
    answer = await site.post("/activities/a-1/edit", {"subject": "Mine", "etag": "1"})
    assert answer.status == 412
    assert "Somebody has changed this activity" in answer.text
    assert 'name="etag" value="2"' in answer.text


async def test_who_may_only_read_is_offered_no_change(site: Any) -> None:
    site.may("activities.read", "deals.read", "clients.read")
    page = (await site.get("/activities")).text
    assert "/activities/new" not in page
    assert 'method="post" action="/activities' not in page


async def test_a_notes_first_line_is_what_lists_show(site: Any) -> None:
    for text, subject, body in (
        ("Likes blue", "Likes blue", ""),
        ("Likes blue\r\nNot green", "Likes blue", "Not green"),
        ("x" * 301, "x" * 299 + "…", "x" * 301),
    ):
        answer = await site.post(
            "/notes", {"text": text, "client_id": "c-1", "next": "/clients/c-1"}
        )
        assert (answer.status, answer.headers["location"]) == (303, "/clients/c-1")
        note = site.neighbours.activities.asked[-1].activity
        assert (note.subject, note.body, note.client_id) == (subject, body, "c-1")


@pytest.mark.parametrize(
    "path", ["/deals/d-1/contacts", "/activities/new?text=Call&deal_id=d-1", "/activities/a-1/edit"]
)
async def test_a_form_opens_in_the_dialog(site: Any, path: str) -> None:
    answer = await site.get(path, **HTMX)
    assert answer.status == 200
    assert answer.text.lstrip().startswith('<div class="dialog-head">')


async def test_contacts_come_and_go(site: Any) -> None:
    typed = {"client": "Acme Corporation", "role": "Decides"}
    answer = await site.post("/deals/d-1/contacts", typed)
    assert (answer.status, answer.headers["location"]) == (303, "/deals/d-1")
    enhanced = await site.post("/deals/d-1/contacts/c-9/remove", {}, **HTMX)
    assert json.loads(enhanced.headers["hx-trigger"])["ff:saved"]["kind"] == "deal"
    site.neighbours.clients.answers["ListClients"] = ListClientsResponse()
    unknown = await site.post("/deals/d-1/contacts", {"client": "Nobody"}, **HTMX)
    assert unknown.status == 422
    assert "No client has this name" in unknown.text
    nobody = await site.post("/deals/d-1/contacts", {"role": "pays"}, **HTMX)
    assert nobody.status == 422
    assert "Say who it is." in nobody.text
