"""Time, injectable. Nothing else in the platform asks the machine what time it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_OF_A_DAY = 86_400


class Clock(Protocol):
    """Tells the time as an aware UTC instant."""

    def now(self) -> datetime:
        """The present instant."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)


class FakeClock:
    """Stands still until it is told otherwise."""

    def __init__(self, at: datetime) -> None:
        self._now = at

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by

    def set(self, at: datetime) -> None:
        """Jump to an instant."""
        self._now = at


def to_timestamp(at: datetime) -> Timestamp:
    """The wire form, exact to the microsecond and cheaper than assigning a datetime."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    since = at - _EPOCH
    return Timestamp(
        seconds=since.days * _SECONDS_OF_A_DAY + since.seconds, nanos=since.microseconds * 1000
    )


def from_timestamp(stamp: Timestamp) -> datetime:
    """An aware UTC instant; what is finer than a microsecond is cut off."""
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
