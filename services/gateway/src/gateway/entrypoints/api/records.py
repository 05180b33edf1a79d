"""What clients, deals and activities have in common: search, trash, history; and reopening."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import record_service_pb2 as pb
from freelanceflow.crm.v1 import search_service_pb2 as search_pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import (
    instant,
    json_response,
    money,
    page_response,
    record_response,
)
from gateway.entrypoints.api.clients import KIND_NAMES
from gateway.entrypoints.api.deals import DEAL, STAGE_TYPES, deal_json
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGING,
    identity_of,
    if_match,
    path_parameter,
    read_page,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem

RPC = pb.DESCRIPTOR.services_by_name["RecordService"].methods_by_name
SEARCH = search_pb.DESCRIPTOR.services_by_name["SearchService"].methods_by_name
KINDS = {
    "deal": pb.RecordKind.RECORD_KIND_DEAL,
    "client": pb.RecordKind.RECORD_KIND_CLIENT,
    "activity": pb.RecordKind.RECORD_KIND_ACTIVITY,
}
NAMES = {value: name for name, value in KINDS.items()}
RECORD = path_parameter("record_id", "record in the trash")
_TEXT = Parameter(
    "q", "query", "What is looked for.", {"type": "string", "maxLength": 200}, required=True
)
_KIND = Parameter("kind", "query", "Only these.", {"type": "string", "enum": list(KINDS)})

operations = Operations("Records")
add = operations.add


@add("GET", "/search", rpc=SEARCH["Search"], summary="Search", answer=schemas.AnyRecord,
     parameters=[_TEXT])  # fmt: skip
async def search(request: Request) -> Response:
    """Clients, deals and activities, at most eight of each, the best first. Accents and case do not
    matter, words may be in any order, small mistakes are forgiven."""
    text = read_query(request, "q").get("q")
    if text is None:
        raise HttpProblem(
            400, "PARAMETER_MISSING", "Say what to look for.", fields={"q": "Missing."}
        )
    found = await request.app.state.clients.search.Search(
        search_pb.SearchRequest(text=text[:200]), identity_of(request)
    )
    return json_response({"items": [_result(result) for result in found.results]})


@add("GET", "/trash", rpc=RPC["ListTrash"], summary="List the trash", answer=schemas.AnyPage,
     parameters=[*PAGING, _KIND])  # fmt: skip
async def list_trash(request: Request) -> Response:
    """What was deleted, the latest first; `purged_at` is when it goes for good."""
    query = read_query(request, "limit", "cursor", "kind")
    kind = query.get("kind")
    if kind is not None and kind not in KINDS:
        said = f"kind is one of {', '.join(KINDS)}."
        raise HttpProblem(400, "PARAMETER_INVALID", said, fields={"kind": said})
    page = read_page(query)
    answer = await request.app.state.clients.records.ListTrash(
        pb.ListTrashRequest(
            kind=KINDS[kind] if kind else pb.RecordKind.RECORD_KIND_UNSPECIFIED,
            page_size=page.size,
            page_token=page.token,
        ),
        identity_of(request),
    )
    return page_response(map(_trashed, answer.records), answer.next_page_token)


@add("POST", "/trash/{record_id}/restore", rpc=RPC["RestoreRecord"], summary="Restore a record",
     answer=schemas.AnyRecord, parameters=[RECORD, IDEMPOTENCY_KEY], problems=[404])  # fmt: skip
async def restore_record(request: Request) -> Response:
    """A deal comes to stand on top of its column."""
    restored = await request.app.state.clients.records.RestoreRecord(
        pb.RestoreRecordRequest(record_id=request.path_params["record_id"]), identity_of(request)
    )
    shown = {"id": restored.record_id, "kind": NAMES[restored.kind]}
    return json_response(shown, headers={"ETag": f'"{restored.etag}"'})


@add("DELETE", "/trash/{record_id}", rpc=RPC["PurgeRecord"], summary="Delete a record for good",
     status=204, parameters=[RECORD], problems=[404, 409])  # fmt: skip
async def purge_record(request: Request) -> Response:
    """With its history, and with activities that concern nothing else. It cannot be undone.
    Refused for a client while something that the caller does not see belongs to it."""
    await request.app.state.clients.records.PurgeRecord(
        pb.PurgeRecordRequest(record_id=request.path_params["record_id"]), identity_of(request)
    )
    return Response(status_code=204)


@add("POST", "/deals/{deal_id}/reopen", rpc=RPC["ReopenDeal"], summary="Reopen a closed deal",
     answer=schemas.Deal, parameters=[DEAL, IF_MATCH, IDEMPOTENCY_KEY],
     problems=[404, 409, 412, 428])  # fmt: skip
async def reopen_deal(request: Request) -> Response:
    """Back to the stage it was closed from."""
    deal = await request.app.state.clients.records.ReopenDeal(
        pb.ReopenDealRequest(deal_id=request.path_params["deal_id"], etag=if_match(request)),
        identity_of(request),
    )
    return record_response(request, deal_json(deal), deal.etag)


@add("GET", "/clients/{client_id}/history", rpc=RPC["ListClientHistory"],
     summary="History of a client", answer=schemas.AnyPage,
     parameters=[path_parameter("client_id", "client"), *PAGING], problems=[404])  # fmt: skip
async def list_client_history(request: Request) -> Response:
    """Who changed what, from what, to what; latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.records.ListClientHistory(
        pb.ListClientHistoryRequest(
            client_id=request.path_params["client_id"], page_size=page.size, page_token=page.token
        ),
        identity_of(request),
    )
    return page_response(map(_entry, answer.entries), answer.next_page_token)


@add("GET", "/activities/{activity_id}/history", rpc=RPC["ListActivityHistory"],
     summary="History of an activity", answer=schemas.AnyPage,
     parameters=[path_parameter("activity_id", "activity"), *PAGING], problems=[404])  # fmt: skip
async def list_activity_history(request: Request) -> Response:
    """Who changed what, from what, to what; latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.records.ListActivityHistory(
        pb.ListActivityHistoryRequest(
            activity_id=request.path_params["activity_id"],
            page_size=page.size,
            page_token=page.token,
        ),
        identity_of(request),
    )
    return page_response(map(_entry, answer.entries), answer.next_page_token)


def _trashed(record: pb.TrashedRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": NAMES[record.kind],
        "name": record.name,
        "owner_id": record.owner_id or None,
        "owner_name": record.owner_name or None,
        "deleted_at": instant(record.delete_time),
        "purged_at": instant(record.purge_time),
    }


def _entry(entry: pb.RecordHistoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "actor_id": entry.actor_id or None,
        "actor_name": entry.actor_name or None,
        "happened_at": instant(entry.happen_time),
        "recorded_at": instant(entry.record_time),
        "changes": [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in entry.changes
        ],
        "version": entry.version,
    }


def _result(result: search_pb.SearchResult) -> dict[str, Any]:
    has = result.HasField
    return {
        "id": result.id,
        "kind": NAMES[result.kind],
        "title": result.title,
        "amount": money(result.amount) if has("amount") else None,
        "stage_name": result.stage_name or None,
        "stage_type": STAGE_TYPES.get(result.stage_type),
        "client_name": result.client_name or None,
        "client_kind": KIND_NAMES.get(result.client_kind),
        "deal_name": result.deal_name or None,
        "due_at": instant(result.due_time) if has("due_time") else None,
        "done_at": instant(result.done_time) if has("done_time") else None,
    }
