"""The dashboard as a document: asked for with a button, fetched when it is there."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.analytics.v1 import report_service_pb2 as pb
from gateway.entrypoints.api.downloads import download
from gateway.entrypoints.api.reports import PDF
from gateway.entrypoints.pages.analytics import AnalyticsQuery
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import content_key, values_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of

router = APIRouter(include_in_schema=False)


@router.post("/analytics/report")
async def ask_for_report(request: Request) -> Response:
    """Has a report made of what is shown. The form's own id makes a second sending harmless."""
    values, viewer = await values_of(request), await viewer_of(request)
    query = AnalyticsQuery.of(values)
    first, last = query.days(rendering_of(request).formats(viewer).today)
    asked = pb.CreateReportRequest(
        start_date=first,
        end_date=last if query.day else "",
        horizon=int(query.horizon),
        owner_id=query.owner,
        locale=viewer.locale,
        as_of_date=query.day,
        workspace_name=viewer.workspace_name,
    )
    identity = identity_of(request, content_key(values))
    made = await clients_of(request).reports.CreateReport(asked, identity)
    return RedirectResponse(f"/analytics/reports/{made.id}", 303)


@router.get("/analytics/reports/{report_id}")
async def report_page(request: Request, report_id: str) -> Response:
    """How far it is."""
    signed_in(request)
    asked = pb.GetReportRequest(report_id=report_id)
    viewer, report = await together(
        viewer_of(request), clients_of(request).reports.GetReport(asked, identity_of(request))
    )
    template = "analytics/_report.html" if is_htmx(request) else "analytics/report.html"
    return rendering_of(request).response(request, template, viewer, report=report)


@router.get("/analytics/reports/{report_id}/file")
async def report_file(request: Request, report_id: str) -> Response:
    """The PDF."""
    signed_in(request)
    clients, identity = clients_of(request), identity_of(request)
    report = await clients.reports.GetReport(pb.GetReportRequest(report_id=report_id), identity)
    asked = pb.DownloadReportRequest(report_id=report_id)
    chunks = clients.reports.stream("DownloadReport")(asked, identity)
    return await download(chunks, name=report.file_name or "analytics.pdf", content_type=PDF)
