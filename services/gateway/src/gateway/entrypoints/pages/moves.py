"""Moving a deal: one form for mouse, keys and menu, with and without scripts."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.deal_service_pb2 import GetDealRequest, MoveDealRequest
from freelanceflow.crm.v1.stage_service_pb2 import ListLostReasonsRequest, ListStagesRequest
from gateway.entrypoints.pages.board import totals
from gateway.entrypoints.pages.board_query import BoardQuery
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.deals import MOST
from gateway.entrypoints.pages.forms import Values, values_of
from gateway.entrypoints.pages.pipeline_bar import extras_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of
from gateway.entrypoints.paths import local_path
from kit.errors import DomainError

REASON_NEEDED = "LOST_REASON_MISSING"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Undo:
    """Where a moved deal came from."""

    stage_id: str
    after_id: str
    lost_reason_id: str


@router.get("/deals/{deal_id}/move", dependencies=[needs("deals.write")])
async def move_form(request: Request, deal_id: str) -> Response:
    """The stages to choose from: a dialog over the board, a page without scripts."""
    clients, identity = clients_of(request), identity_of(request)
    viewer, deal, stages, reasons = await together(
        viewer_of(request),
        clients.deals.GetDeal(GetDealRequest(deal_id=deal_id), identity),
        clients.stages.ListStages(ListStagesRequest(page_size=MOST), identity),
        clients.stages.ListLostReasons(ListLostReasonsRequest(page_size=MOST), identity),
    )
    template = "deals/move_dialog.html" if is_htmx(request) else "deals/move_page.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        deal=deal,
        stages=stages.stages,
        lost_reasons=reasons.lost_reasons,
    )


@router.post("/deals/{deal_id}/move")
async def move(request: Request, deal_id: str) -> Response:
    """Moves it. A lost deal without a reason is not refused but asked about."""
    signed_in(request)
    values = await values_of(request)
    asked = MoveDealRequest(
        deal_id=deal_id,
        stage_id=values["stage_id"],
        after_id=values["after_id"],
        before_id=values["before_id"],
        lost_reason_id=values["lost_reason_id"],
        etag=values["etag"],
    )
    try:
        deal = await clients_of(request).deals.MoveDeal(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.reason != REASON_NEEDED:
            raise
        return await _ask_reason(request, asked)
    if not is_htmx(request):
        return RedirectResponse(local_path(values["next"], "/pipeline"), 303)
    query = BoardQuery.of_page(request)
    viewer, board, extras = await together(
        viewer_of(request), totals(request, query), extras_of(request, query)
    )
    return rendering_of(request).response(
        request,
        "pipeline/moved.html",
        viewer,
        deal=deal,
        board=board,
        extras=extras,
        undone=bool(values["undo"]),
        moved_stage=values["from_stage_id"] not in ("", deal.stage_id),
        undo=_undo(values),
    )


async def _ask_reason(request: Request, move: MoveDealRequest) -> Response:
    if not is_htmx(request):
        return RedirectResponse(f"/deals/{move.deal_id}/move", 303)
    viewer, reasons = await together(
        viewer_of(request),
        clients_of(request).stages.ListLostReasons(
            ListLostReasonsRequest(page_size=MOST), identity_of(request)
        ),
    )
    return rendering_of(request).response(
        request,
        "pipeline/ask_reason.html",
        viewer,
        status=202,
        move=move,
        lost_reasons=reasons.lost_reasons,
    )


def _undo(values: Values) -> Undo:
    return Undo(values["from_stage_id"], values["from_after_id"], "")
