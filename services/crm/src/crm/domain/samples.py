"""What a new workspace can look around with: three deals, their client, and a call."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from crm.domain.repetition import on

MARK = "sample"  # how external ids of samples begin
CLIENT_NAME = "Mira Studio (sample)"
CALL = "Call about the website"
CALL_AT = time(14)


class Sample(NamedTuple):
    """A deal of the samples."""

    name: str
    amount_minor: int
    stage: int  # which of the open stages, or the last one there is
    closes_in: int  # days
    next_step: str
    next_step_in: int | None  # days

    def closes_on(self, today: date) -> date:
        """When it is expected to close."""
        return today + timedelta(days=self.closes_in)

    def next_step_on(self, today: date) -> date | None:
        """When the next step is due."""
        return None if self.next_step_in is None else today + timedelta(days=self.next_step_in)


SAMPLES = (
    Sample("Website relaunch (sample)", 480_000, 1, 21, "Send the proposal", 1),
    Sample("Logo and brand (sample)", 190_000, 0, 45, "", None),
    Sample("Monthly retainer (sample)", 1_200_000, 2, 10, "Agree on the start", 3),
)


def call_at(now: datetime, zone: ZoneInfo) -> datetime:
    """Tomorrow, in the early afternoon."""
    return on(now.astimezone(zone).date() + timedelta(days=1), CALL_AT, zone)
