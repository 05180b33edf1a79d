"""What calendar programs read."""

from datetime import UTC, datetime

from freelanceflow.crm.v1.activity_service_pb2 import Activity, ActivityKind
from freelanceflow.crm.v1.calendar_service_pb2 import Calendar, ExpectedClose
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.api.ical import LONGEST_LINE, calendar_text
from kit.clock import to_timestamp

NOON = to_timestamp(datetime(2026, 12, 24, 12, tzinfo=UTC))
LATE = to_timestamp(datetime(2026, 12, 24, 23, tzinfo=UTC))  # the next day in Berlin


def lines(calendar: Calendar) -> list[str]:
    """Without what was folded."""
    text = calendar_text(calendar, "Europe/Berlin", "https://crm.example")
    assert all(len(line.encode()) <= LONGEST_LINE for line in text.split("\r\n"))
    assert text.endswith("END:VCALENDAR\r\n")
    return text.replace("\r\n ", "").split("\r\n")


def test_an_activity_is_an_event_with_words_that_stay_words() -> None:
    call = Activity(
        id="a-1",
        kind=ActivityKind.ACTIVITY_KIND_CALL,
        subject="Call; ask, then\\wait\r\nBEGIN:VEVENT",
        body="Zoë " * 60,
        client_name="Mira",
        due_time=NOON,
        remind_time=NOON,
        update_time=NOON,
    )
    found = lines(Calendar(activities=[call]))
    assert "DTSTART:20261224T120000Z" in found
    assert "DTEND:20261224T123000Z" in found
    assert "SUMMARY:Call\\; ask\\, then\\\\wait\\nBEGIN:VEVENT" in found
    assert found.count("BEGIN:VEVENT") == 1
    assert "TRIGGER;VALUE=DATE-TIME:20261224T120000Z" in found
    assert "URL:https://crm.example/activities/a-1/edit" in found


def test_whole_days_are_those_of_the_workspace() -> None:
    task = Activity(id="a-2", subject="Rest", all_day=True, due_time=LATE, update_time=NOON)
    close = ExpectedClose(
        deal_id="d-1",
        name="Website",
        amount=Money(amount_minor=125_050, currency_code="EUR"),
        expected_close_date="2026-12-31",
        update_time=NOON,
    )
    found = lines(Calendar(activities=[task], closes=[close]))
    assert "DTSTART;VALUE=DATE:20261225" in found
    assert "DTSTART;VALUE=DATE:20261231" in found
    assert "DTEND;VALUE=DATE:20270101" in found
    assert "SUMMARY:Expected to close: Website" in found
    assert "DESCRIPTION:€1\\,250.50" in found
