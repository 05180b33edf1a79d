"""Events as crm tells them, with keyword overrides."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from freelanceflow.auth.v1.account_events_pb2 import WorkspaceUpdated
from freelanceflow.crm.v1 import activity_events_pb2 as activity_pb
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1 import deal_events_pb2 as pb
from freelanceflow.crm.v1 import record_events_pb2 as record_pb
from freelanceflow.crm.v1 import setting_events_pb2 as setting_pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.type.v1.money_pb2 import Money
from kit.bus.events import Event
from kit.clock import to_timestamp
from kit.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TOO_DEAR = UUID(int=1)  # why deals are lost
TYPES = {
    "open": StageType.STAGE_TYPE_OPEN,
    "won": StageType.STAGE_TYPE_WON,
    "lost": StageType.STAGE_TYPE_LOST,
}


class Told:
    """One workspace's crm, as far as events show it."""

    def __init__(self, workspace: UUID) -> None:
        self.workspace = workspace
        self.stages = {
            name: (str(new_id()), name.title(), kind)
            for name, kind in {
                "prospecting": "open",
                "proposal": "open",
                "won": "won",
                "lost": "lost",
            }.items()
        }

    def created(self, **over: Any) -> "ToldDeal":
        """A deal that came to be in prospecting at NOON."""
        return ToldDeal(self, **over)

    def client(
        self,
        client_id: UUID,
        at: datetime = NOON,
        *,
        name: str = "Acme",
        owner: UUID | None = None,
    ) -> Event:
        """A client that came to be."""
        client = client_pb.ClientSnapshot(
            client_id=str(client_id),
            kind="company",
            name=name,
            owner_id=str(owner or ""),
            create_time=to_timestamp(at),
        )
        made = client_pb.ClientCreated(client=client, version=1, happen_time=to_timestamp(at))
        return self.event("crm.client.v1.created", made.SerializeToString(), version=1)

    def client_events(self, dice: random.Random) -> list[Event]:
        """A client that came to be, was renamed a few times, and may be in the trash at last."""
        client = client_pb.ClientSnapshot(
            client_id=str(new_id()), kind="company", name="Acme", create_time=to_timestamp(NOON)
        )
        made = client_pb.ClientCreated(client=client, version=1, happen_time=to_timestamp(NOON))
        told: list[tuple[str, Any]] = [("created", made)]
        for version in range(2, dice.randint(2, 5)):
            client.name = f"Acme {version}"
            told.append(("updated", client_pb.ClientUpdated(client=client, version=version)))
        if dice.random() < 0.5:
            gone = client_pb.ClientDeleted(
                client_id=client.client_id, version=len(told) + 1, happen_time=to_timestamp(NOON)
            )
            told.append(("deleted", gone))
        return [
            self.event(f"crm.client.v1.{kind}", message.SerializeToString(), version=number)
            for number, (kind, message) in enumerate(told, 1)
        ]

    def rates(self, *changes: tuple[str, str, str], base: str = "EUR", version: int = 1) -> Event:
        """Rates by currency, day and number; an empty number for one that was taken away."""
        told = setting_pb.RatesChanged(
            base_currency_code=base,
            rates=[
                setting_pb.RateChange(
                    currency_code=currency, valid_from=day, rate=rate, version=version
                )
                for currency, day, rate in changes
            ],
            happen_time=to_timestamp(NOON),
        )
        return self.event("crm.rate.v1.changed", told.SerializeToString(), version=1)

    def settings(self, currency: str, *, version: int = 1, time_zone: str = "UTC") -> Event:
        """What auth tells of the workspace."""
        told = WorkspaceUpdated(version=version, currency_code=currency, time_zone=time_zone)
        return self.event("auth.workspace.v1.updated", told.SerializeToString(), version=version)

    def call(self, client_id: UUID, at: datetime) -> "ToldCall":
        """A call with a client that took place."""
        return ToldCall(self, client_id, at)

    def activity_events(self, dice: random.Random, deal_id: UUID) -> list[Event]:
        """A call about a deal that is done, undone, or in the trash."""
        call = activity_pb.ActivitySnapshot(
            activity_id=str(new_id()),
            kind="call",
            deal_id=str(deal_id),
            create_time=to_timestamp(NOON),
        )
        told: list[tuple[str, Any]] = [
            ("created", activity_pb.ActivityCreated(activity=call, version=1))
        ]
        for version in range(2, dice.randint(2, 5)):
            if call.HasField("done_time"):
                call.ClearField("done_time")
            else:
                call.done_time.CopyFrom(to_timestamp(NOON + version * DAY))
            told.append(("updated", activity_pb.ActivityUpdated(activity=call, version=version)))
        if dice.random() < 0.5:
            gone = activity_pb.ActivityDeleted(
                activity_id=call.activity_id,
                version=len(told) + 1,
                happen_time=to_timestamp(NOON),
            )
            told.append(("deleted", gone))
        return [
            self.event(f"crm.activity.v1.{kind}", message.SerializeToString(), version=number)
            for number, (kind, message) in enumerate(told, 1)
        ]

    def event(
        self,
        kind: str,
        body: bytes,
        *,
        version: int,
        bulk: UUID | None = None,
        at: datetime = NOON,
    ) -> Event:
        """With an envelope of its own."""
        event_id = new_id()
        return Event(
            id=event_id,
            type=kind,
            workspace_id=self.workspace,
            subject_id=event_id,
            time=at,
            version=version,
            bulk_id=bulk,
            actor_id=None,
            origin="",
            body=body,
            headers={},
        )


class ToldDeal:
    """A deal and the events it has told so far."""

    def __init__(
        self,
        crm: Told,
        *,
        at: datetime = NOON,
        minor: int | None = 100_000,
        currency: str = "EUR",
        owner: UUID | None = None,
        close: str = "",
        stage: str = "prospecting",
        bulk: UUID | None = None,
    ) -> None:
        self.crm = crm
        self.id = new_id()
        self.version = 1
        self.bulk = bulk
        stage_id, name, kind = crm.stages[stage]
        self.snapshot = pb.DealSnapshot(
            deal_id=str(self.id),
            name="Website",
            stage_id=stage_id,
            stage_name=name,
            stage_type=TYPES[kind],
            owner_id=str(owner or ""),
            expected_close_date=close,
            create_time=to_timestamp(at),
            enter_stage_time=to_timestamp(at),
        )
        if minor is not None:
            self.snapshot.amount.CopyFrom(Money(amount_minor=minor, currency_code=currency))
        if kind != "open":
            self.snapshot.close_time.CopyFrom(to_timestamp(at))
        body = pb.DealCreated(deal=self.snapshot, version=1, happen_time=to_timestamp(at))
        self.events = [self._event("crm.deal.v1.created", body)]

    def moved(self, stage: str, at: datetime) -> "ToldDeal":
        """Into another stage."""
        self.version += 1
        stage_id, name, kind = self.crm.stages[stage]
        self.snapshot.stage_id, self.snapshot.stage_name = stage_id, name
        self.snapshot.stage_type = TYPES[kind]
        self.snapshot.enter_stage_time.CopyFrom(to_timestamp(at))
        self.snapshot.ClearField("close_time")
        if kind != "open":
            self.snapshot.close_time.CopyFrom(to_timestamp(at))
        self.snapshot.lost_reason_id = str(TOO_DEAR) if kind == "lost" else ""
        body = pb.DealMoved(
            deal=self.snapshot,
            version=self.version,
            happen_time=to_timestamp(at),
            lost_reason_name="Too dear" if kind == "lost" else "",
        )
        self.events.append(self._event("crm.deal.v1.moved", body))
        return self

    def postponed(self, to: str, at: datetime = NOON) -> "ToldDeal":
        """Expected to close on another day."""
        self.version += 1
        before, self.snapshot.expected_close_date = self.snapshot.expected_close_date, to
        body = pb.DealUpdated(
            deal=self.snapshot,
            changed_fields=["expected_close_date"],
            expected_close_date_before=before,
            version=self.version,
            happen_time=to_timestamp(at),
        )
        self.events.append(self._event("crm.deal.v1.updated", body))
        return self

    def revalued(self, minor: int, at: datetime = NOON) -> "ToldDeal":
        """Worth something else."""
        self.version += 1
        self.snapshot.amount.amount_minor = minor
        body = pb.DealUpdated(
            deal=self.snapshot, changed_fields=["amount"], version=self.version,
            happen_time=to_timestamp(at),
        )  # fmt: skip
        self.events.append(self._event("crm.deal.v1.updated", body))
        return self

    def worth_nothing_known(self, at: datetime = NOON) -> "ToldDeal":
        """Its amount was taken away."""
        self.version += 1
        self.snapshot.ClearField("amount")
        body = pb.DealUpdated(
            deal=self.snapshot, changed_fields=["amount"], version=self.version,
            happen_time=to_timestamp(at),
        )  # fmt: skip
        self.events.append(self._event("crm.deal.v1.updated", body))
        return self

    def converted(self, minor: int, currency: str) -> "ToldDeal":
        """Told with its value in the workspace's currency, once a rate was known."""
        self.snapshot.base_amount.CopyFrom(Money(amount_minor=minor, currency_code=currency))
        return self.revalued(self.snapshot.amount.amount_minor)

    def belonging_to(self, client_id: UUID, at: datetime = NOON) -> "ToldDeal":
        """Another client's, as by a merge."""
        self.version += 1
        self.snapshot.client_id = str(client_id)
        body = pb.DealUpdated(
            deal=self.snapshot, changed_fields=["client_id"], version=self.version,
            happen_time=to_timestamp(at),
        )  # fmt: skip
        self.events.append(self._event("crm.deal.v1.updated", body))
        return self

    def deleted(self, at: datetime = NOON) -> "ToldDeal":
        """In the trash."""
        self.version += 1
        body = pb.DealDeleted(
            deal=self.snapshot, version=self.version, happen_time=to_timestamp(at)
        )
        self.events.append(self._event("crm.deal.v1.deleted", body))
        return self

    def restored(self) -> "ToldDeal":
        """Out of the trash."""
        self.version += 1
        body = record_pb.DealRestored(
            deal=self.snapshot, version=self.version, happen_time=to_timestamp(NOON)
        )
        self.events.append(self._event("crm.deal.v1.restored", body))
        return self

    def _event(self, kind: str, message: Any) -> Event:
        body: bytes = message.SerializeToString()
        return self.crm.event(kind, body, version=self.version, bulk=self.bulk)


class ToldCall:
    """A call and the events it has told so far."""

    def __init__(self, crm: Told, client_id: UUID, at: datetime) -> None:
        self.crm = crm
        self.id = new_id()
        self.version = 1
        self.snapshot = activity_pb.ActivitySnapshot(
            activity_id=str(self.id),
            kind="call",
            client_id=str(client_id),
            create_time=to_timestamp(at),
            done_time=to_timestamp(at),
        )
        body = activity_pb.ActivityCreated(activity=self.snapshot, version=1)
        self.events = [self._event("crm.activity.v1.created", body, at)]

    def belonging_to(self, client_id: UUID, at: datetime) -> "ToldCall":
        """Another client's, as by a merge."""
        self.version += 1
        self.snapshot.client_id = str(client_id)
        body = activity_pb.ActivityUpdated(activity=self.snapshot, version=self.version)
        self.events.append(self._event("crm.activity.v1.updated", body, at))
        return self

    def _event(self, kind: str, message: Any, at: datetime) -> Event:
        return self.crm.event(kind, message.SerializeToString(), version=self.version, at=at)
