"""Rates of currencies over gRPC."""

from datetime import date
from typing import Any

from crm.adapters import rates as adapter
from crm.adapters.rates import CURRENCIES, Place
from crm.adapters.reading import rows
from crm.application import rates
from crm.domain.errors import EntryRefused, Problem
from crm.domain.rates import RateEntry, read_day
from crm.entrypoints.app import App
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import rate_service_pb2 as pb
from freelanceflow.crm.v1 import rate_service_pb2_grpc as api
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


class RateService(api.RateServiceServicer):
    """What other currencies are worth."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListCurrencies(
        self, request: pb.ListCurrenciesRequest, context: Context
    ) -> pb.ListCurrenciesResponse:
        """Those that deals or rates are in."""
        app = self._app
        workspace_id, now = principal_of(context).workspace_id, app.clock.now()
        found = await rows(app.pool, workspace_id, CURRENCIES, now=now)
        return pb.ListCurrenciesResponse(
            base_currency_code=found[0]["base"],
            currencies=[_currency(row) for row in found if row["currency"]],
        )

    async def ListRates(
        self, request: pb.ListRatesRequest, context: Context
    ) -> pb.ListRatesResponse:
        """By currency, the latest first."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        size, about = page_size(request.page_size), f"rates {workspace_id} {request.currency_code}"
        behind = None
        if request.page_token:
            currency, day = app.page_tokens.read(request.page_token, about)
            behind = Place(currency, date.fromisoformat(day))
        found = await adapter.page(
            app.pool, workspace_id, currency=request.currency_code, behind=behind, size=size
        )
        token = ""
        if len(found) > size:
            last = found[size - 1]
            token = app.page_tokens.issue((last["currency"], last["valid_from"].isoformat()), about)
        return pb.ListRatesResponse(
            rates=[_rate(row) for row in found[:size]], next_page_token=token
        )

    async def PutRates(self, request: pb.PutRatesRequest, context: Context) -> pb.PutRatesResponse:
        """Entered by hand."""
        entries = [
            RateEntry(rate.currency_code, rate.valid_from, rate.rate) for rate in request.rates
        ]

        async def work(uow: UnitOfWork) -> pb.PutRatesResponse:
            changed = await rates.put_rates(
                uow,
                entries=entries,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.PutRatesResponse(changed=changed)

        return await write(self._app, context, request, pb.PutRatesResponse, work)

    async def ImportRates(
        self, request: pb.ImportRatesRequest, context: Context
    ) -> pb.PutRatesResponse:
        """From a file."""

        async def work(uow: UnitOfWork) -> pb.PutRatesResponse:
            changed = await rates.import_rates(
                uow,
                content=request.content,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.PutRatesResponse(changed=changed)

        return await write(self._app, context, request, pb.PutRatesResponse, work)

    async def DeleteRate(
        self, request: pb.DeleteRateRequest, context: Context
    ) -> pb.DeleteRateResponse:
        """One rate less."""
        day = read_day(request.valid_from)
        if day is None:
            said = "This is no date; write YYYY-MM-DD."
            raise EntryRefused([Problem("valid_from", "DATE_INVALID", said)])

        async def work(uow: UnitOfWork) -> pb.DeleteRateResponse:
            await rates.take_rate_away(
                uow,
                currency=request.currency_code,
                day=day,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteRateResponse()

        return await write(self._app, context, request, pb.DeleteRateResponse, work)


def _rate(row: Any) -> pb.Rate:
    return pb.Rate(
        currency_code=row["currency"],
        valid_from=row["valid_from"].isoformat(),
        rate=format(row["rate"], "f"),
        base_currency_code=row["base"],
    )


def _currency(row: Any) -> pb.Currency:
    return pb.Currency(
        currency_code=row["currency"],
        deal_count=row["deals"],
        rate=_rate(row) if row["rate"] is not None else None,
    )
