"""Floor 2, before the hop: FastAPI and a gRPC client; the address is in FLOOR_SERVICE."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from fastapi import FastAPI, Request, Response

from bench.floors import stubs
from bench.floors.web import claims, read_deal, read_move, reply

pb, api = stubs.load()
TIMEOUT = 10.0
STATUS = {grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.ABORTED: 409}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The channel lives as long as the application."""
    async with grpc.aio.insecure_channel(os.environ["FLOOR_SERVICE"]) as channel:
        app.state.stub = api.CrmStub(channel)
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


async def ask(request: Request, method: str, message: Any) -> Any:
    """The service's answer, or the response that says why there is none."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    metadata = (("ws", known["ws"]), ("user", known["sub"]))
    try:
        return await getattr(request.app.state.stub, method)(
            message, metadata=metadata, timeout=TIMEOUT
        )
    except grpc.aio.AioRpcError as error:
        return reply({"detail": error.details()}, STATUS.get(error.code(), 500))


def deal_json(deal: Any) -> dict[str, Any]:
    """Field by field."""
    return {
        "id": deal.id, "title": deal.title, "stage": deal.stage, "amount": deal.amount,
        "currency": deal.currency, "company_id": deal.company_id or None,
        "contact_id": deal.contact_id or None, "owner_id": deal.owner_id or None,
        "probability": deal.probability, "expected_close": deal.expected_close or None,
        "version": deal.version, "created_at": deal.created_at, "updated_at": deal.updated_at,
    }  # fmt: skip


@app.get("/deals")
async def list_deals(request: Request) -> Response:
    """A page, newest first."""
    query = request.query_params
    message = pb.ListReq(limit=int(query["limit"]), cursor=query.get("cursor", ""))
    answer = await ask(request, "List", message)
    if isinstance(answer, Response):
        return answer
    items = [deal_json(deal) for deal in answer.items]
    return reply({"items": items, "next_cursor": answer.next_cursor or None})


@app.get("/deals/{deal_id}")
async def get_deal(deal_id: str, request: Request) -> Response:
    """One."""
    answer = await ask(request, "Get", pb.GetReq(id=deal_id))
    return answer if isinstance(answer, Response) else reply(deal_json(answer))


@app.post("/deals")
async def create_deal(request: Request) -> Response:
    """A new one."""
    deal = read_deal(await request.body())
    message = pb.CreateReq(
        title=deal.title, amount=deal.amount, stage=deal.stage, currency=deal.currency,
        company_id=deal.company_id or "", probability=deal.probability,
    )  # fmt: skip
    answer = await ask(request, "Create", message)
    return answer if isinstance(answer, Response) else reply(deal_json(answer), 201)


@app.post("/deals/{deal_id}/stage")
async def move_deal(deal_id: str, request: Request) -> Response:
    """Another stage."""
    move = read_move(await request.body())
    message = pb.MoveReq(id=deal_id, stage=move.stage, version=move.version)
    answer = await ask(request, "Move", message)
    return answer if isinstance(answer, Response) else reply(deal_json(answer))


@app.get("/board")
async def get_board(request: Request) -> Response:
    """Counted anew, with the first cards."""
    answer = await ask(request, "Board", pb.BoardReq())
    if isinstance(answer, Response):
        return answer
    stages = [
        {
            "stage": stage.stage, "count": stage.count, "sum": stage.sum,
            "cards": [
                {
                    "id": card.id, "title": card.title, "amount": card.amount,
                    "currency": card.currency, "owner_id": card.owner_id or None,
                    "version": card.version,
                }
                for card in stage.cards
            ],
        }
        for stage in answer.stages
    ]  # fmt: skip
    return reply({"stages": stages})
