"""One change of many records: each for itself, as it is then.

A few are committed together, with the answer that a repeated request gets; in a job each has a
transaction of its own, and what is done already is as wanted when the job is repeated.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from crm.adapters import activities, bulk_changes, clients, deals
from crm.application.activities import delete_activity, update_activity
from crm.application.clients import delete_client, update_client
from crm.application.deals import delete_deal, move_deal, update_deal
from crm.domain.bulk import BulkFinished, Refusal
from crm.domain.errors import ActionUnknown
from kit.errors import DomainError, ErrorKind
from kit.unit_of_work import UnitOfWork, retrying

AT_ONCE = 100  # more are a job
MOST = 10_000
JOB = "bulk"
REPORT_EVERY = 20


class Action(StrEnum):
    """What can be done to many."""

    UPDATE = "update"
    MOVE = "move"
    TAG = "tag"
    DELETE = "delete"
    ASSIGN = "assign"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to each. `values` and `ids` are an update's, as the use cases take them."""

    action: Action
    values: Any = field(default_factory=dict)
    ids: Mapping[str, UUID | None] = field(default_factory=dict)
    stage_id: UUID | None = None
    lost_reason_id: UUID | None = None
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()


Apply = Callable[[UnitOfWork, UUID, Change, UUID, datetime], Awaitable[None]]
OpenUnit = Callable[[], UnitOfWork]
Report = Callable[[int, int], Awaitable[None]]
End = Callable[[UnitOfWork, dict[str, Any]], Awaitable[None]]


async def change_deal(
    uow: UnitOfWork, deal_id: UUID, change: Change, by: UUID, now: datetime
) -> None:
    """Raises what the single change raises."""
    deal, _ = await deals.load_to_edit(uow, deal_id)  # locked: nobody comes in between
    this: dict[str, Any] = {"deal_id": deal_id, "etag": str(deal.version), "by": by, "now": now}
    match change.action:
        case Action.MOVE:
            assert change.stage_id is not None
            if deal.state.stage.id != change.stage_id:
                await move_deal(
                    uow,
                    **this,
                    stage_id=change.stage_id,
                    lost_reason_id=change.lost_reason_id,
                )
        case Action.DELETE:
            await delete_deal(uow, **this)
        case _:
            edit = _edit(change, deal.state.tags)
            await update_deal(uow, **this, edit=edit, **_ids(change, "client_id", "owner_id"))


async def change_client(
    uow: UnitOfWork, client_id: UUID, change: Change, by: UUID, now: datetime
) -> None:
    """Raises what the single change raises."""
    client, _ = await clients.load_to_edit(uow, client_id)
    this: dict[str, Any] = {
        "client_id": client_id,
        "etag": str(client.version),
        "by": by,
        "now": now,
    }
    match change.action:
        case Action.MOVE:
            raise ActionUnknown("Clients stand in no stage.")
        case Action.DELETE:
            await delete_client(uow, **this)
        case _:
            edit = _edit(change, client.state.tags)
            await update_client(uow, **this, edit=edit, **_ids(change, "parent_id", "owner_id"))


async def change_activity(
    uow: UnitOfWork, activity_id: UUID, change: Change, by: UUID, now: datetime
) -> None:
    """Raises what the single change raises."""
    activity, _ = await activities.load_to_edit(uow, activity_id)
    this: dict[str, Any] = {
        "activity_id": activity_id,
        "etag": str(activity.version),
        "by": by,
        "now": now,
    }
    match change.action:
        case Action.MOVE | Action.TAG:
            raise ActionUnknown("Activities have neither stage nor tags.")
        case Action.DELETE:
            await delete_activity(uow, **this)
        case _:
            ids = _ids(change, "client_id", "deal_id", "owner_id")
            await update_activity(uow, **this, edit=change.values, **ids)


APPLY: dict[str, Apply] = {
    "deals": change_deal,
    "clients": change_client,
    "activities": change_activity,
}


async def change_few(
    uow: UnitOfWork, resource: str, ids: Sequence[UUID], change: Change, *, by: UUID, now: datetime
) -> list[Refusal]:
    """Change each, all in one commit; what was refused."""
    refused: list[Refusal] = []
    await bulk_changes.lock(uow, resource, ids)
    for record_id in ids:
        try:
            async with uow.part():
                await APPLY[resource](uow, record_id, change, by, now)
        except DomainError as refusal:
            refused.append(_refusal(record_id, refusal))
    refused = await _named(uow, resource, refused)
    await uow.commit()
    return refused


async def change_all(
    open_unit: OpenUnit,
    resource: str,
    ids: Sequence[UUID],
    change: Change,
    *,
    job_id: UUID,
    by: UUID,
    now: datetime,
    report: Report,
    end: End,
) -> None:
    """Change each; the job's end and the word of it are one commit.

    Records that are as wanted already stay as they are.
    """
    refused: list[Refusal] = []
    for number, record_id in enumerate(ids, 1):
        try:
            await _change_one(open_unit, APPLY[resource], record_id, change, by=by, now=now)
        except DomainError as refusal:
            refused.append(_refusal(record_id, refusal))
        if number % REPORT_EVERY == 0 or number == len(ids):
            await report(number, len(ids))
    async with open_unit() as uow:
        if refused and change.action is Action.DELETE:
            refused = await _still_there(uow, resource, refused)
        changed = len(ids) - len(refused)
        uow.tell_facts(
            BulkFinished(
                aggregate_id=job_id,
                version=1,
                at=now,
                by=by,
                resource=resource,
                changed=changed,
                refused=len(refused),
            )
        )
        refused = await _named(uow, resource, refused)
        told = [[str(one.id), *one[1:]] for one in refused]
        await end(uow, {"changed": changed, "refused": told})


def _refusal(record_id: UUID, refusal: DomainError) -> Refusal:
    """Raises what is no refusal of this one record."""
    if refusal.kind in (ErrorKind.UNAVAILABLE, ErrorKind.EXHAUSTED):
        raise refusal
    return Refusal(record_id, refusal.reason, refusal.message)


async def _still_there(uow: UnitOfWork, resource: str, refused: list[Refusal]) -> list[Refusal]:
    """Without those in the trash: whoever came before, an earlier attempt or a person, they are
    where they were to go."""
    gone = await bulk_changes.in_trash(uow, resource, [one.id for one in refused])
    return [one for one in refused if one.id not in gone]


async def _named(uow: UnitOfWork, resource: str, refused: list[Refusal]) -> list[Refusal]:
    """With the names that the caller sees: an id alone tells a person nothing."""
    if not refused:
        return refused
    names = await bulk_changes.names(uow, resource, [one.id for one in refused])
    return [one._replace(name=names.get(one.id, "")) for one in refused]


async def _change_one(
    open_unit: OpenUnit, apply: Apply, record_id: UUID, change: Change, *, by: UUID, now: datetime
) -> None:
    async def attempt() -> None:
        async with open_unit() as uow:
            await apply(uow, record_id, change, by, now)

    await retrying(attempt)


def _edit(change: Change, tags: Sequence[str]) -> Any:
    if change.action is not Action.TAG:
        return change.values
    kept = [tag for tag in tags if tag not in change.remove_tags]
    return {"tags": [*kept, *(tag for tag in change.add_tags if tag not in kept)]}


def _ids(change: Change, *names: str) -> dict[str, Any]:
    return {name: change.ids.get(name) for name in names}
