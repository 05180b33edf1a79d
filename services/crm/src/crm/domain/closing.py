"""When a deal was won or lost that somebody records on a later day."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from crm.domain.deal import DealState
from crm.domain.errors import CloseDayInvalid
from crm.domain.repetition import on
from crm.domain.stage import Stage, StageType


def closed_at(
    before: DealState, stage: Stage, day: date, *, zone: ZoneInfo, now: datetime
) -> datetime:
    """The beginning of that day, as imports read one, but not before it came into its stage.

    Raises CloseDayInvalid.
    """
    if stage.type in (StageType.OPEN, before.stage.type):
        raise _refused("Only a deal that is won or lost by this has such a day.")
    today, entered = now.astimezone(zone).date(), before.entered_stage_at
    if day > today:
        raise _refused("This lies in the future.")
    if day < (since := entered.astimezone(zone).date()):
        raise _refused(f"The deal stands in {before.stage.name} since {since.isoformat()}.")
    return now if day == today else max(on(day, time(), zone), entered)


def _refused(why: str) -> CloseDayInvalid:
    return CloseDayInvalid("The deal cannot have ended on this day.", fields={"closed_on": why})
