"""Activities over gRPC: message in, use case or query, message out."""

import re
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask

from crm.adapters import activity_queries
from crm.adapters.reading import row, rows
from crm.application.activities import (
    create_activity,
    delete_activity,
    set_activity_done,
    update_activity,
)
from crm.domain.activity import MAX_SUBJECT, ActivityKind
from crm.domain.entries import Entry
from crm.domain.errors import ActivityNotFound, EntryRefused, Problem
from crm.domain.quick_add import read_line
from crm.domain.repetition import Repetition, zone_of
from crm.entrypoints.app import App
from crm.entrypoints.rpc.activity_messages import (
    KINDS_OF,
    REPETITIONS_OF,
    activity_message,
    draft_message,
)
from crm.entrypoints.rpc.requests import Edit, edit_of, meant, needed_etag, read_instant
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import activity_service_pb2 as pb
from freelanceflow.crm.v1 import activity_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


def _read_kind(message: Any, field: str) -> ActivityKind:
    kind = KINDS_OF.get(getattr(message, field))
    if kind is None:
        raise EntryRefused([Problem(field, "KIND_UNKNOWN", "Choose what kind of activity it is.")])
    return kind


def _read_repetition(message: Any, field: str) -> Repetition:
    repetition = REPETITIONS_OF.get(getattr(message, field))
    if repetition is None:
        raise EntryRefused([Problem(field, "REPETITION_UNKNOWN", "Choose how it repeats.")])
    return repetition


READERS = {
    "kind": _read_kind,
    "due_time": read_instant,
    "remind_time": read_instant,
    "repetition": _read_repetition,
}
REFERENCES = {"client_id": "client", "deal_id": "deal", "owner_id": "owner"}
WRITABLE = frozenset({"subject", "body", "all_day", *READERS, *REFERENCES})


class ActivityService(api.ActivityServiceServicer):
    """What was or will be done for a client or a deal."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def GetActivity(self, request: pb.GetActivityRequest, context: Context) -> pb.Activity:
        """One activity."""
        activity_id = parse_id(request.activity_id, "activity_id")
        found = await row(
            self._app.pool,
            principal_of(context).workspace_id,
            activity_queries.GET,
            activity=activity_id,
        )
        if found is None:
            raise ActivityNotFound("There is no such activity.")
        return activity_message(found)

    async def ListActivities(
        self, request: pb.ListActivitiesRequest, context: Context
    ) -> pb.ListActivitiesResponse:
        """A page of activities."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        listing = activity_queries.ACTIVITIES
        page = await listing.page(app.pool, app.page_tokens, workspace_id, request)
        response = pb.ListActivitiesResponse(
            activities=[activity_message(found) for found in page.rows],
            next_page_token=page.next_page_token,
        )
        if request.with_total:
            response.total = await listing.total(app.pool, workspace_id, request.conditions)
        return response

    async def DraftActivity(
        self, request: pb.DraftActivityRequest, context: Context
    ) -> pb.DraftActivityResponse:
        """A line of text as an activity that could be created."""
        entry = Entry()
        text = entry.text("text", request.text, limit=MAX_SUBJECT, needed=True)
        entry.done()
        pool, workspace_id = self._app.pool, principal_of(context).workspace_id
        settled = await row(pool, workspace_id, activity_queries.TIME_ZONE)
        zone = zone_of(settled["time_zone"] if settled else "")
        line = re.sub(r"[,;:!?()]", " ", text.lower())
        mentioned = await rows(
            pool,
            workspace_id,
            activity_queries.MENTIONED,
            line=f" {line} ",
            words=re.findall(r"\w+", line),
        )
        activity = draft_message(read_line(text, now=self._app.clock.now(), zone=zone))
        if len(mentioned) == 1 or (mentioned and mentioned[0]["whole"]):
            activity.client_id = str(mentioned[0]["id"])
            activity.client_name = mentioned[0]["name"]
        return pb.DraftActivityResponse(
            activity=activity,
            clients=[
                pb.ClientChoice(client_id=str(client["id"]), name=client["name"])
                for client in mentioned
            ],
        )

    async def CreateActivity(
        self, request: pb.CreateActivityRequest, context: Context
    ) -> pb.Activity:
        """A new activity."""
        edit = _edit(request.activity, None)
        edit.values.setdefault("kind", _read_kind(request.activity, "kind"))
        done_at = read_instant(request.activity, "done_time")

        async def work(uow: UnitOfWork) -> pb.Activity:
            activity = await create_activity(
                uow,
                edit=edit.values,
                **edit.ids,
                done_at=done_at,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, activity.id)

        return await write(self._app, context, request, pb.Activity, work)

    async def UpdateActivity(
        self, request: pb.UpdateActivityRequest, context: Context
    ) -> pb.Activity:
        """Other values of an activity."""
        mask = request.update_mask if request.HasField("update_mask") else None
        edit = _edit(request.activity, mask)
        activity_id, etag = parse_id(request.activity.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.Activity:
            activity = await update_activity(
                uow,
                activity_id=activity_id,
                edit=edit.values,
                **edit.ids,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, activity.id)

        return await write(self._app, context, request, pb.Activity, work)

    async def SetActivityDone(
        self, request: pb.SetActivityDoneRequest, context: Context
    ) -> pb.Activity:
        """Done, or not done again."""
        activity_id = parse_id(request.activity_id, "activity_id")

        async def work(uow: UnitOfWork) -> pb.Activity:
            activity = await set_activity_done(
                uow,
                activity_id=activity_id,
                done=request.done,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, activity.id)

        return await write(self._app, context, request, pb.Activity, work)

    async def DeleteActivity(
        self, request: pb.DeleteActivityRequest, context: Context
    ) -> pb.DeleteActivityResponse:
        """Into the trash."""
        activity_id, etag = parse_id(request.activity_id, "activity_id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.DeleteActivityResponse:
            await delete_activity(
                uow,
                activity_id=activity_id,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteActivityResponse()

        return await write(self._app, context, request, pb.DeleteActivityResponse, work)


async def _as_read(uow: UnitOfWork, activity_id: UUID) -> pb.Activity:
    found = await uow.row(activity_queries.GET, workspace=uow.workspace_id, activity=activity_id)
    assert found is not None  # it was just written
    return activity_message(found)


def _edit(message: pb.Activity, mask: FieldMask | None) -> Edit:
    return edit_of(message, meant(message, mask, WRITABLE), ids=REFERENCES, readers=READERS)
