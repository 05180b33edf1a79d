"""Exports over gRPC: asked for, and the bytes that come of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from crm.adapters import exports, takeout
from crm.adapters.reading import row
from crm.application.exports import JOB, create_export
from crm.application.takeout import JOB as TAKEOUT_JOB
from crm.application.takeout import create_takeout
from crm.domain.errors import (
    EntryRefused,
    ExportNotDone,
    ExportNotFound,
    ExportOutOfSight,
    Problem,
)
from crm.domain.exports import WORKSPACE
from crm.domain.import_fields import Resource
from crm.entrypoints.app import App
from crm.entrypoints.rpc.export_mapping import FORMAT_OF, RESOURCE_OF, export_message, status_of
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import export_service_pb2 as pb
from freelanceflow.crm.v1 import export_service_pb2_grpc as api
from kit import files
from kit.ids import parse_id
from kit.rpc.identity import Context, Principal, principal_of
from kit.sight import EVERYTHING, Sight
from kit.unit_of_work import UnitOfWork


class ExportService(api.ExportServiceServicer):
    """Writes lists into files."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def CreateExport(self, request: pb.CreateExportRequest, context: Context) -> pb.Export:
        """Have a file written."""
        app, principal = self._app, principal_of(context)
        resource, format = RESOURCE_OF.get(request.resource), FORMAT_OF.get(request.format)
        if resource is None or format is None:
            raise EntryRefused(_missing(resource, format))
        principal.require(f"{resource.value}.read")
        listing = exports.LISTS[resource]
        # Asking for the number of rows refuses what the list would refuse.
        total = await listing.total(app.pool, principal.workspace_id, request.conditions)
        listing.expect_order(request.sort)
        listing.expect_allowed(request.columns)

        def begin(uow: UnitOfWork) -> Awaitable[tuple[UUID, UUID]]:
            return create_export(
                uow,
                resource=resource,
                format=format,
                request=exports.Request(conditions=request.conditions, sort=request.sort),
                columns=list(request.columns),
                raw=request.raw,
                total=total,
                by=principal.user_id,
                now=app.clock.now(),
            )

        return await self._begun(context, request, JOB, begin)

    async def CreateWorkspaceExport(
        self, request: pb.CreateWorkspaceExportRequest, context: Context
    ) -> pb.Export:
        """Have all that is kept of the workspace written into one file."""
        app, principal = self._app, principal_of(context)
        if not principal.sight.covers(EVERYTHING):
            raise ExportOutOfSight("Only who sees every record can take out all of them.")
        total = await takeout.total(app.pool, principal.workspace_id, principal.user_id)

        def begin(uow: UnitOfWork) -> Awaitable[tuple[UUID, UUID]]:
            return create_takeout(uow, total=total, by=principal.user_id, now=app.clock.now())

        return await self._begun(context, request, TAKEOUT_JOB, begin)

    async def GetExport(self, request: pb.GetExportRequest, context: Context) -> pb.Export:
        """How far it is."""
        found = await self._find(principal_of(context), request.export_id)
        return export_message(found, self._app.clock.now())

    async def ListExports(
        self, request: pb.ListExportsRequest, context: Context
    ) -> pb.ListExportsResponse:
        """A page of one's own exports."""
        app, principal = self._app, principal_of(context)
        page = await exports.EXPORTS.page(
            app.pool,
            app.page_tokens,
            principal.workspace_id,
            Plain(page_size=request.page_size, page_token=request.page_token),
            maker=principal.user_id,
        )
        return pb.ListExportsResponse(
            exports=[export_message(found, app.clock.now()) for found in page.rows],
            next_page_token=page.next_page_token,
        )

    async def DownloadExport(
        self, request: pb.DownloadExportRequest, context: Context
    ) -> AsyncIterator[pb.DownloadExportResponse]:
        """The file, if the caller may still see all that is in it."""
        app, principal = self._app, principal_of(context)
        found = await self._find(principal, request.export_id)
        whole = found["resource"] == WORKSPACE
        principal.require("workspace.export" if whole else f"{found['resource']}.read")
        if not principal.sight.covers(Sight.of_setting(found["sight"])):
            raise ExportOutOfSight("It holds records that you do not see any more.")
        if not whole:
            _expect_allowed(found)
        if status_of(found, app.clock.now()) != pb.EXPORT_STATUS_DONE:
            raise ExportNotDone("There is no file yet, or not any more.")
        pieces = files.read(
            lambda: app.unit_of_work(principal.workspace_id, principal.origin), found["file_id"]
        )
        async for piece in pieces:
            yield pb.DownloadExportResponse(chunk=piece)

    async def _begun(
        self,
        context: Context,
        request: Message,
        kind: str,
        begin: Callable[[UnitOfWork], Awaitable[tuple[UUID, UUID]]],
    ) -> pb.Export:
        app, jobs = self._app, list[UUID]()

        async def work(uow: UnitOfWork) -> pb.Export:
            export_id, job_id = await begin(uow)
            jobs.append(job_id)
            found = await uow.row(
                exports.GET,
                workspace=uow.workspace_id,
                export=export_id,
                maker=principal_of(context).user_id,
            )
            return export_message(found, app.clock.now())

        answer = await write(app, context, request, pb.Export, work)
        if jobs:  # none when an earlier answer was repeated
            await app.jobs.send(kind, jobs[-1])
        return answer

    async def _find(self, principal: Principal, id: str) -> Any:
        found = await row(
            self._app.pool,
            principal.workspace_id,
            exports.GET,
            export=parse_id(id, "export_id"),
            maker=principal.user_id,
        )
        if found is None:
            raise ExportNotFound("There is no such export.")
        return found


def _expect_allowed(found: Any) -> None:
    """What the caller may know today of the fields in a file. Raises PermissionMissing."""
    asked = exports.Request.revived(found["request"])
    fields = [condition.field for condition in asked.conditions]
    fields += [key.field for key in asked.sort]
    exports.LISTS[Resource(found["resource"])].expect_allowed([*found["columns"], *fields])


def _missing(resource: object, format: object) -> list[Problem]:
    problems = []
    if resource is None:
        said = "Say what to export: clients, deals or activities."
        problems.append(Problem("resource", "RESOURCE_UNKNOWN", said))
    if format is None:
        problems.append(Problem("format", "FORMAT_UNKNOWN", "Say the format: csv, xlsx or pdf."))
    return problems
