"""A workspace for a new consumer, over gRPC: all that was told of it."""

from collections.abc import AsyncGenerator
from uuid import UUID

from crm.adapters import snapshot
from crm.entrypoints.app import App
from crm.entrypoints.rpc.mapping import stage_message
from freelanceflow.crm.v1 import snapshot_service_pb2 as pb
from freelanceflow.crm.v1 import snapshot_service_pb2_grpc as api
from kit.bus.events import headers_of
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context

_FIRST = UUID(int=0)


class SnapshotService(api.SnapshotServiceServicer):
    """For other services only; there is nobody whose sight would narrow it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListWorkspaces(
        self, request: pb.ListWorkspacesRequest, context: Context
    ) -> pb.ListWorkspacesResponse:
        """A page of workspaces, by id."""
        size, after = page_size(request.page_size), _FIRST
        if request.page_token:
            (after,) = self._app.page_tokens.read(request.page_token, "workspaces")
        found = await snapshot.workspaces(self._app.system, after, size + 1)
        more = len(found) > size
        return pb.ListWorkspacesResponse(
            workspace_ids=[str(id) for id in found[:size]],
            next_page_token=self._app.page_tokens.issue((found[size - 1],), "workspaces")
            if more
            else "",
        )

    async def StreamWorkspace(
        self, request: pb.StreamWorkspaceRequest, context: Context
    ) -> AsyncGenerator[pb.StreamWorkspaceResponse, None]:
        """Stages, then events."""
        system, workspace_id = self._app.system, parse_id(request.workspace_id, "workspace_id")
        stages = await snapshot.stages(system, workspace_id)
        yield pb.StreamWorkspaceResponse(
            stages=pb.WorkspaceStages(stages=[stage_message(stage) for stage in stages])
        )
        async for row in snapshot.told(system, workspace_id, request.after_number):
            told = pb.ToldEvent(number=row["number"], headers=headers_of(row), body=row["body"])
            yield pb.StreamWorkspaceResponse(event=told)
