"""The dashboard as a document."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.analytics.v1 import report_service_pb2 as pb
from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.downloads import download
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    identity_of,
    path_parameter,
    read_body,
    read_query,
)

RPC = pb.DESCRIPTOR.services_by_name["ReportService"].methods_by_name
REPORT = path_parameter("report_id", "report")
PDF = "application/pdf"

operations = Operations("Analytics")
add = operations.add


@add("POST", "/analytics/report", rpc=RPC["CreateReport"], summary="The dashboard as a PDF",
     body=schemas.ReportIn, answer=schemas.AnyRecord, status=202,
     parameters=[IDEMPOTENCY_KEY])  # fmt: skip
async def create_report(request: Request) -> Response:
    """A job makes it; it can be fetched for seven days, by whoever asked for it."""
    body = await read_body(request, schemas.ReportIn)
    clients, identity = request.app.state.clients, identity_of(request)
    me = await clients.account.GetMe(GetMeRequest(), replace(identity, idempotency_key=None))
    made = await clients.reports.CreateReport(
        pb.CreateReportRequest(
            start_date=body.from_ or "",
            end_date=body.to or "",
            horizon=body.horizon,
            owner_id=body.owner_id or "",
            locale=body.locale,
            as_of_date=body.as_of or "",
            workspace_name=me.workspace_name,
        ),
        identity,
    )
    headers = {"Location": f"/api/v1/analytics/reports/{made.id}"}
    return json_response(report_json(made), status=202, headers=headers)


@add("GET", "/analytics/reports/{report_id}", rpc=RPC["GetReport"], summary="How a report stands",
     answer=schemas.AnyRecord, parameters=[REPORT], problems=[404])  # fmt: skip
async def get_report(request: Request) -> Response:
    """`status`: queued, running, done or failed."""
    read_query(request)
    return json_response(report_json(await find_report(request)))


@add("GET", "/analytics/reports/{report_id}/file", rpc=RPC["DownloadReport"],
     summary="Fetch a report", parameters=[REPORT], problems=[404, 409])  # fmt: skip
async def download_report(request: Request) -> Response:
    """The PDF."""
    read_query(request)
    found = await find_report(request)
    chunks = request.app.state.clients.reports.stream("DownloadReport")(
        pb.DownloadReportRequest(report_id=found.id), identity_of(request)
    )
    return await download(chunks, name=found.file_name or "analytics.pdf", content_type=PDF)


async def find_report(request: Request) -> pb.Report:
    """The report in the path."""
    asked = pb.GetReportRequest(report_id=request.path_params["report_id"])
    found: pb.Report = await request.app.state.clients.reports.GetReport(
        asked, identity_of(request)
    )
    return found


def report_json(report: pb.Report) -> dict[str, Any]:
    """A report as the API shows it."""
    return {
        "id": report.id,
        "status": report.status,
        "error": report.error or None,
        "file_name": report.file_name or None,
        "size": report.size or None,
        "created_at": instant(report.create_time),
        "expires_at": instant(report.expire_time) if report.HasField("expire_time") else None,
    }
