"""How things are worded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.money import Money
from notify.adapters.letters import one_line
from notify.application.sending import LONGEST_DELAY, delay_after
from notify.domain.messages import (
    ImportResult,
    Kind,
    Move,
    Reminder,
    activity_due,
    deal_moved,
    export_failed,
    export_finished,
    import_finished,
)

MOVE = Move(
    deal_id=uuid4(),
    deal_name="Website relaunch",
    client_name="Weir & Heron",
    amount=Money(1_250_000, "EUR"),
    from_stage="Prospecting",
    from_type="open",
    to_stage="Proposal",
    to_type="open",
    lost_reason="",
    actor_name="Mira",
    days_in_stage=3.2,
)
IMPORT = ImportResult(
    import_id=uuid4(),
    resource="deals",
    file_name="deals.csv",
    created=8800,
    updated=0,
    skipped=0,
    failed=0,
)

CALL = Reminder(
    activity_id=uuid4(),
    kind="call",
    subject="Ask",
    client_name="Weir & Heron",
    deal_name="Website relaunch",
    due_at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
    all_day=False,
    time_zone="Europe/Berlin",
)


def test_a_move_says_who_what_and_how_long() -> None:
    wording = deal_moved(MOVE)
    assert wording.kind is Kind.DEAL_MOVED
    assert wording.title == "Website relaunch is now in Proposal"
    assert wording.body == (
        "Mira moved it from Prospecting to Proposal. Weir & Heron, €12,500."
        " It had been in Prospecting for 3 days."
    )


@pytest.mark.parametrize(
    ("over", "kind", "title"),
    [
        ({"to_type": "won"}, Kind.DEAL_WON, "Won: Website relaunch"),
        ({"to_type": "lost"}, Kind.DEAL_LOST, "Lost: Website relaunch"),
        ({"from_type": "lost"}, Kind.DEAL_REOPENED, "Open again: Website relaunch"),
    ],
)
def test_winning_losing_and_reopening_have_words_of_their_own(
    over: dict[str, str], kind: Kind, title: str
) -> None:
    wording = deal_moved(replace(MOVE, **over))  # type: ignore[arg-type]
    assert (wording.kind, wording.title) == (kind, title)


def test_what_is_not_known_is_not_said() -> None:
    bare = replace(MOVE, client_name="", amount=None, actor_name="", days_in_stage=0.2)
    assert deal_moved(bare).body == (
        "Somebody moved it from Prospecting to Proposal."
        " It had been in Prospecting for less than a day."
    )
    lost = replace(bare, to_type="lost", lost_reason="Price", days_in_stage=1.1)
    assert "Reason: Price." in deal_moved(lost).body
    assert "1 day." in deal_moved(lost).body


def test_an_import_is_summed_up() -> None:
    wording = import_finished(IMPORT)
    assert wording.title == "Import finished: 8,800 deals"
    assert wording.body == "8,800 deals came in from deals.csv."
    mixed = import_finished(replace(IMPORT, created=1, skipped=1, failed=12, file_name=""))
    assert mixed.body == (
        "1 deal came in from the file. 1 row was there already."
        " 12 could not be taken; the import says why, row by row."
    )


def test_a_reminder_names_the_day_and_the_hour_of_the_workspace() -> None:
    assert activity_due(CALL).title == "Call: Ask"
    assert activity_due(CALL).body == (
        "Due Sunday, 1 March at 00:30. With Weir & Heron. About Website relaunch."
    )
    whole_day = replace(CALL, all_day=True, client_name="", deal_name="", time_zone="Mars/Base")
    assert activity_due(whole_day).body == "Due Saturday, 28 February."
    assert activity_due(replace(whole_day, due_at=None)).body == ""


def test_amounts_read_as_on_the_pages_of_whoever_reads_them() -> None:
    assert "Weir & Heron, 12.500\u00a0€." in deal_moved(MOVE, "de").body
    odd = replace(MOVE, client_name="", amount=Money(1_250_050, "EUR"))
    assert " €12,500.50. " in deal_moved(odd).body


@given(st.text(max_size=300))
def test_no_name_begins_another_header(text: str) -> None:
    line = one_line(text)
    assert not set(line) & set("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00")
    assert one_line(line) == line


@given(st.integers(1, 1000))
def test_delays_grow_and_are_bounded(attempts: int) -> None:
    assert timedelta(0) < delay_after(attempts) <= delay_after(attempts + 1) <= LONGEST_DELAY


def test_an_export_of_the_workspace_is_called_what_it_is() -> None:
    told = export_finished(
        uuid4(),
        resource="workspace",
        file_name="workspace.zip",
        rows=7,
        kept_until=datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert told.title == "Export finished: all data of the workspace"
    failed = export_failed(uuid4(), resource="workspace", file_name="workspace.zip", why="")
    assert failed.body.startswith("The file with all data of the workspace could not be made.")
