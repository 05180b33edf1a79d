"""Members and events, with keyword overrides."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP, Envelope, Session
from nats.js.errors import NotFoundError

from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from freelanceflow.crm.v1 import activity_events_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_events_pb2 as bulk_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.crm.v1 import export_events_pb2 as export_pb
from freelanceflow.crm.v1 import import_events_pb2 as import_pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.type.v1.money_pb2 import Money
from kit.bus.events import Event, headers_of
from kit.bus.jetstream import Bus
from kit.bus.subjects import subject
from kit.clock import to_timestamp
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from notify.entrypoints.account_letters import of_accounts
from notify.entrypoints.app import App
from notify.entrypoints.consumers import of_analytics, of_crm, of_members, of_workspaces

READS = ("activities.read", "analytics.read", "deals.read", "imports.read")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Sink:
    """A mail server that keeps what it takes, and can be told to refuse."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []  # the same, as they came
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.raw.append(envelope.content)
        return self.answer

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.taken if address in mail["To"]]


async def tell(app: App, *events: Event) -> None:
    """Hear these events, each consumer by itself."""
    consumers = (
        of_accounts(app),
        of_members(),
        of_workspaces(app),
        of_crm(app),
        of_analytics(app),
    )
    for event in events:
        hearing = [handlers[event.type] for handlers in consumers if event.type in handlers]
        assert hearing, event.type
        for handler in hearing:
            async with app.unit_of_work(event.workspace_id) as uow:
                await handler(uow, event)


async def rows(database: ServiceDatabase, table: str, workspace: UUID) -> list[Any]:
    """All of a workspace's, past every policy."""
    return await database.owner.fetch(
        f"SELECT * FROM {table} WHERE workspace_id = $1 ORDER BY 1", workspace
    )


async def publish(bus: Bus, event: Event) -> None:
    """As the relay does, beyond the time in which the stream itself drops a repeat."""
    service, _, name = event.type.partition(".")
    row = {
        "event_id": event.id,
        "workspace_id": event.workspace_id,
        "type": event.type,
        "aggregate_id": event.subject_id,
        "happened_at": event.time,
        "number": 1,
        "headers": {"ff-version": "1"},
    }
    headers = {**headers_of(row), "Nats-Msg-Id": str(new_id())}
    to = subject(service, event.workspace_id, name)
    await bus.jetstream.publish(to, event.body, headers=headers)


async def settled(bus: Bus, stream: str, name: str) -> bool:
    """Whether a consumer has had four deliveries at least, and is through with all there is."""
    try:
        info = await bus.jetstream.consumer_info(stream, name)
    except NotFoundError:
        return False
    delivered = info.delivered.consumer_seq if info.delivered else 0
    return delivered >= 4 and info.num_pending == info.num_ack_pending == 0


def make_event(
    workspace: UUID,
    kind: str,
    message: Any,
    *,
    bulk_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Event:
    """With an envelope of its own."""
    event_id = new_id()
    return Event(
        id=event_id,
        type=kind,
        workspace_id=workspace,
        subject_id=event_id,
        time=NOON,
        version=1,
        bulk_id=bulk_id,
        actor_id=actor_id,
        origin="",
        body=message.SerializeToString(),
        headers={},
    )


def member_added(workspace: UUID, user_id: UUID, **over: Any) -> Event:
    usual = {
        "workspace_id": str(workspace),
        "user_id": str(user_id),
        "email": f"{user_id.hex}@studio.example",
        "name": "Mira Okafor",
        "locale": "en",
        "role": "owner",
        "version": 1,
    }
    return make_event(workspace, "auth.member.v1.added", auth_pb.MemberAdded(**{**usual, **over}))


def member_removed(workspace: UUID, user_id: UUID, *, version: int = 2) -> Event:
    message = auth_pb.MemberRemoved(
        workspace_id=str(workspace),
        user_id=str(user_id),
        version=version,
        happen_time=to_timestamp(NOON),
    )
    return make_event(workspace, "auth.member.v1.removed", message)


def workspace_updated(
    workspace: UUID, time_zone: str, *, version: int = 1, name: str = ""
) -> Event:
    message = auth_pb.WorkspaceUpdated(
        workspace_id=str(workspace), time_zone=time_zone, version=version, name=name
    )
    return make_event(workspace, "auth.workspace.v1.updated", message)


def deal_moved(
    workspace: UUID, *, bulk_id: UUID | None = None, actor_id: UUID | None = None, **over: Any
) -> Event:
    usual = {
        "deal_id": str(new_id()),
        "name": "Website relaunch",
        "client_name": "Weir & Heron",
        "amount": Money(amount_minor=1_250_000, currency_code="EUR"),
        "stage_name": "Proposal",
        "stage_type": StageType.STAGE_TYPE_OPEN,
    }
    message = deal_pb.DealMoved(
        deal=deal_pb.DealSnapshot(**{**usual, **over}),
        from_stage_name="Prospecting",
        from_stage_type=StageType.STAGE_TYPE_OPEN,
        days_in_stage=3.2,
        actor_name="Mira",
        happen_time=to_timestamp(NOON),
        version=2,
    )
    kind = "crm.deal.v1.moved"
    return make_event(workspace, kind, message, bulk_id=bulk_id, actor_id=actor_id)


def reminded(workspace: UUID, owner_id: UUID | None, **over: Any) -> Event:
    usual = {
        "activity_id": str(new_id()),
        "kind": "call",
        "subject": "Ask about the offer",
        "client_name": "Weir & Heron",
        "owner_id": str(owner_id or ""),
        "due_time": to_timestamp(NOON),
    }
    message = activity_pb.ActivityReminded(
        activity=activity_pb.ActivitySnapshot(**{**usual, **over}),
        time_zone="Europe/Berlin",
        happen_time=to_timestamp(NOON),
        version=1,
    )
    return make_event(workspace, "crm.activity.v1.reminded", message)


def export_finished(workspace: UUID, maker: UUID) -> Event:
    message = export_pb.ExportFinished(
        export_id=str(new_id()),
        resource="clients",
        format="csv",
        file_name="clients-2026-03-02.csv",
        rows=1200,
        actor_id=str(maker),
        happen_time=to_timestamp(NOON),
        expire_time=to_timestamp(NOON + timedelta(days=7)),
        version=2,
    )
    return make_event(workspace, "crm.export.v1.finished", message)


def bulk_finished(workspace: UUID, asked: UUID, **over: Any) -> Event:
    usual: dict[str, Any] = {
        "resource": "clients",
        "changed": 1,
        "refused": 3,
        "job_id": str(new_id()),
    }
    message = bulk_pb.BulkFinished(
        actor_id=str(asked), happen_time=to_timestamp(NOON), version=1, **usual | over
    )
    return make_event(workspace, "crm.bulk.v1.finished", message)


def import_failed(workspace: UUID, asked: UUID, **over: Any) -> Event:
    usual = {"step": "write", "why": "The file is gone.", "file_name": "deals.csv"}
    message = import_pb.ImportFailed(
        import_id=str(new_id()),
        resource="deals",
        actor_id=str(asked),
        happen_time=to_timestamp(NOON),
        version=3,
        **usual | over,
    )
    return make_event(workspace, "crm.import.v1.failed", message)


def export_failed(workspace: UUID, asked: UUID, **over: Any) -> Event:
    message = export_pb.ExportFailed(
        export_id=str(new_id()),
        resource="clients",
        format="pdf",
        file_name="clients-2026-03-02.pdf",
        actor_id=str(asked),
        happen_time=to_timestamp(NOON),
        version=2,
        **over,
    )
    return make_event(workspace, "crm.export.v1.failed", message)


def verification(workspace: UUID, *, token: str = "s3cret-link", minutes: int = 10) -> Event:
    message = auth_pb.VerificationRequested(
        user_id=str(workspace),
        email="noor@studio.example",
        name="Noor Vance",
        token=token,
        expire_time=to_timestamp(NOON + timedelta(minutes=minutes)),
        happen_time=to_timestamp(NOON),
        version=1,
    )
    return make_event(workspace, "auth.verification.v1.requested", message)
