"""What the others tell: which use case hears of it."""

from collections import defaultdict
from collections.abc import Sequence

from analytics.adapters import rescoring
from analytics.adapters.rates import Rate
from analytics.application import projections, rebuilding
from analytics.application.projections import Manner
from analytics.entrypoints.crm_events import CHANGES, PEOPLE, STAGE_TYPES, rates_told
from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from freelanceflow.crm.v1 import import_events_pb2 as import_pb
from freelanceflow.crm.v1 import record_events_pb2 as record_pb
from freelanceflow.crm.v1 import setting_events_pb2 as setting_pb
from kit import closures
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.erasure import erased
from kit.ids import parse_id
from kit.unit_of_work import UnitOfWork


async def workspace_settled(uow: UnitOfWork, event: Event) -> None:
    """A workspace came to be, or has other settings."""
    if not await rebuilding.held(uow, [event]):
        await _settled(uow, event, Manner.ALONE)


async def crm_told(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """Many records at once; the end of an import comes after its records."""
    if not await rebuilding.held(uow, events):
        await _kept(uow, events)


async def crm_told_one(uow: UnitOfWork, event: Event) -> None:
    """One event by itself."""
    await crm_told(uow, [event])


async def keep_facts(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """What was told of a workspace that is built anew: nobody hears of it before the end."""
    with uow.holding_commit():
        for event in events:
            if event.type in OF_AUTH:
                await _settled(uow, event, Manner.ANEW)
        known = [event for event in events if event.type in OF_CRM]
        await _kept(uow, [e for e in known if e.type != _IMPORT_FINISHED], anew=True)


async def _kept(uow: UnitOfWork, events: Sequence[Event], *, anew: bool = False) -> None:
    def manner(of: Sequence[Event]) -> Manner:
        if anew:
            return Manner.ANEW
        many = all(event.bulk_id is not None for event in of)
        return Manner.AMONG_MANY if many else Manner.ALONE

    people = [event for event in events if event.type in PEOPLE]
    if people:
        await projections.people_changed(
            uow,
            [PEOPLE[event.type](event) for event in people],
            told_at=max(event.recorded_at for event in people),
            manner=manner(people),
        )
    deals = [event for event in events if event.type in CHANGES]
    if deals:
        changes = [CHANGES[event.type](event) for event in deals]
        await projections.deals_changed(uow, changes, manner=manner(deals))
    alone = Manner.ANEW if anew else Manner.ALONE
    await _rates_changed(uow, [event for event in events if event.type == _RATES_CHANGED], alone)
    for event in events:
        if event.type == _STAGE_CHANGED:
            await _stage_changed(uow, event, alone)
        if event.type in _PURGED:
            gone = record_pb.RecordPurged.FromString(event.body)
            record_id = parse_id(gone.record_id, "record_id")
            await projections.purged(
                uow,
                record_id,
                is_client=event.type == _CLIENT_PURGED,
                at=event.recorded_at,
                manner=alone,
            )
        if event.type == _IMPORT_FINISHED:
            told = import_pb.ImportFinished.FromString(event.body)
            await projections.bulk_ended(
                uow,
                version=told.version,
                told_at=event.recorded_at,
                with_a_past=told.resource == "deals",
            )


async def _settled(uow: UnitOfWork, event: Event, manner: Manner) -> None:
    """That it came to be and that it changed say the same."""
    told = auth_pb.WorkspaceUpdated.FromString(event.body)
    await projections.keep_settings(
        uow,
        version=told.version,
        currency=told.currency_code,
        time_zone=told.time_zone,
        manner=manner,
    )


async def _rates_changed(uow: UnitOfWork, events: Sequence[Event], manner: Manner) -> None:
    """A file of rates comes in many events."""
    changes: dict[str, list[Rate]] = defaultdict(list)
    for event in events:
        base, rates = rates_told(event)
        changes[base] += rates
    if changes:
        told_at = max(event.recorded_at for event in events)
        await projections.rates_changed(uow, changes, told_at=told_at, manner=manner)


async def _stage_changed(uow: UnitOfWork, event: Event, manner: Manner) -> None:
    told = setting_pb.StageChanged.FromString(event.body)
    await projections.stage_changed(
        uow,
        stage_id=parse_id(told.stage_id, "stage_id"),
        name=told.name,
        type_=STAGE_TYPES[told.type],
        position=told.position,
        version=told.version,
        told_at=event.recorded_at,
        manner=manner,
    )


async def member_erased(uow: UnitOfWork, event: Event) -> None:
    """Only deals say whose they are by a name."""
    told = auth_pb.MemberErased.FromString(event.body)
    await projections.owner_erased(uow, parse_id(told.user_id, "user_id"))


async def workspace_closed(uow: UnitOfWork, event: Event) -> None:
    """Nothing is computed for it."""
    await closures.closed(uow, event)
    await rescoring.park(uow)
    await uow.commit()


async def workspace_reopened(uow: UnitOfWork, event: Event) -> None:
    """Days have passed: all is computed anew."""
    await closures.reopened(uow, event)
    await rescoring.mark_all_new(uow)
    await uow.commit()


_IMPORT_FINISHED = "crm.import.v1.finished"
_STAGE_CHANGED = "crm.stage.v1.changed"
_RATES_CHANGED = "crm.rate.v1.changed"
_CLIENT_PURGED = "crm.client.v1.purged"
_PURGED = ("crm.activity.v1.purged", _CLIENT_PURGED, "crm.deal.v1.purged")
OF_AUTH: dict[str, Handler] = {
    "auth.workspace.v1.created": workspace_settled,
    "auth.workspace.v1.updated": workspace_settled,
    "auth.workspace.v1.closed": workspace_closed,
    "auth.workspace.v1.reopened": workspace_reopened,
    "auth.workspace.v1.erased": erased,
    "auth.member.v1.erased": member_erased,
}
OF_CRM: dict[str, Handler] = dict.fromkeys(
    (*CHANGES, *PEOPLE, *_PURGED, _STAGE_CHANGED, _RATES_CHANGED, _IMPORT_FINISHED), crm_told_one
)
