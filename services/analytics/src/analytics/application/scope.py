"""Which deals a report counts, of which days, and as of when."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from analytics.adapters.standing import Standing, edition_of, standing
from analytics.adapters.stood import Seen
from analytics.domain.errors import DateInvalid
from analytics.domain.period import Period
from kit.database import Transaction

FIRST_DAY = date(1970, 1, 1)  # nothing of ours is older, and the science counts days from here


@dataclass(frozen=True, kw_only=True)
class Asked:
    """As a request says it; empty for the usual."""

    first: str = ""
    last: str = ""
    owner_id: UUID | None = None
    source: str = ""
    as_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a report counts.

    `day` is None for now, and `at` the moment everything stands at. `whose` is the one owner that
    estimates speak of, None for the whole workspace: who sees some people's deals only gets their
    own estimate, since one of all would tell what the others have.
    """

    standing: Standing
    period: Period
    seen: Seen
    day: date | None
    at: datetime
    whose: UUID | None
    own_only: bool

    @property
    def edition(self) -> str:
        """The scores that belong to it."""
        return edition_of(self.day)

    @property
    def zone(self) -> ZoneInfo:
        """Where the workspace's days begin."""
        return self.period.zone

    @property
    def today(self) -> date:
        """The day everything stands on."""
        return self.day or self.at.astimezone(self.zone).date()


async def scope(tx: Transaction, asked: Asked, *, me: UUID, now: datetime) -> Scope:
    """Raises DateInvalid, RangeEmpty."""
    # The zone decides which day it is, and the day which scores: two reads for a past day only.
    stood = await standing(tx)
    zone = ZoneInfo(stood.time_zone)
    day = _past_day(asked.as_of, now.astimezone(zone).date())
    if day is not None:
        stood = await standing(tx, edition_of(day))
    at = now if day is None else Period(day, day, zone).end
    last_moment = at if day is None else at - timedelta(microseconds=1)
    period = Period.read(asked.first, asked.last, zone=stood.time_zone, now=last_moment)
    sight = tx.sight.owners
    return Scope(
        standing=stood,
        period=period,
        seen=Seen(_owners(asked.owner_id, sight), asked.source or None, at, day is not None,
                  stood.currency),
        day=day,
        at=at,
        whose=asked.owner_id or (me if sight is not None else None),
        own_only=sight is not None,
    )  # fmt: skip


def _owners(asked: UUID | None, sight: tuple[UUID, ...] | None) -> list[UUID] | None:
    """Whose deals are counted; somebody out of sight has none."""
    if asked is not None:
        return [asked] if sight is None or asked in sight else []
    return None if sight is None else list(sight)


def _past_day(text: str, today: date) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        said = "Give a day such as 2026-03-31."
        raise DateInvalid(said, fields={"as_of": said}) from None
    if not FIRST_DAY <= day <= today:
        said = "That day has not come yet." if day > today else "Reports reach back to 1970."
        raise DateInvalid(said, fields={"as_of": said})
    return None if day == today else day
