"""What the others tell, and what people are told of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from freelanceflow.analytics.v1 import score_events_pb2 as score_pb
from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from freelanceflow.crm.v1 import activity_events_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_events_pb2 as bulk_pb
from freelanceflow.crm.v1 import deal_events_pb2 as deal_pb
from freelanceflow.crm.v1 import export_events_pb2 as export_pb
from freelanceflow.crm.v1 import import_events_pb2 as import_pb
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from kit.bus.consumer import Handler, Together
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.closures import closed, reopened
from kit.erasure import erased
from kit.ids import parse_id
from kit.money import Money
from kit.unit_of_work import UnitOfWork
from notify.application.members import drop_member, forget_member, keep_member
from notify.application.telling import News, tell_everybody
from notify.application.workspaces import keep_settings
from notify.domain.messages import (
    Drop,
    ImportResult,
    Kind,
    Move,
    Reminder,
    Rise,
    Wording,
    activity_due,
    bulk_finished,
    deal_moved,
    export_failed,
    export_finished,
    import_failed,
    import_finished,
    odds_dropped,
    risk_risen,
)
from notify.entrypoints.app import App

_TYPES = {
    StageType.STAGE_TYPE_OPEN: "open",
    StageType.STAGE_TYPE_WON: "won",
    StageType.STAGE_TYPE_LOST: "lost",
}


def of_members() -> dict[str, Handler]:
    """Members come and go, and may do something else."""

    async def member_added(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.MemberAdded.FromString(event.body)
        await keep_member(
            uow,
            user_id=parse_id(told.user_id, "user_id"),
            version=told.version,
            email=told.email,
            name=told.name,
            locale=told.locale,
            visibility=told.visibility or "all",
            team=told.team,
            permissions=list(told.permissions) or None,
        )

    async def member_removed(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.MemberRemoved.FromString(event.body)
        await drop_member(
            uow,
            user_id=parse_id(told.user_id, "user_id"),
            version=told.version,
            at=from_timestamp(told.happen_time),
        )

    async def member_erased(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.MemberErased.FromString(event.body)
        await forget_member(
            uow,
            user_id=parse_id(told.user_id, "user_id"),
            version=told.version,
            at=from_timestamp(told.happen_time),
        )

    return {
        "auth.member.v1.added": member_added,
        "auth.member.v1.role_changed": member_added,
        "auth.member.v1.removed": member_removed,
        "auth.member.v1.erased": member_erased,
    }


def of_workspaces(app: App) -> dict[str, Handler]:
    """Workspaces come to be, and are set otherwise."""

    async def workspace_settled(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.WorkspaceUpdated.FromString(event.body)  # both messages say the same
        await keep_settings(
            uow,
            version=told.version,
            time_zone=told.time_zone,
            name=told.name,
            now=app.clock.now(),
        )

    return {
        "auth.workspace.v1.created": workspace_settled,
        "auth.workspace.v1.updated": workspace_settled,
        "auth.workspace.v1.closed": closed,
        "auth.workspace.v1.reopened": reopened,
        "auth.workspace.v1.erased": erased,
    }


DEAL_MOVED = "crm.deal.v1.moved"


def is_news(event: Event) -> bool:
    """Whether it is told by itself: of deals that an import has moved, one summary tells."""
    return event.bulk_id is None or event.type != DEAL_MOVED


def deal_news(event: Event) -> News:
    """A deal that was moved by hand."""
    told = deal_pb.DealMoved.FromString(event.body)
    owner = told.deal.owner_id
    owner_id = parse_id(owner, "owner_id") if owner else None
    move, at = _move(told), from_timestamp(told.happen_time)
    words = partial(deal_moved, move)
    return News(deal_moved(move).kind, words, at, owner_id, done_by=event.actor_id)


def import_news(event: Event) -> News:
    """The end of an import, for all it brought."""
    told = import_pb.ImportFinished.FromString(event.body)
    result = ImportResult(
        import_id=parse_id(told.import_id, "import_id"),
        resource=told.resource,
        file_name=told.file_name,
        created=told.created_rows,
        updated=told.updated_rows,
        skipped=told.skipped_rows,
        failed=told.failed_rows,
    )
    maker = parse_id(told.actor_id, "actor_id") if told.actor_id else None
    words, at = import_finished(result), from_timestamp(told.happen_time)
    return _in_all_languages(words, at, None, maker=maker)


def import_failure(event: Event) -> News:
    """An import that has stopped: told to whoever waits for it."""
    told = import_pb.ImportFailed.FromString(event.body)
    wording = import_failed(
        parse_id(told.import_id, "import_id"),
        file_name=told.file_name,
        step=told.step,
        why=told.why,
    )
    asked, at = parse_id(told.actor_id, "actor_id"), from_timestamp(told.happen_time)
    return _in_all_languages(wording, at, asked, personal=True)


def reminder_news(event: Event) -> News | None:
    """What somebody wanted to be reminded of; what is nobody's reminds nobody."""
    told = activity_pb.ActivityReminded.FromString(event.body)
    activity = told.activity
    if not activity.owner_id:
        return None
    reminder = Reminder(
        activity_id=parse_id(activity.activity_id, "activity_id"),
        kind=activity.kind,
        subject=activity.subject,
        client_name=activity.client_name,
        deal_name=activity.deal_name,
        due_at=from_timestamp(activity.due_time) if activity.HasField("due_time") else None,
        all_day=activity.all_day,
        time_zone=told.time_zone,
    )
    owner_id = parse_id(activity.owner_id, "owner_id")
    at = from_timestamp(told.happen_time)
    return _in_all_languages(activity_due(reminder), at, owner_id, personal=True)


def export_news(event: Event) -> News:
    """A file that somebody has asked for: theirs alone, and of no use in a mailbox."""
    told = export_pb.ExportFinished.FromString(event.body)
    wording = export_finished(
        parse_id(told.export_id, "export_id"),
        resource=told.resource,
        file_name=told.file_name,
        rows=told.rows,
        kept_until=from_timestamp(told.expire_time),
    )
    maker, at = parse_id(told.actor_id, "actor_id"), from_timestamp(told.happen_time)
    return _in_all_languages(wording, at, maker, personal=True)


def bulk_news(event: Event) -> News:
    """The end of a change of many: told to whoever has asked for it."""
    told = bulk_pb.BulkFinished.FromString(event.body)
    wording = bulk_finished(
        parse_id(told.job_id, "job_id"),
        resource=told.resource,
        changed=told.changed,
        refused=told.refused,
        stopped=told.stopped,
        why=told.why,
    )
    asked, at = parse_id(told.actor_id, "actor_id"), from_timestamp(told.happen_time)
    return _in_all_languages(wording, at, asked, personal=True)


def export_failure(event: Event) -> News:
    """A file that could not be made: told to whoever waits for it."""
    told = export_pb.ExportFailed.FromString(event.body)
    wording = export_failed(
        parse_id(told.export_id, "export_id"),
        resource=told.resource,
        file_name=told.file_name,
        why=told.why,
    )
    asked, at = parse_id(told.actor_id, "actor_id"), from_timestamp(told.happen_time)
    return _in_all_languages(wording, at, asked, personal=True)


def _in_all_languages(
    wording: Wording,
    at: datetime,
    owner_id: UUID | None,
    *,
    personal: bool = False,
    maker: UUID | None = None,
) -> News:
    return News(wording.kind, lambda _: wording, at, owner_id, personal, maker)


def odds_news(event: Event) -> News | None:
    """Odds that fell in one scoring: told to whoever pursues the deals."""
    told = score_pb.DealsDropped.FromString(event.body)
    drops = [
        Drop(
            parse_id(drop.deal_id, "deal_id"),
            drop.deal_name,
            drop.probability_before,
            drop.probability,
            drop.reason,
        )
        for drop in told.drops
    ]
    return _of_owner(told, Kind.ODDS_DROPPED, partial(odds_dropped, told.count, drops))


def risk_news(event: Event) -> News | None:
    """Clients more at risk since one scoring: told to whoever looks after them."""
    told = score_pb.RisksRisen.FromString(event.body)
    rises = [
        Rise(
            parse_id(rise.client_id, "client_id"),
            rise.client_name,
            rise.level_before,
            rise.level,
            rise.probability,
            rise.evidence,
            rise.reason,
        )
        for rise in told.rises
    ]
    return _of_owner(told, Kind.RISK_RISEN, partial(risk_risen, told.count, rises))


def _of_owner(
    told: score_pb.DealsDropped | score_pb.RisksRisen, kind: Kind, words: Callable[[str], Wording]
) -> News:
    """What is nobody's is told to those who see it."""
    owner_id = parse_id(told.owner_id, "owner_id") if told.owner_id else None
    at = from_timestamp(told.happen_time)
    return News(kind, words, at, owner_id, personal=owner_id is not None)


_OF_CRM: dict[str, Callable[[Event], News | None]] = {
    "crm.activity.v1.reminded": reminder_news,
    DEAL_MOVED: deal_news,
    "crm.bulk.v1.finished": bulk_news,
    "crm.export.v1.failed": export_failure,
    "crm.export.v1.finished": export_news,
    "crm.import.v1.failed": import_failure,
    "crm.import.v1.finished": import_news,
}
_OF_ANALYTICS: dict[str, Callable[[Event], News | None]] = {
    "analytics.scoring.v1.deals_dropped": odds_news,
    "analytics.scoring.v1.risks_risen": risk_news,
}
_NEWS = _OF_CRM | _OF_ANALYTICS


def news_told(app: App) -> Together:
    """All of a batch at once: the members are asked for once, and their rows go together."""

    async def handle(uow: UnitOfWork, events: Sequence[Event]) -> None:
        wanted = [event for event in events if is_news(event)]
        news = [found for event in wanted if (found := _NEWS[event.type](event)) is not None]
        if news:
            await tell_everybody(uow, app.letters, news, now=app.clock.now())
            app.wake_sender()

    return handle


def of_crm(app: App) -> dict[str, Handler]:
    """The same, one by one."""
    return dict.fromkeys(_OF_CRM, _one_by_one(app))


def of_analytics(app: App) -> dict[str, Handler]:
    """What got worse."""
    return dict.fromkeys(_OF_ANALYTICS, _one_by_one(app))


def _one_by_one(app: App) -> Handler:
    together = news_told(app)

    async def handle(uow: UnitOfWork, event: Event) -> None:
        await together(uow, [event])

    return handle


def _move(told: deal_pb.DealMoved) -> Move:
    deal = told.deal
    amount = None
    if deal.HasField("amount"):
        amount = Money(deal.amount.amount_minor, deal.amount.currency_code)
    return Move(
        deal_id=parse_id(deal.deal_id, "deal_id"),
        deal_name=deal.name,
        client_name=deal.client_name,
        amount=amount,
        from_stage=told.from_stage_name,
        from_type=_TYPES.get(told.from_stage_type, "open"),
        to_stage=deal.stage_name,
        to_type=_TYPES.get(deal.stage_type, "open"),
        lost_reason=told.lost_reason_name,
        actor_name=told.actor_name,
        days_in_stage=told.days_in_stage,
    )
