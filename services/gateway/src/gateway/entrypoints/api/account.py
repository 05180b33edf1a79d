"""The signed-in person, their sessions, their workspace and its members."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from gateway.entrypoints.api import schemas, schemas_leaving, schemas_people, schemas_roles
from gateway.entrypoints.api.answers import (
    instant,
    json_response,
    page_response,
    record_response,
)
from gateway.entrypoints.api.auth import tokens_json
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGING,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_page,
    read_query,
)

ACCOUNT = account_pb.DESCRIPTOR.services_by_name["AccountService"].methods_by_name
WORKSPACE = workspace_pb.DESCRIPTOR.services_by_name["WorkspaceService"].methods_by_name
_PATHS = {"currency": "currency_code"}
_SESSION = path_parameter("session_id", "session")
_WORKSPACE = path_parameter("workspace_id", "workspace")
_MEMBER = path_parameter("user_id", "member")
_INVITATION = path_parameter("invitation_id", "invitation")

operations = Operations("Account")
add = operations.add


@add("GET", "/me", rpc=ACCOUNT["GetMe"], summary="Who am I", answer=schemas.Me)
async def get_me(request: Request) -> Response:
    """With role and permissions in the workspace of the token; `workspace` and `role` are null for
    somebody who belongs to none."""
    read_query(request)
    me = await request.app.state.clients.account.GetMe(
        account_pb.GetMeRequest(), identity_of(request)
    )
    return record_response(request, _me(me), me.etag)


@add("PATCH", "/me", rpc=ACCOUNT["UpdateMe"], summary="Change my profile",
     body=schemas.ProfileIn, answer=schemas.Me, parameters=[IF_MATCH],
     problems=[412, 428])  # fmt: skip
async def update_me(request: Request) -> Response:
    """Name and language."""
    etag = if_match(request)
    body = await read_body(request, schemas.ProfileIn)
    values = body.model_dump(exclude_none=True)
    me = await request.app.state.clients.account.UpdateMe(
        account_pb.UpdateMeRequest(
            user=account_pb.User(**values),
            update_mask=FieldMask(paths=sorted(values)),
            etag=etag,
        ),
        identity_of(request),
    )
    return record_response(request, _me(me), me.etag)


@add("DELETE", "/me", rpc=ACCOUNT["DeleteMe"], summary="Delete my account", status=204,
     body=schemas_leaving.AccountDeletion, problems=[401, 409])  # fmt: skip
async def delete_me(request: Request) -> Response:
    """At once and for good, with every workspace that nobody else belongs to. Refused with
    `ONLY_OWNER` while others would be left without an owner."""
    body = await read_body(request, schemas_leaving.AccountDeletion)
    await request.app.state.clients.account.DeleteMe(
        account_pb.DeleteMeRequest(password=body.password, code=body.code), identity_of(request)
    )
    return Response(status_code=204)


@add("POST", "/auth/password/change", rpc=ACCOUNT["ChangePassword"],
     summary="Change my password", status=204, body=schemas.PasswordChange,
     problems=[409])  # fmt: skip
async def change_password(request: Request) -> Response:
    """The present one is needed. My other sessions end, this one goes on."""
    body = await read_body(request, schemas.PasswordChange)
    await request.app.state.clients.account.ChangePassword(
        account_pb.ChangePasswordRequest(
            current_password=body.current_password, password=body.password
        ),
        identity_of(request),
    )
    return Response(status_code=204)


@add("GET", "/auth/sessions", rpc=ACCOUNT["ListSessions"], summary="List my sessions",
     answer=schemas.AnyPage, parameters=PAGING)  # fmt: skip
async def list_sessions(request: Request) -> Response:
    """Newest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.account.ListSessions(
        account_pb.ListSessionsRequest(page_size=page.size, page_token=page.token),
        identity_of(request),
    )
    items = (
        {
            "id": session.id,
            "device": session.device,
            "created_at": instant(session.create_time),
            "last_seen_at": instant(session.last_seen_time),
            "current": session.current,
        }
        for session in answer.sessions
    )
    return page_response(items, answer.next_page_token)


@add("DELETE", "/auth/sessions", rpc=ACCOUNT["EndSession"], summary="End my other sessions")
async def end_other_sessions(request: Request) -> Response:
    """All but the current one."""
    answer = await request.app.state.clients.account.EndSession(
        account_pb.EndSessionRequest(), identity_of(request)
    )
    return json_response({"ended": answer.ended})


@add("DELETE", "/auth/sessions/{session_id}", rpc=ACCOUNT["EndSession"],
     summary="End one of my sessions", status=204, parameters=[_SESSION],
     problems=[404])  # fmt: skip
async def end_session(request: Request) -> Response:
    """Its tokens are of no use within two seconds."""
    await request.app.state.clients.account.EndSession(
        account_pb.EndSessionRequest(session_id=request.path_params["session_id"]),
        identity_of(request),
    )
    return Response(status_code=204)


@add("GET", "/workspaces", rpc=ACCOUNT["ListMyWorkspaces"], summary="List my workspaces",
     answer=schemas.AnyPage, parameters=PAGING)  # fmt: skip
async def list_workspaces(request: Request) -> Response:
    """With my role in each; those of which I am the `sole_member` would go with my account."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.account.ListMyWorkspaces(
        account_pb.ListMyWorkspacesRequest(page_size=page.size, page_token=page.token),
        identity_of(request),
    )
    items = (
        {
            "id": m.workspace_id,
            "name": m.workspace_name,
            "role": m.role,
            "custom_role": m.custom_role_name or None,
            "sole_member": m.sole_member,
            "only_owner": m.only_owner,
            "erased_at": instant(m.erase_time) if m.HasField("erase_time") else None,
        }
        for m in answer.memberships
    )
    return page_response(items, answer.next_page_token)


@add("POST", "/workspaces", rpc=WORKSPACE["CreateWorkspace"], summary="Make a workspace",
     status=201, body=schemas_people.NewWorkspace, answer=schemas.Workspace)  # fmt: skip
async def create_workspace(request: Request) -> Response:
    """One more, with me as its owner; `POST /workspaces/{workspace_id}/switch` enters it."""
    body = await read_body(request, schemas_people.NewWorkspace)
    workspace = await request.app.state.clients.workspaces.CreateWorkspace(
        workspace_pb.CreateWorkspaceRequest(
            name=body.name, currency_code=body.currency, time_zone=body.time_zone
        ),
        identity_of(request),
    )
    return json_response(workspace_json(workspace), status=201)


@add("GET", "/me/invitations", rpc=ACCOUNT["ListMyInvitations"], summary="List my invitations",
     answer=schemas.AnyPage)  # fmt: skip
async def list_my_invitations(request: Request) -> Response:
    """Those to my address that I can accept, the newest first."""
    read_query(request)
    answer = await request.app.state.clients.account.ListMyInvitations(
        account_pb.ListMyInvitationsRequest(), identity_of(request)
    )
    items = (
        {
            "id": one.id,
            "workspace_name": one.workspace_name,
            "inviter_name": one.inviter_name or None,
            "role": one.role,
            "expires_at": instant(one.expire_time),
        }
        for one in answer.invitations
    )
    return page_response(items, "")


@add("POST", "/me/invitations/{invitation_id}/accept", rpc=ACCOUNT["AcceptMyInvitation"],
     summary="Accept one of my invitations", answer=schemas.AnyRecord,
     parameters=[_INVITATION], problems=[404, 409])  # fmt: skip
async def accept_my_invitation(request: Request) -> Response:
    """Without the secret of its mail; answers the `workspace_id` to switch to."""
    answer = await request.app.state.clients.account.AcceptMyInvitation(
        account_pb.AcceptMyInvitationRequest(invitation_id=request.path_params["invitation_id"]),
        identity_of(request),
    )
    return json_response({"workspace_id": answer.workspace_id})


@add("POST", "/workspaces/{workspace_id}/switch", rpc=ACCOUNT["SwitchWorkspace"],
     summary="Enter another of my workspaces", answer=schemas.Tokens, parameters=[_WORKSPACE],
     problems=[404])  # fmt: skip
async def switch_workspace(request: Request) -> Response:
    """Tokens are bound to one workspace; the present session ends."""
    tokens = await request.app.state.clients.account.SwitchWorkspace(
        account_pb.SwitchWorkspaceRequest(workspace_id=request.path_params["workspace_id"]),
        identity_of(request),
    )
    return json_response(tokens_json(tokens))


@add("GET", "/workspaces/{workspace_id}", rpc=WORKSPACE["GetWorkspace"],
     summary="Get the workspace", answer=schemas.Workspace, parameters=[_WORKSPACE],
     problems=[404])  # fmt: skip
async def get_workspace(request: Request) -> Response:
    """The token's own; others are not there."""
    read_query(request)
    workspace = await request.app.state.clients.workspaces.GetWorkspace(
        workspace_pb.GetWorkspaceRequest(workspace_id=request.path_params["workspace_id"]),
        identity_of(request),
    )
    return record_response(request, workspace_json(workspace), workspace.etag)


@add("PATCH", "/workspaces/{workspace_id}", rpc=WORKSPACE["UpdateWorkspace"],
     summary="Change the workspace", body=schemas.WorkspaceIn, answer=schemas.Workspace,
     parameters=[_WORKSPACE, IF_MATCH], problems=[404, 412, 428])  # fmt: skip
async def update_workspace(request: Request) -> Response:
    """Name, currency and time zone."""
    etag = if_match(request)
    body = await read_body(request, schemas.WorkspaceIn)
    values = {_PATHS.get(n, n): v for n, v in body.model_dump(exclude_none=True).items()}
    workspace = workspace_pb.Workspace(id=request.path_params["workspace_id"], **values)
    changed = await request.app.state.clients.workspaces.UpdateWorkspace(
        workspace_pb.UpdateWorkspaceRequest(
            workspace=workspace, update_mask=FieldMask(paths=sorted(values)), etag=etag
        ),
        identity_of(request),
    )
    return record_response(request, workspace_json(changed), changed.etag)


@add("DELETE", "/workspaces/{workspace_id}", rpc=WORKSPACE["CloseWorkspace"],
     summary="Delete the workspace", status=202, body=schemas_leaving.WorkspaceDeletion,
     answer=schemas.Tokens, parameters=[_WORKSPACE], problems=[401, 404, 409])  # fmt: skip
async def close_workspace(request: Request) -> Response:
    """It is closed at once and erased after some days, in which it can be reopened. All tokens in
    it end; those of the answer can only reopen it."""
    body = await read_body(request, schemas_leaving.WorkspaceDeletion)
    tokens = await request.app.state.clients.workspaces.CloseWorkspace(
        workspace_pb.CloseWorkspaceRequest(
            workspace_id=request.path_params["workspace_id"],
            name=body.name,
            password=body.password,
            code=body.code,
        ),
        identity_of(request),
    )
    return json_response(tokens_json(tokens), status=202)


@add("POST", "/workspaces/{workspace_id}/reopen", rpc=WORKSPACE["ReopenWorkspace"],
     summary="Reopen the workspace", answer=schemas.Tokens, parameters=[_WORKSPACE],
     problems=[404, 409])  # fmt: skip
async def reopen_workspace(request: Request) -> Response:
    """As it was; the present session ends, and goes on under the tokens of the answer."""
    tokens = await request.app.state.clients.workspaces.ReopenWorkspace(
        workspace_pb.ReopenWorkspaceRequest(workspace_id=request.path_params["workspace_id"]),
        identity_of(request),
    )
    return json_response(tokens_json(tokens))


@add("GET", "/members", rpc=WORKSPACE["ListMembers"], summary="List members",
     answer=schemas.AnyPage, parameters=PAGING)  # fmt: skip
async def list_members(request: Request) -> Response:
    """By name."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.workspaces.ListMembers(
        workspace_pb.ListMembersRequest(page_size=page.size, page_token=page.token),
        identity_of(request),
    )
    return page_response(map(member_json, answer.members), answer.next_page_token)


@add("PATCH", "/members/{user_id}", rpc=WORKSPACE["ChangeMemberRole"],
     summary="Change a member's role, visibility or team", body=schemas_roles.MemberIn,
     answer=schemas.AnyRecord, parameters=[_MEMBER], problems=[404, 409])  # fmt: skip
async def change_member(request: Request) -> Response:
    """`visibility` is `own`, `team` or `all`. A built-in role takes a role of one's own away. The
    member's tokens end: they say the old rights."""
    body = await read_body(request, schemas_roles.MemberIn)
    values = body.model_dump(exclude_none=True)
    member = await request.app.state.clients.workspaces.ChangeMemberRole(
        workspace_pb.ChangeMemberRoleRequest(user_id=request.path_params["user_id"], **values),
        identity_of(request),
    )
    return json_response(member_json(member))


@add("DELETE", "/members/{user_id}", rpc=WORKSPACE["RemoveMember"], summary="Remove a member",
     status=204, parameters=[_MEMBER], problems=[404, 409])  # fmt: skip
async def remove_member(request: Request) -> Response:
    """Their sessions in this workspace end."""
    await request.app.state.clients.workspaces.RemoveMember(
        workspace_pb.RemoveMemberRequest(user_id=request.path_params["user_id"]),
        identity_of(request),
    )
    return Response(status_code=204)


@add("POST", "/invitations", rpc=WORKSPACE["CreateInvitation"], summary="Invite somebody",
     body=schemas_roles.InvitationIn, answer=schemas.AnyRecord, status=201,
     parameters=[IDEMPOTENCY_KEY])  # fmt: skip
async def create_invitation(request: Request) -> Response:
    """By a mail with a link; `token` is null where the mail is what proves an address."""
    body = await read_body(request, schemas_roles.InvitationIn)
    invitation = await request.app.state.clients.workspaces.CreateInvitation(
        workspace_pb.CreateInvitationRequest(email=body.email, role=body.role),
        identity_of(request),
    )
    shown = {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "custom_role": _custom_role(invitation),
        "token": invitation.token or None,
        "expires_at": instant(invitation.expire_time),
    }
    return json_response(shown, status=201)


def _me(me: account_pb.User) -> dict[str, Any]:
    return {
        "id": me.id,
        "email": me.email,
        "name": me.name,
        "locale": me.locale,
        "role": me.role or None,
        "custom_role": me.custom_role_name or None,
        "permissions": list(me.permissions),
        "workspace": _workspace_of(me) if me.workspace_id else None,
        "created_at": instant(me.create_time),
    }


def _workspace_of(me: account_pb.User) -> dict[str, str]:
    return {
        "id": me.workspace_id,
        "name": me.workspace_name,
        "currency": me.currency_code,
        "time_zone": me.time_zone,
    }


def workspace_json(workspace: workspace_pb.Workspace) -> dict[str, Any]:
    """A workspace as the API shows it."""
    return {
        "id": workspace.id,
        "name": workspace.name,
        "currency": workspace.currency_code,
        "time_zone": workspace.time_zone,
        "created_at": instant(workspace.create_time),
    }


def member_json(member: workspace_pb.Member) -> dict[str, Any]:
    """A member as the API shows them."""
    return {
        "user_id": member.user_id,
        "email": member.email,
        "name": member.name,
        "role": member.role,
        "custom_role": _custom_role(member),
        "visibility": member.visibility,
        "team": member.team,
        "joined_at": instant(member.join_time),
    }


def _custom_role(of: workspace_pb.Member | workspace_pb.Invitation) -> dict[str, str] | None:
    if not of.custom_role_id:
        return None
    return {"id": of.custom_role_id, "name": of.custom_role_name}
