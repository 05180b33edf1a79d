"""What a workspace sets up once: stages, lost reasons, owners."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import stage_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import page_response
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import PAGING, identity_of, read_page, read_query

RPC = pb.DESCRIPTOR.services_by_name["StageService"].methods_by_name
TYPES = {
    pb.StageType.STAGE_TYPE_OPEN: "open",
    pb.StageType.STAGE_TYPE_WON: "won",
    pb.StageType.STAGE_TYPE_LOST: "lost",
}

operations = Operations("Settings")
add = operations.add


@add("GET", "/stages", rpc=RPC["ListStages"], summary="List stages", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_stages(request: Request) -> Response:
    """The columns of the board, in order."""
    answer = await _ask(request, "ListStages", pb.ListStagesRequest)
    return page_response(map(_stage, answer.stages), answer.next_page_token)


@add("GET", "/lost-reasons", rpc=RPC["ListLostReasons"], summary="List lost reasons",
     answer=schemas.AnyPage, parameters=PAGING)  # fmt: skip
async def list_lost_reasons(request: Request) -> Response:
    """A move into a lost stage names one of them."""
    answer = await _ask(request, "ListLostReasons", pb.ListLostReasonsRequest)
    items = ({"id": reason.id, "name": reason.name} for reason in answer.lost_reasons)
    return page_response(items, answer.next_page_token)


@add("GET", "/owners", rpc=RPC["ListOwners"], summary="List owners", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_owners(request: Request) -> Response:
    """Who deals and clients can belong to: members, and labels that came with an import."""
    answer = await _ask(request, "ListOwners", pb.ListOwnersRequest)
    items = (
        {"id": owner.id, "name": owner.name, "user_id": owner.user_id or None}
        for owner in answer.owners
    )
    return page_response(items, answer.next_page_token)


async def _ask(request: Request, method: str, message: Any) -> Any:
    page = read_page(read_query(request, "limit", "cursor"))
    asked = message(page_size=page.size, page_token=page.token)
    return await getattr(request.app.state.clients.stages, method)(asked, identity_of(request))


def _stage(stage: pb.Stage) -> dict[str, Any]:
    return {
        "id": stage.id,
        "name": stage.name,
        "type": TYPES[stage.type],
        "position": stage.position,
        "rotting_days": stage.rotting_days or None,
        "default_probability": stage.default_probability,
    }
