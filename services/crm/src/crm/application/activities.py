"""What can be done with activities. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.adapters import activities
from crm.adapters.activities import References
from crm.application.owners import owner_for
from crm.domain.activity import Activity, ActivityEdit
from crm.domain.errors import ClientNotFound, DealNotFound
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_activity(
    uow: UnitOfWork,
    *,
    edit: ActivityEdit,
    client_id: UUID | None,
    deal_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
    now: datetime,
    done_at: datetime | None = None,
) -> Activity:
    """Keep a new activity; its maker does it unless told otherwise, with the deal's client.

    Raises ClientNotFound, DealNotFound, OwnerNotFound, EntryRefused.
    """
    ids = {"client_id": client_id, "deal_id": deal_id, "owner_id": owner_id or by}
    found = await activities.references(uow, **ids)
    edit = await _resolved(uow, edit, found, by=by, **ids)
    if client_id is None and found.deal_client is not None:
        edit = {**edit, "client": found.deal_client}
    activity = Activity.create(
        new_id(), uow.workspace_id, edit=edit, zone=found.zone, at=now, by=by, done_at=done_at
    )
    await activities.add(uow, activity)
    if done_at is not None:
        await _go_on(uow, activity, zone=found.zone, by=by, now=now)
    await uow.commit()
    return activity


async def update_activity(
    uow: UnitOfWork,
    *,
    activity_id: UUID,
    edit: ActivityEdit,
    client_id: UUID | None,
    deal_id: UUID | None,
    owner_id: UUID | None,
    etag: str,
    by: UUID,
    now: datetime,
) -> Activity:
    """Give an activity other values.

    Raises ActivityNotFound, ActivityHasChanged, ClientNotFound, DealNotFound, OwnerNotFound,
    EntryRefused.
    """
    ids = {"client_id": client_id, "deal_id": deal_id, "owner_id": owner_id}
    activity, found = await activities.load_to_edit(uow, activity_id, **ids)
    activity.expect(etag)
    edit = await _resolved(uow, edit, found, by=by, **ids)
    before = activity.state
    activity.edit(edit, zone=found.zone, at=now, by=by)
    if activity.state is not before:
        await activities.save(uow, activity)
    await uow.commit()
    return activity


async def set_activity_done(
    uow: UnitOfWork, *, activity_id: UUID, done: bool, by: UUID, now: datetime
) -> Activity:
    """Mark an activity as done or not done; twice changes nothing. A series goes on, or back.

    Raises ActivityNotFound.
    """
    activity, found = await activities.load_to_edit(uow, activity_id)
    before = activity.state
    activity.set_done(done, at=now, by=by)
    if activity.state is not before:
        await activities.save(uow, activity)
        if done:
            await _go_on(uow, activity, zone=found.zone, by=by, now=now)
        else:
            await _go_back(uow, activity, by=by, now=now)
    await uow.commit()
    return activity


async def delete_activity(
    uow: UnitOfWork, *, activity_id: UUID, etag: str, by: UUID, now: datetime
) -> None:
    """Put an activity into the trash. Raises ActivityNotFound, ActivityHasChanged."""
    activity, _ = await activities.load_to_edit(uow, activity_id)
    activity.expect(etag)
    activity.delete(at=now, by=by)
    await activities.save(uow, activity)
    await uow.commit()


async def _go_on(
    uow: UnitOfWork, done: Activity, *, zone: ZoneInfo, by: UUID, now: datetime
) -> None:
    """Add what follows in the series, unless it is there: done, undone, and done again."""
    following = done.next_of_series(new_id(), zone=zone, at=now, by=by)
    if following is not None and await activities.follower_of(uow, done.id) is None:
        await activities.add(uow, following)


async def _go_back(uow: UnitOfWork, undone: Activity, *, by: UUID, now: datetime) -> None:
    """Take away what followed; what somebody has changed stays, as it is wanted."""
    follower = await activities.follower_of(uow, undone.id)
    if follower is not None and follower.is_untouched:
        follower.delete(at=now, by=by)
        await activities.save(uow, follower)


async def _resolved(
    uow: UnitOfWork,
    edit: ActivityEdit,
    found: References,
    *,
    client_id: UUID | None,
    deal_id: UUID | None,
    owner_id: UUID | None,
    by: UUID,
) -> ActivityEdit:
    """The edit with what its ids stand for."""
    if client_id is not None:
        if found.client is None:
            raise ClientNotFound("There is no such client.")
        edit = {**edit, "client": found.client}
    if deal_id is not None:
        if found.deal is None:
            raise DealNotFound("There is no such deal.")
        edit = {**edit, "deal": found.deal}
    if owner_id is not None:
        edit = {**edit, "owner": await owner_for(uow, owner_id, found.owner, by=by)}
    return edit
