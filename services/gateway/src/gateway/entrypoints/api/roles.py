"""Roles: the built-in ones, and those of a workspace's own."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import role_service_pb2 as pb
from gateway.entrypoints.api import schemas_roles as shapes
from gateway.entrypoints.api.answers import page_response, record_response
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.operations import BASE, Operations, Parameter
from gateway.entrypoints.api.requests import (
    IF_MATCH,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.permissions import WORDS

RPC = pb.DESCRIPTOR.services_by_name["RoleService"].methods_by_name
ROLE = path_parameter("role_id", "role")
MOVE_TO = Parameter("move_to", "query", "Id of the role, built-in or not, that those get who have "
                    "this one; not needed when nobody does.", {"type": "string"})  # fmt: skip

operations = Operations("Account")
add = operations.add


@add("GET", "/roles", rpc=RPC["ListRoles"], summary="List roles", answer=shapes.RoleList)
async def list_roles(request: Request) -> Response:
    """The built-in ones, then the workspace's own by name: all at once, there are at most 56."""
    read_query(request)
    answer = await _call(request, "ListRoles", pb.ListRolesRequest())
    return page_response(map(role_json, answer.roles), "")


@add("GET", "/permissions", rpc=RPC["ListRoles"], summary="List permissions",
     answer=shapes.PermissionList)  # fmt: skip
async def list_permissions(request: Request) -> Response:
    """What roles are made of, in words; those that every role has are added to any."""
    read_query(request)
    answer = await _call(request, "ListRoles", pb.ListRolesRequest())
    known = {permission for role in answer.roles for permission in role.permissions}
    items = (
        {"name": name, "description": words, "always": name in answer.basis}
        for name, words in WORDS.items()
        if name in known
    )
    return page_response(items, "")


@add("POST", "/roles", rpc=RPC["CreateRole"], summary="Create a role", body=shapes.RoleIn,
     answer=shapes.RoleOut, status=201, problems=[409])  # fmt: skip
async def create_role(request: Request) -> Response:
    """Its base with less: it has the base's rank, and never more than the base allows. Nobody makes
    one that may do what they may not."""
    body = await read_body(request, shapes.RoleIn)
    role = await _call(request, "CreateRole", pb.CreateRoleRequest(**body.model_dump()))
    location = f"{BASE}/roles/{role.id}"
    return record_response(request, role_json(role), role.etag, status=201, location=location)


@add("GET", "/roles/{role_id}", rpc=RPC["ListRoles"], summary="Get a role",
     answer=shapes.RoleOut, parameters=[ROLE], problems=[404])  # fmt: skip
async def get_role(request: Request) -> Response:
    """One of the workspace's own. `ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    role = await _get(request)
    return record_response(request, role_json(role), role.etag)


@add("PATCH", "/roles/{role_id}", rpc=RPC["UpdateRole"], summary="Change a role",
     body=shapes.RoleChange, answer=shapes.RoleOut, parameters=[ROLE, IF_MATCH],
     problems=[404, 409, 412, 428])  # fmt: skip
async def update_role(request: Request) -> Response:
    """Only the fields that are sent change. When it allows anything else from then on, the tokens
    of whoever has it end."""
    etag = if_match(request)
    body = await read_body(request, shapes.RoleChange)
    values = body.model_dump(exclude_none=True)
    role = pb.Role(id=request.path_params["role_id"], **values)
    change = pb.UpdateRoleRequest(role=role, update_mask=FieldMask(paths=sorted(values)), etag=etag)
    changed = await _or_current(request, "UpdateRole", change)
    return record_response(request, role_json(changed), changed.etag)


@add("DELETE", "/roles/{role_id}", rpc=RPC["DeleteRole"], summary="Remove a role", status=204,
     parameters=[ROLE, MOVE_TO, IF_MATCH], problems=[404, 409, 412, 428])  # fmt: skip
async def delete_role(request: Request) -> Response:
    """Refused with `ROLE_IN_USE` while somebody has it, or is invited into it, and `move_to` does
    not say what they get instead."""
    etag = if_match(request)
    query = read_query(request, "move_to")
    removal = pb.DeleteRoleRequest(
        role_id=request.path_params["role_id"], move_to=query.get("move_to", ""), etag=etag
    )
    await _or_current(request, "DeleteRole", removal)
    return Response(status_code=204)


def role_json(role: pb.Role) -> dict[str, Any]:
    """A role as the API shows it."""
    return {
        "id": role.id,
        "name": role.name,
        "base": role.base or None,
        "permissions": list(role.permissions),
        "member_count": role.member_count,
        "version": int(role.etag) if role.etag else None,
    }


async def _call(request: Request, method: str, message: Any) -> Any:
    return await getattr(request.app.state.clients.roles, method)(message, identity_of(request))


async def _get(request: Request) -> pb.Role:
    """Raises HttpProblem 404. There is a handful of them, so all are asked for."""
    answer = await _call(request, "ListRoles", pb.ListRolesRequest())
    wanted = request.path_params["role_id"]
    found: pb.Role | None = next((role for role in answer.roles if role.id == wanted), None)
    if found is None:
        raise HttpProblem(404, "ROLE_NOT_FOUND", "There is no such role.")
    return found


async def _or_current(request: Request, method: str, message: Any) -> Any:
    return await or_current(_call(request, method, message), lambda: _get(request), role_json)
