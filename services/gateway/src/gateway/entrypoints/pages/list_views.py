"""Saved views of any list: where they are seen, and how what is seen becomes one."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from starlette.requests import Request

from freelanceflow.crm.v1.field_service_pb2 import CustomField
from freelanceflow.crm.v1.view_service_pb2 import ListViewsRequest, View
from gateway.entrypoints.filters import CUSTOM, Asker
from gateway.entrypoints.pages import activity_query, board_query, client_query
from gateway.entrypoints.pages.activity_query import ActivityQuery
from gateway.entrypoints.pages.board_query import BoardQuery
from gateway.entrypoints.pages.calls import clients_of, identity_of
from gateway.entrypoints.pages.client_query import ClientQuery


class Kind(NamedTuple):
    """What the views of one list need."""

    home: str
    name: str  # as people say it
    reading: Callable[[Iterable[tuple[str, str]], Asker], Any]
    address_of: Callable[[View], str]
    view_of: Callable[..., View]
    options: Callable[[list[CustomField]], list[tuple[str, str]]]  # what can be shown
    legend: str
    choice: str = "show"  # what an address calls it

    @property
    def everything(self) -> str:
        """The list without a view."""
        return f"{self.home}?view="


def _client_columns(fields: list[CustomField]) -> list[tuple[str, str]]:
    own = ((f"{CUSTOM}{field.key}", field.name) for field in fields)
    return [*client_query.COLUMNS.items(), *own]


KINDS = {
    "deals": Kind(
        "/pipeline",
        "the pipeline",
        BoardQuery.reading,
        board_query.address_of,
        board_query.view_of,
        board_query.show_options,
        "Cards and tables also show",
    ),
    "clients": Kind(
        client_query.HOME,
        "clients",
        ClientQuery.reading,
        client_query.address_of,
        client_query.view_of,
        _client_columns,
        "Columns",
    ),
    "activities": Kind(
        activity_query.HOME,
        "activities",
        lambda items, _: ActivityQuery.reading(items),
        activity_query.address_of,
        activity_query.view_of,
        lambda _: list(activity_query.COLUMNS.items()),
        "Rows also show",
        "columns",
    ),
}


async def list_views(request: Request, resource: str) -> list[View]:
    """The views of a list that a person may use."""
    answer = await clients_of(request).views.ListViews(
        ListViewsRequest(resource=resource), identity_of(request)
    )
    return list(answer.views)


async def views_context(request: Request, resource: str, view_id: str) -> dict[str, Any]:
    """For the menu of views."""
    views, kind = await list_views(request, resource), KINDS[resource]
    return {
        "views": [(view, kind.address_of(view)) for view in views],
        "active": next((view for view in views if view.id == view_id), None),
    }


async def elsewhere(request: Request, resource: str, view_id: str) -> str:
    """Where a saved view is seen, when that is what is asked for; the one that a person sees first
    when nothing is asked for at all."""
    given, kind = list(request.query_params), KINDS[resource]
    if given == ["view"] and view_id:
        views = await list_views(request, resource)
        found = next((view for view in views if view.id == view_id), None)
        return kind.address_of(found) if found else kind.everything
    if not given:
        views = await list_views(request, resource)
        found = next((view for view in views if view.chosen), None)
        return kind.address_of(found) if found else ""
    return ""
