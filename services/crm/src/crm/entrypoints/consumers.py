"""What the others tell: workspaces and their members, and the odds of deals."""

from crm.adapters.odds import Odds
from crm.application.odds import keep_odds
from crm.application.workspaces import forget_member, keep_member, keep_workspace
from freelanceflow.analytics.v1 import score_events_pb2 as score_pb
from freelanceflow.auth.v1 import account_events_pb2 as pb
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.closures import closed, reopened
from kit.erasure import erased
from kit.ids import parse_id
from kit.unit_of_work import UnitOfWork


async def workspace_settled(uow: UnitOfWork, event: Event) -> None:
    """A workspace came to be, or has other settings; both messages say the same."""
    told = pb.WorkspaceUpdated.FromString(event.body)
    await keep_workspace(
        uow,
        version=told.version,
        name=told.name,
        currency=told.currency_code,
        time_zone=told.time_zone,
    )


async def member_added(uow: UnitOfWork, event: Event) -> None:
    """A person belongs to the workspace."""
    told = pb.MemberAdded.FromString(event.body)
    await keep_member(
        uow,
        user_id=parse_id(told.user_id, "user_id"),
        version=told.version,
        name=told.name,
        permissions=list(told.permissions) or None,
    )


async def member_removed(uow: UnitOfWork, event: Event) -> None:
    """A person no longer belongs to it."""
    told = pb.MemberRemoved.FromString(event.body)
    await keep_member(
        uow,
        user_id=parse_id(told.user_id, "user_id"),
        version=told.version,
        name="",
        removed_at=from_timestamp(told.happen_time),
    )


async def member_erased(uow: UnitOfWork, event: Event) -> None:
    """A person is gone for good."""
    told = pb.MemberErased.FromString(event.body)
    await forget_member(
        uow,
        user_id=parse_id(told.user_id, "user_id"),
        version=told.version,
        at=from_timestamp(told.happen_time),
    )


async def deals_scored(uow: UnitOfWork, event: Event) -> None:
    """Deals have other odds, or none any more."""
    told = score_pb.DealsScored.FromString(event.body)
    odds = {parse_id(score.deal_id, "deal_id"): _odds(score) for score in told.scores}
    gone = (parse_id(text, "deal_id") for text in told.unscored_deal_ids)
    odds |= dict.fromkeys(gone, Odds())
    await keep_odds(uow, odds, run=told.version, told_at=from_timestamp(told.happen_time))


def _odds(score: score_pb.DealScore) -> Odds:
    """Odds that rest on nothing are no odds."""
    if score.evidence == "none":
        return Odds()
    return Odds(score.win_probability, score.advice or None, score.evidence or None)


OF_ANALYTICS: dict[str, Handler] = {"analytics.deal.v1.scored": deals_scored}
OF_AUTH: dict[str, Handler] = {
    "auth.workspace.v1.created": workspace_settled,
    "auth.workspace.v1.updated": workspace_settled,
    "auth.workspace.v1.closed": closed,
    "auth.workspace.v1.reopened": reopened,
    "auth.workspace.v1.erased": erased,
    "auth.member.v1.added": member_added,
    "auth.member.v1.role_changed": member_added,
    "auth.member.v1.removed": member_removed,
    "auth.member.v1.erased": member_erased,
}
