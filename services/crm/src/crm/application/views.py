"""What can be done with saved views. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import views
from crm.domain.setting_errors import ViewNotFound, ViewsTooMany
from crm.domain.view import View, ViewResource, ViewState, clean
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


async def create_view(
    uow: UnitOfWork, *, resource: ViewResource, state: ViewState, by: UUID, now: datetime
) -> UUID:
    """Save a view. Raises EntryRefused, ViewsTooMany."""
    state = clean(state)
    if not await views.has_room(uow, by):
        raise ViewsTooMany("There is no room for more views; delete one first.")
    view = View(id=new_id(), version=1, resource=resource, owner_id=by, state=state)
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
    view.state = clean(state)
    await views.save(uow, view, now=now)
    await uow.commit()


async def delete_view(
    uow: UnitOfWork, *, view_id: UUID, etag: str, by: UUID, administrates: bool
) -> None:
    """Delete a view. Raises ViewNotFound, ViewOfSomebodyElse, ViewHasChanged."""
    view = await views.load(uow, view_id, me=by)
    view.expect_editor(by, administrates=administrates)
    view.expect(etag)
    await views.remove(uow, view)
    await uow.commit()


async def choose_view(
    uow: UnitOfWork, *, resource: ViewResource, view_id: UUID | None, by: UUID
) -> None:
    """See a view of a resource first, or none. Raises ViewNotFound."""
    if view_id is not None and (await views.load(uow, view_id, me=by)).resource is not resource:
        raise ViewNotFound("There is no such view of these.")
    await views.choose(uow, resource, view_id, me=by)
    await uow.commit()
