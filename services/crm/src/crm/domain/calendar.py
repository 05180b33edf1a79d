"""A member's calendar, which other programs read under a secret address."""

from dataclasses import dataclass

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class CalendarFeedChanged(Fact):
    """A calendar has an address, another one, or none any more; the aggregate is the member.

    The address is a key, so nothing of it is told.
    """

    exists: bool
    replaced: bool = False
