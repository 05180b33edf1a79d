"""Bringing clients, deals and activities in from a file."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import import_service_pb2 as pb
from gateway.adapters.clients import Peer
from gateway.entrypoints.api import file_schemas, schemas
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.downloads import download
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    PAGING,
    identity_of,
    path_parameter,
    read_body,
    read_page,
    read_query,
    written,
)
from gateway.entrypoints.errors import HttpProblem
from kit.rpc.identity import CallIdentity

RPC = pb.DESCRIPTOR.services_by_name["ImportService"].methods_by_name
RESOURCES = {
    "clients": pb.ImportResource.IMPORT_RESOURCE_CLIENTS,
    "deals": pb.ImportResource.IMPORT_RESOURCE_DEALS,
    "activities": pb.ImportResource.IMPORT_RESOURCE_ACTIVITIES,
}
RESOURCE_NAMES = {number: name for name, number in RESOURCES.items()}
STATUSES = {
    pb.ImportStatus.IMPORT_STATUS_READY: "ready",
    pb.ImportStatus.IMPORT_STATUS_COMMITTING: "committing",
    pb.ImportStatus.IMPORT_STATUS_DONE: "done",
    pb.ImportStatus.IMPORT_STATUS_FAILED: "failed",
    pb.ImportStatus.IMPORT_STATUS_UPLOADED: "uploaded",
    pb.ImportStatus.IMPORT_STATUS_ANALYZING: "analyzing",
    pb.ImportStatus.IMPORT_STATUS_REVERTING: "reverting",
    pb.ImportStatus.IMPORT_STATUS_REVERTED: "reverted",
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
    """`multipart/form-data` with `resource` and `file`, a CSV or XLSX of at most 50 MB.

    A CSV is `uploaded` and says which column is taken for which field; a workbook is `analyzing`
    until a job has taken it apart.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HttpProblem(415, "FORM_NEEDED", "Send multipart/form-data with resource and file.")
    async with request.form(max_files=1, max_fields=4) as form:
        resource, file = form.get("resource"), form.get("file")
        if resource not in RESOURCES or not isinstance(file, UploadFile):
            said = "Send `resource` (clients, deals or activities) and `file`."
            raise HttpProblem(422, "INVALID_INPUT", said, fields={"resource": said})
        peer = request.app.state.clients.imports
        made = await upload_file(peer, identity_of(request), RESOURCES[str(resource)], file)
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


@add("PATCH", "/imports/{import_id}", rpc=RPC["UpdateImport"], summary="Change the mapping",
     body=file_schemas.ImportChange, answer=schemas.AnyRecord, parameters=[IMPORT],
     problems=[404, 409])  # fmt: skip
async def update_import(request: Request) -> Response:
    """Says which column goes into which field and how the file is read; a check is void then.

    Custom fields of clients and deals are `cf_` and their key.
    """
    body = (await read_body(request, file_schemas.ImportChange)).model_dump(exclude_unset=True)
    columns = body.pop("columns", None) or []
    found = await request.app.state.clients.imports.UpdateImport(
        pb.UpdateImportRequest(
            import_id=request.path_params["import_id"],
            fields={column["position"]: column["field"] or "" for column in columns},
            **written(body),
        ),
        identity_of(request),
    )
    return json_response(import_json(found))


@add("POST", "/imports/{import_id}/check", rpc=RPC["CheckImport"], summary="Try an import",
     answer=schemas.AnyRecord, status=202, parameters=[IMPORT, IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def check_import(request: Request) -> Response:
    """Starts a dry run: `check` counts what would come of the rows, and nothing is written."""
    return await _begun(request, "CheckImport", pb.CheckImportRequest)


@add("POST", "/imports/{import_id}/commit", rpc=RPC["CommitImport"], summary="Commit an import",
     answer=schemas.AnyRecord, status=202, parameters=[IMPORT, IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def commit_import(request: Request) -> Response:
    """Starts a job that writes the rows, after a dry run or without one."""
    return await _begun(request, "CommitImport", pb.CommitImportRequest)


@add("POST", "/imports/{import_id}/revert", rpc=RPC["RevertImport"], summary="Revert an import",
     answer=schemas.AnyRecord, status=202, parameters=[IMPORT, IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def revert_import(request: Request) -> Response:
    """Starts a job that takes everything back that nobody has changed since."""
    return await _begun(request, "RevertImport", pb.RevertImportRequest)


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
    items = (
        {"row": e.row, "column": e.column, "message": e.message, "value": e.value}
        for e in answer.errors
    )
    return page_response(items, answer.next_page_token)


@add("GET", "/imports/{import_id}/rows", rpc=RPC["ListImportRows"],
     summary="Rows whose record was there", answer=schemas.AnyPage,
     parameters=[IMPORT, *PAGING], problems=[404])  # fmt: skip
async def list_import_rows(request: Request) -> Response:
    """What was done with them, or would be, which record it is, and by what it was recognised."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.imports.ListImportRows(
        pb.ListImportRowsRequest(
            import_id=request.path_params["import_id"], page_size=page.size, page_token=page.token
        ),
        identity_of(request),
    )
    items = (
        {
            "row": row.row,
            "action": row.action,
            "matched_by": row.matched_by,
            "record_id": row.record_id,
            "record_name": row.record_name,
        }
        for row in answer.rows
    )
    return page_response(items, answer.next_page_token)


@add("GET", "/imports/{import_id}/errors/file", rpc=RPC["DownloadImportErrors"],
     summary="Rows that could not be taken, as a file", parameters=[IMPORT],
     problems=[404])  # fmt: skip
async def download_import_errors(request: Request) -> Response:
    """A CSV with the columns of the file and one that says why; corrected, it can be uploaded."""
    read_query(request)
    peer = request.app.state.clients.imports
    return await errors_file(peer, identity_of(request), request.path_params["import_id"])


async def errors_file(peer: Peer, identity: CallIdentity, import_id: str) -> Response:
    """The file, for pages as well."""
    asked = pb.DownloadImportErrorsRequest(import_id=import_id)
    chunks = peer.stream("DownloadImportErrors")(asked, identity)
    return await download(chunks, name="not-imported.csv", content_type="text/csv; charset=utf-8")


async def _begun(request: Request, method: str, message: Any) -> Response:
    begin = getattr(request.app.state.clients.imports, method)
    found = await begin(message(import_id=request.path_params["import_id"]), identity_of(request))
    headers = {"Location": f"/api/v1/imports/{found.id}"}
    return json_response(import_json(found), status=202, headers=headers)


async def upload_file(
    peer: Peer,
    identity: CallIdentity,
    resource: pb.ImportResource.ValueType,
    file: UploadFile,
) -> pb.Import:
    """A form's file, handed on in pieces; for pages as well."""
    upload = peer.upload("CreateImport")
    made: pb.Import = await upload(_parts(resource, file), identity, timeout=UPLOAD_SECONDS)
    return made


async def _parts(
    resource: pb.ImportResource.ValueType, file: UploadFile
) -> AsyncIterator[pb.CreateImportRequest]:
    name = (file.filename or "")[:200]
    header = pb.ImportHeader(resource=resource, file_name=name)
    yield pb.CreateImportRequest(header=header)
    while chunk := await file.read(CHUNK):
        yield pb.CreateImportRequest(chunk=chunk)


def import_json(made: pb.Import) -> dict[str, Any]:
    """An import as the API shows it; in lists without columns and settings."""
    shown: dict[str, Any] = {
        "id": made.id,
        "resource": RESOURCE_NAMES[made.resource],
        "status": STATUSES[made.status],
        "file_name": made.file_name,
        "size": made.size,
        "total_rows": made.total_rows,
        "done_rows": made.done_rows,
        "created_rows": made.created_rows,
        "updated_rows": made.updated_rows,
        "skipped_rows": made.skipped_rows,
        "failed_rows": made.failed_rows,
        "reverted_records": made.reverted_records,
        "kept_records": made.kept_records,
        "check": _check_json(made.check) if made.HasField("check") else None,
        "job_id": made.job_id or None,
        "job_progress": made.job_progress,
        "error": made.error or None,
        "created_at": instant(made.create_time),
        "finished_at": instant(made.finish_time) if made.HasField("finish_time") else None,
    }
    if made.HasField("settings"):
        shown["settings"] = _settings_json(made.settings)
        shown["columns"] = [
            {
                "position": position,
                "header": column.header,
                "samples": list(column.samples),
                "field": column.field or None,
                "guess": column.guess or None,
                "confidence": column.confidence,
            }
            for position, column in enumerate(made.columns)
        ]
    return shown


def _check_json(check: pb.ImportCheck) -> dict[str, int]:
    return {
        "created_rows": check.created_rows,
        "updated_rows": check.updated_rows,
        "skipped_rows": check.skipped_rows,
        "failed_rows": check.failed_rows,
        "new_clients": check.new_clients,
    }


def _settings_json(settings: pb.ImportSettings) -> dict[str, Any]:
    return {
        "encoding": settings.encoding,
        "delimiter": settings.delimiter,
        "decimal": settings.decimal,
        "decimal_certain": settings.decimal_certain,
        "date_order": settings.date_order,
        "date_order_certain": settings.date_order_certain,
        "on_duplicate": settings.on_duplicate,
        "create_clients": settings.create_clients,
    }
