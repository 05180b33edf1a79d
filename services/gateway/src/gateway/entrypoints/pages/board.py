"""The pipeline board and the key figures above it."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.analytics.v1.analytics_service_pb2 import (
    GetPipelineRequest,
    GetVelocityRequest,
    Pipeline,
    Velocity,
)
from freelanceflow.crm.v1.deal_service_pb2 import (
    Board,
    GetBoardRequest,
    ListCardsRequest,
    ListCardsResponse,
)
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from gateway.entrypoints.pages.board_query import BoardQuery
from gateway.entrypoints.pages.calls import (
    EXTRA_TIMEOUT,
    clients_of,
    identity_of,
    if_there,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.deals import deal_context
from gateway.entrypoints.pages.list_views import elsewhere
from gateway.entrypoints.pages.named_filters import settled
from gateway.entrypoints.pages.pipeline_bar import bar_context, extras_of, table_page
from gateway.entrypoints.pages.problems import REFRESH
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets
from gateway.entrypoints.pages.today import setup_of

FIRST_CARDS = 25  # of each column, as GetBoard gives them
MOST_CARDS = 200
FEW = 10  # deals; with more of them nobody asks for samples

router = APIRouter(include_in_schema=False)


@router.get("/pipeline")
async def pipeline(request: Request) -> Response:
    """The board or the table: a page, or the part of it that htmx asks for."""
    signed_in(request)
    query = BoardQuery.of(request)
    if is_htmx(request) and targets(request, "board"):
        return await _board_part(request, query)
    if named := await settled(request):
        return named
    if not is_htmx(request) and (there := await elsewhere(request, "deals", query.view_id)):
        return RedirectResponse(there, 303)
    return await (table_page if query.is_table else _board_page)(request, query)


async def _board_page(request: Request, query: BoardQuery) -> Response:
    deal_id = request.query_params.get("deal", "")
    viewer, board, bar, figures, deal = await together(
        viewer_of(request),
        _board(request, query, FIRST_CARDS),
        bar_context(request, query),
        _figures(request, query),
        _panel(request, deal_id),
    )
    few = sum(column.count for column in board.columns) <= FEW
    return rendering_of(request).response(
        request,
        "pipeline/page.html",
        viewer,
        setup=await setup_of(request) if few else None,
        board=board,
        query=query,
        **bar,
        **figures,
        **deal,
    )


@router.get("/pipeline/figures")
async def figures(request: Request) -> Response:
    """The strip of key figures."""
    query = BoardQuery.of(request)
    viewer, context = await together(viewer_of(request), _figures(request, query))
    return rendering_of(request).response(
        request, "pipeline/_strip.html", viewer, query=query, **context
    )


@router.get("/pipeline/cards")
async def cards(request: Request) -> Response:
    """The next cards of one column."""
    query = BoardQuery.of(request)
    stage_id = request.query_params.get("stage_id", "")
    viewer, page, extras = await together(
        viewer_of(request),
        _cards(request, query, stage_id, request.query_params.get("page_token", ""), FIRST_CARDS),
        extras_of(request, query),
    )
    template = "pipeline/cards.html" if is_htmx(request) else "pipeline/cards_page.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        cards=page.cards,
        token=page.next_page_token,
        stage_id=stage_id,
        type=_stage_type(request),
        query=query,
        extras=extras,
    )


async def totals(request: Request, query: BoardQuery) -> Board:
    """The heads of the columns."""
    asked = GetBoardRequest(conditions=query.conditions, totals_only=True)
    board: Board = await clients_of(request).deals.GetBoard(asked, identity_of(request))
    return board


def _stage_type(request: Request) -> "StageType.ValueType":
    """The column's type, which the link to its next cards carries; open when in doubt."""
    known = {str(number): number for number in StageType.values()}
    return known.get(request.query_params.get("type", ""), StageType.STAGE_TYPE_OPEN)


async def _board_part(request: Request, query: BoardQuery) -> Response:
    refreshing = REFRESH in request.headers
    wanted = request.query_params.get("cards", "")
    per_column = min(int(wanted), MOST_CARDS) if wanted.isdigit() else FIRST_CARDS
    calls = [viewer_of(request), _board(request, query, per_column)]
    if refreshing:
        viewer, board, extras = await together(*calls, extras_of(request, query))
        return rendering_of(request).response(
            request, "pipeline/_board.html", viewer, board=board, query=query, extras=extras
        )
    calls += [_figures(request, query), bar_context(request, query)]
    viewer, board, figures, bar = await together(*calls)
    return rendering_of(request).response(
        request, "pipeline/filtered.html", viewer, board=board, query=query, **figures, **bar
    )


async def _board(request: Request, query: BoardQuery, per_column: int) -> Board:
    asked = GetBoardRequest(conditions=query.conditions)
    board: Board = await clients_of(request).deals.GetBoard(asked, identity_of(request))
    if per_column > FIRST_CARDS:
        await together(
            *(
                _lengthen(request, query, column, per_column - FIRST_CARDS)
                for column in board.columns
                if column.next_page_token
            )
        )
    return board


async def _lengthen(request: Request, query: BoardQuery, column: Any, count: int) -> None:
    page = await _cards(request, query, column.stage.id, column.next_page_token, count)
    column.cards.extend(page.cards)
    column.next_page_token = page.next_page_token


async def _cards(
    request: Request, query: BoardQuery, stage_id: str, token: str, count: int
) -> ListCardsResponse:
    asked = ListCardsRequest(
        stage_id=stage_id, page_size=count, page_token=token, conditions=query.conditions
    )
    page: ListCardsResponse = await clients_of(request).deals.ListCards(asked, identity_of(request))
    return page


async def _figures(request: Request, query: BoardQuery) -> dict[str, Pipeline | Velocity | None]:
    analytics, identity = clients_of(request).analytics, identity_of(request)
    pipeline, velocity = await together(
        if_there(
            analytics.GetPipeline(
                GetPipelineRequest(owner_id=query.owner_id), identity, timeout=EXTRA_TIMEOUT
            )
        ),
        if_there(
            analytics.GetVelocity(
                GetVelocityRequest(owner_id=query.owner_id), identity, timeout=EXTRA_TIMEOUT
            )
        ),
    )
    return {"pipeline": pipeline, "velocity": velocity}


async def _panel(request: Request, deal_id: str) -> dict[str, Any]:
    if not deal_id:
        return {"deal": None}
    found = await if_there(deal_context(request, deal_id))
    return found or {"deal": None}
