"""One line as an activity. It is Wednesday, 4 March 2026, 10:00 in Berlin."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.activity import ActivityKind
from crm.domain.quick_add import read_line
from crm.domain.repetition import Repetition

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "subject", "due"),
    [
        ("Call Mira Fri 14:00", "Call Mira", "2026-03-06 14:00"),
        ("Call Mira on friday at 2pm", "Call Mira", "2026-03-06 14:00"),
        ("Call Mira Wed 9:00", "Call Mira", "2026-03-11 09:00"),
        ("Call Mira Wed", "Call Mira", "2026-03-04"),
        ("Send proposal tomorrow", "Send proposal", "2026-03-05"),
        ("Send proposal by the day after tomorrow", "Send proposal", "2026-03-06"),
        ("Send proposal next Monday", "Send proposal", "2026-03-09"),
        ("Plan next week", "Plan", "2026-03-09"),
        ("Plan next month", "Plan", "2026-04-01"),
        ("Lunch with Noor at noon", "Lunch with Noor", "2026-03-04 12:00"),
        ("Ring Tom at 9", "Ring Tom", "2026-03-05 09:00"),
        ("Review in 3 days", "Review", "2026-03-07"),
        ("Review in 2 hours", "Review", "2026-03-04 12:00"),
        ("Meet Zoé 2026-12-24 18:30", "Meet Zoé", "2026-12-24 18:30"),
        ("Meet Zoé 1.4.", "Meet Zoé", "2026-04-01"),
        ("Meet Zoé 1.2.", "Meet Zoé", "2027-02-01"),
        ("Meet Zoé 3 Mar", "Meet Zoé", "2027-03-03"),
        ("Meet Zoé on March 20th, 2027", "Meet Zoé", "2027-03-20"),
        ("Pay 29 Feb 2028", "Pay", "2028-02-29"),
        ("Water plants", "Water plants", ""),
        ("Order 12 chairs of 4.50", "Order 12 chairs of 4.50", ""),
        ("Meet at 99:99", "Meet at 99:99", ""),
        ("Meet 0001-01-01", "Meet 0001-01-01", ""),
        ("Meet 31.12.9999", "Meet 31.12.9999", ""),
        ("Meet 2026-02-30", "Meet 2026-02-30", ""),  # there is no such day: it is a word
        ("Meet 30 Feb", "Meet 30 Feb", ""),
    ],
)
def test_days_and_times_are_understood(line: str, subject: str, due: str) -> None:
    draft = read_line(line, now=NOW, zone=BERLIN)
    local = draft.due_at.astimezone(BERLIN) if draft.due_at else None
    shown = "" if local is None else f"{local:%Y-%m-%d}" if draft.all_day else f"{local:%F %H:%M}"
    assert (draft.subject, shown) == (subject, due)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Call Mira", ActivityKind.CALL),
        ("phone the bank", ActivityKind.CALL),
        ("Coffee with Noor", ActivityKind.MEETING),
        ("E-mail the offer", ActivityKind.MAIL),
        ("Note: likes blue", ActivityKind.NOTE),
        ("Recall the parts", ActivityKind.TASK),
    ],
)
def test_the_first_word_says_the_kind(line: str, kind: ActivityKind) -> None:
    assert read_line(line, now=NOW, zone=BERLIN).kind is kind


@pytest.mark.parametrize(
    ("line", "subject", "repetition", "day"),
    [
        ("Invoices every month", "Invoices", Repetition.MONTHLY, "2026-03-04"),
        ("Stand-up every weekday 9:30", "Stand-up", Repetition.WEEKDAYS, "2026-03-05"),
        ("Backup every Friday", "Backup", Repetition.WEEKLY, "2026-03-06"),
        ("Report every other week on Monday", "Report", Repetition.BIWEEKLY, "2026-03-09"),
    ],
)
def test_a_series_has_a_beginning(
    line: str, subject: str, repetition: Repetition, day: str
) -> None:
    draft = read_line(line, now=NOW, zone=BERLIN)
    assert draft.due_at is not None
    assert (draft.subject, draft.repetition) == (subject, repetition)
    assert draft.due_at.astimezone(BERLIN).date().isoformat() == day


def test_it_is_brought_to_mind_before() -> None:
    timed = read_line("Call Mira Fri 14:00", now=NOW, zone=BERLIN)
    assert timed.remind_at == datetime(2026, 3, 6, 12, 45, tzinfo=UTC)
    whole_day = read_line("Call Mira Fri", now=NOW, zone=BERLIN)
    assert whole_day.remind_at == datetime(2026, 3, 6, 7, 0, tzinfo=UTC)
    assert read_line("Call Mira today", now=NOW, zone=BERLIN).remind_at is None


@given(st.text(min_size=1, max_size=300).filter(str.strip))
def test_any_line_is_read(line: str) -> None:
    draft = read_line(line, now=NOW, zone=BERLIN)
    assert draft.subject
    assert len(draft.subject) <= 300
