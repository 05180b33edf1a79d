"""Imports over gRPC: a stream of bytes in, and what became of it."""

from collections.abc import AsyncIterator
from uuid import UUID

from crm.adapters import imports
from crm.adapters.reading import row, rows
from crm.application.uploads import JOB, commit_import, upload
from crm.domain.errors import EntryRefused, ImportNotFound, Problem
from crm.domain.imports import Resource
from crm.entrypoints.app import App
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.mapping import RESOURCES_OF_IMPORTS, import_message
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import import_service_pb2 as pb
from freelanceflow.crm.v1 import import_service_pb2_grpc as api
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


class ImportService(api.ImportServiceServicer):
    """Brings clients and deals in from a file."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def CreateImport(
        self, request_iterator: AsyncIterator[pb.CreateImportRequest], context: Context
    ) -> pb.Import:
        """Take a file."""
        principal = principal_of(context)
        resource, file_name = await _header(request_iterator)
        import_id = await upload(
            lambda: self._app.unit_of_work(principal.workspace_id, principal.origin),
            (request.chunk async for request in request_iterator),
            resource=resource,
            file_name=file_name,
            limit=self._app.max_import_bytes,
            by=principal.user_id,
            now=self._app.clock.now(),
        )
        return await self._import(principal.workspace_id, import_id)

    async def GetImport(self, request: pb.GetImportRequest, context: Context) -> pb.Import:
        """How far it is."""
        import_id = parse_id(request.import_id, "import_id")
        return await self._import(principal_of(context).workspace_id, import_id)

    async def ListImports(
        self, request: pb.ListImportsRequest, context: Context
    ) -> pb.ListImportsResponse:
        """A page of imports."""
        app = self._app
        page = await imports.IMPORTS.page(
            app.pool,
            app.page_tokens,
            principal_of(context).workspace_id,
            Plain(page_size=request.page_size, page_token=request.page_token),
        )
        return pb.ListImportsResponse(
            imports=[import_message(found) for found in page.rows],
            next_page_token=page.next_page_token,
        )

    async def CommitImport(self, request: pb.CommitImportRequest, context: Context) -> pb.Import:
        """Have the rows written."""
        import_id, jobs = parse_id(request.import_id, "import_id"), []

        async def work(uow: UnitOfWork) -> pb.Import:
            jobs.append(await commit_import(uow, import_id=import_id))
            found = await uow.row(
                imports.GET, **{"workspace": uow.workspace_id, "import": import_id}
            )
            return import_message(found)

        answer = await write(self._app, context, request, pb.Import, work)
        if jobs:  # none when an earlier answer was repeated
            await self._app.jobs.send(JOB, jobs[-1])
        return answer

    async def ListImportErrors(
        self, request: pb.ListImportErrorsRequest, context: Context
    ) -> pb.ListImportErrorsResponse:
        """What could not be taken, by row."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        import_id, size = parse_id(request.import_id, "import_id"), page_size(request.page_size)
        about = f"import errors {workspace_id} {import_id}"
        place = 0, ""
        if request.page_token:
            place = app.page_tokens.read(request.page_token, about)
        await self._import(workspace_id, import_id)
        found = await rows(
            app.pool,
            workspace_id,
            imports.ERRORS,
            **{"import": import_id, "row": place[0], "column": place[1], "size": size + 1},
        )
        shown, more = found[:size], len(found) > size
        end = (shown[-1]["row"], shown[-1]["column"]) if more else None
        return pb.ListImportErrorsResponse(
            errors=[
                pb.ImportRowError(row=error[0], column=error[1], message=error[2])
                for error in shown
            ],
            next_page_token=app.page_tokens.issue(end, about) if end else "",
        )

    async def _import(self, workspace_id: UUID, import_id: UUID) -> pb.Import:
        found = await row(self._app.pool, workspace_id, imports.GET, **{"import": import_id})
        if found is None:
            raise ImportNotFound("There is no such import.")
        return import_message(found)


async def _header(requests: AsyncIterator[pb.CreateImportRequest]) -> tuple[Resource, str]:
    first = await anext(aiter(requests), None)
    if first is None or first.WhichOneof("part") != "header":
        raise EntryRefused([Problem("header", "HEADER_MISSING", "The header comes first.")])
    resource = RESOURCES_OF_IMPORTS.get(first.header.resource)
    if resource is None:
        raise EntryRefused(
            [Problem("resource", "RESOURCE_UNKNOWN", "Say what the file holds: clients or deals.")]
        )
    return resource, first.header.file_name
