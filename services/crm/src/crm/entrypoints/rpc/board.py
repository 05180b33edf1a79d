"""The board over gRPC: its columns, what they add up to, and their cards."""

from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

import asyncpg

from crm.adapters import board, deal_queries
from crm.adapters import rates as rates_adapter
from crm.adapters.board import FIRST_CARDS, Total
from crm.adapters.filters import Filter
from crm.domain.errors import StageNotFound
from crm.domain.rates import Rates, factor_into, sums_of
from crm.entrypoints.app import App
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.mapping import card_message, money, stage_message
from crm.entrypoints.rpc.stages import stages_of
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from kit.ids import parse_id


async def board_of(app: App, workspace_id: UUID, request: pb.GetBoardRequest) -> pb.Board:
    """The whole board."""
    stages = await stages_of(app, workspace_id)
    own, now = stages[0]["currency"], app.clock.now()
    filter = await deal_queries.CARDS.read_filter(app.pool, workspace_id, request.conditions)
    totals: dict[UUID, list[Total]] = defaultdict(list)
    for total in await board.totals(app.pool, workspace_id, filter):
        totals[total.stage_id].append(total)
    cards: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    if not request.totals_only:
        for card in await board.first_cards(app.pool, workspace_id, filter):
            cards[card["stage_id"]].append(card)
    others = {total.currency for column in totals.values() for total in column} - {"", own}
    rates = await rates_adapter.read(app.pool, workspace_id, others) if others else Rates(own, {})
    shown = pb.Board(currency_code=own)
    for stage in stages:
        column = _put_column(shown, stage, totals[stage["id"]], rates, now)
        _put_cards(app, workspace_id, filter, column, cards[stage["id"]], now.timestamp())
    return shown


async def cards_of(
    app: App, workspace_id: UUID, request: pb.ListCardsRequest
) -> pb.ListCardsResponse:
    """Further cards of a column. Raises StageNotFound."""
    stage_id = parse_id(request.stage_id, "stage_id")
    page = await deal_queries.CARDS.page(
        app.pool,
        app.page_tokens,
        workspace_id,
        Plain(
            conditions=request.conditions,
            page_size=request.page_size or FIRST_CARDS,
            page_token=request.page_token,
        ),
        stage=stage_id,
    )
    if not page.rows and stage_id not in {s["id"] for s in await stages_of(app, workspace_id)}:
        raise StageNotFound("There is no such stage.")
    response = pb.ListCardsResponse(next_page_token=page.next_page_token)
    now = app.clock.now().timestamp()
    for card in page.rows:
        card_message(card, now, response.cards.add)
    return response


def _put_column(
    shown: pb.Board, stage: asyncpg.Record, totals: list[Total], rates: Rates, now: datetime
) -> pb.BoardColumn:
    """Sums are in the workspace's currency; what has no rate into it stands beside them."""
    own = rates.base
    sums = sums_of(((total.currency, total.amount_minor) for total in totals), rates, now)
    # The stage's default is a decimal fraction, and its share is rounded once, for all deals.
    usual = Decimal(str(stage["default_probability"]))
    weighted = Decimal(0)
    for total in totals:
        factor = factor_into(total.currency, rates, now)
        if factor is not None and total.currency not in sums.without_rate:
            share = (total.unscored_minor * usual).to_integral_value(ROUND_HALF_EVEN)
            weighted += (total.weighted_minor + share) * factor
    return shown.columns.add(
        stage=stage_message(stage),
        count=sum(total.deals for total in totals),
        sum=money(sums.own, own),
        weighted_sum=money(int(weighted.to_integral_value(ROUND_HALF_EVEN)), own),
        unconverted=[
            money(total.amount_minor, total.currency)
            for total in totals
            if total.currency in sums.without_rate and total.deals
        ],
    )


def _put_cards(
    app: App,
    workspace_id: UUID,
    filter: Filter,
    column: pb.BoardColumn,
    cards: list[asyncpg.Record],
    now: float,
) -> None:
    for card in cards[:FIRST_CARDS]:
        card_message(card, now, column.cards.add)
    if len(cards) > FIRST_CARDS:
        last = cards[FIRST_CARDS - 1]
        column.next_page_token = deal_queries.CARDS.token_behind(
            app.page_tokens,
            workspace_id,
            filter,
            (last["position"], last["id"]),
            stage=last["stage_id"],
        )
