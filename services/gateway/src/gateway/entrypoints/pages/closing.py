"""A deal that was won or lost on another day than the one on which somebody says so."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.deal_service_pb2 import GetDealRequest, MoveDealRequest
from freelanceflow.crm.v1.stage_service_pb2 import (
    ListLostReasonsRequest,
    ListStagesRequest,
    StageType,
)
from gateway.entrypoints.pages.calls import clients_of, identity_of, needs, together, viewer_of
from gateway.entrypoints.pages.deals import MOST, saved
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, options, values_of
from gateway.entrypoints.pages.rendering import Viewer, is_htmx, rendering_of
from kit.errors import DomainError

LABELS = {"stage_id": "How it ended", "lost_reason_id": "Lost because of", "closed_on": "Day"}

router = APIRouter(include_in_schema=False)


@router.get("/deals/{deal_id}/close", dependencies=[needs("deals.write")])
async def close_form(request: Request, deal_id: str) -> Response:
    """How, why and when: a dialog, a page without scripts."""
    return await _form(request, await viewer_of(request), deal_id, Values(), Errors())


@router.post("/deals/{deal_id}/close")
async def close(request: Request, deal_id: str) -> Response:
    """Moves it as of that day; today when none is said."""
    values, viewer = await values_of(request), await viewer_of(request)
    asked = MoveDealRequest(deal_id=deal_id, **{name: values[name] for name in (*LABELS, "etag")})
    try:
        deal = await clients_of(request).deals.MoveDeal(asked, identity_of(request))
    except DomainError as refusal:
        return await _form(request, viewer, deal_id, values, errors_of(refusal, {}))
    return saved(request, viewer, deal, f"{deal.stage_name}:")


async def _form(
    request: Request, viewer: Viewer, deal_id: str, values: Values, errors: Errors
) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    deal, stages, reasons = await together(
        clients.deals.GetDeal(GetDealRequest(deal_id=deal_id), identity),
        clients.stages.ListStages(ListStagesRequest(page_size=MOST), identity),
        clients.stages.ListLostReasons(ListLostReasonsRequest(page_size=MOST), identity),
    )
    template = "deals/close_page.html"
    if is_htmx(request):
        template = "deals/_close.html" if request.method == "POST" else "deals/close_dialog.html"
    ends = [stage for stage in stages.stages if stage.type != StageType.STAGE_TYPE_OPEN]
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=errors.status,
        deal=deal,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        ends=options(ends),
        reasons=[("", "–"), *options(reasons.lost_reasons)],
    )
