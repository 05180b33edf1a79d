"""What crm and auth tell, kept as this service's own facts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from analytics.adapters import projection
from analytics.adapters.projection import Change
from analytics.domain.facts import PipelineChanged
from kit.unit_of_work import UnitOfWork


async def keep_settings(uow: UnitOfWork, *, version: int, currency: str, time_zone: str) -> None:
    """A workspace came to be, or has other settings."""
    await projection.keep_settings(uow, version=version, currency=currency, time_zone=time_zone)
    await uow.commit()


async def deals_changed(
    uow: UnitOfWork, changes: Sequence[Change], *, quietly: bool = False
) -> None:
    """Deals changed. `quietly`: these are some of many, and their end will be told."""
    count = await projection.keep(uow, changes)
    if not quietly:
        told_at = max(change.told_at for change in changes)
        uow.tell_facts(_changed(uow.workspace_id, count, told_at))
    await uow.commit()


async def bulk_ended(uow: UnitOfWork, *, version: int, told_at: datetime) -> None:
    """All of an import's records have been told: now whoever shows reports asks again."""
    uow.tell_facts(_changed(uow.workspace_id, version, told_at))
    await uow.commit()


def _changed(workspace_id: UUID, version: int, at: datetime) -> PipelineChanged:
    return PipelineChanged(aggregate_id=workspace_id, version=version, at=at, by=None)
