"""Shapes of roles and of who is given them, as the documentation shows them."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import Out

BuiltIn = Literal["owner", "admin", "manager", "sales", "finance", "viewer"]
RoleId = Annotated[
    str,
    Field(
        max_length=64,
        description="Id of a role, built-in or not, as `GET /roles` lists them.",
        examples=["sales", "018f2f6e-7a5a-7cc2-9d1e-3d2f5a1b9c3d"],
    ),
]
RoleName = Annotated[str, Field(min_length=1, max_length=50, examples=["Bookkeeper"])]
Permissions = Annotated[
    list[Annotated[str, Field(max_length=50)]],
    Field(
        max_length=50,
        description="Of those the base has. What every role may do is added.",
        examples=[["exports.write"]],
    ),
]


class InvitationIn(Body):
    email: str = Field(max_length=320)
    role: RoleId


class MemberIn(Body):
    role: RoleId | None = None
    visibility: Literal["own", "team", "all"] | None = None
    team: str | None = Field(default=None, max_length=200)


class RoleIn(Body):
    """A built-in role with less."""

    name: RoleName
    base: Literal["admin", "manager", "sales", "finance", "viewer"]
    permissions: Permissions


class RoleChange(Body):
    """The fields to change; the base stays."""

    name: RoleName | None = None
    permissions: Permissions | None = None


class RoleOut(Out):
    id: str = Field(description="A UUID, or the name of a built-in role.")
    name: str
    base: BuiltIn | None = Field(description="Null for a built-in role.")
    permissions: list[str]
    member_count: int
    version: int | None


class RoleList(Out):
    items: list[RoleOut]
    next_cursor: None


class PermissionOut(Out):
    name: str
    description: str
    always: bool = Field(description="Whether every role has it.")


class PermissionList(Out):
    items: list[PermissionOut]
    next_cursor: None
