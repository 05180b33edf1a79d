"""What a signed-in person sees and does about themselves, over gRPC."""

from uuid import UUID

from auth.adapters import invitations, sessions, users, workspaces
from auth.application import guesses, moving, new_passwords
from auth.application import sessions as session_cases
from auth.application.leaving import delete_account
from auth.application.workspaces import change_profile
from auth.domain.errors import SessionNotFound
from auth.domain.facts import Cause
from auth.domain.session import IDLE_LIFE
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import (
    membership_message,
    my_invitation_message,
    session_message,
    tokens_message,
    user_in_message,
    user_message,
)
from auth.entrypoints.rpc.masks import wanted
from auth.entrypoints.rpc.proof import proven_again, spend_on_code
from freelanceflow.auth.v1 import account_service_pb2 as pb
from freelanceflow.auth.v1 import account_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.database import SystemTransaction
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, Principal, address_of_caller, principal_of

_FIRST = ("", UUID(int=0))
_LATEST = UUID(int=(1 << 128) - 1)


class AccountService(grpc_api.AccountServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.User:
        return await self._me(principal_of(context))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.User:
        principal = principal_of(context)
        values = wanted(request.user, request.update_mask, writable=("name", "locale"))
        async with self._app.system_unit(principal.workspace_id) as uow:
            await change_profile(
                uow,
                user_id=principal.user_id,
                expected_version=int(request.etag) if request.etag.isdecimal() else None,
                name=values.get("name"),
                locale=values.get("locale"),
            )
        return await self._me(principal)

    async def ChangePassword(
        self, request: pb.ChangePasswordRequest, context: Context
    ) -> pb.ChangePasswordResponse:
        """Guesses at the present one count as those at the door do."""
        app, principal, now = self._app, principal_of(context), self._app.clock.now()
        async with SystemTransaction(app.system) as tx:
            user = await users.get(tx, principal.user_id)
        address = address_of_caller()
        await guesses.spend(
            app.system, guesses.PASSWORDS, email=user.email, client_address=address, now=now
        )
        new_hash = await new_passwords.proven(
            app.passwords, user, current=request.current_password, password=request.password
        )
        await guesses.forgive(app.system, email=user.email, client_address=address)
        async with app.system_unit(principal.workspace_id) as uow:
            await new_passwords.change(
                uow, user=user, new_hash=new_hash, session_id=principal.session_id, now=now
            )
        return pb.ChangePasswordResponse()

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: Context) -> pb.DeleteMeResponse:
        app, principal = self._app, principal_of(context)
        address = address_of_caller()
        user = await proven_again(app, principal.user_id, request.password, address)
        if request.code:
            await spend_on_code(app, user.id, address)
        async with app.system_unit(user.id) as uow:
            await delete_account(
                uow, app.sealing, user=user, code=request.code, now=app.clock.now()
            )
        return pb.DeleteMeResponse()

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        principal, size = principal_of(context), page_size(request.page_size)
        mark = f"sessions {principal.user_id}"
        before = _LATEST
        if request.page_token:
            (before,) = self._app.pages.read(request.page_token, mark)
        async with SystemTransaction(self._app.system) as tx:
            found = await sessions.live_page(
                tx,
                principal.user_id,
                before=before,
                since=self._app.clock.now() - IDLE_LIFE,
                limit=size + 1,
            )
        page = found[:size]
        return pb.ListSessionsResponse(
            sessions=[session_message(s, current=s.id == principal.session_id) for s in page],
            next_page_token=(
                self._app.pages.issue((page[-1].id,), mark) if len(found) > size else ""
            ),
        )

    async def EndSession(
        self, request: pb.EndSessionRequest, context: Context
    ) -> pb.EndSessionResponse:
        principal, now = principal_of(context), self._app.clock.now()
        async with self._app.system_unit(principal.workspace_id) as uow:
            if not request.session_id:
                ended = await session_cases.end_other_sessions(
                    uow, user_id=principal.user_id, but=principal.session_id, now=now
                )
                return pb.EndSessionResponse(ended=ended)
            session_id = parse_id(request.session_id, "session_id")
            live = await session_cases.end_session(
                uow,
                session_id=session_id,
                user_id=principal.user_id,
                cause=Cause.ENDED,
                now=now,
            )
        if not live:
            raise SessionNotFound("This session has ended already.")
        return pb.EndSessionResponse(ended=1)

    async def ListMyWorkspaces(
        self, request: pb.ListMyWorkspacesRequest, context: Context
    ) -> pb.ListMyWorkspacesResponse:
        principal, size = principal_of(context), page_size(request.page_size)
        mark = f"memberships {principal.user_id}"
        after = _FIRST
        if request.page_token:
            name, workspace_id = self._app.pages.read(request.page_token, mark)
            after = (name, workspace_id)
        async with SystemTransaction(self._app.system) as tx:
            rows = await workspaces.memberships(tx, principal.user_id, after=after, limit=size + 1)
        page = rows[:size]
        last = (page[-1]["name"], page[-1]["workspace_id"]) if len(rows) > size else None
        return pb.ListMyWorkspacesResponse(
            memberships=[membership_message(row) for row in page],
            next_page_token=self._app.pages.issue(last, mark) if last else "",
        )

    async def ListMyInvitations(
        self, request: pb.ListMyInvitationsRequest, context: Context
    ) -> pb.ListMyInvitationsResponse:
        user_id, now = principal_of(context).user_id, self._app.clock.now()
        async with SystemTransaction(self._app.system) as tx:
            user = await users.get(tx, user_id)
            rows = await invitations.to_address(tx, user_id, user.email, now)
        return pb.ListMyInvitationsResponse(invitations=map(my_invitation_message, rows))

    async def AcceptMyInvitation(
        self, request: pb.AcceptMyInvitationRequest, context: Context
    ) -> pb.AcceptMyInvitationResponse:
        app, user_id, now = self._app, principal_of(context).user_id, self._app.clock.now()
        invitation_id = parse_id(request.invitation_id, "invitation_id")
        workspace_id = await moving.invited_to(
            app.system, user_id=user_id, invitation_id=invitation_id, now=now
        )
        async with app.system_unit(workspace_id) as uow:
            await moving.accept_own_invitation(
                uow, user_id=user_id, invitation_id=invitation_id, now=now
            )
        return pb.AcceptMyInvitationResponse(workspace_id=str(workspace_id))

    async def SwitchWorkspace(
        self, request: pb.SwitchWorkspaceRequest, context: Context
    ) -> TokenPair:
        principal = principal_of(context)
        async with self._app.system_unit(parse_id(request.workspace_id, "workspace_id")) as uow:
            tokens = await session_cases.switch_workspace(
                uow,
                self._app.signer,
                user_id=principal.user_id,
                session_id=principal.session_id,
                now=self._app.clock.now(),
            )
        return tokens_message(tokens)

    async def _me(self, principal: Principal) -> pb.User:
        async with self._app.system_unit(principal.workspace_id) as tx:
            user = await users.get(tx, principal.user_id)
            if not principal.in_workspace:
                return user_message(user)
            return user_in_message(
                user,
                await workspaces.get(tx),
                await workspaces.member(tx, principal.user_id),
                principal.permissions,
            )
