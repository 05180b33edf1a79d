"""One change of many records, chosen in a list: those that are ticked, or all that the list has."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.api.bulk import PATIENCE, refused_file
from gateway.entrypoints.filters import Asker
from gateway.entrypoints.pages import bulk_undo
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in, viewer_of
from gateway.entrypoints.pages.choices import meant
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.list_exports import LISTS
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of, targets
from gateway.entrypoints.paths import local_path
from kit.errors import DomainError, ErrorKind, InvalidInput

HOMES = {"deals": "/pipeline?layout=table", "clients": "/clients", "activities": "/activities"}
PAGES = {"deals": "/deals/", "clients": "/clients/", "activities": "/activities/"}
METHODS = {
    "deals": ("ChangeDeals", pb.ChangeDealsRequest),
    "clients": ("ChangeClients", pb.ChangeClientsRequest),
    "activities": ("ChangeActivities", pb.ChangeActivitiesRequest),
}
ACTIONS = {
    "assign": pb.BULK_ACTION_ASSIGN,
    "move": pb.BULK_ACTION_MOVE,
    "tag": pb.BULK_ACTION_TAG,
    "untag": pb.BULK_ACTION_TAG,
    "delete": pb.BULK_ACTION_DELETE,
}
DONE = {
    "assign": "given to somebody else",
    "move": "moved",
    "tag": "tagged",
    "untag": "freed of the tag",
    "delete": "put into the trash",
}
# crm changes no record that nobody named; of a list that nothing narrows, this names them all.
EVERYTHING = Condition(field="created_at", operator=Operator.OPERATOR_ISNULL, values=["false"])
MOST = 200  # ticked in a list

router = APIRouter(include_in_schema=False)


@router.post("/bulk/{resource}")
async def change(request: Request, resource: str) -> Response:
    """Changes them, each for itself; many are a job, whose page says how far it is."""
    signed_in(request)
    viewer, form = await viewer_of(request), await request.form()
    resource = resource if resource in METHODS else "deals"
    back = local_path(str(form.get("next", "")), HOMES[resource])
    asked = _asked(request, viewer, resource, form)
    if asked is None:
        return RedirectResponse(back, 303)
    if asked.action == pb.BULK_ACTION_ASSIGN and not asked.owner_id:
        try:
            asked.owner_id = await _owner_called(request)
        except InvalidInput as doubt:
            said = " ".join(doubt.fields.values())
            return _result(request, viewer, resource, form, back, message=said, status=422)
    method, message = METHODS[resource]
    had = await bulk_undo.before(request, resource, str(form.get("action", "")), list(asked.ids))
    try:
        answer = await getattr(clients_of(request).bulk, method)(
            message(change=asked), identity_of(request), timeout=PATIENCE
        )
    except DomainError as refusal:
        if refusal.kind not in (ErrorKind.INVALID, ErrorKind.REFUSED):
            raise
        return _result(request, viewer, resource, form, back, message=refusal.message, status=422)
    if answer.job_id:
        return RedirectResponse(f"/jobs/{answer.job_id}", 303)
    changed = [result.id for result in answer.results if not result.reason]
    action = str(form.get("action", ""))
    steps = bulk_undo.steps(action, had, changed, _given(form, action, asked))
    return _result(request, viewer, resource, form, back, results=answer.results, undo=steps)


@router.post("/bulk/{resource}/undo")
async def undo(request: Request, resource: str) -> Response:
    """Gives what was changed together back what it had; what was changed since stays."""
    signed_in(request)
    viewer, form = await viewer_of(request), await request.form()
    resource = resource if resource in METHODS else "deals"
    back = local_path(str(form.get("next", "")), HOMES[resource])
    sent = [str(step) for step in form.getlist("step")]
    undone, kept = await bulk_undo.take_back(request, resource, sent)
    if not kept:
        return RedirectResponse(back, 303)
    return rendering_of(request).response(
        request, "bulk/undone.html", viewer, resource=resource, undone=undone, kept=kept, back=back
    )


@router.get("/jobs/{job_id}")
async def job_page(request: Request, job_id: str) -> Response:
    """How far a change of many is, and what could not be changed."""
    viewer = await viewer_of(request)
    job = await clients_of(request).bulk.GetJob(
        pb.GetJobRequest(job_id=job_id), identity_of(request)
    )
    part = is_htmx(request) and targets(request, "job")
    return rendering_of(request).response(
        request,
        "bulk/_job.html" if part else "bulk/job.html",
        viewer,
        job=job,
        page=PAGES.get(job.resource, ""),
        home=HOMES.get(job.resource, HOMES["deals"]),
    )


@router.get("/jobs/{job_id}/refused.csv")
async def refused(request: Request, job_id: str) -> Response:
    """All that could not be changed."""
    signed_in(request)
    return await refused_file(clients_of(request).bulk, identity_of(request), job_id)


def _asked(request: Request, viewer: Viewer, resource: str, form: FormData) -> pb.BulkChange | None:
    """What is to be done; None when nothing is ticked, or nothing chosen."""
    action = str(form.get("action", ""))
    if action not in ACTIONS:
        return None
    asked = pb.BulkChange(action=ACTIONS[action])
    if form.get("all") == "1":
        formats = rendering_of(request).formats(viewer)
        asker = Asker.of(signed_in(request), formats.today, formats.zone)
        shown = LISTS[resource](parse_qsl(str(form.get("list", ""))), asker)
        asked.conditions.extend(shown.conditions or [EVERYTHING])
    else:
        asked.ids.extend(map(str, form.getlist("id")[:MOST]))
        if not asked.ids:
            return None
    asked.owner_id = str(form.get("owner_id", "")) if action == "assign" else ""
    asked.stage_id = str(form.get("stage_id", "")) if action == "move" else ""
    asked.lost_reason_id = str(form.get("lost_reason_id", "")) if action == "move" else ""
    tag = str(form.get("tag", "")).strip()
    if action == "tag" and tag:
        asked.add_tags.append(tag)
    if action == "untag" and tag:
        asked.remove_tags.append(tag)
    return asked


async def _owner_called(request: Request) -> str:
    """Who is meant by a name that was not chosen from the list. Raises InvalidInput."""
    values = await values_of(request)
    found = await meant(request, values, {"owner": "owners"})
    if not found["owner"]:
        raise InvalidInput("", fields={"owner": "Say who is to have them."})
    return found["owner"]


def _given(form: FormData, action: str, asked: pb.BulkChange) -> str:
    """What the records were given: an owner, a stage or a tag."""
    if action == "assign":
        return asked.owner_id
    return str(form.get("stage_id" if action == "move" else "tag", "")).strip()


def _result(
    request: Request,
    viewer: Viewer,
    resource: str,
    form: FormData,
    back: str,
    *,
    results: Any = (),
    undo: Sequence[Any] = (),
    message: str = "",
    status: int = 200,
) -> Response:
    action = str(form.get("action", ""))
    changed = [result.id for result in results if not result.reason]
    return rendering_of(request).response(
        request,
        "bulk/result.html",
        viewer,
        status=status,
        resource=resource,
        done=DONE.get(action, "changed"),
        changed=changed,
        refused=[result for result in results if result.reason],
        undo=undo,
        page=PAGES[resource],
        back=back,
        message=message,
    )
