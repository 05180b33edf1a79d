"""Who belongs to the workspace, what they may do, and whose records they see."""

from typing import NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.role_service_pb2 import ListRolesResponse, Role
from freelanceflow.auth.v1.workspace_service_pb2 import (
    ChangeMemberRoleRequest,
    ListMembersRequest,
    Member,
    RemoveMemberRequest,
)
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, options, values_of
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.pages.roles import Difference, all_roles, base_of, list_roles
from gateway.entrypoints.sessions import end_session
from kit.errors import DomainError, ErrorKind

MOST = 200
VISIBILITY = [("all", "All records"), ("team", "Their team's"), ("own", "Only their own")]
SEES_ALL = ("owner", "admin")

router = APIRouter(include_in_schema=False)


@router.get("/settings/members")
async def members(request: Request) -> Response:
    """Everybody, with what they see."""
    return await members_page(request, Errors())


@router.post("/settings/members/{user_id}")
async def change_member(request: Request, user_id: str) -> Response:
    """Gives another role or sight, once it was shown what that means; only what is another one is
    sent, as it ends their sessions."""
    signed_in(request)
    values = await values_of(request)
    found, listed = await together(all_members(request), list_roles(request))
    roles = listed.roles
    member = next((m for m in found if m.user_id == user_id), None)
    asked = ChangeMemberRoleRequest(user_id=user_id)
    if member is None or values["role"] != (member.custom_role_id or member.role):
        asked.role = values["role"]
    if base_of(values["role"], roles) not in SEES_ALL:
        if member is None or values["visibility"] != member.visibility:
            asked.visibility = values["visibility"]
        if member is None or values["team"] != member.team:
            asked.team = values["team"]
    if asked == ChangeMemberRoleRequest(user_id=user_id):
        return RedirectResponse("/settings/members", 303)
    change = member and _change(member, listed, values)
    if member and change and change.seen != values["seen"]:
        return await _review(request, member, change, values)
    try:
        await clients_of(request).workspaces.ChangeMemberRole(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind not in (ErrorKind.REFUSED, ErrorKind.FORBIDDEN, ErrorKind.INVALID):
            raise
        errors = errors_of(refusal, {})
        said = " ".join(errors.fields.values()) or refusal.message
        return await members_page(request, Errors(said), user_id)
    return RedirectResponse("/settings/members?saved=1", 303)


class Change(NamedTuple):
    """What somebody's other role or sight would mean."""

    before: Role
    after: Role
    difference: Difference
    sight_before: str
    sight_after: str
    seen: str  # what this rests on: with anything else it is shown again


def _change(member: Member, listed: ListRolesResponse, values: Values) -> Change | None:
    """None where nothing else may be done than before, and for a role that there is not."""
    by_id = {role.id: role for role in listed.roles}
    before = by_id.get(member.custom_role_id or member.role)
    after = by_id.get(values["role"])
    if before is None or after is None:
        return None
    was, will = _sight(before, member.visibility), _sight(after, values["visibility"])
    needs_all = set(listed.needs_all)
    may, will_may = (
        set(role.permissions) - (set() if sight == "all" else needs_all)
        for role, sight in ((before, was), (after, will))
    )
    if before.id == after.id and may == will_may:
        return None
    words = dict(VISIBILITY)
    return Change(
        before,
        after,
        Difference.between(may, will_may),
        words.get(was, was),
        words.get(will, will),
        " ".join((before.id, before.etag, after.id, after.etag, was, will)),
    )


def _sight(role: Role, visibility: str) -> str:
    return "all" if (role.base or role.id) in SEES_ALL else visibility


async def _review(request: Request, member: Member, change: Change, values: Values) -> Response:
    return rendering_of(request).response(
        request,
        "settings/member_role.html",
        await viewer_of(request),
        member=member,
        values=values,
        **change._asdict(),
    )


@router.get("/settings/members/{user_id}/remove", dependencies=[needs("members.write")])
async def ask_to_remove(request: Request, user_id: str) -> Response:
    """Says what it means before somebody goes."""
    return await _removal(request, user_id, Errors())


@router.post("/settings/members/{user_id}/remove")
async def remove_member(request: Request, user_id: str) -> Response:
    """Takes somebody out, perhaps oneself; what belongs to them stays."""
    me = str(signed_in(request).user_id)
    asked = RemoveMemberRequest(user_id=user_id)
    try:
        await clients_of(request).workspaces.RemoveMember(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind not in (ErrorKind.REFUSED, ErrorKind.FORBIDDEN):
            raise
        return await _removal(request, user_id, Errors(refusal.message))
    if user_id != me:
        return RedirectResponse("/settings/members?removed=1", 303)
    response = RedirectResponse("/sign-in?out=1", 303)
    await end_session(request, response)
    return response


async def _removal(request: Request, user_id: str, errors: Errors) -> Response:
    viewer, found = await together(viewer_of(request), all_members(request))
    member = next((member for member in found if member.user_id == user_id), None)
    if member is None:
        raise HttpProblem(404, "MEMBER_NOT_FOUND", "There is no such member.")
    return rendering_of(request).response(
        request,
        "settings/member_remove.html",
        viewer,
        status=errors.status,
        member=member,
        me=str(signed_in(request).user_id),
        message=errors.message,
    )


async def all_members(request: Request) -> list[Member]:
    """All of them, by name."""
    found: list[Member] = []
    asked = ListMembersRequest(page_size=MOST)
    while True:
        page = await clients_of(request).workspaces.ListMembers(asked, identity_of(request))
        found += page.members
        if not page.next_page_token:
            return found
        asked.page_token = page.next_page_token


async def members_page(
    request: Request,
    errors: Errors,
    refused: str = "",
    *,
    invited: Values | None = None,
    invitation_errors: Errors | None = None,
) -> Response:
    """Everybody; and whom it is about to be sent to, when somebody is invited."""
    invitation_errors = invitation_errors or Errors()
    viewer, found, roles = await together(
        viewer_of(request), all_members(request), all_roles(request)
    )
    return rendering_of(request).response(
        request,
        "settings/members.html",
        viewer,
        status=max(errors.status, invitation_errors.status),
        members=found,
        teams=sorted({member.team for member in found if member.team}),
        roles=options(roles),
        visibilities=VISIBILITY,
        sees_all=SEES_ALL,
        me=str(signed_in(request).user_id),
        message=errors.message,
        refused=refused,
        saved="saved" in request.query_params,
        removed="removed" in request.query_params,
        invited=invited or Values(role="sales"),
        invitation=invitation_errors,
    )
