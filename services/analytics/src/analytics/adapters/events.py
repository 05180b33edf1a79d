"""Facts on their way to the bus: the only place in analytics that knows subjects and messages."""

from uuid import UUID

from analytics.domain.facts import (
    ClientRiskChanged,
    DealScoreDropped,
    DealsDropped,
    DealsScored,
    ForecastRevised,
    PipelineChanged,
    RisksRisen,
)
from freelanceflow.analytics.v1 import pipeline_events_pb2 as pb
from freelanceflow.analytics.v1 import score_events_pb2 as score_pb
from freelanceflow.type.v1.money_pb2 import Money
from kit.aggregate import Fact
from kit.clock import to_timestamp
from kit.outbox import Message, OutboxRow, event_row


def to_outbox(workspace_id: UUID, fact: Fact) -> OutboxRow:
    """One fact, ready to commit. Raises TypeError for one without a wire form."""
    name, message = _event(fact)
    row = event_row("analytics", workspace_id, fact, name, message)
    if isinstance(fact, DealScoreDropped | ClientRiskChanged | DealsDropped | RisksRisen):
        # So that windows are told only what their person sees.
        row["headers"]["ff-owner"] = str(fact.owner_id or "")
    return row


def _event(fact: Fact) -> tuple[str, Message]:
    match fact:
        case PipelineChanged():
            message = pb.PipelineChanged(happen_time=to_timestamp(fact.at), version=fact.version)
            return "pipeline.v1.changed", message
        case DealsScored():
            return "deal.v1.scored", _deals_scored(fact)
        case DealScoreDropped():
            return "deal.v1.score_dropped", _score_dropped(fact)
        case ClientRiskChanged():
            return "client.v1.risk_changed", _risk_changed(fact)
        case DealsDropped():
            return "scoring.v1.deals_dropped", _deals_dropped(fact)
        case RisksRisen():
            return "scoring.v1.risks_risen", _risks_risen(fact)
        case ForecastRevised():
            return "forecast.v1.revised", _forecast_revised(fact)
    raise TypeError(f"{type(fact).__name__} has no wire form")


def _deals_scored(fact: DealsScored) -> score_pb.DealsScored:
    return score_pb.DealsScored(
        scores=[
            score_pb.DealScore(
                deal_id=str(odds.deal_id),
                win_probability=odds.probability,
                lower=odds.lower,
                upper=odds.upper,
                advice=odds.advice,
                evidence=odds.evidence,
            )
            for odds in fact.scores
        ],
        unscored_deal_ids=[str(deal_id) for deal_id in fact.gone],
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _score_dropped(fact: DealScoreDropped) -> score_pb.DealScoreDropped:
    return score_pb.DealScoreDropped(
        deal_id=str(fact.aggregate_id),
        deal_name=fact.name,
        owner_id=str(fact.owner_id or ""),
        probability_before=fact.before,
        probability=fact.probability,
        reason=fact.reason,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _risk_changed(fact: ClientRiskChanged) -> score_pb.ClientRiskChanged:
    return score_pb.ClientRiskChanged(
        client_id=str(fact.aggregate_id),
        client_name=fact.name,
        owner_id=str(fact.owner_id or ""),
        level_before=fact.before,
        level=fact.level,
        probability=fact.probability,
        evidence=fact.evidence,
        reason=fact.reason,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _deals_dropped(fact: DealsDropped) -> score_pb.DealsDropped:
    return score_pb.DealsDropped(
        owner_id=str(fact.owner_id or ""),
        count=fact.count,
        drops=[_score_dropped(drop) for drop in fact.drops],
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _risks_risen(fact: RisksRisen) -> score_pb.RisksRisen:
    return score_pb.RisksRisen(
        owner_id=str(fact.owner_id or ""),
        count=fact.count,
        rises=[_risk_changed(change) for change in fact.rises],
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _forecast_revised(fact: ForecastRevised) -> score_pb.ForecastRevised:
    message = score_pb.ForecastRevised(
        metric=fact.metric,
        value=Money(amount_minor=fact.minor, currency_code=fact.currency),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
    if fact.before_minor is not None:
        before = Money(amount_minor=fact.before_minor, currency_code=fact.currency)
        message.value_before.CopyFrom(before)
    return message
