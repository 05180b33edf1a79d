"""What auth says when it is asked."""

from uuid import UUID

from freelanceflow.auth.v1.workspace_service_pb2 import (
    GetWorkspaceSettingsRequest,
    WorkspaceSettings,
)
from freelanceflow.auth.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
from kit.rpc.client import Caller


class Auth:
    """The service that workspaces belong to."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._stub = WorkspaceServiceStub(caller.channel)

    async def settings_of(self, workspace_id: UUID) -> WorkspaceSettings:
        """Raises DomainError: there is none, or auth is away."""
        asked = GetWorkspaceSettingsRequest(workspace_id=str(workspace_id))
        found: WorkspaceSettings = await self._caller.call(self._stub.GetWorkspaceSettings, asked)
        return found
