"""Saved views: own ones and shared ones, and which of them a person sees first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from crm.adapters.reading import WORKSPACE, Read, is_row
from crm.adapters.tables import owners, view_choices, views
from crm.domain.setting_errors import ViewNotFound
from crm.domain.view import MAX_VIEWS, Term, View, ViewResource, ViewState
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

MOST = 200
VIEW, ME = bindparam("view", type_=Uuid()), bindparam("me", type_=Uuid())
RESOURCE = bindparam("resource", type_=Text())
_usable = views.c.workspace_id == WORKSPACE, or_(views.c.shared, views.c.owner_id == ME)
_kept = {
    "name": bindparam("name", type_=Text()),
    "shared": bindparam("shared", type_=Boolean()),
    "settings": bindparam("settings", type_=JSONB()),
    "updated_at": bindparam("now", type_=DateTime(timezone=True)),
}


def _shown() -> Select[Any]:
    """For entrypoints.rpc.views."""
    chosen = (view_choices.c.workspace_id == WORKSPACE) & (view_choices.c.user_id == ME)
    return (
        select(
            views.c.id,
            views.c.version,
            views.c.resource,
            views.c.name,
            views.c.owner_id,
            owners.c.name.label("owner_name"),
            views.c.shared,
            views.c.settings,
            view_choices.c.view_id.is_not(None).label("chosen"),
        )
        .select_from(
            views.outerjoin(owners, is_row(owners, views.c.owner_id)).outerjoin(
                view_choices, chosen & (view_choices.c.view_id == views.c.id)
            )
        )
        .where(*_usable)
    )


LIST = Read(
    _shown()
    .where(views.c.resource == RESOURCE)
    .order_by(func.lower(views.c.name), views.c.id)
    .limit(literal_column(str(MOST)))
)
GET = Read(_shown().where(views.c.id == VIEW))
LOAD = Statement(select(views).where(*_usable, views.c.id == VIEW).with_for_update(key_share=True))
COUNT = Statement(
    select(func.count().label("n"))
    .select_from(views)
    .where(views.c.workspace_id == WORKSPACE, views.c.owner_id == ME)
)
ADD = Statement(
    insert(views).values(
        id=VIEW,
        workspace_id=WORKSPACE,
        version=literal_column("1"),
        resource=RESOURCE,
        owner_id=ME,
        **_kept,
    )
)
_this = (
    views.c.workspace_id == WORKSPACE,
    views.c.id == VIEW,
    views.c.version == bindparam("read", type_=Integer()),
)
SAVE = Statement(
    update(views).where(*_this).values(version=views.c.version + literal_column("1"), **_kept)
)
REMOVE = Statement(delete(views).where(*_this))
_choice = insert(view_choices).values(
    workspace_id=WORKSPACE, user_id=ME, resource=RESOURCE, view_id=VIEW
)
CHOOSE = Statement(
    _choice.on_conflict_do_update(
        index_elements=["workspace_id", "user_id", "resource"],
        set_={"view_id": _choice.excluded.view_id},
        where=view_choices.c.view_id != _choice.excluded.view_id,
    )
)
CHOOSE_NONE = Statement(
    delete(view_choices).where(
        view_choices.c.workspace_id == WORKSPACE,
        view_choices.c.user_id == ME,
        view_choices.c.resource == RESOURCE,
    )
)
# Who cannot use it any more does not see it first.
UNCHOOSE_OTHERS = Statement(
    delete(view_choices).where(
        view_choices.c.workspace_id == WORKSPACE,
        view_choices.c.view_id == VIEW,
        view_choices.c.user_id != ME,
    )
)


async def load(tx: Transaction, view_id: UUID, *, me: UUID) -> View:
    """A view that this person may use, locked. Raises ViewNotFound."""
    row = await tx.row(LOAD, workspace=tx.workspace_id, view=view_id, me=me)
    if row is None:
        raise ViewNotFound("There is no such view.")
    return View(
        id=row["id"],
        workspace_id=tx.workspace_id,
        version=row["version"],
        resource=ViewResource(row["resource"]),
        owner_id=row["owner_id"],
        state=state_of(row),
    )


async def add(uow: UnitOfWork, view: View, *, now: datetime) -> None:
    """Write a new view, and tell of it."""
    await uow.run(
        ADD,
        workspace=uow.workspace_id,
        view=view.id,
        me=view.owner_id,
        resource=view.resource.value,
        now=now,
        **_values(view.state),
    )
    uow.tell(view)


async def save(uow: UnitOfWork, view: View, *, now: datetime) -> None:
    """Write what can change in a view, and tell of it."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        view=view.id,
        read=view.version,
        now=now,
        **_values(view.state),
    )
    uow.saved(view, rows=count)
    if not view.state.shared:
        await uow.run(UNCHOOSE_OTHERS, workspace=uow.workspace_id, view=view.id, me=view.owner_id)


async def remove(uow: UnitOfWork, view: View) -> None:
    """Delete a view and everybody's choice of it, and tell of it."""
    count = await uow.run(REMOVE, workspace=uow.workspace_id, view=view.id, read=view.version)
    uow.saved(view, rows=count)


async def has_room(tx: Transaction, me: UUID) -> bool:
    """Whether a person may save one more."""
    return int(await tx.value(COUNT, workspace=tx.workspace_id, me=me)) < MAX_VIEWS


async def choose(
    tx: Transaction, resource: ViewResource, view_id: UUID | None, *, me: UUID
) -> bool:
    """See a view first, or none; whether that is another one than before."""
    values: dict[str, Any] = {"workspace": tx.workspace_id, "me": me, "resource": resource.value}
    if view_id is None:
        return await tx.run(CHOOSE_NONE, **values) == 1
    return await tx.run(CHOOSE, view=view_id, **values) == 1


def state_of(row: Any) -> ViewState:
    """From a row of any of these queries."""
    settings = row["settings"]
    return ViewState(
        name=row["name"],
        shared=row["shared"],
        filter=tuple(Term(*term) for term in settings["filter"]),
        sort=tuple(settings["sort"]),
        columns=tuple(settings["columns"]),
        layout=settings["layout"],
        card_fields=tuple(settings["card_fields"]),
    )


def _values(state: ViewState) -> dict[str, Any]:
    return {
        "name": state.name,
        "shared": state.shared,
        "settings": {
            "filter": [list(term) for term in state.filter],
            "sort": list(state.sort),
            "columns": list(state.columns),
            "layout": state.layout,
            "card_fields": list(state.card_fields),
        },
    }
