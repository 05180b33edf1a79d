"""What can be done with saved views. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import views
from crm.domain.setting_errors import ViewNotFound, ViewsTooMany
from crm.domain.view import View, ViewChosen, ViewResource, ViewState
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_view(
    uow: UnitOfWork, *, resource: ViewResource, state: ViewState, by: UUID, now: datetime
) -> UUID:
    """Save a view. Raises EntryRefused, ViewsTooMany."""
    view = View.create(new_id(), uow.workspace_id, resource=resource, state=state, at=now, by=by)
    if not await views.has_room(uow, by):
        raise ViewsTooMany("There is no room for more views; delete one first.")
    await views.add(uow, view, now=now)
    await uow.commit()
    return view.id


async def update_view(
    uow: UnitOfWork,
    *,
    view_id: UUID,
    state: ViewState,
    etag: str,
    by: UUID,
    administrates: bool,
    now: datetime,
) -> None:
    """Replace a view. Raises ViewNotFound, ViewOfSomebodyElse, ViewHasChanged, EntryRefused."""
    view = await views.load(uow, view_id, me=by)
    view.expect_editor(by, administrates=administrates)
    view.expect(etag)
    if view.become(state, at=now, by=by):
        await views.save(uow, view, now=now)
    await uow.commit()


async def delete_view(
    uow: UnitOfWork, *, view_id: UUID, etag: str, by: UUID, administrates: bool, now: datetime
) -> None:
    """Delete a view. Raises ViewNotFound, ViewOfSomebodyElse, ViewHasChanged."""
    view = await views.load(uow, view_id, me=by)
    view.expect_editor(by, administrates=administrates)
    view.expect(etag)
    view.remove(at=now, by=by)
    await views.remove(uow, view)
    await uow.commit()


async def choose_view(
    uow: UnitOfWork, *, resource: ViewResource, view_id: UUID | None, by: UUID, now: datetime
) -> None:
    """See a view of a resource first, or none. Raises ViewNotFound."""
    view = None if view_id is None else await views.load(uow, view_id, me=by)
    if view is not None and view.resource is not resource:
        raise ViewNotFound("There is no such view of these.")
    if await views.choose(uow, resource, view_id, me=by):
        uow.tell_facts(
            ViewChosen(
                aggregate_id=by,
                version=1,
                at=now,
                by=by,
                resource=resource,
                view_id=view_id,
                state=None if view is None else view.state,
            )
        )
    await uow.commit()
