"""Imports over gRPC: a stream of bytes in, and what became of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from crm.adapters import import_queries, import_rows
from crm.adapters.reading import Read, row, rows
from crm.application.import_errors import failed_rows
from crm.application.import_revert import REVERT_JOB, revert_import
from crm.application.import_settings import update_import
from crm.application.imports import CHECK_JOB, JOB, check_import, commit_import
from crm.application.uploads import OPEN_JOB, upload
from crm.domain.errors import EntryRefused, ImportNotFound, Problem
from crm.domain.import_fields import Resource
from crm.entrypoints.app import App
from crm.entrypoints.rpc.import_mapping import RESOURCE_OF, import_message
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import import_service_pb2 as pb
from freelanceflow.crm.v1 import import_service_pb2_grpc as api
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, Principal, principal_of
from kit.unit_of_work import UnitOfWork


class ImportService(api.ImportServiceServicer):
    """Brings clients, deals and activities in from a file."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def CreateImport(
        self, request_iterator: AsyncIterator[pb.CreateImportRequest], context: Context
    ) -> pb.Import:
        """Take a file."""
        principal = principal_of(context)
        resource, file_name = await _header(request_iterator)
        uploaded = await upload(
            self._units(principal),
            (request.chunk async for request in request_iterator),
            resource=resource,
            file_name=file_name,
            limit=self._app.max_import_bytes,
            by=principal.user_id,
            now=self._app.clock.now(),
        )
        if uploaded.job_id is not None:
            await self._app.jobs.send(OPEN_JOB, uploaded.job_id)
        return await self._import(principal.workspace_id, uploaded.import_id)

    async def GetImport(self, request: pb.GetImportRequest, context: Context) -> pb.Import:
        """How far it is."""
        import_id = parse_id(request.import_id, "import_id")
        return await self._import(principal_of(context).workspace_id, import_id)

    async def ListImports(
        self, request: pb.ListImportsRequest, context: Context
    ) -> pb.ListImportsResponse:
        """A page of imports."""
        app = self._app
        page = await import_queries.IMPORTS.page(
            app.pool,
            app.page_tokens,
            principal_of(context).workspace_id,
            Plain(page_size=request.page_size, page_token=request.page_token),
        )
        return pb.ListImportsResponse(
            imports=[import_message(found, whole=False) for found in page.rows],
            next_page_token=page.next_page_token,
        )

    async def UpdateImport(self, request: pb.UpdateImportRequest, context: Context) -> pb.Import:
        """Read the file otherwise."""
        principal = principal_of(context)
        import_id = parse_id(request.import_id, "import_id")
        await update_import(
            self._units(principal),
            import_id=import_id,
            fields=dict(request.fields),
            given={
                field.name: value
                for field, value in request.ListFields()
                if field.name not in ("import_id", "fields")
            },
        )
        return await self._import(principal.workspace_id, import_id)

    async def CheckImport(self, request: pb.CheckImportRequest, context: Context) -> pb.Import:
        """Have a dry run made."""
        import_id, by = parse_id(request.import_id, "import_id"), principal_of(context).user_id
        return await self._begin(
            CHECK_JOB,
            context,
            request,
            import_id,
            lambda uow: check_import(uow, import_id=import_id, by=by),
        )

    async def CommitImport(self, request: pb.CommitImportRequest, context: Context) -> pb.Import:
        """Have the rows written."""
        import_id, by = parse_id(request.import_id, "import_id"), principal_of(context).user_id
        return await self._begin(
            JOB,
            context,
            request,
            import_id,
            lambda uow: commit_import(uow, import_id=import_id, by=by),
        )

    async def RevertImport(self, request: pb.RevertImportRequest, context: Context) -> pb.Import:
        """Have it taken back."""
        import_id, by = parse_id(request.import_id, "import_id"), principal_of(context).user_id
        return await self._begin(
            REVERT_JOB,
            context,
            request,
            import_id,
            lambda uow: revert_import(uow, import_id=import_id, by=by),
        )

    async def ListImportErrors(
        self, request: pb.ListImportErrorsRequest, context: Context
    ) -> pb.ListImportErrorsResponse:
        """What could not be taken, by row."""
        shown, token = await self._lines(
            request, context, import_queries.ERRORS, "errors", "column"
        )
        return pb.ListImportErrorsResponse(
            errors=[
                pb.ImportRowError(row=error[0], column=error[1], message=error[2], value=error[3])
                for error in shown
            ],
            next_page_token=token,
        )

    async def ListImportRows(
        self, request: pb.ListImportRowsRequest, context: Context
    ) -> pb.ListImportRowsResponse:
        """What became of rows whose record was there, by row."""
        shown, token = await self._lines(request, context, import_rows.MATCHED, "rows", "kind")
        return pb.ListImportRowsResponse(
            rows=[
                pb.ImportRow(
                    row=found["row"],
                    action=found["action"],
                    matched_by=found["matched_by"],
                    record_id=str(found["record_id"]) if found["record_id"].int else "",
                    record_name=found["name"],
                )
                for found in shown
            ],
            next_page_token=token,
        )

    async def DownloadImportErrors(
        self, request: pb.DownloadImportErrorsRequest, context: Context
    ) -> AsyncIterator[pb.DownloadImportErrorsResponse]:
        """The rows that could not be taken, as a file."""
        import_id = parse_id(request.import_id, "import_id")
        async for chunk in failed_rows(self._units(principal_of(context)), import_id=import_id):
            yield pb.DownloadImportErrorsResponse(chunk=chunk)

    async def _lines(
        self,
        request: pb.ListImportErrorsRequest | pb.ListImportRowsRequest,
        context: Context,
        statement: Read,
        of: str,
        within: str,
    ) -> tuple[Sequence[asyncpg.Record], str]:
        """A page of what an import says, by row and name within it; the token of the next."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        import_id, size = parse_id(request.import_id, "import_id"), page_size(request.page_size)
        about = f"import {of} {workspace_id} {import_id}"
        behind: tuple[Any, ...] = 0, ""
        if request.page_token:
            behind = app.page_tokens.read(request.page_token, about)
        await self._import(workspace_id, import_id)
        place = {"import": import_id, "row": behind[0], within: behind[1], "size": size + 1}
        found = await rows(app.pool, workspace_id, statement, **place)
        shown = found[:size]
        if len(found) <= size:
            return shown, ""
        return shown, app.page_tokens.issue((shown[-1]["row"], shown[-1][within]), about)

    def _units(self, principal: Principal) -> Callable[[], UnitOfWork]:
        return lambda: self._app.unit_of_work(principal.workspace_id, principal.origin)

    async def _begin(
        self,
        job: str,
        context: Context,
        request: Message,
        import_id: UUID,
        begin: Callable[[UnitOfWork], Awaitable[UUID]],
    ) -> pb.Import:
        begun: list[UUID] = []

        async def work(uow: UnitOfWork) -> pb.Import:
            begun.append(await begin(uow))
            found = await uow.row(
                import_queries.GET, **{"workspace": uow.workspace_id, "import": import_id}
            )
            return import_message(found)

        answer = await write(self._app, context, request, pb.Import, work)
        if begun:  # none when an earlier answer was repeated
            await self._app.jobs.send(job, begun[-1])
        return answer

    async def _import(self, workspace_id: UUID, import_id: UUID) -> pb.Import:
        found = await row(self._app.pool, workspace_id, import_queries.GET, **{"import": import_id})
        if found is None:
            raise ImportNotFound("There is no such import.")
        return import_message(found)


async def _header(requests: AsyncIterator[pb.CreateImportRequest]) -> tuple[Resource, str]:
    first = await anext(aiter(requests), None)
    if first is None or first.WhichOneof("part") != "header":
        raise EntryRefused([Problem("header", "HEADER_MISSING", "The header comes first.")])
    resource = RESOURCE_OF.get(first.header.resource)
    if resource is None:
        said = "Say what the file holds: clients, deals or activities."
        raise EntryRefused([Problem("resource", "RESOURCE_UNKNOWN", said)])
    return resource, first.header.file_name
