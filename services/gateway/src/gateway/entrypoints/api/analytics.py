"""What the numbers say; every answer tells what it rests on."""

from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.analytics_json import risk_json
from gateway.entrypoints.api.analytics_reports import (
    FORMAT,
    PREDICTIONS,
    REPORTS,
    Report,
)
from gateway.entrypoints.api.analytics_tables import csv_response
from gateway.entrypoints.api.answers import JSON, json_response
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import (
    identity_of,
    path_parameter,
    read_body,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

AGAIN = {"Retry-After": "1", "Cache-Control": "no-store"}
DATE = Parameter(
    "date", "path", "The day at whose end it stood.", {"type": "string", "format": "date"}
)
_IDS = {"client_id": "client", "deal_id": "deal"}
_MEANWHILE = (
    "Answers 202 with `computing: true` while what was asked for has to be computed first. `as_of` "
    "is the latest fact that is counted, `estimates_as_of` the moment up to which estimates know "
    "the facts; `behind` says that newer ones have come, which will be in them within seconds. The "
    "name of a CSV file ends with the day as of which it is or, for now, the older of those two in "
    "UTC, such as `forecast-as-of-2026-03-31T0805Z.csv`."
)

_304 = {"description": "What If-None-Match names is what it still says."}
_AS_JSON = {JSON: {"schema": {"$ref": f"#/components/schemas/{schemas.AnyRecord.__name__}"}}}
_AS_CSV = {"text/csv": {"schema": {"type": "string"}}}

operations = Operations("Analytics")
add = operations.add


def _declare(report: Report, *, past: bool) -> None:
    """The report as it stands, or below `/analytics/as-of/{date}` as it stood."""
    ids = [path_parameter(name, noun) for name, noun in _IDS.items() if name in report.path]
    parameters = [*([DATE] if past else []), *ids, *report.parameters]
    parameters += [FORMAT] if report.table else []
    names = tuple(p.name for p in parameters if p.where == "query")

    async def answer(request: Request) -> Response:
        query = {**read_query(request, *names), **request.path_params}
        wanted = _format(query)
        message = report.message(query, request.path_params.get("date", ""))
        peer = getattr(request.app.state.clients, report.peer)
        told = await getattr(peer, report.rpc.name)(message, identity_of(request))
        unmade = report.peer == "predictions" and told.basis.computing
        if wanted == "csv" and report.table and not unmade:
            return csv_response(report.name, report.table(told), told.basis)
        return _answered(request, report, report.json(told))

    answer.__name__ = f"get_{report.name}" + ("_as_of" if past else "")
    answer.__doc__ = f"{report.told}\n\n{_MEANWHILE}"
    add(
        "GET",
        f"/analytics/as-of/{{date}}{report.path}" if past else f"/analytics{report.path}",
        rpc=report.rpc,
        summary=report.summary + (", as of a day" if past else ""),
        answer=schemas.AnyRecord,
        parameters=parameters,
        problems=report.problems,
        extra={"responses": _also(report)},
    )(answer)


def _also(report: Report) -> dict[str, Any]:
    """Answers besides the report as JSON: which there are is not the same for all."""
    also: dict[str, Any] = {"304": _304}
    if report.table:
        also["200"] = {"content": _AS_CSV}
    if report.peer == "predictions":
        said = "It is being computed; ask again after Retry-After."
        also["202"] = {"description": said, "content": _AS_JSON}
    return also


def _format(query: dict[str, Any]) -> str:
    wanted = str(query.get("format", "json"))
    if wanted not in ("json", "csv"):
        said = "format is json or csv."
        raise HttpProblem(400, "FORMAT_UNKNOWN", said, fields={"format": said})
    return wanted


def _answered(request: Request, report: Report, body: dict[str, Any]) -> Response:
    """With the ETag of what it says, so that nothing is sent twice.

    What is counted is there at once, even while an estimate beside it is still being made.
    """
    if body["computing"]:
        status = 202 if report.peer == "predictions" else 200
        return json_response(body, status=status, headers=AGAIN)
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=JSON)


for _report in REPORTS:
    _declare(_report, past=False)
    if _report.of_days:
        _declare(_report, past=True)


@add("PUT", "/analytics/churn/{client_id}/answer", rpc=PREDICTIONS["AnswerClientRisk"],
     summary="Snooze a client, or say it is not at risk", answer=schemas.AnyRecord,
     body=schemas.RiskAnswerIn, parameters=[path_parameter("client_id", "client")],
     problems=[404])  # fmt: skip
async def put_risk_answer(request: Request) -> Response:
    """The list leaves the client out meanwhile; a new purchase ends it. Answers are judged later,
    see the accuracy report."""
    body = await read_body(request, schemas.RiskAnswerIn)
    return await _answer(request, body.answer, body.days)


@add("DELETE", "/analytics/churn/{client_id}/answer", rpc=PREDICTIONS["AnswerClientRisk"],
     summary="Take an answer back", answer=schemas.AnyRecord,
     parameters=[path_parameter("client_id", "client")], problems=[404])  # fmt: skip
async def delete_risk_answer(request: Request) -> Response:
    """The client is listed again."""
    read_query(request)
    return await _answer(request, "", 0)


async def _answer(request: Request, answer: str, days: int) -> Response:
    told = await request.app.state.clients.predictions.AnswerClientRisk(
        pre.AnswerClientRiskRequest(
            client_id=request.path_params["client_id"], answer=answer, days=days
        ),
        identity_of(request),
    )
    return json_response(risk_json(told))
