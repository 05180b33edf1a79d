"""A simulated studio as crm would tell it: events in business order, with the truth beside them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from analytics.science import simulate
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.type.v1.money_pb2 import Money
from kit.bus.events import Event
from kit.clock import to_timestamp
from kit.ids import new_id
from services.analytics.tests.factories import TYPES

STAGES = {"lead": "open", "proposal": "open", "negotiation": "open", "won": "won", "lost": "lost"}


@dataclass(frozen=True)
class Story:
    """The events of a workspace, oldest first, each with the moment it happened at."""

    studio: simulate.Studio
    events: list[tuple[datetime, Event]]

    def until(self, moment: datetime) -> list[Event]:
        """What had been told before a moment."""
        return [event for at, event in self.events if at < moment]


def story(workspace: UUID, seed: int, *, years: float = 2, clients: int = 25) -> Story:
    """The same seed tells the same story to any workspace."""
    studio = simulate.studio(seed, years, clients=clients)
    told: list[tuple[datetime, Event]] = []
    for row in studio.clients.itertuples():
        at = _noon(row.joined)
        client = client_pb.ClientSnapshot(
            client_id=str(_id(workspace, row.client_id)),
            kind="company",
            name=row.name,
            create_time=to_timestamp(at),
        )
        body = client_pb.ClientCreated(client=client, version=1, happen_time=to_timestamp(at))
        told.append((at, _event(workspace, "crm.client.v1.created", body, 1)))
    stays = {key: list(rows.itertuples()) for key, rows in studio.stages.groupby("deal_id")}
    for deal in studio.deals.itertuples():
        told += _deal_told(workspace, deal, stays[deal.deal_id])
    return Story(studio, sorted(told, key=lambda pair: (pair[0], pair[1].version)))


def _deal_told(workspace: UUID, deal: Any, stays: list[Any]) -> list[tuple[datetime, Event]]:
    steps = [(stay.stage, _noon(stay.entered)) for stay in stays]
    if deal.won == deal.won:
        steps.append(("won" if deal.won else "lost", _noon(deal.closed)))
    told = []
    snapshot = deal_pb.DealSnapshot(
        deal_id=str(_id(workspace, deal.deal_id)),
        name=f"{deal.service} {deal.deal_id}",
        client_id=str(_id(workspace, deal.client_id)),
        source=deal.source,
        create_time=to_timestamp(steps[0][1]),
        amount=Money(amount_minor=round(deal.value_eur * 100), currency_code="EUR"),
    )
    last = steps[0][1]
    for version, (stage, when) in enumerate(steps, 1):
        at = max(when, last + timedelta(minutes=1) if version > 1 else when)
        last = at
        snapshot.stage_id = str(_id(workspace, stage))
        snapshot.stage_name = stage.title()
        snapshot.stage_type = TYPES[STAGES[stage]]
        snapshot.enter_stage_time.CopyFrom(to_timestamp(at))
        if STAGES[stage] != "open":
            snapshot.close_time.CopyFrom(to_timestamp(at))
        kind = deal_pb.DealCreated if version == 1 else deal_pb.DealMoved
        body = kind(deal=snapshot, version=version, happen_time=to_timestamp(at))
        name = "crm.deal.v1.created" if version == 1 else "crm.deal.v1.moved"
        told.append((at, _event(workspace, name, body, version)))
    return told


def _event(workspace: UUID, kind: str, body: Any, version: int) -> Event:
    event_id = new_id()
    return Event(
        id=event_id,
        type=kind,
        workspace_id=workspace,
        subject_id=event_id,
        time=body.happen_time.ToDatetime(UTC),
        version=version,
        bulk_id=None,
        actor_id=None,
        origin="",
        body=body.SerializeToString(),
        headers={},
    )


def _id(workspace: UUID, name: str) -> UUID:
    return uuid5(workspace, name)


def _noon(day: Any) -> datetime:
    moment: datetime = day.to_pydatetime().replace(hour=12, tzinfo=UTC)
    return moment
