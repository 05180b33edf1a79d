"""A change of many is taken back: each record gets what it had, unless somebody was at it since."""

import asyncio
import json
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request

from freelanceflow.crm.v1 import activity_service_pb2 as activities
from freelanceflow.crm.v1 import client_service_pb2 as clients
from freelanceflow.crm.v1 import deal_service_pb2 as deals
from freelanceflow.crm.v1.record_service_pb2 import RestoreRecordRequest
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from gateway.entrypoints.pages.calls import clients_of, identity_of
from kit.errors import DomainError, ErrorKind

MOST = 100  # more is a job, whose result nobody waits for
AT_ONCE = 8
FIELDS = ("", "owner_id", "tags", "stage_id")
# What may have happened since; the record is left as it is then.
_SINCE = (ErrorKind.STALE, ErrorKind.NOT_FOUND, ErrorKind.REFUSED, ErrorKind.INVALID)


class Step(NamedTuple):
    """What one record is given back, as a form carries it."""

    record_id: str
    etag: str  # as the change left it
    field: str  # owner_id, tags or stage_id; none takes it out of the trash
    value: str | list[str]


async def before(request: Request, resource: str, action: str, ids: Sequence[str]) -> list[Any]:
    """The records as they are; none where there will be nothing to give back."""
    if len(ids) > MOST or action == "delete":
        return []
    return [record for record in await _each(_get(request, resource, one) for one in ids) if record]


def steps(action: str, found: Iterable[Any], changed: Iterable[str], given: str) -> list[str]:
    """How to take it back. A deal that was closed keeps its new stage: its close would be lost."""
    if action == "delete":
        return [json.dumps(Step(one, "", "", "")) for one in changed]
    records, made = {record.id: record for record in found}, []
    for one in changed:
        record = records.get(one)
        step = _step(action, record, given) if record is not None else None
        if step is not None:
            made.append(json.dumps(step))
    return made


async def take_back(request: Request, resource: str, sent: Iterable[str]) -> tuple[int, int]:
    """How many have what they had, and how many were left as they are."""
    asked = [step for step in map(_read, list(sent)[: 2 * MOST]) if step]
    done = await _each(_undone(request, resource, step) for step in asked)
    return sum(done), len(done) - sum(done)


def _step(action: str, record: Any, given: str) -> Step | None:
    # A change of many raises the version by one. Where it did not, the record is left alone.
    etag = str(int(record.etag) + 1)
    match action:
        case "assign" if record.owner_id != given:
            return Step(record.id, etag, "owner_id", record.owner_id)
        case "tag" | "untag" if (given in record.tags) is (action == "untag"):
            return Step(record.id, etag, "tags", list(record.tags))
        case "move" if record.stage_id != given and record.stage_type == StageType.STAGE_TYPE_OPEN:
            return Step(record.id, etag, "stage_id", record.stage_id)
    return None


def _read(text: str) -> Step | None:
    try:
        record_id, etag, field, value = json.loads(text)
    except (ValueError, TypeError):
        return None
    if field not in FIELDS or isinstance(value, list) is not (field == "tags"):
        return None
    if isinstance(value, list):
        return Step(str(record_id), str(etag), str(field), [str(item) for item in value])
    return Step(str(record_id), str(etag), str(field), str(value))


async def _undone(request: Request, resource: str, step: Step) -> bool:
    try:
        await _call(request, resource, step)
    except DomainError as refusal:
        if refusal.kind not in _SINCE:
            raise
        return False
    return True


def _call(request: Request, resource: str, step: Step) -> Awaitable[Any]:
    peers, identity = clients_of(request), identity_of(request)
    if not step.field:
        return peers.records.RestoreRecord(RestoreRecordRequest(record_id=step.record_id), identity)
    if step.field == "stage_id":
        asked = deals.MoveDealRequest(
            deal_id=step.record_id, stage_id=str(step.value), etag=step.etag
        )
        return peers.deals.MoveDeal(asked, identity)
    had: Mapping[str, Any] = {"id": step.record_id, step.field: step.value}
    mask = FieldMask(paths=[step.field])
    match resource:
        case "deals":
            changed: Any = deals.UpdateDealRequest(
                deal=deals.Deal(**had), update_mask=mask, etag=step.etag
            )
            return peers.deals.UpdateDeal(changed, identity)
        case "clients":
            changed = clients.UpdateClientRequest(
                client=clients.Client(**had), update_mask=mask, etag=step.etag
            )
            return peers.clients.UpdateClient(changed, identity)
    changed = activities.UpdateActivityRequest(
        activity=activities.Activity(**had), update_mask=mask, etag=step.etag
    )
    return peers.activities.UpdateActivity(changed, identity)


async def _get(request: Request, resource: str, record_id: str) -> Any:
    peers, identity = clients_of(request), identity_of(request)
    try:
        match resource:
            case "deals":
                return await peers.deals.GetDeal(deals.GetDealRequest(deal_id=record_id), identity)
            case "clients":
                asked = clients.GetClientRequest(client_id=record_id)
                return await peers.clients.GetClient(asked, identity)
        about = activities.GetActivityRequest(activity_id=record_id)
        return await peers.activities.GetActivity(about, identity)
    except DomainError as refusal:
        if refusal.kind not in _SINCE:
            raise
        return None


async def _each(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """All of them, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[Any]) -> Any:
        async with gate:
            return await call

    return await asyncio.gather(*(one(call) for call in calls))
