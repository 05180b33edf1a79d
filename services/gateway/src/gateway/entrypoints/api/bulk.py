"""One change of many records, and how far a job is."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from gateway.adapters.clients import Peer
from gateway.entrypoints.api import activities, bulk_shapes, clients, deals
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.downloads import download
from gateway.entrypoints.api.operations import BASE, Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    Listing,
    identity_of,
    path_parameter,
    read_body,
    read_query,
)
from kit.rpc.identity import CallIdentity

RPC = pb.DESCRIPTOR.services_by_name["BulkService"].methods_by_name
ACTIONS = {
    "update": pb.BULK_ACTION_UPDATE,
    "move": pb.BULK_ACTION_MOVE,
    "tag": pb.BULK_ACTION_TAG,
    "delete": pb.BULK_ACTION_DELETE,
    "assign": pb.BULK_ACTION_ASSIGN,
}
ACCEPTED = {"responses": {"202": {"description": "A job does it; Location is its address."}}}
PATIENCE = 30.0  # seconds; a hundred records, one after the other
JOB = path_parameter("job_id", "job")

operations = Operations("Bulk")
add = operations.add


@add("POST", "/bulk/deals", rpc=RPC["ChangeDeals"], summary="Change many deals",
     body=bulk_shapes.BulkDealsIn, answer=bulk_shapes.BulkOut, parameters=[IDEMPOTENCY_KEY],
     extra=ACCEPTED)  # fmt: skip
async def bulk_deals(request: Request) -> Response:
    """Each for itself: what cannot be changed stays as it is and says why. More than 100 become a
    job: 202 with its address."""
    body = await read_body(request, bulk_shapes.BulkDealsIn)
    asked = _asked(request, body, deals.DEALS)
    if body.values is not None:
        values = body.values.model_dump(exclude_unset=True)
        asked.deal.CopyFrom(deals.message_of(values))
        asked.update_mask.CopyFrom(FieldMask(paths=sorted(values)))
    asked.stage_id, asked.lost_reason_id = body.stage_id or "", body.lost_reason_id or ""
    return await _answer(request, "ChangeDeals", pb.ChangeDealsRequest(change=asked))


@add("POST", "/bulk/clients", rpc=RPC["ChangeClients"], summary="Change many clients",
     body=bulk_shapes.BulkClientsIn, answer=bulk_shapes.BulkOut, parameters=[IDEMPOTENCY_KEY],
     extra=ACCEPTED)  # fmt: skip
async def bulk_clients(request: Request) -> Response:
    """As deals."""
    body = await read_body(request, bulk_shapes.BulkClientsIn)
    asked = _asked(request, body, clients.CLIENTS)
    if body.values is not None:
        values = body.values.model_dump(exclude_unset=True)
        asked.client.CopyFrom(clients.message_of(values))
        asked.update_mask.CopyFrom(FieldMask(paths=sorted(values)))
    return await _answer(request, "ChangeClients", pb.ChangeClientsRequest(change=asked))


@add("POST", "/bulk/activities", rpc=RPC["ChangeActivities"], summary="Change many activities",
     body=bulk_shapes.BulkActivitiesIn, answer=bulk_shapes.BulkOut, parameters=[IDEMPOTENCY_KEY],
     extra=ACCEPTED)  # fmt: skip
async def bulk_activities(request: Request) -> Response:
    """As deals."""
    body = await read_body(request, bulk_shapes.BulkActivitiesIn)
    asked = _asked(request, body, activities.ACTIVITIES)
    if body.values is not None:
        values = body.values.model_dump(exclude_unset=True)
        asked.activity.CopyFrom(activities.message_of(values))
        asked.update_mask.CopyFrom(FieldMask(paths=activities.paths_of(values)))
    return await _answer(request, "ChangeActivities", pb.ChangeActivitiesRequest(change=asked))


@add("GET", "/jobs/{job_id}", rpc=RPC["GetJob"], summary="Get a job",
     answer=bulk_shapes.JobOut, parameters=[JOB], problems=[404])  # fmt: skip
async def get_job(request: Request) -> Response:
    """How far it is: an import, an export, a bulk change, a stage that goes."""
    read_query(request)
    job = await request.app.state.clients.bulk.GetJob(
        pb.GetJobRequest(job_id=request.path_params["job_id"]), identity_of(request)
    )
    return json_response(
        {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "progress": job.progress,
            "total": job.total,
            "error": job.error or None,
            "refused": [_result(result) for result in job.refused],
            "refused_total": job.refused_total,
            "created_at": instant(job.create_time),
            "ended_at": instant(job.end_time) if job.HasField("end_time") else None,
        }
    )


@add("GET", "/jobs/{job_id}/refused/file", rpc=RPC["DownloadRefusals"],
     summary="What a change of many refused, as a file", parameters=[JOB],
     problems=[404])  # fmt: skip
async def download_refused(request: Request) -> Response:
    """A CSV with all of them: why, name, id and reason of each; 404 before the job has ended."""
    read_query(request)
    peer = request.app.state.clients.bulk
    return await refused_file(peer, identity_of(request), request.path_params["job_id"])


async def refused_file(peer: Peer, identity: CallIdentity, job_id: str) -> Response:
    """The file, for pages as well."""
    chunks = peer.stream("DownloadRefusals")(pb.DownloadRefusalsRequest(job_id=job_id), identity)
    return await download(chunks, name="not-changed.csv", content_type="text/csv; charset=utf-8")


def _asked(request: Request, body: Any, listing: Listing) -> pb.BulkChange:
    """What all three have in common."""
    return pb.BulkChange(
        action=ACTIONS[body.action],
        ids=body.ids,
        conditions=listing.conditions_of(request, body.filter),
        owner_id=body.owner_id or "",
        add_tags=getattr(body, "add_tags", ()),
        remove_tags=getattr(body, "remove_tags", ()),
    )


async def _answer(request: Request, method: str, asked: Message) -> Response:
    bulk = request.app.state.clients.bulk
    answer = await getattr(bulk, method)(asked, identity_of(request), timeout=PATIENCE)
    if answer.job_id:
        location = f"{BASE}/jobs/{answer.job_id}"
        shown = {"job_id": answer.job_id, "total": answer.total}
        return json_response(shown, status=202, headers={"Location": location})
    return json_response(
        {"total": answer.total, "results": [_result(result) for result in answer.results]}
    )


def _result(result: pb.BulkResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "name": result.name or None,
        "reason": result.reason or None,
        "message": result.message or None,
    }
