"""Saved views over gRPC."""

from typing import Any
from uuid import UUID

from crm.adapters import views as adapter
from crm.adapters.reading import row, rows
from crm.application import views
from crm.domain.errors import EntryRefused, Problem
from crm.domain.setting_errors import ViewNotFound
from crm.domain.view import Term, ViewResource, ViewState, may_edit
from crm.entrypoints.app import App
from crm.entrypoints.rpc.requests import needed_etag, optional_id
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import view_service_pb2 as pb
from freelanceflow.crm.v1 import view_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, Principal, principal_of
from kit.unit_of_work import UnitOfWork

ADMINISTRATES = "settings.write"


class ViewService(api.ViewServiceServicer):
    """A filter, an order and what is shown, under a name."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListViews(
        self, request: pb.ListViewsRequest, context: Context
    ) -> pb.ListViewsResponse:
        """Own ones and shared ones."""
        principal, resource = principal_of(context), _resource(request.resource)
        found = await rows(
            self._app.pool,
            principal.workspace_id,
            adapter.LIST,
            me=principal.user_id,
            resource=resource.value,
        )
        return pb.ListViewsResponse(views=[_message(view, principal) for view in found])

    async def GetView(self, request: pb.GetViewRequest, context: Context) -> pb.View:
        """One view."""
        principal, view_id = principal_of(context), parse_id(request.view_id, "view_id")
        found = await row(
            self._app.pool,
            principal.workspace_id,
            adapter.GET,
            me=principal.user_id,
            view=view_id,
        )
        if found is None:
            raise ViewNotFound("There is no such view.")
        return _message(found, principal)

    async def CreateView(self, request: pb.CreateViewRequest, context: Context) -> pb.View:
        """One more view."""
        principal = principal_of(context)
        resource, state = _resource(request.view.resource), _state(request.view)

        async def work(uow: UnitOfWork) -> pb.View:
            view_id = await views.create_view(
                uow,
                resource=resource,
                state=state,
                by=principal.user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, view_id, principal)

        return await write(self._app, context, request, pb.View, work)

    async def UpdateView(self, request: pb.UpdateViewRequest, context: Context) -> pb.View:
        """Other values of a view."""
        principal, state = principal_of(context), _state(request.view)
        view_id, etag = parse_id(request.view.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.View:
            await views.update_view(
                uow,
                view_id=view_id,
                state=state,
                etag=etag,
                by=principal.user_id,
                administrates=principal.may(ADMINISTRATES),
                now=self._app.clock.now(),
            )
            return await _as_read(uow, view_id, principal)

        return await write(self._app, context, request, pb.View, work)

    async def DeleteView(
        self, request: pb.DeleteViewRequest, context: Context
    ) -> pb.DeleteViewResponse:
        """One view less."""
        principal = principal_of(context)
        view_id, etag = parse_id(request.view_id, "view_id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.DeleteViewResponse:
            await views.delete_view(
                uow,
                view_id=view_id,
                etag=etag,
                by=principal.user_id,
                administrates=principal.may(ADMINISTRATES),
                now=self._app.clock.now(),
            )
            return pb.DeleteViewResponse()

        return await write(self._app, context, request, pb.DeleteViewResponse, work)

    async def ChooseView(
        self, request: pb.ChooseViewRequest, context: Context
    ) -> pb.ChooseViewResponse:
        """What the caller sees first."""
        resource, view_id = _resource(request.resource), optional_id(request.view_id, "view_id")

        async def work(uow: UnitOfWork) -> pb.ChooseViewResponse:
            by, now = principal_of(context).user_id, self._app.clock.now()
            await views.choose_view(uow, resource=resource, view_id=view_id, by=by, now=now)
            return pb.ChooseViewResponse()

        return await write(self._app, context, request, pb.ChooseViewResponse, work)


async def _as_read(uow: UnitOfWork, view_id: UUID, principal: Principal) -> pb.View:
    found = await uow.row(
        adapter.GET, workspace=uow.workspace_id, view=view_id, me=principal.user_id
    )
    # A view that an administrator has made private is its maker's alone from now on.
    return pb.View(id=str(view_id)) if found is None else _message(found, principal)


def _resource(name: str) -> ViewResource:
    try:
        return ViewResource(name)
    except ValueError:
        said = "Say deals, clients or activities."
        raise EntryRefused([Problem("resource", "RESOURCE_UNKNOWN", said)]) from None


def _state(view: pb.View) -> ViewState:
    return ViewState(
        name=view.name,
        shared=view.shared,
        filter=[Term(term.name, term.value) for term in view.filter],
        sort=list(view.sort),
        columns=list(view.columns),
        layout=view.layout,
        card_fields=list(view.card_fields),
    )


def _message(found: Any, principal: Principal) -> pb.View:
    state = adapter.state_of(found)
    return pb.View(
        id=str(found["id"]),
        resource=found["resource"],
        name=state.name,
        shared=state.shared,
        filter=[pb.ViewTerm(name=term.name, value=term.value) for term in state.filter],
        sort=state.sort,
        columns=state.columns,
        layout=state.layout,
        card_fields=state.card_fields,
        owner_id=str(found["owner_id"]),
        owner_name=found["owner_name"] or "",
        chosen=found["chosen"],
        editable=may_edit(
            found["owner_id"],
            state.shared,
            principal.user_id,
            administrates=principal.may(ADMINISTRATES),
        ),
        etag=str(found["version"]),
    )
