"""What crm and auth tell, kept as this service's own facts."""

from datetime import date, datetime
from uuid import UUID

from analytics.adapters import projection
from analytics.adapters.projection import DealFact
from analytics.domain.facts import PipelineChanged
from kit.unit_of_work import UnitOfWork


async def keep_settings(uow: UnitOfWork, *, version: int, currency: str, time_zone: str) -> None:
    """A workspace came to be, or has other settings."""
    await projection.keep_settings(uow, version=version, currency=currency, time_zone=time_zone)
    await uow.commit()


async def deal_stood(
    uow: UnitOfWork, deal: DealFact, *, told_at: datetime, quietly: bool = False
) -> None:
    """A deal came into a stage. `quietly`: it is one of many, and their end will be told."""
    changes = await projection.stood(uow, deal, told_at=told_at)
    await _commit(uow, changes, told_at, quietly)


async def deal_changed(
    uow: UnitOfWork, deal: DealFact, *, told_at: datetime, quietly: bool = False
) -> None:
    """A deal has other values, or is gone."""
    changes = await projection.changed(uow, deal, told_at=told_at)
    await _commit(uow, changes, told_at, quietly)


async def close_date_changed(
    uow: UnitOfWork,
    deal: DealFact,
    *,
    before: date | None,
    happened_at: datetime,
    told_at: datetime,
    quietly: bool = False,
) -> None:
    """A deal is expected to close on another day."""
    changes = await projection.close_date_changed(
        uow, deal, before=before, happened_at=happened_at, told_at=told_at
    )
    await _commit(uow, changes, told_at, quietly)


async def bulk_ended(uow: UnitOfWork, *, version: int, told_at: datetime) -> None:
    """All of an import's records have been told: now whoever shows reports asks again."""
    uow.tell_facts(_changed(uow.workspace_id, version, told_at))
    await uow.commit()


async def _commit(uow: UnitOfWork, changes: int, at: datetime, quietly: bool) -> None:
    if not quietly:
        uow.tell_facts(_changed(uow.workspace_id, changes, at))
    await uow.commit()


def _changed(workspace_id: UUID, version: int, at: datetime) -> PipelineChanged:
    return PipelineChanged(aggregate_id=workspace_id, version=version, at=at, by=None)
