"""Files that go out: what is asked for, and those of the last week."""

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import export_service_pb2 as pb
from gateway.entrypoints.api.exports import FORMATS, LISTS, RESOURCES, STATUSES, export_file
from gateway.entrypoints.filters import Asker, Term, beginning
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in, together, viewer_of
from gateway.entrypoints.pages.choices import meant
from gateway.entrypoints.pages.forms import Errors, Values, content_key, errors_of, values_of
from gateway.entrypoints.pages.owners import asked_by_name, owners_of
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of, targets
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id

NAMES = {"clients": "Clients", "deals": "Deals", "activities": "Activities"}
AT_WORK = (pb.ExportStatus.EXPORT_STATUS_QUEUED, pb.ExportStatus.EXPORT_STATUS_RUNNING)
PERIODS = [
    ("month", "This month"),
    ("last_month", "Last month"),
    ("quarter", "This quarter"),
    ("last_quarter", "Last quarter"),
    ("year", "This year"),
    ("last_year", "Last year"),
]
# What a filter of a list is called in words; others are shown by their own names.
WORDS = {"name__contains": "Name contains", "owner_id": "Owner", "stage_id": "Stage", "tags": "Tag"}

router = APIRouter(include_in_schema=False)


@router.get("/exports")
async def exports_page(request: Request) -> Response:
    """The form, filled from the list that leads here, and the files of the last week."""
    if is_htmx(request) and targets(request, "exports"):
        viewer, page = await together(viewer_of(request), _exports(request))
        return _rendered(request, viewer, "exports/_list.html", page)
    given = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in ("resource", "format", "page_token")
    ]
    values = Values(
        resource=_known(request.query_params.get("resource", ""), RESOURCES, "deals"),
        format=_known(request.query_params.get("format", ""), FORMATS, "xlsx"),
        filter=urlencode(given),
    )
    return await _page(request, values, Errors())


@router.post("/exports")
async def create_export(request: Request) -> Response:
    """Has a file written. The form's own id makes a second sending harmless."""
    signed_in(request)
    values = await values_of(request)
    resource = _known(values["resource"], RESOURCES, "deals")
    viewer = await viewer_of(request)
    formats = rendering_of(request).formats(viewer)
    today, zone = formats.today, formats.zone
    asker = Asker.of(signed_in(request), today, zone)
    try:
        await meant(request, values, asked_by_name(values))
        await clients_of(request).exports.CreateExport(
            pb.CreateExportRequest(
                resource=RESOURCES[resource],
                format=FORMATS[_known(values["format"], FORMATS, "xlsx")],
                conditions=[
                    LISTS[resource].grammar.condition(Term(name, value), asker)
                    for name, value in _filter(values, resource, today, zone)
                ],
            ),
            identity_of(request, content_key(values)),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.REFUSED:
            return await _page(request, values, Errors(refusal.message))
        return await _page(request, values, errors_of(refusal, {}))
    return RedirectResponse("/exports", 303)


@router.post("/exports/workspace")
async def create_workspace_export(request: Request) -> Response:
    """Has all of the workspace written. The form's own id makes a second sending harmless."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).exports.CreateWorkspaceExport(
        pb.CreateWorkspaceExportRequest(), identity_of(request, values["request_id"])
    )
    return RedirectResponse("/exports", 303)


@router.post("/exports/{export_id}/again")
async def again(request: Request, export_id: str) -> Response:
    """The same file once more, of what the list has by now."""
    signed_in(request)
    peer, identity = clients_of(request).exports, identity_of(request)
    found = await peer.GetExport(pb.GetExportRequest(export_id=export_id), identity)
    asked = pb.CreateExportRequest(
        resource=found.resource,
        format=found.format,
        conditions=found.conditions,
        sort=found.sort,
        columns=found.columns,
        raw=found.raw,
    )
    try:
        if found.resource == pb.ExportResource.EXPORT_RESOURCE_WORKSPACE:
            await peer.CreateWorkspaceExport(pb.CreateWorkspaceExportRequest(), identity)
        else:
            await peer.CreateExport(asked, identity)
    except DomainError as refusal:
        if refusal.kind not in (ErrorKind.REFUSED, ErrorKind.INVALID):
            raise
        return await _page(request, Values(), Errors(refusal.message))
    return RedirectResponse("/exports", 303)


@router.get("/exports/{export_id}/file")
async def file(request: Request, export_id: str) -> Response:
    """The file itself."""
    signed_in(request)
    clients, identity = clients_of(request), identity_of(request)
    found = await clients.exports.GetExport(pb.GetExportRequest(export_id=export_id), identity)
    return await export_file(clients, identity, found)


def period(name: str, today: date) -> tuple[date, date] | None:
    """The first day of a period, and the first one after it."""
    this_month = today.replace(day=1)
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    year = today.replace(month=1, day=1)
    match name:
        case "month":
            return this_month, _later(this_month, 1)
        case "last_month":
            return _later(this_month, -1), this_month
        case "quarter":
            return quarter, _later(quarter, 3)
        case "last_quarter":
            return _later(quarter, -3), quarter
        case "year":
            return year, _later(year, 12)
        case "last_year":
            return _later(year, -12), year
    return None


def _later(day: date, months: int) -> date:
    months += day.year * 12 + day.month - 1
    return date(months // 12, months % 12 + 1, 1)


def _filter(values: Values, resource: str, today: date, zone: tzinfo) -> list[tuple[str, str]]:
    items = parse_qsl(values["filter"], max_num_fields=20)
    if values["owner_id"]:
        items.append(("owner_id", values["owner_id"]))
    closed = resource == "deals" and values["state"] in ("won", "lost")
    if resource == "deals" and values["state"]:
        items.append(("stage_type", values["state"]))
    if span := period(values["period"], today):
        field = "closed_at" if closed else "due_at" if resource == "activities" else "created_at"
        begin, end = (beginning(day, zone) for day in span)
        items += [(f"{field}__gte", begin), (f"{field}__lt", end)]
    return items


def _known(value: str, known: Iterable[str], usual: str) -> str:
    return value if value in known else usual


async def _exports(request: Request) -> pb.ListExportsResponse:
    token = request.query_params.get("page_token", "")
    page: pb.ListExportsResponse = await clients_of(request).exports.ListExports(
        pb.ListExportsRequest(page_size=20, page_token=token), identity_of(request)
    )
    return page


async def _page(request: Request, values: Values, errors: Errors) -> Response:
    viewer, page, owners = await together(
        viewer_of(request),
        _exports(request),
        owners_of(request),
    )
    chips = [f"{WORDS.get(name, name)}: {value}" for name, value in parse_qsl(values["filter"])]
    values["resource"] = values["resource"] or "deals"
    values["format"] = values["format"] or "xlsx"
    return _rendered(
        request,
        viewer,
        "exports/page.html",
        page,
        status=errors.status,
        resources=list(NAMES.items()),
        owners=owners,
        choices=errors.choices,
        periods=PERIODS,
        filter=values["filter"],
        chips=chips,
        request_id=str(new_id()),
        values=values,
        errors=errors.fields,
        message=errors.message,
    )


def _rendered(
    request: Request,
    viewer: Viewer,
    template: str,
    page: pb.ListExportsResponse,
    *,
    status: int = 200,
    **context: Any,
) -> Response:
    following = urlencode({"page_token": page.next_page_token})
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=status,
        exports=page.exports,
        names=STATUSES,
        working=any(found.status in AT_WORK for found in page.exports),
        next_href=f"/exports?{following}" if page.next_page_token else "",
        **context,
    )
