"""Bulk changes and jobs over gRPC."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from crm.adapters.csv_writer import CsvWriter
from crm.application.bulk_changes import AT_ONCE, JOB, change_few
from crm.domain.bulk import Refusal
from crm.entrypoints.app import App
from crm.entrypoints.rpc.bulk_requests import change_of, records_of
from crm.entrypoints.rpc.mapping import stamp
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from freelanceflow.crm.v1 import bulk_service_pb2_grpc as api
from kit.database import ReadTransaction
from kit.ids import new_id, parse_id
from kit.jobs import table as jobs
from kit.jobs.table import Job, JobNotFound
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork

COLUMNS = ("Why it was not changed", "Name", "Id", "Reason")  # of the file of refusals
TOLD = 100  # refusals that are shown with a job; a file has all of them

ChangeRequest = pb.ChangeDealsRequest | pb.ChangeClientsRequest | pb.ChangeActivitiesRequest


class BulkService(api.BulkServiceServicer):
    """One change of many records."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ChangeDeals(
        self, request: pb.ChangeDealsRequest, context: Context
    ) -> pb.BulkResponse:
        """Many deals."""
        return await self._change("deals", request, context)

    async def ChangeClients(
        self, request: pb.ChangeClientsRequest, context: Context
    ) -> pb.BulkResponse:
        """Many clients."""
        return await self._change("clients", request, context)

    async def ChangeActivities(
        self, request: pb.ChangeActivitiesRequest, context: Context
    ) -> pb.BulkResponse:
        """Many activities."""
        return await self._change("activities", request, context)

    async def _change(
        self, resource: str, request: ChangeRequest, context: Context
    ) -> pb.BulkResponse:
        app, principal = self._app, principal_of(context)
        change = change_of(resource, request.change)
        ids = await records_of(app, principal.workspace_id, resource, request.change)
        if len(ids) > AT_ONCE:
            return await self._enqueue(resource, request, context, [str(id) for id in ids])

        async def work(uow: UnitOfWork) -> pb.BulkResponse:
            refused = await change_few(
                uow, resource, ids, change, by=principal.user_id, now=app.clock.now()
            )
            return _results(ids, refused)

        return await write(app, context, request, pb.BulkResponse, work, bulk_id=new_id())

    async def _enqueue(
        self, resource: str, request: ChangeRequest, context: Context, ids: list[str]
    ) -> pb.BulkResponse:
        """The records are those of now; a job that is repeated must not find others."""
        by, begun = principal_of(context).user_id, []
        kept = pb.BulkChange.FromString(request.change.SerializeToString())
        del kept.ids[:], kept.conditions[:]
        args = {
            "resource": resource,
            "ids": ids,
            "request": b64encode(kept.SerializeToString()).decode(),
            "by": str(by),
        }

        async def work(uow: UnitOfWork) -> pb.BulkResponse:
            job_id = await jobs.enqueue(uow, JOB, args, total=len(ids))
            begun.append(job_id)
            await uow.commit()
            return pb.BulkResponse(job_id=str(job_id), total=len(ids))

        answer = await write(self._app, context, request, pb.BulkResponse, work)
        if begun:  # none when an earlier answer was repeated
            await self._app.jobs.send(JOB, begun[-1])
        return answer

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.Job:
        """How far it is: for whoever asked for it, and who sees everybody's records."""
        job = await self._job(request.job_id, context)
        result = job.result or {}
        return pb.Job(
            id=str(job.id),
            kind=job.kind,
            status=job.status,
            progress=job.progress,
            total=job.total,
            error=job.error or "",
            refused=[_result(refusal) for refusal in _refused(job)[:TOLD]],
            refused_total=job.total - result["changed"] if "changed" in result else 0,
            resource=job.args["resource"] if job.kind == JOB else "",
            create_time=stamp(job.created_at),
            end_time=stamp(job.ended_at),
        )

    async def DownloadRefusals(
        self, request: pb.DownloadRefusalsRequest, context: Context
    ) -> AsyncIterator[pb.DownloadRefusalsResponse]:
        """Everything that a change of many refused, as a file."""
        job = await self._job(request.job_id, context)
        if job.kind != JOB or job.result is None:
            raise JobNotFound("There is no such change of many, or it has not ended.")
        file = CsvWriter(COLUMNS)
        for one in _refused(job):
            file.add((one.message, one.name, str(one.id), one.reason))
            for chunk in file.pieces():
                yield pb.DownloadRefusalsResponse(chunk=chunk)
        for chunk in file.end():
            yield pb.DownloadRefusalsResponse(chunk=chunk)

    async def _job(self, id: str, context: Context) -> Job:
        """One that the caller may know of. Raises JobNotFound."""
        job_id, principal = parse_id(id, "job_id"), principal_of(context)
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            job = await jobs.find(tx, job_id)
            if not tx.sight.sees(None) and job.args.get("by") != str(principal.user_id):
                raise JobNotFound("There is no such job.")
        return job


def _refused(job: Job) -> list[Refusal]:
    """As the job remembers it."""
    told = (job.result or {}).get("refused", [])
    return [Refusal(UUID(id), *words) for id, *words in told]


def _result(refusal: Refusal) -> pb.BulkResult:
    return pb.BulkResult(**refusal._asdict() | {"id": str(refusal.id)})


def _results(ids: Sequence[UUID], refused: Sequence[Refusal]) -> pb.BulkResponse:
    """In the order in which they were named."""
    why = {refusal.id: refusal for refusal in refused}
    return pb.BulkResponse(
        results=[_result(why[id]) if id in why else pb.BulkResult(id=str(id)) for id in ids],
        total=len(ids),
    )
