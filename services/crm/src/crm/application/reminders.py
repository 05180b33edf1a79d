"""Reminding people of what they planned."""

from datetime import datetime, timedelta

from crm.adapters import reminders
from crm.domain.activity import ActivityReminded
from kit.unit_of_work import UnitOfWork

AT_ONCE = 100
WORTH_TELLING = timedelta(days=7)  # an older one is passed over: a calendar that was imported


async def remind(uow: UnitOfWork, *, now: datetime) -> int:
    """Tell the reminders that are due, each once; how many were looked at.

    The mark and the event commit together. An activity that is done, deleted or moved meanwhile
    is none of them. Runs as the system role.
    """
    due = await reminders.take(uow, now, AT_ONCE)
    uow.tell_facts(
        *(
            ActivityReminded(
                aggregate_id=activity.id,
                version=activity.version,
                at=now,
                by=None,
                activity=activity.state,
                time_zone=time_zone,
            )
            for activity, time_zone in due
            if activity.state.remind_at is not None
            and now - activity.state.remind_at < WORTH_TELLING
        )
    )
    await uow.commit()
    return len(due)
