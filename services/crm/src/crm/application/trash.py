"""What can be done with the trash. One function per use case, one transaction each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crm.adapters import activities, clients, deals, trash
from crm.domain.trash import RecordKind, RecordPurged, Trashed
from kit.unit_of_work import UnitOfWork


class Restored(NamedTuple):
    """What came back."""

    kind: RecordKind
    version: int


async def restore_record(uow: UnitOfWork, *, record_id: UUID, by: UUID, now: datetime) -> Restored:
    """Take a record out of the trash. Raises RecordNotInTrash."""
    kind = await trash.take_out(uow, record_id)
    match kind:
        case RecordKind.DEAL:
            version = await _restore_deal(uow, record_id, by=by, now=now)
        case RecordKind.CLIENT:
            client, _ = await clients.load_to_edit(uow, record_id)
            client.restore(at=now, by=by)
            await clients.save(uow, client)
            version = client.version
        case RecordKind.ACTIVITY:
            activity, _ = await activities.load_to_edit(uow, record_id)
            activity.restore(at=now, by=by)
            await activities.save(uow, activity)
            version = activity.version
    await uow.commit()
    return Restored(kind, version)


async def purge_records(
    uow: UnitOfWork, *, records: Sequence[Trashed], by: UUID | None, now: datetime
) -> list[UUID]:
    """Delete records in the trash for good; the ids of all that went. Runs as the system role."""
    gone: list[Trashed] = []
    for record in records:
        gone += await trash.erase(uow, record)
    uow.tell_facts(
        *(
            RecordPurged(
                aggregate_id=record.id, version=record.version + 1, at=now, by=by, kind=record.kind
            )
            for record in gone
        )
    )
    await uow.commit()
    return [record.id for record in gone]


async def _restore_deal(uow: UnitOfWork, deal_id: UUID, *, by: UUID, now: datetime) -> int:
    deal, _ = await deals.load_to_edit(uow, deal_id)
    around = await deals.surroundings(
        uow, stage_id=deal.state.stage.id, client_id=None, owner_id=None
    )
    deal.restore(around.position, at=now, by=by)
    await deals.save(uow, deal)
    return deal.version
