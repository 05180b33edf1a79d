"""Floor 1: FastAPI, asyncpg and orjson in one process; what the platform would cost unsplit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response

from bench.floors import sql
from bench.floors.web import (
    DSN,
    claims,
    cursor_behind,
    place_of,
    read_deal,
    read_move,
    reply,
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The pool lives as long as the application."""
    app.state.pool = await sql.open_pool(DSN)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)


def pool_of(request: Request) -> Any:
    """The database."""
    return request.app.state.pool


@app.get("/deals")
async def list_deals(request: Request) -> Response:
    """A page, newest first."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    limit, cursor = int(request.query_params["limit"]), request.query_params.get("cursor")
    if cursor:
        rows = await pool_of(request).fetch(sql.LIST_AFTER, known["ws"], limit, *place_of(cursor))
    else:
        rows = await pool_of(request).fetch(sql.LIST, known["ws"], limit)
    more = cursor_behind(rows[-1][11], rows[-1][0]) if len(rows) == limit else None
    return reply({"items": [dict(row) for row in rows], "next_cursor": more})


@app.get("/deals/{deal_id}")
async def get_deal(deal_id: str, request: Request) -> Response:
    """One."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    row = await pool_of(request).fetchrow(sql.GET, deal_id, known["ws"])
    return reply(dict(row)) if row else reply({}, 404)


@app.post("/deals")
async def create_deal(request: Request) -> Response:
    """A new one, with a row in the outbox."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    deal = read_deal(await request.body())
    row = await pool_of(request).fetchrow(
        sql.CREATE, known["ws"], deal.stage, deal.title, deal.amount, deal.currency,
        deal.company_id, known["sub"], deal.probability,
    )  # fmt: skip
    return reply(dict(row), 201)


@app.post("/deals/{deal_id}/stage")
async def move_deal(deal_id: str, request: Request) -> Response:
    """Another stage, with a row in the outbox."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    move = read_move(await request.body())
    row = await pool_of(request).fetchrow(sql.MOVE, deal_id, known["ws"], move.stage, move.version)
    return reply(dict(row)) if row else reply({}, 409)


@app.get("/board")
async def get_board(request: Request) -> Response:
    """Counted anew, with the first cards."""
    known = claims(request)
    if known is None:
        return reply({}, 401)
    async with pool_of(request).acquire() as connection:
        totals = await connection.fetch(sql.TOTALS, known["ws"])
        cards = await connection.fetch(sql.CARDS, known["ws"])
    stages: dict[int, dict[str, Any]] = {
        row[0]: {"stage": row[0], "count": row[1], "sum": row[2], "cards": []} for row in totals
    }
    for card in cards:
        stages[card[0]]["cards"].append(dict(card))
    return reply({"stages": list(stages.values())})
