"""What happened, over gRPC."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from crm.adapters import timeline
from crm.adapters.reading import Read, rows
from crm.domain.errors import ClientNotFound, DealNotFound
from crm.entrypoints.app import App
from crm.entrypoints.rpc.activity_messages import KINDS
from crm.entrypoints.rpc.mapping import stamp, text_of
from freelanceflow.crm.v1 import timeline_service_pb2 as pb
from freelanceflow.crm.v1 import timeline_service_pb2_grpc as api
from freelanceflow.crm.v1.activity_service_pb2 import Activity
from freelanceflow.crm.v1.deal_service_pb2 import FieldChange
from kit.errors import InvalidInput
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of

END_OF_TIME = datetime(9999, 12, 30, tzinfo=UTC)
LAST_ID = UUID(int=2**128 - 1)


class TimelineService(api.TimelineServiceServicer):
    """Of a deal, of a client, of the workspace."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListTimeline(
        self, request: pb.ListTimelineRequest, context: Context
    ) -> pb.ListTimelineResponse:
        """Latest first."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        read, scope = _scope(request)
        size = page_size(request.page_size)
        about = f"timeline {workspace_id} {scope}"
        at, last_id = END_OF_TIME, LAST_ID
        if request.page_token:
            at, last_id = app.page_tokens.read(request.page_token, about)
        found = await rows(app.pool, workspace_id, read, **scope, at=at, id=last_id, size=size + 1)
        if not found:
            _there_is_one(request)
        more = len(found) > size
        end = found[size - 1] if more else None
        return pb.ListTimelineResponse(
            entries=[entry_message(entry) for entry in found[:size]],
            next_page_token=app.page_tokens.issue((end["at"], end["id"]), about) if end else "",
        )


def _scope(request: pb.ListTimelineRequest) -> tuple[Read, dict[str, Any]]:
    if request.client_id and request.deal_id:
        raise InvalidInput("", fields={"deal_id": "Ask for a client or for a deal."})
    if request.deal_id:
        return timeline.OF_DEAL, {"deal": parse_id(request.deal_id, "deal_id")}
    if request.client_id:
        return timeline.OF_CLIENT, {"client": parse_id(request.client_id, "client_id")}
    return timeline.OF_WORKSPACE, {}


def _there_is_one(request: pb.ListTimelineRequest) -> None:
    """Whatever is there has begun some time: nothing at all is told of what is not."""
    if request.page_token:
        return
    if request.deal_id:
        raise DealNotFound("There is no such deal.")
    if request.client_id:
        raise ClientNotFound("There is no such client.")


def entry_message(row: asyncpg.Record) -> pb.TimelineEntry:
    """A row of adapters.timeline."""
    entry = pb.TimelineEntry(
        id=str(row["id"]),
        kind=row["kind"],
        happen_time=stamp(row["at"]),
        actor_id=text_of(row["actor_id"]),
        actor_name=row["actor_name"],
        deal_id=text_of(row["deal_id"]),
        deal_name=row["deal_name"],
        client_id=text_of(row["client_id"]),
        client_name=row["client_name"],
        changes=[
            FieldChange(field=field, before=before, after=after)
            for field, before, after in row["changes"]
        ],
        from_stage_name=row["from_stage_name"],
        to_stage_name=row["to_stage_name"],
        days_in_stage=row["days_in_stage"],
    )
    if row["activity_kind"]:
        entry.activity.MergeFrom(
            Activity(
                id=str(row["id"]),
                kind=KINDS[row["activity_kind"]],
                subject=row["subject"],
                body=row["body"],
                etag=str(row["activity_version"]),
            )
        )
    return entry
