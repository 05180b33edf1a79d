"""The morning digest: everything collected for one person in one mail."""

from datetime import datetime

from kit.unit_of_work import UnitOfWork
from notify.adapters import digests, mails, recipients, workspaces
from notify.adapters.letters import Letters
from notify.domain.digest import digest_day, next_digest


async def make_digests(uow: UnitOfWork, letters: Letters, *, now: datetime) -> None:
    """One mail for each reader for whom something is due, and no second one of the same day.

    What their role does not reach any more has waited in vain. The claim, the mails and the end of
    the waiting commit together.
    """
    workspace = await workspaces.get(uow)
    members = {member.user_id: member for member in await recipients.everybody(uow)}
    day = digest_day(workspace.zone, now)
    claimed = await digests.claim(uow, day=day, now=now)
    taken = await digests.take(uow, claimed, now)
    await digests.postpone(uow, now=now, until=next_digest(workspace.zone, now))
    written = [
        letters.digest(members[user_id], day, told, workspace)
        for user_id, items in taken.items()
        if user_id in members
        and (told := [item for item in items if members[user_id].may_hear_of(item.kind)])
    ]
    await mails.queue(uow, written, now)
    await uow.commit()
