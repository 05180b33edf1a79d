"""Clients that may be one, and making one of two."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from gateway.entrypoints.api import file_schemas, schemas
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.clients import CLIENT, client_json
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    PAGING,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_page,
    read_query,
)

RPC = pb.DESCRIPTOR.services_by_name["DuplicateService"].methods_by_name
MERGE = path_parameter("merge_id", "merge")

operations = Operations("Duplicates")
add = operations.add


@add("GET", "/duplicates", rpc=RPC["ListDuplicates"], summary="List duplicates",
     answer=schemas.AnyPage)  # fmt: skip
async def list_duplicates(request: Request) -> Response:
    """Pairs of clients that may be one, the surest first; at most 200."""
    read_query(request)
    answer = await request.app.state.clients.duplicates.ListDuplicates(
        pb.ListDuplicatesRequest(), identity_of(request)
    )
    items = (
        {
            "one": client_json(pair.one),
            "other": client_json(pair.other),
            "matched_by": pair.matched_by,
        }
        for pair in answer.pairs
    )
    return page_response(items, "")


@add("POST", "/duplicates/dismiss", rpc=RPC["DismissDuplicate"], summary="Say that two are two",
     body=file_schemas.DuplicateDismissal, status=204, parameters=[IDEMPOTENCY_KEY],
     problems=[404])  # fmt: skip
async def dismiss_duplicate(request: Request) -> Response:
    """They are not listed again."""
    body = await read_body(request, file_schemas.DuplicateDismissal)
    await request.app.state.clients.duplicates.DismissDuplicate(
        pb.DismissDuplicateRequest(client_id=body.client_id, other_id=body.other_id),
        identity_of(request),
    )
    return Response(status_code=204)


@add("POST", "/clients/{client_id}/merge", rpc=RPC["MergeClients"], summary="Merge two clients",
     body=file_schemas.MergeIn, answer=schemas.AnyRecord,
     parameters=[CLIENT, IF_MATCH, IDEMPOTENCY_KEY],
     problems=[404, 412, 428])  # fmt: skip
async def merge_clients(request: Request) -> Response:
    """The client stays; the other goes to the trash, and what it had goes to the client."""
    etag = if_match(request)
    body = await read_body(request, file_schemas.MergeIn)
    made = await request.app.state.clients.duplicates.MergeClients(
        pb.MergeClientsRequest(
            client_id=request.path_params["client_id"],
            etag=etag,
            other_id=body.other_id,
            other_etag=str(body.other_version),
            fields_from_other=body.fields_from_other,
        ),
        identity_of(request),
    )
    return json_response(merge_json(made))


@add("GET", "/merges", rpc=RPC["ListMerges"], summary="List merges", answer=schemas.AnyPage,
     parameters=PAGING)  # fmt: skip
async def list_merges(request: Request) -> Response:
    """Latest first."""
    page = read_page(read_query(request, "limit", "cursor"))
    answer = await request.app.state.clients.duplicates.ListMerges(
        pb.ListMergesRequest(page_size=page.size, page_token=page.token), identity_of(request)
    )
    return page_response(map(merge_json, answer.merges), answer.next_page_token)


@add("POST", "/merges/{merge_id}/undo", rpc=RPC["UndoMerge"], summary="Undo a merge",
     answer=schemas.AnyRecord, parameters=[MERGE, IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def undo_merge(request: Request) -> Response:
    """The other comes back with what it had; what was changed since stays as it is."""
    made = await request.app.state.clients.duplicates.UndoMerge(
        pb.UndoMergeRequest(merge_id=request.path_params["merge_id"]), identity_of(request)
    )
    return json_response(merge_json(made))


def merge_json(made: pb.Merge) -> dict[str, Any]:
    """A merge as the API shows it."""
    return {
        "id": made.id,
        "client_id": made.client_id,
        "client_name": made.client_name,
        "other_id": made.other_id,
        "other_name": made.other_name,
        "deals": made.deals,
        "activities": made.activities,
        "people": made.people,
        "created_at": instant(made.create_time),
        "undone_at": instant(made.undo_time) if made.HasField("undo_time") else None,
    }
