"""Lists as files: asked for, made by a job, downloaded."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import export_service_pb2 as pb
from gateway.adapters.clients import Clients
from gateway.entrypoints.api import file_schemas, schemas
from gateway.entrypoints.api.activities import ACTIVITIES
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.clients import CLIENTS
from gateway.entrypoints.api.deals import DEALS
from gateway.entrypoints.api.downloads import attachment, download
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    PAGING,
    identity_of,
    path_parameter,
    read_body,
    read_page,
    read_query,
    sort_keys,
)
from gateway.entrypoints.api.workspace_archive import whole_workspace
from kit.rpc.identity import CallIdentity

RPC = pb.DESCRIPTOR.services_by_name["ExportService"].methods_by_name
RESOURCES = {
    "clients": pb.ExportResource.EXPORT_RESOURCE_CLIENTS,
    "deals": pb.ExportResource.EXPORT_RESOURCE_DEALS,
    "activities": pb.ExportResource.EXPORT_RESOURCE_ACTIVITIES,
}
RESOURCE_NAMES = {
    **{number: name for name, number in RESOURCES.items()},
    pb.ExportResource.EXPORT_RESOURCE_WORKSPACE: "workspace",
}
FORMATS = {
    "csv": pb.ExportFormat.EXPORT_FORMAT_CSV,
    "xlsx": pb.ExportFormat.EXPORT_FORMAT_XLSX,
    "pdf": pb.ExportFormat.EXPORT_FORMAT_PDF,
}
FORMAT_NAMES = {
    **{number: name for name, number in FORMATS.items()},
    pb.ExportFormat.EXPORT_FORMAT_ZIP: "zip",
}
STATUSES = {
    pb.ExportStatus.EXPORT_STATUS_QUEUED: "queued",
    pb.ExportStatus.EXPORT_STATUS_RUNNING: "running",
    pb.ExportStatus.EXPORT_STATUS_DONE: "done",
    pb.ExportStatus.EXPORT_STATUS_FAILED: "failed",
    pb.ExportStatus.EXPORT_STATUS_EXPIRED: "expired",
}
LISTS = {"clients": CLIENTS, "deals": DEALS, "activities": ACTIVITIES}
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "zip": "application/zip",
}
EXPORT = path_parameter("export_id", "export")

operations = Operations("Exports")
add = operations.add


@add("POST", "/exports", rpc=RPC["CreateExport"], summary="Export a list",
     body=file_schemas.ExportIn, answer=schemas.AnyRecord, status=202, parameters=[IDEMPOTENCY_KEY],
     problems=[409])  # fmt: skip
async def create_export(request: Request) -> Response:
    """`filter` holds what the list takes in its query, such as `{"stage_type": "won"}`."""
    body = await read_body(request, file_schemas.ExportIn)
    made = await request.app.state.clients.exports.CreateExport(
        pb.CreateExportRequest(
            resource=RESOURCES[body.resource],
            format=FORMATS[body.format],
            conditions=LISTS[body.resource].conditions_of(request, body.filter),
            sort=sort_keys(body.sort),
            columns=body.columns,
            raw=body.raw,
        ),
        identity_of(request),
    )
    return _accepted(made)


@add("POST", "/exports/workspace", rpc=RPC["CreateWorkspaceExport"],
     summary="Export the whole workspace", answer=schemas.AnyRecord, status=202,
     parameters=[IDEMPOTENCY_KEY], problems=[409])  # fmt: skip
async def create_workspace_export(request: Request) -> Response:
    """A ZIP with every kind of record as CSV and as JSON Lines. For owners; found, downloaded and
    kept as any other export."""
    read_query(request)
    made = await request.app.state.clients.exports.CreateWorkspaceExport(
        pb.CreateWorkspaceExportRequest(), identity_of(request)
    )
    return _accepted(made)


@add("GET", "/exports", rpc=RPC["ListExports"], summary="List exports", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_exports(request: Request) -> Response:
    """One's own, latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.exports.ListExports(
        pb.ListExportsRequest(page_size=page.size, page_token=page.token), identity_of(request)
    )
    return page_response(map(export_json, answer.exports), answer.next_page_token)


@add("GET", "/exports/{export_id}", rpc=RPC["GetExport"], summary="Get an export",
     answer=schemas.AnyRecord, parameters=[EXPORT], problems=[404])  # fmt: skip
async def get_export(request: Request) -> Response:
    """How far it is."""
    read_query(request)
    return json_response(export_json(await _get(request)))


@add("GET", "/exports/{export_id}/file", rpc=RPC["DownloadExport"], summary="Download an export",
     parameters=[EXPORT], problems=[404, 409])  # fmt: skip
async def download_export(request: Request) -> Response:
    """Whether its maker may still read all that is in it is asked again."""
    read_query(request)
    clients, identity = request.app.state.clients, identity_of(request)
    return await export_file(clients, identity, await _get(request))


async def export_file(clients: Clients, identity: CallIdentity, found: pb.Export) -> Response:
    """The file, for pages as well."""
    asked = pb.DownloadExportRequest(export_id=found.id)
    chunks = clients.exports.stream("DownloadExport")(asked, identity)
    content_type = CONTENT_TYPES[FORMAT_NAMES[found.format]]
    if found.resource == pb.ExportResource.EXPORT_RESOURCE_WORKSPACE:
        pieces = await whole_workspace(clients, identity, chunks)
        return attachment(pieces, name=found.file_name, content_type=content_type)
    return await download(chunks, name=found.file_name, content_type=content_type)


def _accepted(made: pb.Export) -> Response:
    headers = {"Location": f"/api/v1/exports/{made.id}"}
    return json_response(export_json(made), status=202, headers=headers)


async def _get(request: Request) -> pb.Export:
    found: pb.Export = await request.app.state.clients.exports.GetExport(
        pb.GetExportRequest(export_id=request.path_params["export_id"]), identity_of(request)
    )
    return found


def export_json(made: pb.Export) -> dict[str, Any]:
    """An export as the API shows it."""
    has = made.HasField
    return {
        "id": made.id,
        "resource": RESOURCE_NAMES[made.resource],
        "format": FORMAT_NAMES[made.format],
        "status": STATUSES[made.status],
        "rows": made.rows,
        "total_rows": made.total_rows,
        "size": made.size,
        "file_name": made.file_name,
        "job_id": made.job_id,
        "error": made.error or None,
        "created_at": instant(made.create_time),
        "finished_at": instant(made.finish_time) if has("finish_time") else None,
        "expires_at": instant(made.expire_time) if has("expire_time") else None,
    }
