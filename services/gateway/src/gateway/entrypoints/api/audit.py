"""Who did what in the workspace."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import audit_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, page_response
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import PAGING, identity_of, read_page, read_query
from gateway.entrypoints.errors import HttpProblem
from kit.clock import to_timestamp

RPC = pb.DESCRIPTOR.services_by_name["AuditService"].methods_by_name
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}

operations = Operations("Audit")
add = operations.add


@add("GET", "/audit", rpc=RPC["ListAuditEntries"], summary="List who did what",
     answer=schemas.AnyPage,
     parameters=[
         *PAGING,
         Parameter("actor_id", "query", "Only what this person did.", _TEXT),
         Parameter("subject_id", "query", "Only what was done to this.", _TEXT),
         Parameter("type", "query", "Only types that begin so: `crm.deal.`.", _TEXT),
         Parameter("from", "query", "Only what came at this time or later.", _TIME),
         Parameter("to", "query", "Only what came before this time.", _TIME),
     ])  # fmt: skip
async def list_audit(request: Request) -> Response:
    """The latest first. What was before and after: a record's own history says it, or `detail`."""
    query = read_query(request, "limit", "cursor", "actor_id", "subject_id", "type", "from", "to")
    page = read_page(query)
    asked = pb.ListAuditEntriesRequest(
        page_size=page.size,
        page_token=page.token,
        actor_id=query.get("actor_id", ""),
        subject_id=query.get("subject_id", ""),
        type=query.get("type", ""),
    )
    if "from" in query:
        asked.from_time.CopyFrom(to_timestamp(_instant("from", query["from"])))
    if "to" in query:
        asked.to_time.CopyFrom(to_timestamp(_instant("to", query["to"])))
    answer = await request.app.state.clients.audit.ListAuditEntries(asked, identity_of(request))
    return page_response(map(entry_json, answer.entries), answer.next_page_token)


def _instant(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError
    except ValueError:
        said = f"{name} is a time such as 2026-03-01T00:00:00Z."
        raise HttpProblem(400, "PARAMETER_INVALID", said, fields={name: said}) from None
    return found


def entry_json(entry: pb.AuditEntry) -> dict[str, Any]:
    """An entry as the API shows it."""
    return {
        "id": entry.id,
        "type": entry.type,
        "subject_id": entry.subject_id,
        "actor_id": entry.actor_id or None,
        "actor_name": entry.actor_name or None,
        "happened_at": instant(entry.happen_time),
        "recorded_at": instant(entry.record_time),
        "version": entry.version,
        "bulk_id": entry.bulk_id or None,
        "address": entry.address or None,
        "detail": entry.detail or None,
    }
