"""The dashboard as a document, over gRPC."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from analytics.application import report_jobs
from analytics.application.scope import Asked
from analytics.domain.errors import HorizonInvalid
from analytics.domain.work import REPORT
from analytics.entrypoints.app import App
from freelanceflow.analytics.v1 import report_service_pb2 as pb
from freelanceflow.analytics.v1 import report_service_pb2_grpc as grpc_api
from kit.clock import to_timestamp
from kit.database import ReadTransaction
from kit.idempotency import Once, once
from kit.ids import parse_id
from kit.jobs.table import Job
from kit.rpc.identity import Context, idempotency_key_of, principal_of
from kit.unit_of_work import UnitOfWork


class ReportService(grpc_api.ReportServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def CreateReport(self, request: pb.CreateReportRequest, context: Context) -> pb.Report:
        principal = principal_of(context)
        if not 0 <= request.horizon <= 24:
            said = "horizon is a number of months from 1 to 24."
            raise HorizonInvalid(said, fields={"horizon": said})
        owner = parse_id(request.owner_id, "owner_id") if request.owner_id else None
        asked = Asked(
            first=request.start_date,
            last=request.end_date,
            owner_id=owner,
            as_of=request.as_of_date,
        )
        begun: list[UUID] = []

        async def work(uow: UnitOfWork) -> pb.Report:
            job = await report_jobs.create_report(
                uow,
                asked,
                horizon=request.horizon,
                locale=request.locale[:20],
                me=principal.user_id,
                now=self._app.clock.now(),
                workspace_name=request.workspace_name[:200],
            )
            begun.append(job.id)
            return _message(job)

        answer = await once(
            lambda: self._app.unit_of_work(principal.workspace_id, principal.origin),
            _repeatable(request, context),
            parse=pb.Report.FromString,
            work=work,
        )
        if answer.id in map(str, begun):  # else an earlier answer was repeated
            await self._app.jobs.send(REPORT, UUID(answer.id))
        return answer

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.Report:
        return _message(await self._found(request.report_id, context))

    async def DownloadReport(
        self, request: pb.DownloadReportRequest, context: Context
    ) -> AsyncIterator[pb.DownloadReportResponse]:
        principal = principal_of(context)
        job = await self._found(request.report_id, context)
        chunks = report_jobs.read_report(
            lambda: ReadTransaction(self._app.pool, principal.workspace_id),
            job,
            sight=principal.sight,
        )
        async for chunk in chunks:
            yield pb.DownloadReportResponse(chunk=chunk)

    async def _found(self, text: str, context: Context) -> Job:
        principal, report_id = principal_of(context), parse_id(text, "report_id")
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            return await report_jobs.find_report(tx, report_id, me=principal.user_id)


def _repeatable(request: pb.CreateReportRequest, context: Context) -> Once | None:
    """What makes a second sending the same request; None without a key."""
    key = idempotency_key_of(context)
    if not key:
        return None
    body = request.SerializeToString(deterministic=True)
    return Once(principal_of(context).user_id, request.DESCRIPTOR.full_name, key, body)


def _message(job: Job) -> pb.Report:
    made = job.result or {}
    message = pb.Report(
        id=str(job.id),
        status=job.status,
        error=(job.error or "") if job.status == "failed" else "",
        file_name=made.get("name", ""),
        size=made.get("size", 0),
        create_time=to_timestamp(job.created_at),
    )
    if made:
        message.expire_time.CopyFrom(to_timestamp(datetime.fromisoformat(made["expires_at"])))
    return message
