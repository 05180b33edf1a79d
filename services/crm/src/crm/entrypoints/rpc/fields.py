"""Custom fields and tags over gRPC."""

from typing import Any

from crm.adapters import custom_fields as adapter
from crm.adapters.reading import rows
from crm.adapters.tags import LIST as TAGS
from crm.application import custom_fields, tags
from crm.domain.custom_field import CustomField, FieldEdit, FieldState, FieldType, Resource
from crm.domain.errors import EntryRefused, Problem
from crm.entrypoints.app import App
from crm.entrypoints.rpc.requests import meant, needed_etag
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import field_service_pb2 as pb
from freelanceflow.crm.v1 import field_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of
from kit.sight import EVERYTHING, seeing
from kit.unit_of_work import UnitOfWork

WRITABLE = frozenset({"name", "options", "position"})


class FieldService(api.FieldServiceServicer):
    """What a workspace adds to its records."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListCustomFields(
        self, request: pb.ListCustomFieldsRequest, context: Context
    ) -> pb.ListCustomFieldsResponse:
        """In order."""
        wanted = _resource(request.resource) if request.resource else None
        found = await rows(self._app.pool, principal_of(context).workspace_id, adapter.LIST)
        return pb.ListCustomFieldsResponse(
            custom_fields=[
                _field_message(row["id"], row["version"], adapter.state_of(row))
                for row in found
                if wanted is None or row["resource"] == wanted
            ]
        )

    async def CreateCustomField(
        self, request: pb.CreateCustomFieldRequest, context: Context
    ) -> pb.CustomField:
        """One more field."""
        given = request.custom_field
        resource, type = _resource(given.resource), _type(given.type)
        edit = FieldEdit(name=given.name, options=tuple(given.options))

        async def work(uow: UnitOfWork) -> pb.CustomField:
            field = await custom_fields.create_custom_field(
                uow,
                resource=resource,
                type=type,
                edit=edit,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return _message(field)

        return await write(self._app, context, request, pb.CustomField, work)

    async def UpdateCustomField(
        self, request: pb.UpdateCustomFieldRequest, context: Context
    ) -> pb.CustomField:
        """Other values of a field."""
        fields = meant(request.custom_field, request.update_mask, WRITABLE)
        field_id, etag = parse_id(request.custom_field.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.CustomField:
            edit: Any = {name: getattr(request.custom_field, name) for name in fields}
            if "options" in edit:
                edit["options"] = tuple(edit["options"])
            field = await custom_fields.update_custom_field(
                uow,
                field_id=field_id,
                edit=edit,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return _message(field)

        return await write(self._app, context, request, pb.CustomField, work)

    async def DeleteCustomField(
        self, request: pb.DeleteCustomFieldRequest, context: Context
    ) -> pb.DeleteCustomFieldResponse:
        """One field less."""
        field_id = parse_id(request.custom_field_id, "custom_field_id")
        etag = needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.DeleteCustomFieldResponse:
            await custom_fields.remove_custom_field(
                uow,
                field_id=field_id,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteCustomFieldResponse()

        return await write(self._app, context, request, pb.DeleteCustomFieldResponse, work)

    async def ListTags(self, request: pb.ListTagsRequest, context: Context) -> pb.ListTagsResponse:
        """By name, with how many records of the caller's sight carry them."""
        found = await rows(self._app.pool, principal_of(context).workspace_id, TAGS)
        return pb.ListTagsResponse(
            tags=[
                pb.Tag(
                    name=row["name"],
                    color=row["color"],
                    deal_count=row["deals"],
                    client_count=row["clients"],
                )
                for row in found
            ]
        )

    async def PutTag(self, request: pb.PutTagRequest, context: Context) -> pb.Tag:
        """A colour for a tag."""

        async def work(uow: UnitOfWork) -> pb.Tag:
            name = await tags.put_tag(
                uow,
                name=request.tag.name,
                color=request.tag.color,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.Tag(name=name, color=request.tag.color)

        return await write(self._app, context, request, pb.Tag, work)

    async def RenameTag(
        self, request: pb.RenameTagRequest, context: Context
    ) -> pb.RenameTagResponse:
        """Another name on all records."""

        async def work(uow: UnitOfWork) -> pb.RenameTagResponse:
            carriers = await tags.rename_tag(
                uow,
                name=request.name,
                new_name=request.new_name,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.RenameTagResponse(deal_count=carriers.deals, client_count=carriers.clients)

        with seeing(EVERYTHING):  # a tag is the workspace's, whosesoever the records are
            return await write(self._app, context, request, pb.RenameTagResponse, work)

    async def DeleteTag(
        self, request: pb.DeleteTagRequest, context: Context
    ) -> pb.DeleteTagResponse:
        """Off all records."""

        async def work(uow: UnitOfWork) -> pb.DeleteTagResponse:
            carriers = await tags.remove_tag(
                uow,
                name=request.name,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteTagResponse(deal_count=carriers.deals, client_count=carriers.clients)

        with seeing(EVERYTHING):
            return await write(self._app, context, request, pb.DeleteTagResponse, work)


def _resource(name: str) -> Resource:
    try:
        return Resource(name)
    except ValueError:
        raise EntryRefused(
            [Problem("resource", "RESOURCE_UNKNOWN", "Say clients or deals.")]
        ) from None


def _type(name: str) -> FieldType:
    try:
        return FieldType(name)
    except ValueError:
        said = f"One of {', '.join(FieldType)}."
        raise EntryRefused([Problem("type", "TYPE_UNKNOWN", said)]) from None


def _message(field: CustomField) -> pb.CustomField:
    return _field_message(field.id, field.version, field.state)


def _field_message(id: Any, version: int, state: FieldState) -> pb.CustomField:
    return pb.CustomField(
        id=str(id),
        resource=state.resource,
        key=state.key,
        name=state.name,
        type=state.type,
        options=state.options,
        position=state.position,
        etag=str(version),
    )
