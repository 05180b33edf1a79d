"""Deals, the board and what happened to a deal."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import (
    instant,
    json_response,
    money,
    page_response,
    plain,
    record_response,
)
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGING,
    Listing,
    identity_of,
    if_match,
    path_parameter,
    present,
    read_body,
    read_page,
    read_query,
)

RPC = pb.DESCRIPTOR.services_by_name["DealService"].methods_by_name
FILTERS = (
    "name", "client_id", "stage_id", "stage_type", "owner_id", "source", "tags", "amount",
    "amount_minor", "currency", "expected_close_date", "created_at", "updated_at", "closed_at",
    "entered_stage_at", "next_step", "next_step_due_date", "next_activity_at", "lost_reason_id",
    "win_probability",
    "external_id",
)  # fmt: skip
SORTS = (
    "name", "amount_minor", "expected_close_date", "created_at", "updated_at", "closed_at",
    "entered_stage_at", "next_step_due_date", "win_probability",
)  # fmt: skip
NOT_OF_THE_BOARD = ("stage_id", "stage_type", "closed_at", "lost_reason_id")
DEALS = Listing(schemas.Deal, filters=FILTERS, sorts=SORTS, custom=True)
BOARD = Listing(
    schemas.Deal,
    filters=tuple(name for name in FILTERS if name not in NOT_OF_THE_BOARD),
    sorts=(),
    custom=True,
)
STAGE_TYPES = {
    StageType.STAGE_TYPE_OPEN: "open",
    StageType.STAGE_TYPE_WON: "won",
    StageType.STAGE_TYPE_LOST: "lost",
}
DEAL = path_parameter("deal_id", "deal")
# Python builds a dict of so many names by growing it again and again; a copy has its size at once.
_NOTHING: dict[str, Any] = dict.fromkeys(schemas.Deal.model_fields)

operations = Operations("Deals")
add = operations.add


@add("GET", "/deals", rpc=RPC["ListDeals"], summary="List deals", answer=schemas.DealPage,
     parameters=DEALS.parameters())  # fmt: skip
async def list_deals(request: Request) -> Response:
    """Newest first unless `sort` says otherwise. `total=true` adds `sum`, in the workspace's
    currency at today's rates, and `unconverted`: sums in currencies without a rate."""
    asked = DEALS.read(request)
    answer: pb.ListDealsResponse = await request.app.state.clients.deals.ListDeals(
        pb.ListDealsRequest(
            page_size=asked.page.size,
            page_token=asked.page.token,
            conditions=asked.conditions,
            sort=asked.sort,
            with_total=asked.with_total,
        ),
        identity_of(request),
    )
    return page_response(
        map(deal_json, answer.deals),
        answer.next_page_token,
        total=answer.total if asked.with_total else None,
        fields=asked.fields,
        **(_sums(answer) if asked.with_total else {}),
    )


@add("POST", "/deals", rpc=RPC["CreateDeal"], summary="Create a deal", body=schemas.DealIn,
     answer=schemas.Deal, status=201, parameters=[IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def create_deal(request: Request) -> Response:
    """The deal comes to stand on top of its stage, the first open one unless said."""
    body = await read_body(request, schemas.DealIn)
    deal = await request.app.state.clients.deals.CreateDeal(
        pb.CreateDealRequest(deal=message_of(body.model_dump(exclude_unset=True))),
        identity_of(request),
    )
    location = f"/api/v1/deals/{deal.id}"
    return record_response(request, deal_json(deal), deal.etag, status=201, location=location)


@add("GET", "/deals/{deal_id}", rpc=RPC["GetDeal"], summary="Get a deal", answer=schemas.Deal,
     parameters=[DEAL], problems=[404])  # fmt: skip
async def get_deal(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    deal = await _get(request)
    return record_response(request, deal_json(deal), deal.etag)


@add("PATCH", "/deals/{deal_id}", rpc=RPC["UpdateDeal"], summary="Change a deal",
     body=schemas.DealChange, answer=schemas.Deal, parameters=[DEAL, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def update_deal(request: Request) -> Response:
    """The stage changes by a move only."""
    etag = if_match(request)
    body = await read_body(request, schemas.DealChange)
    values = body.model_dump(exclude_unset=True)
    change = pb.UpdateDealRequest(
        deal=message_of(values), update_mask=FieldMask(paths=sorted(values)), etag=etag
    )
    change.deal.id = request.path_params["deal_id"]
    return await _changed(request, "UpdateDeal", change)


@add("DELETE", "/deals/{deal_id}", rpc=RPC["DeleteDeal"], summary="Delete a deal", status=204,
     parameters=[DEAL, IF_MATCH], problems=[404, 412, 428])  # fmt: skip
async def delete_deal(request: Request) -> Response:
    """It can be restored from the trash for 30 days."""
    etag = if_match(request)
    delete = pb.DeleteDealRequest(deal_id=request.path_params["deal_id"], etag=etag)
    await _or_current(request, "DeleteDeal", delete)
    return Response(status_code=204)


@add("POST", "/deals/{deal_id}/move", rpc=RPC["MoveDeal"], summary="Move a deal",
     body=schemas.DealMove, answer=schemas.Deal, parameters=[DEAL, IF_MATCH, IDEMPOTENCY_KEY],
     problems=[404, 409, 412, 428])  # fmt: skip
async def move_deal(request: Request) -> Response:
    """Into a stage, behind `after_id`, before `before_id`, or on top; what was won or lost before
    today has that day in `closed_on`."""
    etag = if_match(request)
    body = await read_body(request, schemas.DealMove)
    move = pb.MoveDealRequest(
        deal_id=request.path_params["deal_id"],
        stage_id=body.stage_id,
        before_id=body.before_id or "",
        after_id=body.after_id or "",
        lost_reason_id=body.lost_reason_id or "",
        closed_on=body.closed_on.isoformat() if body.closed_on else "",
        etag=etag,
    )
    return await _changed(request, "MoveDeal", move)


@add("GET", "/deals/{deal_id}/history", rpc=RPC["ListDealHistory"], summary="History of a deal",
     answer=schemas.AnyPage, parameters=[DEAL, *PAGING], problems=[404])  # fmt: skip
async def list_deal_history(request: Request) -> Response:
    """Who changed what, from what, to what, and how long it stood in a stage; latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.deals.ListDealHistory(
        pb.ListDealHistoryRequest(
            deal_id=request.path_params["deal_id"], page_size=page.size, page_token=page.token
        ),
        identity_of(request),
    )
    return page_response(map(_entry, answer.entries), answer.next_page_token)


@add("GET", "/board", rpc=RPC["GetBoard"], summary="The pipeline board",
     answer=schemas.AnyRecord, parameters=BOARD.filter_parameters())  # fmt: skip
async def get_board(request: Request) -> Response:
    """Per stage: count, sum and weighted sum in the workspace's currency, the first 25 cards."""
    board = await request.app.state.clients.deals.GetBoard(
        pb.GetBoardRequest(conditions=BOARD.conditions(request)), identity_of(request)
    )
    columns = [_column(column) for column in board.columns]
    return json_response({"currency": board.currency_code, "columns": columns})


@add("GET", "/board/{stage_id}/cards", rpc=RPC["ListCards"], summary="Further cards of a column",
     answer=schemas.AnyPage, parameters=[path_parameter("stage_id", "stage"), *PAGING,
     *BOARD.filter_parameters()], problems=[404])  # fmt: skip
async def list_cards(request: Request) -> Response:
    """`cursor` is the column's `next_cursor`; with the same filters as the board's."""
    query = request.query_params
    page = read_page({name: query[name] for name in ("limit", "cursor") if name in query})
    answer = await request.app.state.clients.deals.ListCards(
        pb.ListCardsRequest(
            stage_id=request.path_params["stage_id"],
            page_size=page.size,
            page_token=page.token,
            conditions=BOARD.conditions(request, "limit", "cursor"),
        ),
        identity_of(request),
    )
    return page_response(map(_card, answer.cards), answer.next_page_token)


def _sums(answer: pb.ListDealsResponse) -> dict[str, Any]:
    unconverted = [money(amount) for amount in answer.unconverted]
    return {"sum": money(answer.sum), "unconverted": unconverted}


async def _get(request: Request) -> pb.Deal:
    deal: pb.Deal = await request.app.state.clients.deals.GetDeal(
        pb.GetDealRequest(deal_id=request.path_params["deal_id"]), identity_of(request)
    )
    return deal


async def _changed(request: Request, method: str, message: Any) -> Response:
    deal = await _or_current(request, method, message)
    return record_response(request, deal_json(deal), deal.etag)


async def _or_current(request: Request, method: str, message: Any) -> Any:
    change = getattr(request.app.state.clients.deals, method)(message, identity_of(request))
    return await or_current(change, lambda: _get(request), deal_json)


def message_of(values: Mapping[str, Any]) -> pb.Deal:
    """A deal with these values."""
    given = present(values)
    if "amount" in given:
        given["amount"] = _money(given["amount"])
    return pb.Deal(**given)


def _money(value: dict[str, Any]) -> Money:
    return Money(amount_minor=value["amount_minor"], currency_code=value["currency"])


def deal_json(deal: pb.Deal) -> dict[str, Any]:
    """A deal as the API shows it."""
    has, shown = deal.HasField, _NOTHING.copy()
    shown["id"] = deal.id
    shown["name"] = deal.name
    shown["client_id"] = deal.client_id or None
    shown["client_name"] = deal.client_name or None
    if has("amount"):
        shown["amount"] = money(deal.amount)
    shown["stage_id"] = deal.stage_id
    shown["stage_name"] = deal.stage_name
    shown["stage_type"] = STAGE_TYPES.get(deal.stage_type, "open")
    shown["position"] = deal.position
    shown["expected_close_date"] = deal.expected_close_date or None
    shown["owner_id"] = deal.owner_id or None
    shown["owner_name"] = deal.owner_name or None
    shown["source"] = deal.source
    shown["next_step"] = deal.next_step
    shown["next_step_due_date"] = deal.next_step_due_date or None
    shown["tags"] = deal.tags[:]
    shown["custom_fields"] = plain(deal.custom_fields) if has("custom_fields") else {}
    shown["external_id"] = deal.external_id or None
    if has("win_probability"):
        shown["win_probability"] = deal.win_probability
    shown["recommendation"] = deal.recommendation or None
    shown["odds_evidence"] = deal.odds_evidence or None
    shown["entered_stage_at"] = instant(deal.enter_stage_time)
    shown["rotting"] = deal.rotting
    shown["created_at"] = instant(deal.create_time)
    shown["updated_at"] = instant(deal.update_time)
    if has("close_time"):
        shown["closed_at"] = instant(deal.close_time)
    shown["lost_reason_id"] = deal.lost_reason_id or None
    shown["version"] = deal.version
    return shown


def _card(card: pb.Card) -> dict[str, Any]:
    has = card.HasField
    return {
        "id": card.id,
        "name": card.name,
        "client_id": card.client_id or None,
        "client_name": card.client_name or None,
        "amount": money(card.amount) if has("amount") else None,
        "stage_id": card.stage_id,
        "position": card.position,
        "expected_close_date": card.expected_close_date or None,
        "owner_id": card.owner_id or None,
        "owner_name": card.owner_name or None,
        "next_step": card.next_step,
        "next_step_due_date": card.next_step_due_date or None,
        "win_probability": card.win_probability if has("win_probability") else None,
        "recommendation": card.recommendation or None,
        "odds_evidence": card.odds_evidence or None,
        "entered_stage_at": instant(card.enter_stage_time),
        "rotting": card.rotting,
        "tags": card.tags[:],
        "custom_fields": plain(card.custom_fields) if has("custom_fields") else {},
        "version": int(card.etag),
    }


def _column(column: pb.BoardColumn) -> dict[str, Any]:
    stage = column.stage
    return {
        "stage": {"id": stage.id, "name": stage.name, "type": STAGE_TYPES[stage.type]},
        "count": column.count,
        "sum": money(column.sum),
        "weighted_sum": money(column.weighted_sum),
        "unconverted": [money(amount) for amount in column.unconverted],
        "cards": [_card(card) for card in column.cards],
        "next_cursor": column.next_page_token or None,
    }


def _entry(entry: pb.DealHistoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "actor_id": entry.actor_id or None,
        "actor_name": entry.actor_name or None,
        "happened_at": instant(entry.happen_time),
        "recorded_at": instant(entry.record_time),
        "changes": [
            {"field": c.field, "before": c.before or None, "after": c.after or None}
            for c in entry.changes
        ],
        "from_stage_id": entry.from_stage_id or None,
        "from_stage_name": entry.from_stage_name or None,
        "to_stage_id": entry.to_stage_id or None,
        "to_stage_name": entry.to_stage_name or None,
        "days_in_stage": entry.days_in_stage if entry.HasField("days_in_stage") else None,
        "version": entry.version,
    }
