"""Bringing clients and deals in from a file."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import import_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    PAGING,
    identity_of,
    path_parameter,
    read_page,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

RPC = pb.DESCRIPTOR.services_by_name["ImportService"].methods_by_name
RESOURCES = {
    "clients": pb.ImportResource.IMPORT_RESOURCE_CLIENTS,
    "deals": pb.ImportResource.IMPORT_RESOURCE_DEALS,
}
RESOURCE_NAMES = {number: name for name, number in RESOURCES.items()}
STATUSES = {
    pb.ImportStatus.IMPORT_STATUS_READY: "ready",
    pb.ImportStatus.IMPORT_STATUS_COMMITTING: "committing",
    pb.ImportStatus.IMPORT_STATUS_DONE: "done",
    pb.ImportStatus.IMPORT_STATUS_FAILED: "failed",
}
CHUNK = 256 * 1024
UPLOAD_SECONDS = 60.0
IMPORT = path_parameter("import_id", "import")
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["resource", "file"],
                    "properties": {
                        "resource": {"type": "string", "enum": list(RESOURCES)},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}

operations = Operations("Imports")
add = operations.add


@add("POST", "/imports", rpc=RPC["CreateImport"], summary="Upload a file",
     answer=schemas.AnyRecord, status=201, problems=[413, 415, 422], extra=_FORM,
     parameters=[IDEMPOTENCY_KEY])  # fmt: skip
async def create_import(request: Request) -> Response:
    """`multipart/form-data` with `resource` and `file`, a CSV of at most 50 MB."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HttpProblem(415, "FORM_NEEDED", "Send multipart/form-data with resource and file.")
    async with request.form(max_files=1, max_fields=4) as form:
        resource, file = form.get("resource"), form.get("file")
        if resource not in RESOURCES or not isinstance(file, UploadFile):
            said = "Send `resource` (clients or deals) and `file`."
            raise HttpProblem(422, "INVALID_INPUT", said, fields={"resource": said})
        upload = request.app.state.clients.imports.upload("CreateImport")
        made = await upload(
            _parts(RESOURCES[str(resource)], file),
            identity_of(request),
            timeout=UPLOAD_SECONDS,
        )
    headers = {"Location": f"/api/v1/imports/{made.id}"}
    return json_response(import_json(made), status=201, headers=headers)


@add("GET", "/imports", rpc=RPC["ListImports"], summary="List imports", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_imports(request: Request) -> Response:
    """Latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.imports.ListImports(
        pb.ListImportsRequest(page_size=page.size, page_token=page.token), identity_of(request)
    )
    return page_response(map(import_json, answer.imports), answer.next_page_token)


@add("GET", "/imports/{import_id}", rpc=RPC["GetImport"], summary="Get an import",
     answer=schemas.AnyRecord, parameters=[IMPORT], problems=[404])  # fmt: skip
async def get_import(request: Request) -> Response:
    """With its counts so far."""
    read_query(request)
    found = await request.app.state.clients.imports.GetImport(
        pb.GetImportRequest(import_id=request.path_params["import_id"]), identity_of(request)
    )
    return json_response(import_json(found))


@add("POST", "/imports/{import_id}/commit", rpc=RPC["CommitImport"], summary="Commit an import",
     answer=schemas.AnyRecord, status=202, parameters=[IMPORT], problems=[404, 409])  # fmt: skip
async def commit_import(request: Request) -> Response:
    """Starts a job that writes the rows; what is there already is skipped."""
    found = await request.app.state.clients.imports.CommitImport(
        pb.CommitImportRequest(import_id=request.path_params["import_id"]), identity_of(request)
    )
    headers = {"Location": f"/api/v1/imports/{found.id}"}
    return json_response(import_json(found), status=202, headers=headers)


@add("GET", "/imports/{import_id}/errors", rpc=RPC["ListImportErrors"],
     summary="Rows that could not be taken", answer=schemas.AnyPage,
     parameters=[IMPORT, *PAGING], problems=[404])  # fmt: skip
async def list_import_errors(request: Request) -> Response:
    """With row and column; the header is row 1."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.imports.ListImportErrors(
        pb.ListImportErrorsRequest(
            import_id=request.path_params["import_id"], page_size=page.size, page_token=page.token
        ),
        identity_of(request),
    )
    items = ({"row": e.row, "column": e.column, "message": e.message} for e in answer.errors)
    return page_response(items, answer.next_page_token)


async def _parts(
    resource: pb.ImportResource.ValueType, file: UploadFile
) -> AsyncIterator[pb.CreateImportRequest]:
    name = (file.filename or "")[:200]
    header = pb.ImportHeader(resource=resource, file_name=name)
    yield pb.CreateImportRequest(header=header)
    while chunk := await file.read(CHUNK):
        yield pb.CreateImportRequest(chunk=chunk)


def import_json(made: pb.Import) -> dict[str, Any]:
    """An import as the API shows it."""
    return {
        "id": made.id,
        "resource": RESOURCE_NAMES[made.resource],
        "status": STATUSES[made.status],
        "file_name": made.file_name,
        "size": made.size,
        "total_rows": made.total_rows,
        "done_rows": made.done_rows,
        "created_rows": made.created_rows,
        "skipped_rows": made.skipped_rows,
        "failed_rows": made.failed_rows,
        "job_id": made.job_id or None,
        "error": made.error or None,
        "created_at": instant(made.create_time),
        "finished_at": instant(made.finish_time) if made.HasField("finish_time") else None,
    }
