"""The way of a file into the workspace: choose it, say what its columns are, try, import."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import import_service_pb2 as pb
from gateway.entrypoints.api.imports import (
    RESOURCE_NAMES,
    RESOURCES,
    STATUSES,
    upload_file,
)
from gateway.entrypoints.api.imports import (
    errors_file as send_errors_file,
)
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in, together, viewer_of
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of, targets
from kit.errors import DomainError, ErrorKind

NAMES = {
    RESOURCES["clients"]: "Clients",
    RESOURCES["deals"]: "Deals",
    RESOURCES["activities"]: "Activities",
}
STATES = {
    pb.IMPORT_STATUS_UPLOADED: ("Not imported yet", "muted", "circle-dashed"),
    pb.IMPORT_STATUS_ANALYZING: ("Being read", "accent", "clock"),
    pb.IMPORT_STATUS_READY: ("Ready", "accent", "eye"),
    pb.IMPORT_STATUS_COMMITTING: ("Being imported", "accent", "clock"),
    pb.IMPORT_STATUS_DONE: ("Imported", "ok", "check"),
    pb.IMPORT_STATUS_FAILED: ("Stopped", "bad", "triangle-alert"),
    pb.IMPORT_STATUS_REVERTING: ("Being taken back", "accent", "clock"),
    pb.IMPORT_STATUS_REVERTED: ("Taken back", "muted", "undo-2"),
}
WORKS = {
    "analyzing": "The file is being read",
    "committing": "The rows are being imported",
    "reverting": "The import is being taken back",
}
STEPS = {"uploaded": 1, "analyzing": 2, "ready": 2}
FIELDS = {
    "name": "Name", "kind": "Kind", "external_id": "Id in the source", "emails": "E-mail",
    "phones": "Phone", "address": "Address", "website": "Website", "owner": "Owner",
    "tags": "Tags", "notes": "Notes", "created_at": "Created on", "parent": "Company",
    "client": "Client", "stage": "Stage", "amount": "Amount", "currency": "Currency",
    "source": "Source", "entered_stage_at": "In the stage since", "closed_at": "Closed on",
    "expected_close_date": "Expected close", "lost_reason": "Lost reason",
    "next_step": "Next step", "subject": "Subject", "body": "Note", "deal": "Deal",
    "due_at": "Due", "remind_at": "Reminder", "done_at": "Done",
}  # fmt: skip
FIELDS_OF = {
    "clients": "name kind external_id emails phones address website parent owner tags notes"
    " created_at",
    "deals": "name client amount currency stage owner source created_at expected_close_date"
    " closed_at entered_stage_at lost_reason next_step tags external_id",
    "activities": "subject kind client deal due_at done_at owner body remind_at created_at",
}
DATE_ORDERS = [
    ("ymd", "Year, month, day: 2026-03-31"),
    ("dmy", "Day, month, year: 31/03/2026"),
    ("mdy", "Month, day, year: 03/31/2026"),
]
DELIMITERS = [(",", "A comma"), (";", "A semicolon"), ("\t", "A tab"), ("|", "A bar")]
ENCODINGS = [
    ("utf-8", "UTF-8"),
    ("utf-16-le", "UTF-16"),
    ("utf-16-be", "UTF-16, big-endian"),
    ("windows-1252", "Windows, Western European"),
    ("windows-1250", "Windows, Central European"),
    ("windows-1251", "Windows, Cyrillic"),
]
MATCHED_BY = {
    "external_id": "Id in the source",
    "email": "E-mail",
    "phone": "Phone",
    "domain": "Domain",
    "name": "Name",
    "file": "An earlier row",
}
RECORDS = {"clients": "/clients", "deals": "/pipeline", "activities": "/activities"}
WITH_CUSTOM_FIELDS = ("clients", "deals")
RECORD = {"clients": "/clients/", "deals": "/deals/", "activities": ""}

router = APIRouter(include_in_schema=False)


@router.get("/imports")
async def import_list(request: Request) -> Response:
    """The form that takes a file, and the files so far."""
    resource = request.query_params.get("resource", "clients")
    return await _list(request, Values(resource=resource), Errors())


@router.post("/imports")
async def create_import(request: Request) -> Response:
    """Takes a file."""
    signed_in(request)
    async with request.form(max_files=1, max_fields=4) as form:
        resource, file = str(form.get("resource")), form.get("file")
        values = Values(resource=resource)
        if resource not in RESOURCES or not isinstance(file, UploadFile) or not file.filename:
            return await _list(request, values, Errors(fields=Values(file="Choose a file.")))
        try:
            made = await upload_file(
                clients_of(request).imports, identity_of(request), RESOURCES[resource], file
            )
        except DomainError as refusal:
            if refusal.kind is ErrorKind.EXHAUSTED:
                said = Values(file="This file is larger than 50 MB.")
                return await _list(request, values, Errors(fields=said))
            return await _list(request, values, errors_of(refusal, {}))
    return RedirectResponse(f"/imports/{made.id}", 303)


@router.get("/imports/{import_id}")
async def import_page(request: Request, import_id: str) -> Response:
    """Where the import stands, and what can be done next."""
    viewer, found = await together(viewer_of(request), _get(request, import_id))
    return await _page(request, viewer, found, Errors())


@router.post("/imports/{import_id}/columns")
async def change_columns(request: Request, import_id: str) -> Response:
    """Says how the file is to be read, then has it tried."""
    values, viewer = await values_of(request), await viewer_of(request)
    peer, identity = clients_of(request).imports, identity_of(request)
    found = await _get(request, import_id)
    change = await _change(request, found, values)
    read_alike = (change.delimiter, change.encoding) == (
        found.settings.delimiter,
        found.settings.encoding,
    )
    if read_alike:  # else the columns are others
        for position in range(len(found.columns)):
            change.fields[position] = values[f"column-{position}"]
    try:
        changed = await peer.UpdateImport(change, identity)
        # What is in doubt now was not before, so nobody was asked: another column is taken.
        is_tried = read_alike and not values["apply"] and not _doubts(changed.settings)
        if is_tried:
            await peer.CheckImport(pb.CheckImportRequest(import_id=import_id), identity)
    except DomainError as refusal:
        errors = errors_of(refusal, {})
        return await _page(request, viewer, await _get(request, import_id), errors)
    suffix = "" if is_tried else "?step=columns"
    return RedirectResponse(f"/imports/{import_id}{suffix}", 303)


async def _change(request: Request, found: pb.Import, values: Values) -> pb.UpdateImportRequest:
    form, settings = await request.form(), found.settings
    change = pb.UpdateImportRequest(
        import_id=found.id,
        # A tab is a value of its own, so it is read as it was sent.
        delimiter=str(form.get("delimiter", settings.delimiter)),
        encoding=values["encoding"] or settings.encoding,
        on_duplicate=values["on_duplicate"] or settings.on_duplicate,
        create_clients=bool(values["create_clients"]),
    )
    for name, certain in (
        ("decimal", settings.decimal_certain),
        ("date_order", settings.date_order_certain),
    ):
        before = getattr(settings, name)
        given = values[name] or before
        if given != before or not certain:  # else nobody asked, and leaving it says nothing
            setattr(change, name, given)
    return change


@router.post("/imports/{import_id}/commit")
async def commit_import(request: Request, import_id: str) -> Response:
    """Has the rows written."""
    signed_in(request)
    await clients_of(request).imports.CommitImport(
        pb.CommitImportRequest(import_id=import_id), identity_of(request)
    )
    return RedirectResponse(f"/imports/{import_id}", 303)


@router.post("/imports/{import_id}/revert")
async def revert_import(request: Request, import_id: str) -> Response:
    """Has it taken back."""
    signed_in(request)
    await clients_of(request).imports.RevertImport(
        pb.RevertImportRequest(import_id=import_id), identity_of(request)
    )
    return RedirectResponse(f"/imports/{import_id}", 303)


@router.get("/imports/{import_id}/errors.csv")
async def errors_file(request: Request, import_id: str) -> Response:
    """The rows that could not be taken."""
    signed_in(request)
    return await send_errors_file(clients_of(request).imports, identity_of(request), import_id)


async def _get(request: Request, import_id: str) -> pb.Import:
    found: pb.Import = await clients_of(request).imports.GetImport(
        pb.GetImportRequest(import_id=import_id), identity_of(request)
    )
    return found


async def _list(request: Request, values: Values, errors: Errors) -> Response:
    token = request.query_params.get("page_token", "")
    viewer, page = await together(
        viewer_of(request),
        clients_of(request).imports.ListImports(
            pb.ListImportsRequest(page_size=20, page_token=token), identity_of(request)
        ),
    )
    following = urlencode({"page_token": page.next_page_token})
    return rendering_of(request).response(
        request,
        "imports/list.html",
        viewer,
        status=errors.status,
        imports=page.imports,
        next_href=f"/imports?{following}" if page.next_page_token else "",
        resources=[(name, NAMES[number]) for name, number in RESOURCES.items()],
        names=NAMES,
        states=STATES,
        values=values,
        errors=errors.fields,
        message=errors.message,
    )


async def _page(request: Request, viewer: Viewer, found: pb.Import, errors: Errors) -> Response:
    state, resource = STATUSES[found.status], RESOURCE_NAMES[found.resource]
    if state == "ready" and request.query_params.get("step") == "columns":
        state = "uploaded"
    shown, customs = await together(_rows(request, found, state), _customs(request, resource))
    part = is_htmx(request) and targets(request, "import")
    return rendering_of(request).response(
        request,
        "imports/_body.html" if part else "imports/page.html",
        viewer,
        status=errors.status,
        found=found,
        state="uploaded" if errors.status != 200 else state,
        step=STEPS.get(state, 3),
        works=WORKS,
        names=NAMES,
        message="",
        form_message=errors.message,
        errors=errors.fields,
        labels=FIELDS | dict(customs),
        may_write=viewer.may("imports.write"),
        fields=[(name, FIELDS[name]) for name in FIELDS_OF[resource].split()],
        custom_fields=customs,
        date_orders=DATE_ORDERS,
        delimiters=DELIMITERS,
        encodings=ENCODINGS,
        doubts=_doubts(found.settings),
        can_create_clients=resource == "deals",
        # Offered ticked the first time: a file of deals that names clients means them.
        create_clients=found.settings.create_clients or not found.HasField("check"),
        matched_by=MATCHED_BY,
        records_href=RECORDS[resource],
        record_href=RECORD[resource],
        **shown,
    )


async def _customs(request: Request, resource: str) -> list[tuple[str, str]]:
    """The workspace's own fields as an import calls them, and their names."""
    if resource not in WITH_CUSTOM_FIELDS:
        return []
    return [(f"cf_{field.key}", field.name) for field in await list_fields(request, resource)]


async def _rows(request: Request, found: pb.Import, state: str) -> dict[str, Any]:
    """What there is to say of single rows."""
    shown: dict[str, Any] = {"failures": [], "matched": [], "more_errors": "", "more_rows": ""}
    if state not in ("ready", "done"):
        return shown
    peer, identity = clients_of(request).imports, identity_of(request)
    given = request.query_params
    errors, matched = await together(
        peer.ListImportErrors(
            pb.ListImportErrorsRequest(import_id=found.id, page_token=given.get("errors", "")),
            identity,
        ),
        peer.ListImportRows(
            pb.ListImportRowsRequest(import_id=found.id, page_token=given.get("rows", "")),
            identity,
        ),
    )
    shown["failures"], shown["matched"] = errors.errors, matched.rows
    for name, key, token in (
        ("more_errors", "errors", errors.next_page_token),
        ("more_rows", "rows", matched.next_page_token),
    ):
        if token:
            shown[name] = f"/imports/{found.id}?{urlencode({key: token})}"
    return shown


def _doubts(settings: pb.ImportSettings) -> list[str]:
    doubts = []
    if not settings.date_order_certain:
        doubts.append("Nothing in the file tells the order of dates in numbers. Please check it.")
    if not settings.decimal_certain:
        doubts.append("Nothing in the file tells what stands before the cents. Please check it.")
    return doubts
