"""The workspace of the caller's token and who belongs to it, over gRPC."""

from uuid import UUID

from auth.adapters import workspaces
from auth.application import closing, guesses, moving
from auth.application import workspaces as cases
from auth.domain.errors import WorkspaceHasChanged, WorkspaceNotFound
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import (
    changed_member_message,
    invitation_message,
    member_message,
    tokens_message,
    workspace_message,
)
from auth.entrypoints.rpc.masks import wanted
from auth.entrypoints.rpc.proof import proven_again, spend_on_code
from freelanceflow.auth.v1 import workspace_service_pb2 as pb
from freelanceflow.auth.v1 import workspace_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.ids import new_id, parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, Principal, address_of_caller, principal_of

_WRITABLE = ("name", "currency_code", "time_zone")


class WorkspaceService(grpc_api.WorkspaceServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def CreateWorkspace(
        self, request: pb.CreateWorkspaceRequest, context: Context
    ) -> pb.Workspace:
        app, user_id, now = self._app, principal_of(context).user_id, self._app.clock.now()
        await guesses.spend(
            app.system, guesses.WORKSPACES, email=str(user_id), client_address="", now=now
        )
        async with app.system_unit(new_id()) as uow:
            workspace = await moving.found_workspace(
                uow,
                user_id=user_id,
                name=request.name,
                currency=request.currency_code,
                time_zone=request.time_zone,
                now=now,
            )
        return workspace_message(workspace)

    async def GetWorkspace(self, request: pb.GetWorkspaceRequest, context: Context) -> pb.Workspace:
        principal = _inside(principal_of(context), request.workspace_id)
        async with self._app.unit_of_work(principal.workspace_id) as tx:
            return workspace_message(await workspaces.get(tx))

    async def GetWorkspaceSettings(
        self, request: pb.GetWorkspaceSettingsRequest, context: Context
    ) -> pb.WorkspaceSettings:
        workspace_id = parse_id(request.workspace_id, "workspace_id")
        async with self._app.unit_of_work(workspace_id) as tx:
            found = await workspaces.get(tx)
        return pb.WorkspaceSettings(
            name=found.name, time_zone=found.time_zone, version=found.version
        )

    async def UpdateWorkspace(
        self, request: pb.UpdateWorkspaceRequest, context: Context
    ) -> pb.Workspace:
        principal = _inside(principal_of(context), request.workspace.id)
        values = wanted(request.workspace, request.update_mask, writable=_WRITABLE)
        if not request.etag.isdecimal():
            raise WorkspaceHasChanged("Say which version you change.")
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            workspace = await cases.change_workspace(
                uow,
                expected_version=int(request.etag),
                name=values.get("name"),
                currency=values.get("currency_code"),
                time_zone=values.get("time_zone"),
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        return workspace_message(workspace)

    async def CloseWorkspace(
        self, request: pb.CloseWorkspaceRequest, context: Context
    ) -> TokenPair:
        app, principal = self._app, _inside(principal_of(context), request.workspace_id)
        address, now = address_of_caller(), self._app.clock.now()
        user = await proven_again(app, principal.user_id, request.password, address)
        if request.code:
            await spend_on_code(app, user.id, address)
        async with app.system_unit(principal.workspace_id) as uow:
            tokens = await closing.close_workspace(
                uow,
                app.signer,
                app.sealing,
                user=user,
                session_id=principal.session_id,
                name=request.name,
                code=request.code,
                erase_at=now + app.closed_for,
                now=now,
            )
        return tokens_message(tokens)

    async def ReopenWorkspace(
        self, request: pb.ReopenWorkspaceRequest, context: Context
    ) -> TokenPair:
        app, principal = self._app, _inside(principal_of(context), request.workspace_id)
        async with app.system_unit(principal.workspace_id) as uow:
            tokens = await closing.reopen_workspace(
                uow,
                app.signer,
                user_id=principal.user_id,
                session_id=principal.session_id,
                now=app.clock.now(),
            )
        return tokens_message(tokens)

    async def ListMembers(
        self, request: pb.ListMembersRequest, context: Context
    ) -> pb.ListMembersResponse:
        principal, size = principal_of(context), page_size(request.page_size)
        mark = f"members {principal.workspace_id}"
        after = ("", UUID(int=0))
        if request.page_token:
            name, user_id = self._app.pages.read(request.page_token, mark)
            after = (name, user_id)
        async with self._app.unit_of_work(principal.workspace_id) as tx:
            rows = await workspaces.page_of_members(tx, after=after, limit=size + 1)
        page = rows[:size]
        last = (page[-1]["name"], page[-1]["id"]) if len(rows) > size else None
        return pb.ListMembersResponse(
            members=[member_message(row) for row in page],
            next_page_token=self._app.pages.issue(last, mark) if last else "",
        )

    async def ChangeMemberRole(
        self, request: pb.ChangeMemberRoleRequest, context: Context
    ) -> pb.Member:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            member = await cases.change_rights(
                uow,
                user_id=parse_id(request.user_id, "user_id"),
                role=request.role or None,
                visibility=cases.known_visibility(request.visibility)
                if request.HasField("visibility")
                else None,
                team=request.team if request.HasField("team") else None,
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        return changed_member_message(member)

    async def RemoveMember(
        self, request: pb.RemoveMemberRequest, context: Context
    ) -> pb.RemoveMemberResponse:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            await cases.remove_member(
                uow,
                user_id=parse_id(request.user_id, "user_id"),
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        return pb.RemoveMemberResponse()

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.Invitation:
        app, principal, now = self._app, principal_of(context), self._app.clock.now()
        person = str(principal.user_id)
        await guesses.spend(
            app.system, guesses.INVITATIONS, email=person, client_address="", now=now
        )
        async with app.unit_of_work(principal.workspace_id) as uow:
            invitation = await cases.invite(
                uow,
                email=request.email,
                role=request.role,
                by=principal.user_id,
                verify=app.verify_email,
                now=now,
            )
        return invitation_message(invitation)


def _inside(principal: Principal, workspace_id: str) -> Principal:
    """Another tenant's workspace is not there."""
    if parse_id(workspace_id, "workspace_id") != principal.workspace_id:
        raise WorkspaceNotFound("There is no such workspace.")
    return principal
