"""Built-in roles and the workspace's own, over gRPC."""

from uuid import UUID

from auth.adapters import custom_roles
from auth.application import roles as cases
from auth.domain.custom_role import CustomRole
from auth.domain.errors import FieldNotWritable, RoleHasChanged
from auth.domain.roles import BASIS, NEEDS_ALL, PERMISSIONS
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import role_service_pb2 as pb
from freelanceflow.auth.v1 import role_service_pb2_grpc as grpc_api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of

_WRITABLE = ("name", "permissions")


class RoleService(grpc_api.RoleServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def ListRoles(
        self, request: pb.ListRolesRequest, context: Context
    ) -> pb.ListRolesResponse:
        async with self._app.unit_of_work(principal_of(context).workspace_id) as tx:
            own, counts = await custom_roles.all_of(tx), await custom_roles.holders(tx)
        built_in = [
            pb.Role(
                id=role.value,
                name=role.value.capitalize(),
                permissions=sorted(permissions),
                member_count=counts.get(role.value, 0),
            )
            for role, permissions in PERMISSIONS.items()
        ]
        return pb.ListRolesResponse(
            roles=built_in + [_message(role, counts) for role in own],
            basis=sorted(BASIS),
            needs_all=sorted(NEEDS_ALL),
        )

    async def CreateRole(self, request: pb.CreateRoleRequest, context: Context) -> pb.Role:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            role = await cases.create_role(
                uow,
                name=request.name,
                base=request.base,
                permissions=request.permissions,
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        return _message(role, {})

    async def UpdateRole(self, request: pb.UpdateRoleRequest, context: Context) -> pb.Role:
        principal, paths = principal_of(context), set(request.update_mask.paths)
        if unknown := paths - set(_WRITABLE):
            raise FieldNotWritable(f"{', '.join(sorted(unknown))} cannot be changed here.")
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            role = await cases.change_role(
                uow,
                role_id=_known(request.role.id),
                expected_version=_version(request.etag),
                name=request.role.name if "name" in paths else None,
                permissions=request.role.permissions if "permissions" in paths else None,
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        async with self._app.unit_of_work(principal.workspace_id) as tx:
            return _message(role, await custom_roles.holders(tx))

    async def DeleteRole(
        self, request: pb.DeleteRoleRequest, context: Context
    ) -> pb.DeleteRoleResponse:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id) as uow:
            await cases.delete_role(
                uow,
                role_id=_known(request.role_id),
                expected_version=_version(request.etag),
                move_to=request.move_to,
                by=principal.user_id,
                now=self._app.clock.now(),
            )
        return pb.DeleteRoleResponse()


def _known(role_id: str) -> UUID:
    return parse_id(role_id, "role_id")


def _version(etag: str) -> int:
    if not etag.isdecimal():
        raise RoleHasChanged("Say which version you change.")
    return int(etag)


def _message(role: CustomRole, counts: dict[str, int]) -> pb.Role:
    return pb.Role(
        id=str(role.id),
        name=role.name,
        base=role.base.value,
        permissions=sorted(role.rights),
        member_count=counts.get(str(role.id), 0),
        etag=str(role.version),
    )
