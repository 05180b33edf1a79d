"""Deals over gRPC: message in, use case or query, message out."""

from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask

from crm.adapters import deal_queries, deal_sums
from crm.adapters import rates as rates_adapter
from crm.adapters.deal_columns import DealRow
from crm.adapters.reading import row, rows
from crm.application.deals import create_deal, delete_deal, move_deal, update_deal
from crm.domain.deal import LAST_VERSION
from crm.domain.errors import DealNotFound
from crm.domain.rates import sums_of
from crm.entrypoints.app import App
from crm.entrypoints.rpc.board import board_of, cards_of
from crm.entrypoints.rpc.mapping import (
    deal_entity_message,
    deal_message,
    history_message,
)
from crm.entrypoints.rpc.requests import (
    Edit,
    edit_of,
    meant,
    needed_etag,
    optional_id,
    read_amount,
    read_date,
    read_list,
    read_struct,
)
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.crm.v1 import deal_service_pb2_grpc as api
from freelanceflow.type.v1 import money_pb2
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork

READERS = {
    "amount": read_amount,
    "expected_close_date": read_date,
    "next_step_due_date": read_date,
    "tags": read_list,
    "custom_fields": read_struct,
}
REFERENCES = {"client_id": "client", "owner_id": "owner"}
WRITABLE = frozenset({"name", "source", "next_step", "external_id", *READERS, *REFERENCES})


class DealService(api.DealServiceServicer):
    """Money that may come, and where it stands."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def GetDeal(self, request: pb.GetDealRequest, context: Context) -> pb.Deal:
        """One deal."""
        deal_id = parse_id(request.deal_id, "deal_id")
        found = await row(
            self._app.pool, principal_of(context).workspace_id, deal_queries.GET, deal=deal_id
        )
        if found is None:
            raise DealNotFound("There is no such deal.")
        return deal_message(DealRow.of(found), self._app.clock.now().timestamp())

    async def ListDeals(
        self, request: pb.ListDealsRequest, context: Context
    ) -> pb.ListDealsResponse:
        """A page of deals."""
        app, workspace_id, deals = self._app, principal_of(context).workspace_id, deal_queries.DEALS
        page = await deals.page(app.pool, app.page_tokens, workspace_id, request)
        now = app.clock.now().timestamp()
        response = pb.ListDealsResponse(next_page_token=page.next_page_token)
        for found in page.rows:
            deal_message(DealRow.of(found), now, response.deals.add)
        if request.with_total:
            await self._add_up(workspace_id, request, response)
        return response

    async def _add_up(
        self, workspace_id: UUID, request: pb.ListDealsRequest, response: pb.ListDealsResponse
    ) -> None:
        """Count and sums of all that the filter meets."""
        app = self._app
        found = await deal_sums.sums(app.pool, workspace_id, request.conditions)
        rates = await rates_adapter.read(app.pool, workspace_id, {s.currency for s in found} - {""})
        sums = sums_of(((s.currency, s.amount_minor) for s in found), rates, app.clock.now())
        response.total = sum(s.deals for s in found)
        response.sum.CopyFrom(money_pb2.Money(amount_minor=sums.own, currency_code=rates.base))
        for currency, amount_minor in sums.without_rate.items():
            response.unconverted.add(amount_minor=amount_minor, currency_code=currency)

    async def CreateDeal(self, request: pb.CreateDealRequest, context: Context) -> pb.Deal:
        """A new deal on top of its column."""
        edit, now = _edit(request.deal, None), self._app.clock.now()
        stage_id = optional_id(request.deal.stage_id, "stage_id")

        async def work(uow: UnitOfWork) -> pb.Deal:
            deal = await create_deal(
                uow,
                edit=edit.values,
                stage_id=stage_id,
                **edit.ids,
                by=principal_of(context).user_id,
                now=now,
            )
            return deal_entity_message(deal, now)

        return await write(self._app, context, request, pb.Deal, work)

    async def UpdateDeal(self, request: pb.UpdateDealRequest, context: Context) -> pb.Deal:
        """Other values of a deal."""
        mask = request.update_mask if request.HasField("update_mask") else None
        edit, now = _edit(request.deal, mask), self._app.clock.now()
        deal_id, etag = parse_id(request.deal.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.Deal:
            deal = await update_deal(
                uow,
                deal_id=deal_id,
                edit=edit.values,
                **edit.ids,
                etag=etag,
                by=principal_of(context).user_id,
                now=now,
            )
            return deal_entity_message(deal, now)

        return await write(self._app, context, request, pb.Deal, work)

    async def DeleteDeal(
        self, request: pb.DeleteDealRequest, context: Context
    ) -> pb.DeleteDealResponse:
        """Into the trash."""
        deal_id, etag = parse_id(request.deal_id, "deal_id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.DeleteDealResponse:
            await delete_deal(
                uow,
                deal_id=deal_id,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteDealResponse()

        return await write(self._app, context, request, pb.DeleteDealResponse, work)

    async def MoveDeal(self, request: pb.MoveDealRequest, context: Context) -> pb.Deal:
        """Another stage, or another place in the column."""
        now, etag = self._app.clock.now(), needed_etag(request.etag)
        deal_id = parse_id(request.deal_id, "deal_id")
        stage_id = parse_id(request.stage_id, "stage_id")
        after_id = optional_id(request.after_id, "after_id")
        before_id = optional_id(request.before_id, "before_id")
        lost_reason_id = optional_id(request.lost_reason_id, "lost_reason_id")
        closed_on = read_date(request, "closed_on")

        async def work(uow: UnitOfWork) -> pb.Deal:
            deal = await move_deal(
                uow,
                deal_id=deal_id,
                stage_id=stage_id,
                after_id=after_id,
                before_id=before_id,
                lost_reason_id=lost_reason_id,
                closed_on=closed_on,
                etag=etag,
                by=principal_of(context).user_id,
                now=now,
            )
            return deal_entity_message(deal, now)

        return await write(self._app, context, request, pb.Deal, work)

    async def GetBoard(self, request: pb.GetBoardRequest, context: Context) -> pb.Board:
        """Columns with their sums and first cards."""
        return await board_of(self._app, principal_of(context).workspace_id, request)

    async def ListCards(
        self, request: pb.ListCardsRequest, context: Context
    ) -> pb.ListCardsResponse:
        """Further cards of a column."""
        return await cards_of(self._app, principal_of(context).workspace_id, request)

    async def ListDealHistory(
        self, request: pb.ListDealHistoryRequest, context: Context
    ) -> pb.ListDealHistoryResponse:
        """What happened, latest first."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        deal_id, size = parse_id(request.deal_id, "deal_id"), page_size(request.page_size)
        about = f"history {workspace_id} {deal_id}"
        below = LAST_VERSION
        if request.page_token:
            (below,) = app.page_tokens.read(request.page_token, about)
        if await row(app.pool, workspace_id, deal_queries.EXISTS, deal=deal_id) is None:
            raise DealNotFound("There is no such deal.")
        found = await rows(
            app.pool, workspace_id, deal_queries.HISTORY, deal=deal_id, below=below, size=size + 1
        )
        more = len(found) > size
        return pb.ListDealHistoryResponse(
            entries=[history_message(entry) for entry in found[:size]],
            next_page_token=app.page_tokens.issue((found[size - 1]["version"],), about)
            if more
            else "",
        )


def _edit(message: pb.Deal, mask: FieldMask | None) -> Edit:
    return edit_of(message, meant(message, mask, WRITABLE), ids=REFERENCES, readers=READERS)
