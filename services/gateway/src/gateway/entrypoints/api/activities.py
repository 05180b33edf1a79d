"""Calls, meetings, mails, tasks and notes on clients and deals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import activity_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, page_response, record_response
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    Listing,
    identity_of,
    if_match,
    path_parameter,
    present,
    read_body,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem
from kit.clock import to_timestamp

RPC = pb.DESCRIPTOR.services_by_name["ActivityService"].methods_by_name
ACTIVITIES = Listing(
    schemas.Activity,
    filters=(
        "subject",
        "kind",
        "client_id",
        "deal_id",
        "owner_id",
        "due_at",
        "done_at",
        "created_at",
        "updated_at",
    ),
    sorts=("due_at", "done_at", "created_at", "updated_at"),
)
KINDS = {
    "call": pb.ActivityKind.ACTIVITY_KIND_CALL,
    "meeting": pb.ActivityKind.ACTIVITY_KIND_MEETING,
    "mail": pb.ActivityKind.ACTIVITY_KIND_MAIL,
    "task": pb.ActivityKind.ACTIVITY_KIND_TASK,
    "note": pb.ActivityKind.ACTIVITY_KIND_NOTE,
}
KIND_NAMES = {number: name for name, number in KINDS.items()}
REPETITIONS = {
    "daily": pb.ActivityRepetition.ACTIVITY_REPETITION_DAILY,
    "weekdays": pb.ActivityRepetition.ACTIVITY_REPETITION_WEEKDAYS,
    "weekly": pb.ActivityRepetition.ACTIVITY_REPETITION_WEEKLY,
    "biweekly": pb.ActivityRepetition.ACTIVITY_REPETITION_BIWEEKLY,
    "monthly": pb.ActivityRepetition.ACTIVITY_REPETITION_MONTHLY,
    "yearly": pb.ActivityRepetition.ACTIVITY_REPETITION_YEARLY,
}
REPETITION_NAMES = {number: name for name, number in REPETITIONS.items()}
_NUMBERS: dict[str, Mapping[str, Any]] = {"kind": KINDS, "repetition": REPETITIONS}
_TIMES = {"due_at": "due_time", "remind_at": "remind_time", "done_at": "done_time"}
ACTIVITY = path_parameter("activity_id", "activity")

operations = Operations("Activities")
add = operations.add


@add("GET", "/activities", rpc=RPC["ListActivities"], summary="List activities",
     answer=schemas.ActivityPage, parameters=ACTIVITIES.parameters())  # fmt: skip
async def list_activities(request: Request) -> Response:
    """Latest due first unless `sort` says otherwise."""
    asked = ACTIVITIES.read(request)
    answer = await request.app.state.clients.activities.ListActivities(
        pb.ListActivitiesRequest(
            page_size=asked.page.size,
            page_token=asked.page.token,
            conditions=asked.conditions,
            sort=asked.sort,
            with_total=asked.with_total,
        ),
        identity_of(request),
    )
    return page_response(
        map(_json, answer.activities),
        answer.next_page_token,
        total=answer.total if asked.with_total else None,
        fields=asked.fields,
    )


@add("POST", "/activities", rpc=RPC["CreateActivity"], summary="Create an activity",
     body=schemas.ActivityIn, answer=schemas.Activity, status=201,
     parameters=[IDEMPOTENCY_KEY], problems=[404, 409])  # fmt: skip
async def create_activity(request: Request) -> Response:
    """On a client, a deal or both; on a deal alone it is on the deal's client, too.

    With `done_at` it is something that was done already.
    """
    body = await read_body(request, schemas.ActivityIn)
    values = {"kind": body.kind, **body.model_dump(exclude_unset=True)}
    activity = await request.app.state.clients.activities.CreateActivity(
        pb.CreateActivityRequest(activity=message_of(values)), identity_of(request)
    )
    location = f"/api/v1/activities/{activity.id}"
    return record_response(request, _json(activity), activity.etag, status=201, location=location)


@add("POST", "/activities/quick", rpc=RPC["DraftActivity"],
     summary="Create an activity from a line of text", body=schemas.QuickActivityIn,
     answer=schemas.Activity, status=201, parameters=[IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def quick_add_activity(request: Request) -> Response:
    """Such as “Call Mira Fri 14:00”: kind, day, time, repetition and client are read from it. It is
    refused when no client, or more than one, is called so and neither client nor deal is given.
    """
    body = await read_body(request, schemas.QuickActivityIn)
    peer, identity = request.app.state.clients.activities, identity_of(request)
    answer = await peer.DraftActivity(pb.DraftActivityRequest(text=body.text), identity)
    activity = answer.activity
    if body.client_id or body.deal_id:
        activity.client_id, activity.deal_id = body.client_id or "", body.deal_id or ""
    activity = await peer.CreateActivity(pb.CreateActivityRequest(activity=activity), identity)
    location = f"/api/v1/activities/{activity.id}"
    return record_response(request, _json(activity), activity.etag, status=201, location=location)


@add("GET", "/activities/{activity_id}", rpc=RPC["GetActivity"], summary="Get an activity",
     answer=schemas.Activity, parameters=[ACTIVITY], problems=[404])  # fmt: skip
async def get_activity(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    activity = await request.app.state.clients.activities.GetActivity(
        pb.GetActivityRequest(activity_id=request.path_params["activity_id"]),
        identity_of(request),
    )
    return record_response(request, _json(activity), activity.etag)


@add("PATCH", "/activities/{activity_id}", rpc=RPC["UpdateActivity"], summary="Change an activity",
     body=schemas.ActivityChange, answer=schemas.Activity, parameters=[ACTIVITY, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def update_activity(request: Request) -> Response:
    """Only the fields that are sent change."""
    etag = if_match(request)
    body = await read_body(request, schemas.ActivityChange)
    values = body.model_dump(exclude_unset=True)
    change = pb.UpdateActivityRequest(
        activity=message_of(values), update_mask=FieldMask(paths=paths_of(values)), etag=etag
    )
    change.activity.id = request.path_params["activity_id"]
    activity = await request.app.state.clients.activities.UpdateActivity(
        change, identity_of(request)
    )
    return record_response(request, _json(activity), activity.etag)


@add("POST", "/activities/{activity_id}/done", rpc=RPC["SetActivityDone"],
     summary="Mark an activity as done", answer=schemas.Activity, parameters=[ACTIVITY],
     problems=[404])  # fmt: skip
async def set_activity_done(request: Request) -> Response:
    """Doing so twice changes nothing; `?done=false` takes it back."""
    query = read_query(request, "done")
    if query.get("done", "true") not in ("true", "false"):
        raise HttpProblem(400, "PARAMETER_INVALID", "done is true or false.")
    activity = await request.app.state.clients.activities.SetActivityDone(
        pb.SetActivityDoneRequest(
            activity_id=request.path_params["activity_id"],
            done=query.get("done", "true") == "true",
        ),
        identity_of(request),
    )
    return record_response(request, _json(activity), activity.etag)


@add("DELETE", "/activities/{activity_id}", rpc=RPC["DeleteActivity"],
     summary="Delete an activity", status=204, parameters=[ACTIVITY, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def delete_activity(request: Request) -> Response:
    """It can be restored from the trash for 30 days."""
    await request.app.state.clients.activities.DeleteActivity(
        pb.DeleteActivityRequest(
            activity_id=request.path_params["activity_id"], etag=if_match(request)
        ),
        identity_of(request),
    )
    return Response(status_code=204)


def paths_of(values: dict[str, Any]) -> list[str]:
    """The contract's names of the fields that are given."""
    return sorted(_TIMES.get(name, name) for name in values)


def message_of(values: Mapping[str, Any]) -> pb.Activity:
    """An activity with these values."""
    given = {_TIMES.get(name, name): _wire(name, value) for name, value in present(values).items()}
    return pb.Activity(**given)


def _wire(name: str, value: Any) -> Any:
    if name in _TIMES:
        return to_timestamp(_instant(name, value))
    return _NUMBERS[name][value] if name in _NUMBERS else value


def _instant(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        said = "Give an RFC 3339 instant such as 2026-03-31T09:00:00Z."
        raise HttpProblem(422, "INVALID_INPUT", said, fields={name: said})
    return found


def _json(activity: pb.Activity) -> dict[str, Any]:
    has = activity.HasField
    return {
        "id": activity.id,
        "kind": KIND_NAMES[activity.kind],
        "subject": activity.subject,
        "body": activity.body,
        "client_id": activity.client_id or None,
        "client_name": activity.client_name or None,
        "deal_id": activity.deal_id or None,
        "deal_name": activity.deal_name or None,
        "owner_id": activity.owner_id or None,
        "owner_name": activity.owner_name or None,
        "due_at": instant(activity.due_time) if has("due_time") else None,
        "all_day": activity.all_day,
        "repetition": REPETITION_NAMES.get(activity.repetition),
        "remind_at": instant(activity.remind_time) if has("remind_time") else None,
        "done_at": instant(activity.done_time) if has("done_time") else None,
        "created_at": instant(activity.create_time),
        "updated_at": instant(activity.update_time),
        "version": int(activity.etag),
    }
