"""A list as a file: what it is narrowed to, its order, and the columns it shows."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import export_service_pb2 as pb
from freelanceflow.type.v1.filter_pb2 import Condition, SortKey
from gateway.entrypoints.api.exports import FORMATS, RESOURCES
from gateway.entrypoints.filters import CUSTOM, Asker
from gateway.entrypoints.pages.activity_query import ActivityQuery
from gateway.entrypoints.pages.board_query import BoardQuery
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in, viewer_of
from gateway.entrypoints.pages.client_query import ClientQuery
from gateway.entrypoints.pages.forms import content_key, values_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of
from kit.errors import DomainError, ErrorKind

# What an export calls the columns that the table of deals has.
DEAL_COLUMNS = (
    "name",
    "client",
    "stage",
    "amount",
    "currency",
    "win_probability",
    "next_step",
    "next_step_due_date",
    "expected_close_date",
    "owner",
)

CLOSED_COLUMNS = ("name", "client", "stage", "amount", "currency", "closed_at", "owner")

router = APIRouter(include_in_schema=False)


class Shown(NamedTuple):
    """A list as a page shows it."""

    conditions: Sequence[Condition]
    sort: Sequence[SortKey]
    columns: Sequence[str] = ()  # all when empty


@router.post("/exports/list")
async def export_list(request: Request) -> Response:
    """Has the list that a person looks at written into a file; they are told when it is there."""
    signed_in(request)
    values, viewer = await values_of(request), await viewer_of(request)
    formats = rendering_of(request).formats(viewer)
    asker = Asker.of(signed_in(request), formats.today, formats.zone)
    resource = values["resource"] if values["resource"] in LISTS else "deals"
    shown = LISTS[resource](parse_qsl(values["list"]), asker)
    refused = ""
    try:
        await clients_of(request).exports.CreateExport(
            pb.CreateExportRequest(
                resource=RESOURCES[resource],
                format=FORMATS.get(values["format"], FORMATS["xlsx"]),
                conditions=shown.conditions,
                sort=shown.sort,
                columns=shown.columns,
            ),
            identity_of(request, content_key(values)),
        )
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.REFUSED or not is_htmx(request):
            raise
        refused = refusal.message
    if not is_htmx(request):
        return RedirectResponse("/exports", 303)
    return rendering_of(request).response(
        request, "exports/begun.html", viewer, resource=resource, refused=refused
    )


def _deals(items: Iterable[tuple[str, str]], asker: Asker) -> Shown:
    query = BoardQuery.reading(items, asker)
    if not query.is_table:
        return Shown(query.conditions, query.sort_keys)
    more = [name for name in query.shown if name == "tags" or name.startswith(CUSTOM)]
    usual = CLOSED_COLUMNS if query.is_of_closed else DEAL_COLUMNS
    columns = [name for name in usual if name not in asker.hidden]
    return Shown(query.conditions, query.sort_keys, [*columns, *more, "created_at"])


def _clients(items: Iterable[tuple[str, str]], asker: Asker) -> Shown:
    query = ClientQuery.reading(items, asker)
    return Shown(query.conditions, query.sort_keys, query.export_columns)


def _activities(items: Iterable[tuple[str, str]], asker: Asker) -> Shown:
    query = ActivityQuery.reading(items)
    asked = query.asked(asker.user_id, "")
    return Shown(asked.conditions, asked.sort, query.export_columns)


LISTS: dict[str, Callable[[Iterable[tuple[str, str]], Asker], Shown]] = {
    "deals": _deals,
    "clients": _clients,
    "activities": _activities,
}
