"""Settings of what a workspace adds to its records: custom fields and tags."""

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1 import field_service_pb2 as pb
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import Viewer, rendering_of
from gateway.entrypoints.pages.stages import COLORS
from kit.errors import DomainError, ErrorKind

TYPES = [
    ("text", "Text"),
    ("number", "Number"),
    ("money", "Money"),
    ("date", "Date"),
    ("select", "One of several"),
    ("multi_select", "Some of several"),
    ("url", "Web address"),
    ("checkbox", "Yes or no"),
]
RESOURCES = [("deals", "Deals"), ("clients", "Clients")]
LABELS = {
    "name": "Name",
    "type": "Type",
    "options": "What can be chosen",
    "resource": "Of",
    "new_name": "New name",
    "color": "Colour",
}
_NOTES = {"field": "Field saved.", "removed": "Removed.", "tag": "Tag saved."}

router = APIRouter(include_in_schema=False)


@router.get("/settings/fields")
async def fields_page(request: Request) -> Response:
    """The fields of deals and clients."""
    viewer, found = await together(viewer_of(request), list_fields(request))
    return rendering_of(request).response(
        request,
        "settings/fields.html",
        viewer,
        groups=[(words, [f for f in found if f.resource == name]) for name, words in RESOURCES],
        types=dict(TYPES),
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


@router.get("/settings/fields/new", dependencies=[needs("settings.write")])
async def new_field(request: Request) -> Response:
    """The empty form."""
    viewer = await viewer_of(request)
    return _form(request, viewer, "", Values(resource="deals", type="text"), Errors())


@router.post("/settings/fields/new")
async def create_field(request: Request) -> Response:
    """One more field."""
    values, viewer = await values_of(request), await viewer_of(request)
    field = pb.CustomField(
        resource=values["resource"],
        name=values["name"],
        type=values["type"],
        options=_lines(values["options"]),
    )
    try:
        await clients_of(request).fields.CreateCustomField(
            pb.CreateCustomFieldRequest(custom_field=field), identity_of(request)
        )
    except DomainError as refusal:
        return _form(request, viewer, "", values, _errors(refusal))
    return RedirectResponse("/settings/fields?saved=field", 303)


@router.post("/settings/fields/order")
async def move_field(request: Request) -> Response:
    """One field a place up or down."""
    signed_in(request)
    values = await values_of(request)
    field = await _one(request, values["id"])
    place = max(0, field.position + (1 if values["do"] == "down" else -1))
    await _update(request, pb.CustomField(id=field.id, position=place), "position", field.etag)
    return RedirectResponse("/settings/fields?saved=field", 303)


@router.get("/settings/fields/{field_id}/edit", dependencies=[needs("settings.write")])
async def edit_field(request: Request, field_id: str) -> Response:
    """The form with the field's values."""
    viewer, field = await together(viewer_of(request), _one(request, field_id))
    values = Values(
        resource=field.resource,
        name=field.name,
        type=field.type,
        key=field.key,
        options="\n".join(field.options),
        etag=field.etag,
    )
    return _form(request, viewer, field_id, values, Errors())


@router.post("/settings/fields/{field_id}/edit")
async def update_field(request: Request, field_id: str) -> Response:
    """Saves the form."""
    values, viewer = await values_of(request), await viewer_of(request)
    field = pb.CustomField(id=field_id, name=values["name"], options=_lines(values["options"]))
    try:
        await _update(request, field, "name options", values["etag"])
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = (await _one(request, field_id)).etag
            message = "Somebody has changed this field since you opened it. Save again to replace."
            return _form(request, viewer, field_id, values, Errors(message))
        return _form(request, viewer, field_id, values, _errors(refusal))
    return RedirectResponse("/settings/fields?saved=field", 303)


@router.post("/settings/fields/{field_id}/remove")
async def remove_field(request: Request, field_id: str) -> Response:
    """Takes a field away; records keep what they hold."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).fields.DeleteCustomField(
        pb.DeleteCustomFieldRequest(custom_field_id=field_id, etag=values["etag"]),
        identity_of(request),
    )
    return RedirectResponse("/settings/fields?saved=removed", 303)


@router.get("/settings/tags")
async def tags_page(request: Request) -> Response:
    """All tags, with their colours."""
    return await _tags(request, Errors())


@router.post("/settings/tags")
async def change_tag(request: Request) -> Response:
    """Gives a colour and a name, or takes the tag off: the button that was pressed says which."""
    signed_in(request)
    values = await values_of(request)
    fields, identity = clients_of(request).fields, identity_of(request)
    name, new_name = values["name"], values["new_name"] or values["name"]
    try:
        if values["do"] == "remove":
            await fields.DeleteTag(pb.DeleteTagRequest(name=name), identity, timeout=20.0)
            return RedirectResponse("/settings/tags?saved=removed", 303)
        if new_name != name and values["do"] == "save":
            rename = pb.RenameTagRequest(name=name, new_name=new_name)
            await fields.RenameTag(rename, identity, timeout=20.0)
        tag = pb.Tag(name=new_name, color=values["color"])
        await fields.PutTag(pb.PutTagRequest(tag=tag), identity)
    except DomainError as refusal:
        return await _tags(request, _errors(refusal))
    return RedirectResponse("/settings/tags?saved=tag", 303)


async def list_fields(request: Request, resource: str = "") -> list[pb.CustomField]:
    """The custom fields of a resource; all without one."""
    asked = pb.ListCustomFieldsRequest(resource=resource)
    answer = await clients_of(request).fields.ListCustomFields(asked, identity_of(request))
    return list(answer.custom_fields)


async def _tags(request: Request, errors: Errors) -> Response:
    fields, identity = clients_of(request).fields, identity_of(request)
    viewer, found = await together(
        viewer_of(request), fields.ListTags(pb.ListTagsRequest(), identity)
    )
    return rendering_of(request).response(
        request,
        "settings/tags.html",
        viewer,
        status=errors.status,
        tags=found.tags,
        colors=[(name, name.capitalize()) for name in COLORS],
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


async def _update(request: Request, field: pb.CustomField, paths: str, etag: str) -> None:
    change = pb.UpdateCustomFieldRequest(
        custom_field=field, update_mask=FieldMask(paths=paths.split()), etag=etag
    )
    await clients_of(request).fields.UpdateCustomField(change, identity_of(request))


async def _one(request: Request, field_id: str) -> pb.CustomField:
    found = next((f for f in await list_fields(request) if f.id == field_id), None)
    if found is None:
        raise HttpProblem(404, "CUSTOM_FIELD_NOT_FOUND", "There is no such field.")
    return found


def _form(
    request: Request, viewer: Viewer, field_id: str, values: Values, errors: Errors
) -> Response:
    return rendering_of(request).response(
        request,
        "settings/field_form.html",
        viewer,
        status=errors.status,
        title="Edit field" if field_id else "New field",
        field_id=field_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        types=TYPES,
        resources=RESOURCES,
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _errors(refusal: DomainError) -> Errors:
    if refusal.kind is ErrorKind.REFUSED:
        return Errors(refusal.message)
    return errors_of(refusal, {})
