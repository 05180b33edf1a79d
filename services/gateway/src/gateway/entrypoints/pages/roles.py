"""What each role may do, and roles of the workspace's own."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Self

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1 import role_service_pb2 as pb
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
from gateway.entrypoints.permissions import WORDS
from kit.errors import DomainError, ErrorKind

OWNER = "owner"  # is no base, and only owners give it
CHOICE = "may-"  # before the name of a permission in a form
LABELS = {"name": "Name", "permissions": "May", "move_to": "Members get", "base": "Begins with"}
_NOTES = {"saved": "Role saved.", "removed": "Role removed."}
_CHANGED = "Somebody has changed this role since you opened it. Look again before you save."
_SAID = (ErrorKind.REFUSED, ErrorKind.FORBIDDEN)

router = APIRouter(include_in_schema=False)


class Difference(NamedTuple):
    """What somebody may do more, and no longer."""

    more: list[str]
    less: list[str]

    @classmethod
    def between(cls, before: AbstractSet[str], after: AbstractSet[str]) -> Self:
        """In words, as they are listed for people."""
        return cls(_in_words(after - before), _in_words(before - after))


@router.get("/settings/roles")
async def roles_page(request: Request) -> Response:
    """Roles beside each other, permission by permission."""
    viewer, answer = await together(viewer_of(request), list_roles(request))
    return rendering_of(request).response(
        request,
        "settings/roles.html",
        viewer,
        roles=answer.roles,
        own=[role for role in answer.roles if role.base],
        names={role.id: role.name for role in answer.roles},
        bases=_bases(answer.roles),
        words=WORDS,
        note=_NOTES.get(request.query_params.get("done", ""), ""),
    )


@router.get("/settings/roles/new", dependencies=[needs("members.write")])
async def new_role(request: Request) -> Response:
    """All that the role allows which it begins with, to be taken from; asks for that one first."""
    chosen = request.query_params.get("base", "")
    if not chosen:
        return await _ask_for_base(request)
    base = _one(await all_roles(request), chosen)
    values = Values(base=base.id, **{f"{CHOICE}{name}": "1" for name in base.permissions})
    return await _form(request, "", values, Errors())


@router.post("/settings/roles/new")
async def create_role(request: Request) -> Response:
    """One more role."""
    signed_in(request)
    values = await values_of(request)
    asked = pb.CreateRoleRequest(
        name=values["name"], base=values["base"], permissions=_chosen(values)
    )
    try:
        await clients_of(request).roles.CreateRole(asked, identity_of(request))
    except DomainError as refusal:
        return await _form(request, "", values, _errors(refusal))
    return _done("saved")


@router.get("/settings/roles/{role_id}/edit", dependencies=[needs("members.write")])
async def edit_role(request: Request, role_id: str) -> Response:
    """The form with what the role allows."""
    role = _one(await all_roles(request), role_id)
    values = Values(name=role.name, base=role.base, etag=role.etag)
    values |= {f"{CHOICE}{name}": "1" for name in role.permissions}
    return await _form(request, role_id, values, Errors())


@router.post("/settings/roles/{role_id}/edit")
async def update_role(request: Request, role_id: str) -> Response:
    """Shows what would change, and saves it once that is confirmed."""
    signed_in(request)
    values = await values_of(request)
    if values["do"] == "edit":
        return await _form(request, role_id, values, Errors())
    if values["do"] != "save":
        return await _review(request, role_id, values)
    asked = pb.UpdateRoleRequest(
        role=pb.Role(id=role_id, name=values["name"], permissions=_chosen(values)),
        update_mask=FieldMask(paths=["name", "permissions"]),
        etag=values["etag"],
    )
    try:
        await clients_of(request).roles.UpdateRole(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = _one(await all_roles(request), role_id).etag
            return await _form(request, role_id, values, Errors(_CHANGED))
        return await _form(request, role_id, values, _errors(refusal))
    return _done("saved")


@router.get("/settings/roles/{role_id}/remove", dependencies=[needs("members.write")])
async def ask_to_remove(request: Request, role_id: str) -> Response:
    """Asks what those get who have it."""
    return await _removal(request, role_id, Errors())


@router.post("/settings/roles/{role_id}/remove")
async def remove_role(request: Request, role_id: str) -> Response:
    """Removes a role; who has it gets what the form says."""
    signed_in(request)
    values = await values_of(request)
    asked = pb.DeleteRoleRequest(role_id=role_id, move_to=values["move_to"], etag=values["etag"])
    try:
        await clients_of(request).roles.DeleteRole(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            return await _removal(request, role_id, Errors(_CHANGED))
        return await _removal(request, role_id, _errors(refusal))
    return _done("removed")


async def all_roles(request: Request) -> list[pb.Role]:
    """The built-in ones first."""
    return list((await list_roles(request)).roles)


def base_of(role_id: str, roles: Collection[pb.Role]) -> str:
    """The built-in role behind an id; the id itself where nothing is known of it."""
    return next((role.base for role in roles if role.id == role_id and role.base), role_id)


async def list_roles(request: Request) -> pb.ListRolesResponse:
    """All of them, and what holds for all."""
    answer: pb.ListRolesResponse = await clients_of(request).roles.ListRoles(
        pb.ListRolesRequest(), identity_of(request)
    )
    return answer


async def _ask_for_base(request: Request) -> Response:
    viewer, roles = await together(viewer_of(request), all_roles(request))
    return rendering_of(request).response(
        request, "settings/role_new.html", viewer, bases=_bases(roles)
    )


async def _form(request: Request, role_id: str, values: Values, errors: Errors) -> Response:
    viewer, answer = await together(viewer_of(request), list_roles(request))
    base = _one(answer.roles, values["base"])
    return rendering_of(request).response(
        request,
        "settings/role_form.html",
        viewer,
        status=errors.status,
        title="Edit role" if role_id else "New role",
        role_id=role_id,
        base=base,
        choices=[(name, WORDS.get(name, name)) for name in _in_order(base.permissions)],
        basis=answer.basis,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
    )


async def _review(request: Request, role_id: str, values: Values) -> Response:
    viewer, answer = await together(viewer_of(request), list_roles(request))
    role = _one(answer.roles, role_id)
    after = {*_chosen(values), *answer.basis}
    difference = Difference.between(set(role.permissions), after)
    renamed = " ".join(values["name"].split()) != role.name
    if not any(difference) and not renamed:
        return RedirectResponse("/settings/roles", 303)
    return rendering_of(request).response(
        request,
        "settings/role_review.html",
        viewer,
        role=role,
        renamed_from=role.name if renamed else "",
        difference=difference,
        values=values,
        kept=[name for name in values if name.startswith(CHOICE)],
    )


async def _removal(request: Request, role_id: str, errors: Errors) -> Response:
    viewer, roles = await together(viewer_of(request), all_roles(request))
    role = _one(roles, role_id)
    others = [one for one in roles if one.id not in (role_id, OWNER)]
    return rendering_of(request).response(
        request,
        "settings/role_remove.html",
        viewer,
        status=errors.status,
        role=role,
        targets=options(others),
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
    )


def _chosen(values: Values) -> list[str]:
    return [name.removeprefix(CHOICE) for name in values if name.startswith(CHOICE)]


def _in_words(names: Collection[str]) -> list[str]:
    return [WORDS.get(name, name) for name in _in_order(names)]


def _in_order(names: Collection[str]) -> list[str]:
    """As they are listed for people; what has no words comes last."""
    return [*(name for name in WORDS if name in names), *sorted(set(names) - WORDS.keys())]


def _bases(roles: Collection[pb.Role]) -> list[tuple[str, str]]:
    return options(role for role in roles if not role.base and role.id != OWNER)


def _one(roles: Collection[pb.Role], role_id: str) -> pb.Role:
    found = next((role for role in roles if role.id == role_id), None)
    if found is None:
        raise HttpProblem(404, "ROLE_NOT_FOUND", "There is no such role.")
    return found


def _errors(refusal: DomainError) -> Errors:
    """Also what is refused for the whole: the page says why."""
    return Errors(refusal.message) if refusal.kind in _SAID else errors_of(refusal, {})


def _done(what: str) -> Response:
    return RedirectResponse(f"/settings/roles?done={what}", 303)
