"""Who did what, over gRPC."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from auth.adapters import audit
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import audit_message
from freelanceflow.auth.v1 import audit_service_pb2 as pb
from freelanceflow.auth.v1 import audit_service_pb2_grpc as grpc_api
from kit.clock import from_timestamp
from kit.errors import InvalidInput
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of

LONGEST_TYPE = 100


class AuditService(grpc_api.AuditServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        workspace_id, size = principal_of(context).workspace_id, page_size(request.page_size)
        wanted: dict[str, Any] = {
            "actor": parse_id(request.actor_id, "actor_id") if request.actor_id else None,
            "subject": parse_id(request.subject_id, "subject_id") if request.subject_id else None,
            "type": _type(request.type),
            "since": _instant(request, "from_time"),
            "until": _instant(request, "to_time"),
        }
        mark = f"audit {workspace_id} {wanted}"
        before = audit.LAST
        if request.page_token:
            (before,) = self._app.pages.read(request.page_token, mark)
        async with self._app.unit_of_work(workspace_id) as tx:
            rows = await audit.page(tx, before=before, size=size + 1, **wanted)
        page = rows[:size]
        more = len(rows) > size
        return pb.ListAuditEntriesResponse(
            entries=[audit_message(row) for row in page],
            next_page_token=self._app.pages.issue((page[-1]["event_id"],), mark) if more else "",
        )


def _type(text: str) -> str:
    if len(text) > LONGEST_TYPE or not all(letter.isalnum() or letter in "._" for letter in text):
        said = "A type looks like crm.deal.v1.moved."
        raise InvalidInput(said, fields={"type": said})
    return text.replace("_", "\\_")


def _instant(request: pb.ListAuditEntriesRequest, field: str) -> datetime | None:
    if not request.HasField(field):  # type: ignore[arg-type]
        return None
    value: Timestamp = getattr(request, field)
    try:
        return from_timestamp(value)
    except OverflowError:
        raise InvalidInput("This is no time.", fields={field: "This is no time."}) from None
