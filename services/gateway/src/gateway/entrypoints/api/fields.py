"""Custom fields and tags."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import field_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api import setting_schemas as shapes
from gateway.entrypoints.api.answers import json_response, page_response, record_response
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.operations import BASE, Operations, Parameter
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

RPC = pb.DESCRIPTOR.services_by_name["FieldService"].methods_by_name
FIELD = path_parameter("custom_field_id", "custom field")
OF = Parameter("resource", "query", "Only those of `clients` or `deals`.", {"type": "string"})
TAG = Parameter("tag", "path", "The tag itself.", {"type": "string"})

operations = Operations("Settings")
add = operations.add


@add("GET", "/custom-fields", rpc=RPC["ListCustomFields"], summary="List custom fields",
     answer=schemas.AnyPage, parameters=[OF])  # fmt: skip
async def list_custom_fields(request: Request) -> Response:
    """In order. Records hold values under `key`, filters find them as `cf_<key>`."""
    query = read_query(request, "resource")
    found = await _list(request, query.get("resource", ""))
    return page_response(map(_field, found), "")


@add("POST", "/custom-fields", rpc=RPC["CreateCustomField"], summary="Create a custom field",
     body=shapes.CustomFieldIn, answer=shapes.CustomFieldOut, status=201,
     parameters=[IDEMPOTENCY_KEY], problems=[409])  # fmt: skip
async def create_custom_field(request: Request) -> Response:
    """The key is made of the name, and never changes; neither does the type."""
    body = await read_body(request, shapes.CustomFieldIn)
    field = await _call(
        request,
        "CreateCustomField",
        pb.CreateCustomFieldRequest(custom_field=pb.CustomField(**body.model_dump())),
    )
    location = f"{BASE}/custom-fields/{field.id}"
    return record_response(request, _field(field), field.etag, status=201, location=location)


@add("GET", "/custom-fields/{custom_field_id}", rpc=RPC["ListCustomFields"],
     summary="Get a custom field", answer=shapes.CustomFieldOut, parameters=[FIELD],
     problems=[404])  # fmt: skip
async def get_custom_field(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    field = await _get(request)
    return record_response(request, _field(field), field.etag)


@add("PATCH", "/custom-fields/{custom_field_id}", rpc=RPC["UpdateCustomField"],
     summary="Change a custom field", body=shapes.CustomFieldChange, answer=shapes.CustomFieldOut,
     parameters=[FIELD, IF_MATCH], problems=[404, 409, 412, 428])  # fmt: skip
async def update_custom_field(request: Request) -> Response:
    """Name, options and place. Records keep values that are no option any more."""
    etag = if_match(request)
    body = await read_body(request, shapes.CustomFieldChange)
    given = body.model_dump(exclude_unset=True)
    values = {name: value for name, value in given.items() if value is not None}
    change = pb.UpdateCustomFieldRequest(
        custom_field=pb.CustomField(id=request.path_params["custom_field_id"], **values),
        update_mask=FieldMask(paths=sorted(values)),
        etag=etag,
    )
    field = await _or_current(request, "UpdateCustomField", change)
    return record_response(request, _field(field), field.etag)


@add("DELETE", "/custom-fields/{custom_field_id}", rpc=RPC["DeleteCustomField"],
     summary="Remove a custom field", status=204, parameters=[FIELD, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def delete_custom_field(request: Request) -> Response:
    """Records keep what they hold, unseen."""
    removal = pb.DeleteCustomFieldRequest(
        custom_field_id=request.path_params["custom_field_id"], etag=if_match(request)
    )
    await _or_current(request, "DeleteCustomField", removal)
    return Response(status_code=204)


@add("GET", "/tags", rpc=RPC["ListTags"], summary="List tags", answer=schemas.AnyPage)  # fmt: skip
async def list_tags(request: Request) -> Response:
    """Those that deals or clients carry, or that have a colour; by name, with how many you see."""
    read_query(request)
    answer = await _call(request, "ListTags", pb.ListTagsRequest())
    return page_response(map(_tag, answer.tags), "")


@add("PUT", "/tags", rpc=RPC["PutTag"], summary="Give a tag a colour", body=shapes.TagIn,
     answer=shapes.TagOut, problems=[409])  # fmt: skip
async def put_tag(request: Request) -> Response:
    """It need not be on any record yet."""
    body = await read_body(request, shapes.TagIn)
    tag = await _call(request, "PutTag", pb.PutTagRequest(tag=pb.Tag(**body.model_dump())))
    return json_response(_tag(tag))


@add("PATCH", "/tags/{tag}", rpc=RPC["RenameTag"], summary="Rename a tag", body=shapes.TagRename,
     answer=shapes.TagCarriers, parameters=[TAG], problems=[404])  # fmt: skip
async def rename_tag(request: Request) -> Response:
    """On all records; under the name of another tag the two become one."""
    body = await read_body(request, shapes.TagRename)
    rename = pb.RenameTagRequest(name=request.path_params["tag"], new_name=body.name)
    return json_response(_carriers(await _call(request, "RenameTag", rename)))


@add("DELETE", "/tags/{tag}", rpc=RPC["DeleteTag"], summary="Remove a tag",
     answer=shapes.TagCarriers, parameters=[TAG], problems=[404])  # fmt: skip
async def delete_tag(request: Request) -> Response:
    """From all records."""
    removal = pb.DeleteTagRequest(name=request.path_params["tag"])
    return json_response(_carriers(await _call(request, "DeleteTag", removal)))


async def _call(request: Request, method: str, message: Any) -> Any:
    return await getattr(request.app.state.clients.fields, method)(message, identity_of(request))


async def _list(request: Request, resource: str = "") -> list[pb.CustomField]:
    asked = pb.ListCustomFieldsRequest(resource=resource)
    return list((await _call(request, "ListCustomFields", asked)).custom_fields)


async def _get(request: Request) -> pb.CustomField:
    wanted = request.path_params["custom_field_id"]
    found = next((field for field in await _list(request) if field.id == wanted), None)
    if found is None:
        raise HttpProblem(404, "CUSTOM_FIELD_NOT_FOUND", "There is no such field.")
    return found


async def _or_current(request: Request, method: str, message: Any) -> Any:
    return await or_current(_call(request, method, message), lambda: _get(request), _field)


def _field(field: pb.CustomField) -> dict[str, Any]:
    return {
        "id": field.id,
        "resource": field.resource,
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "options": field.options[:],
        "position": field.position,
        "version": int(field.etag),
    }


def _tag(tag: pb.Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "color": tag.color,
        "deal_count": tag.deal_count,
        "client_count": tag.client_count,
    }


def _carriers(answer: Any) -> dict[str, int]:
    return {"deal_count": answer.deal_count, "client_count": answer.client_count}
