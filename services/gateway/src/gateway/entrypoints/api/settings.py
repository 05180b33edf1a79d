"""What a workspace sets up once: stages, lost reasons, owners."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import stage_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api import setting_schemas as shapes
from gateway.entrypoints.api.answers import json_response, page_response, record_response
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.operations import BASE, Operations, Parameter
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGING,
    Listing,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_page,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

RPC = pb.DESCRIPTOR.services_by_name["StageService"].methods_by_name
TYPES = {
    pb.StageType.STAGE_TYPE_OPEN: "open",
    pb.StageType.STAGE_TYPE_WON: "won",
    pb.StageType.STAGE_TYPE_LOST: "lost",
}
NUMBERS = {name: number for number, name in TYPES.items()}
STAGE, REASON = path_parameter("stage_id", "stage"), path_parameter("lost_reason_id", "reason")
MOVE_TO = Parameter("move_to", "query", "Stage of the same type to which its deals go; not needed "
                    "for an empty one.", {"type": "string", "format": "uuid"})  # fmt: skip

PAGE = ("limit", "cursor")
OWNERS = Listing(shapes.OwnerOut, filters=("name", "id"), sorts=())

operations = Operations("Settings")
add = operations.add


@add("GET", "/stages", rpc=RPC["ListStages"], summary="List stages", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_stages(request: Request) -> Response:
    """The columns of the board, in order."""
    answer = await _ask(request, "ListStages", pb.ListStagesRequest)
    return page_response(map(_stage, answer.stages), answer.next_page_token)


@add("POST", "/stages", rpc=RPC["CreateStage"], summary="Create a stage", body=shapes.StageIn,
     answer=shapes.StageOut, status=201, parameters=[IDEMPOTENCY_KEY], problems=[409])  # fmt: skip
async def create_stage(request: Request) -> Response:
    """An open one comes behind the last open one, another one to the end."""
    body = await read_body(request, shapes.StageIn)
    stage = await _call(
        request, "CreateStage", pb.CreateStageRequest(stage=_message(body.model_dump()))
    )
    location = f"{BASE}/stages/{stage.id}"
    return record_response(request, _stage(stage), stage.etag, status=201, location=location)


@add("PUT", "/stages/order", rpc=RPC["ReorderStages"], summary="Put the stages in order",
     body=shapes.OrderIn, answer=schemas.AnyPage)  # fmt: skip
async def reorder_stages(request: Request) -> Response:
    """`ids` names every stage once."""
    body = await read_body(request, shapes.OrderIn)
    order = pb.ReorderStagesRequest(stage_ids=body.ids)
    answer = await _call(request, "ReorderStages", order)
    return page_response(map(_stage, answer.stages), "")


@add("GET", "/stages/{stage_id}", rpc=RPC["ListStages"], summary="Get a stage",
     answer=shapes.StageOut, parameters=[STAGE], problems=[404])  # fmt: skip
async def get_stage(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    stage = await _get(request)
    return record_response(request, _stage(stage), stage.etag)


@add("PATCH", "/stages/{stage_id}", rpc=RPC["UpdateStage"], summary="Change a stage",
     body=shapes.StageChange, answer=shapes.StageOut, parameters=[STAGE, IF_MATCH],
     problems=[404, 409, 412, 428])  # fmt: skip
async def update_stage(request: Request) -> Response:
    """Only the fields that are sent change."""
    etag = if_match(request)
    body = await read_body(request, shapes.StageChange)
    values = body.model_dump(exclude_unset=True)
    change = pb.UpdateStageRequest(
        stage=_message(values), update_mask=FieldMask(paths=sorted(values)), etag=etag
    )
    change.stage.id = request.path_params["stage_id"]
    stage = await _or_current(request, "UpdateStage", change)
    return record_response(request, _stage(stage), stage.etag)


@add("DELETE", "/stages/{stage_id}", rpc=RPC["DeleteStage"], summary="Remove a stage",
     answer=shapes.StageRemoval, status=202, parameters=[STAGE, MOVE_TO, IF_MATCH],
     problems=[404, 409, 412, 428],
     extra={"responses": {"204": {"description": "It is gone."}}})  # fmt: skip
async def delete_stage(request: Request) -> Response:
    """Its deals go to `move_to`, on top and in their order; what was stays in their history under
    the old name. 204 when it is done; 202 with the job that does it when there are many deals."""
    etag = if_match(request)
    query = read_query(request, "move_to")
    removal = pb.DeleteStageRequest(
        stage_id=request.path_params["stage_id"],
        move_to_stage_id=query.get("move_to", ""),
        etag=etag,
    )
    answer = await _or_current(request, "DeleteStage", removal)
    if not answer.job_id:
        return Response(status_code=204)
    location = f"{BASE}/jobs/{answer.job_id}"
    return json_response({"job_id": answer.job_id}, status=202, headers={"Location": location})


@add("GET", "/lost-reasons", rpc=RPC["ListLostReasons"], summary="List lost reasons",
     answer=schemas.AnyPage, parameters=PAGING)  # fmt: skip
async def list_lost_reasons(request: Request) -> Response:
    """A move into a lost stage names one of them."""
    answer = await _ask(request, "ListLostReasons", pb.ListLostReasonsRequest)
    return page_response(map(_reason, answer.lost_reasons), answer.next_page_token)


@add("POST", "/lost-reasons", rpc=RPC["CreateLostReason"], summary="Create a lost reason",
     body=shapes.LostReasonIn, answer=shapes.LostReasonOut, status=201,
     parameters=[IDEMPOTENCY_KEY], problems=[409])  # fmt: skip
async def create_lost_reason(request: Request) -> Response:
    """A removed one of the same name comes back."""
    body = await read_body(request, shapes.LostReasonIn)
    reason = pb.LostReason(name=body.name)
    made = await _call(request, "CreateLostReason", pb.CreateLostReasonRequest(lost_reason=reason))
    return json_response(_reason(made), status=201)


@add("PUT", "/lost-reasons/order", rpc=RPC["ReorderLostReasons"],
     summary="Put the lost reasons in order", body=shapes.OrderIn,
     answer=schemas.AnyPage)  # fmt: skip
async def reorder_lost_reasons(request: Request) -> Response:
    """`ids` names every reason once."""
    body = await read_body(request, shapes.OrderIn)
    order = pb.ReorderLostReasonsRequest(lost_reason_ids=body.ids)
    answer = await _call(request, "ReorderLostReasons", order)
    return page_response(map(_reason, answer.lost_reasons), "")


@add("PATCH", "/lost-reasons/{lost_reason_id}", rpc=RPC["UpdateLostReason"],
     summary="Rename a lost reason", body=shapes.LostReasonIn, answer=shapes.LostReasonOut,
     parameters=[REASON], problems=[404, 409])  # fmt: skip
async def update_lost_reason(request: Request) -> Response:
    """Deals that were lost for it show the new name as well."""
    body = await read_body(request, shapes.LostReasonIn)
    reason = pb.LostReason(id=request.path_params["lost_reason_id"], name=body.name)
    changed = await _call(
        request, "UpdateLostReason", pb.UpdateLostReasonRequest(lost_reason=reason)
    )
    return json_response(_reason(changed))


@add("DELETE", "/lost-reasons/{lost_reason_id}", rpc=RPC["DeleteLostReason"],
     summary="Remove a lost reason", status=204, parameters=[REASON],
     problems=[404, 409])  # fmt: skip
async def delete_lost_reason(request: Request) -> Response:
    """It is offered no more; deals that were lost for it keep it."""
    reason_id = request.path_params["lost_reason_id"]
    await _call(request, "DeleteLostReason", pb.DeleteLostReasonRequest(lost_reason_id=reason_id))
    return Response(status_code=204)


@add("GET", "/owners", rpc=RPC["ListOwners"], summary="List owners", answer=shapes.OwnerPage,
     parameters=[*PAGING, *OWNERS.filter_parameters()])  # fmt: skip
async def list_owners(request: Request) -> Response:
    """Who deals and clients can belong to: members, and labels that came with an import. By name;
    `name__contains=mar` finds Mara and Omar."""
    query = request.query_params
    page = read_page({name: query[name] for name in PAGE if name in query})
    asked = pb.ListOwnersRequest(
        page_size=page.size,
        page_token=page.token,
        conditions=OWNERS.conditions(request, *PAGE),
    )
    answer = await _call(request, "ListOwners", asked)
    items = (
        {"id": owner.id, "name": owner.name, "user_id": owner.user_id or None}
        for owner in answer.owners
    )
    return page_response(items, answer.next_page_token)


async def _ask(request: Request, method: str, message: Any) -> Any:
    page = read_page(read_query(request, "limit", "cursor"))
    asked = message(page_size=page.size, page_token=page.token)
    return await _call(request, method, asked)


async def _call(request: Request, method: str, message: Any) -> Any:
    return await getattr(request.app.state.clients.stages, method)(message, identity_of(request))


async def _get(request: Request) -> pb.Stage:
    """Raises HttpProblem 404. There is a handful of them, so all are asked for."""
    answer = await _call(request, "ListStages", pb.ListStagesRequest())
    wanted = request.path_params["stage_id"]
    found: pb.Stage | None = next((s for s in answer.stages if s.id == wanted), None)
    if found is None:
        raise HttpProblem(404, "STAGE_NOT_FOUND", "There is no such stage.")
    return found


async def _or_current(request: Request, method: str, message: Any) -> Any:
    return await or_current(_call(request, method, message), lambda: _get(request), _stage)


def _message(values: dict[str, Any]) -> pb.Stage:
    stage = pb.Stage()
    for name, value in values.items():
        if value is not None:
            setattr(stage, name, NUMBERS[value] if name == "type" else value)
    return stage


def _stage(stage: pb.Stage) -> dict[str, Any]:
    return {
        "id": stage.id,
        "name": stage.name,
        "type": TYPES[stage.type],
        "position": stage.position,
        "color": stage.color,
        "rotting_days": stage.rotting_days or None,
        "default_probability": stage.default_probability,
        "version": int(stage.etag),
    }


def _reason(reason: pb.LostReason) -> dict[str, Any]:
    return {"id": reason.id, "name": reason.name}
