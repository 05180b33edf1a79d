"""Currencies, and what they are worth in the workspace's own."""

import re
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import rate_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api import setting_schemas as shapes
from gateway.entrypoints.api.answers import json_response, page_response
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    PAGING,
    identity_of,
    read_body,
    read_page,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

RPC = pb.DESCRIPTOR.services_by_name["RateService"].methods_by_name
MAX_FILE = 2_000_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
IMPORT_SECONDS = 20.0
CURRENCY = Parameter("currency", "query", "Only rates of this one.", {"type": "string"})
OF = Parameter("currency", "path", "ISO 4217 code.", {"type": "string"})
FROM = Parameter(
    "valid_from", "path", "The rate's first day.", {"type": "string", "format": "date"}
)
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}

operations = Operations("Settings")
add = operations.add


@add("GET", "/currencies", rpc=RPC["ListCurrencies"], summary="List currencies",
     answer=schemas.AnyRecord)  # fmt: skip
async def list_currencies(request: Request) -> Response:
    """Those that deals or rates are in, each with the rate that counts today, or without one."""
    read_query(request)
    answer = await request.app.state.clients.rates.ListCurrencies(
        pb.ListCurrenciesRequest(), identity_of(request)
    )
    items = [
        {
            "currency": found.currency_code,
            "deal_count": found.deal_count,
            "rate": found.rate.rate if found.HasField("rate") else None,
            "valid_from": found.rate.valid_from if found.HasField("rate") else None,
        }
        for found in answer.currencies
    ]
    return json_response({"currency": answer.base_currency_code, "items": items})


@add("GET", "/currencies/rates", rpc=RPC["ListRates"], summary="List rates",
     answer=schemas.AnyPage, parameters=[CURRENCY, *PAGING])  # fmt: skip
async def list_rates(request: Request) -> Response:
    """By currency, the latest first; `rate` is what one unit buys in the workspace's currency."""
    query = read_query(request, "currency", "limit", "cursor")
    page = read_page({name: query[name] for name in ("limit", "cursor") if name in query})
    answer = await request.app.state.clients.rates.ListRates(
        pb.ListRatesRequest(
            currency_code=query.get("currency", ""), page_size=page.size, page_token=page.token
        ),
        identity_of(request),
    )
    return page_response(map(_rate, answer.rates), answer.next_page_token)


@add("PUT", "/currencies/rates", rpc=RPC["PutRates"], summary="Enter rates", body=shapes.RatesIn,
     answer=shapes.RatesChanged)  # fmt: skip
async def put_rates(request: Request) -> Response:
    """All or none; one of the same currency and day is replaced."""
    body = await read_body(request, shapes.RatesIn)
    rates = [
        pb.Rate(currency_code=rate.currency, valid_from=rate.valid_from, rate=rate.rate)
        for rate in body.rates
    ]
    answer = await request.app.state.clients.rates.PutRates(
        pb.PutRatesRequest(rates=rates), identity_of(request)
    )
    return json_response({"changed": answer.changed})


@add("POST", "/currencies/rates/import", rpc=RPC["ImportRates"], summary="Enter rates of a file",
     answer=shapes.RatesChanged, problems=[413, 415, 422], extra=_FORM,
     parameters=[IDEMPOTENCY_KEY])  # fmt: skip
async def import_rates(request: Request) -> Response:
    """`multipart/form-data` with `file`: a CSV with the columns date, currency and rate, or a table
    of a central bank with the column Date and one for each currency."""
    answer = await request.app.state.clients.rates.ImportRates(
        pb.ImportRatesRequest(content=await read_file(request)),
        identity_of(request),
        timeout=IMPORT_SECONDS,
    )
    return json_response({"changed": answer.changed})


@add("DELETE", "/currencies/rates/{currency}/{valid_from}", rpc=RPC["DeleteRate"],
     summary="Take a rate away", status=204, parameters=[OF, FROM], problems=[404])  # fmt: skip
async def delete_rate(request: Request) -> Response:
    """What was told with it stays told."""
    if not _DATE.fullmatch(request.path_params["valid_from"]):
        raise HttpProblem(404, "RATE_NOT_FOUND", "There is no such rate.")
    await request.app.state.clients.rates.DeleteRate(
        pb.DeleteRateRequest(
            currency_code=request.path_params["currency"],
            valid_from=request.path_params["valid_from"],
        ),
        identity_of(request),
    )
    return Response(status_code=204)


async def read_file(request: Request) -> bytes:
    """The file of a form. Raises HttpProblem 413, 415, 422."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HttpProblem(415, "FORM_NEEDED", "Send multipart/form-data with a file.")
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HttpProblem(422, "INVALID_INPUT", "Send `file`.", fields={"file": "Is missing."})
        content = await file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise HttpProblem(413, "FILE_TOO_LARGE", f"At most {MAX_FILE} bytes.")
    return content


def _rate(rate: pb.Rate) -> dict[str, Any]:
    return {
        "currency": rate.currency_code,
        "valid_from": rate.valid_from,
        "rate": rate.rate,
        "base": rate.base_currency_code,
    }
