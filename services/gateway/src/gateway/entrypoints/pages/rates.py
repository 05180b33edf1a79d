"""Settings of currencies: what they are worth in the workspace's own."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import rate_service_pb2 as pb
from gateway.entrypoints.api.rates import IMPORT_SECONDS, read_file
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError

LABELS = {
    "currency": "Currency",
    "valid_from": "Valid from",
    "rate": "Rate",
    "file": "File",
}
_FIELD_OF = {f"rates.0.{name}": name for name in ("currency", "valid_from", "rate")}
_NOTES = {"rate": "Rate saved.", "removed": "Rate removed."}

router = APIRouter(include_in_schema=False)


@router.get("/settings/currencies")
async def currencies_page(request: Request) -> Response:
    """The currencies there are, and their rates."""
    return await _page(request, Errors())


@router.post("/settings/currencies")
async def put_rate(request: Request) -> Response:
    """Enters one rate."""
    signed_in(request)
    values = await values_of(request)
    rate = pb.Rate(
        currency_code=values["currency"],
        valid_from=values["valid_from"],
        rate=values["rate"].replace(",", "."),
    )
    try:
        await clients_of(request).rates.PutRates(
            pb.PutRatesRequest(rates=[rate]), identity_of(request)
        )
    except DomainError as refusal:
        return await _page(request, errors_of(refusal, _FIELD_OF), values)
    return RedirectResponse("/settings/currencies?saved=rate", 303)


@router.post("/settings/currencies/import")
async def import_rates(request: Request) -> Response:
    """Enters the rates of a file."""
    signed_in(request)
    try:
        content = await read_file(request)
        if not content:
            return await _page(request, Errors("", Values(file="Choose a file.")))
        answer = await clients_of(request).rates.ImportRates(
            pb.ImportRatesRequest(content=content),
            identity_of(request),
            timeout=IMPORT_SECONDS,
        )
    except DomainError as refusal:
        places = [f"{place}: {text}" for place, text in refusal.fields.items() if place != "file"]
        said = " ".join(places) or refusal.message
        return await _page(request, Errors("", Values(file=said)))
    except HttpProblem as problem:
        said = "Choose a file." if problem.status in (415, 422) else problem.detail
        return await _page(request, Errors("", Values(file=said)))
    return RedirectResponse(f"/settings/currencies?imported={answer.changed}", 303)


@router.post("/settings/currencies/remove")
async def remove_rate(request: Request) -> Response:
    """Takes a rate away."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).rates.DeleteRate(
        pb.DeleteRateRequest(currency_code=values["currency"], valid_from=values["valid_from"]),
        identity_of(request),
    )
    return RedirectResponse("/settings/currencies?saved=removed", 303)


async def _page(request: Request, errors: Errors, values: Values | None = None) -> Response:
    rates, identity = clients_of(request).rates, identity_of(request)
    token = request.query_params.get("page_token", "")
    viewer, known, found = await together(
        viewer_of(request),
        rates.ListCurrencies(pb.ListCurrenciesRequest(), identity),
        rates.ListRates(pb.ListRatesRequest(page_token=token), identity),
    )
    today = rendering_of(request).formats(viewer).today.isoformat()
    missing = [c.currency_code for c in known.currencies if not c.HasField("rate")]
    usual = Values(currency=missing[0] if missing else "", valid_from=today)
    note = _NOTES.get(request.query_params.get("saved", ""), "")
    imported = request.query_params.get("imported", "")
    if imported.isdecimal():
        rates_ = "1 rate was" if int(imported) == 1 else f"{int(imported)} rates were"
        note = f"{rates_} new or different."
    return rendering_of(request).response(
        request,
        "settings/currencies.html",
        viewer,
        status=errors.status,
        base=known.base_currency_code,
        currencies=known.currencies,
        rates=found.rates,
        next_token=found.next_page_token,
        values=values or usual,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        saved=note,
    )
