"""What crm and auth tell, kept as this service's own facts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from uuid import UUID

from analytics.adapters import answers, forgetting, people, projection, rates, rescoring
from analytics.adapters.people import ActivityFact, ClientFact
from analytics.adapters.projection import Change
from analytics.adapters.rates import Rate
from analytics.domain.facts import PipelineChanged
from kit.unit_of_work import UnitOfWork


class Manner(Enum):
    """What follows when facts are kept."""

    ALONE = "it is told at once"
    AMONG_MANY = "the end of them will be told, and nothing is scored before"
    ANEW = "whoever builds a workspace anew sees to all that follows"


async def keep_settings(
    uow: UnitOfWork,
    *,
    version: int,
    currency: str,
    time_zone: str,
    manner: Manner = Manner.ALONE,
) -> None:
    """A workspace came to be, or has other settings: all that adds up is another number."""
    before = await projection.counted_in(uow)
    await projection.keep_settings(uow, version=version, currency=currency, time_zone=time_zone)
    now = await projection.counted_in(uow)
    if now != before:
        await rates.rate_all(uow, now.currency)
        await answers.clear_past(uow)
    await _due(uow, manner)
    await uow.commit()


async def deals_changed(
    uow: UnitOfWork, changes: Sequence[Change], *, manner: Manner = Manner.ALONE
) -> None:
    """Deals changed."""
    count = await projection.keep(uow, changes)
    await _due(uow, manner)
    if manner is Manner.ALONE:
        told_at = max(change.told_at for change in changes)
        uow.tell_facts(_changed(uow.workspace_id, count, told_at))
    await uow.commit()


async def people_changed(
    uow: UnitOfWork,
    facts: Sequence[ClientFact | ActivityFact],
    *,
    told_at: datetime,
    manner: Manner = Manner.ALONE,
) -> None:
    """Clients or activities changed."""
    await people.keep(uow, facts)
    await projection.count(uow, len(facts), told_at=told_at)
    ids = [f.client_id if isinstance(f, ClientFact) else f.activity_id for f in facts]
    await forgetting.forget_purged(uow, ids)
    await _due(uow, manner)
    await uow.commit()


async def owner_erased(uow: UnitOfWork, owner_id: UUID) -> None:
    """Somebody's account is gone: what was theirs names them no longer."""
    await projection.unname(uow, owner_id)
    await rescoring.mark(uow)
    await uow.commit()


async def stage_changed(
    uow: UnitOfWork,
    *,
    stage_id: UUID,
    name: str,
    type_: str,
    position: int,
    version: int,
    told_at: datetime,
    manner: Manner = Manner.ALONE,
) -> None:
    """A stage is called otherwise, or stands elsewhere."""
    await projection.keep_stage(
        uow,
        stage_id=stage_id,
        name=name,
        type_=type_,
        position=position,
        version=version,
        told_at=told_at,
    )
    await _due(uow, manner)
    await uow.commit()


async def rates_changed(
    uow: UnitOfWork,
    changes: Mapping[str, Sequence[Rate]],
    *,
    told_at: datetime,
    manner: Manner = Manner.ALONE,
) -> None:
    """Rates were entered, corrected or taken away: what happened on their days counts anew.

    `changes` by the currency that they convert into.
    """
    for base, of_base in changes.items():
        await rates.keep(uow, base, of_base)
    told = sum(len(of_base) for of_base in changes.values())
    counted = await projection.count(uow, told, told_at=told_at)
    if of_own := changes.get(counted.currency):
        await rates.rate_currencies(uow, counted.currency, {rate.currency for rate in of_own})
        await answers.clear_past(uow)
    await _due(uow, manner)
    if manner is Manner.ALONE:
        uow.tell_facts(_changed(uow.workspace_id, counted.changes, told_at))
    await uow.commit()


async def purged(
    uow: UnitOfWork,
    record_id: UUID,
    *,
    is_client: bool,
    at: datetime,
    manner: Manner = Manner.ALONE,
) -> None:
    """A record is gone for good, and what was known of it with it, on past days too."""
    await projection.count(uow, 1, told_at=at)
    await forgetting.forget(uow, record_id, is_client=is_client)
    await answers.clear_past(uow)
    await _due(uow, manner)
    await uow.commit()


async def bulk_ended(
    uow: UnitOfWork, *, version: int, told_at: datetime, with_a_past: bool
) -> None:
    """All of an import's records have been told: now whoever shows reports asks again.

    `with_a_past`: there is something to learn from that was not there before.
    """
    if with_a_past:
        await answers.clear_past(uow)
        await rescoring.mark_all_new(uow)
    else:
        await rescoring.mark(uow)
    uow.tell_facts(_changed(uow.workspace_id, version, told_at))
    await uow.commit()


async def _due(uow: UnitOfWork, manner: Manner) -> None:
    if manner is not Manner.ANEW:
        await rescoring.mark(uow, large=manner is Manner.AMONG_MANY)


def _changed(workspace_id: UUID, version: int, at: datetime) -> PipelineChanged:
    return PipelineChanged(aggregate_id=workspace_id, version=version, at=at, by=None)
