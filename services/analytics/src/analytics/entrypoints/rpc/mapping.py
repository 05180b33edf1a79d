"""The pipeline, velocity and one deal as messages."""

from itertools import groupby
from typing import Any

from analytics.application.reports import DealReport, PipelineReport, VelocityReport
from analytics.domain.odds import odds_in_words
from analytics.domain.pace import DEFINITIONS, pace_in_words, trend
from analytics.domain.shown import counted_words, share_evidence
from analytics.entrypoints.rpc.prediction_mapping import insight_of
from analytics.entrypoints.rpc.shared import backtest, basis, maybe_money, money
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1.explanation_pb2 import MoneyRange
from kit.clock import to_timestamp

WHY_DIFFERENT = (
    "The pace multiplies all open deals as if each were as young as those that close; read as "
    "revenue it overshoots. The projection follows when deals of their age were won before, adds "
    "deals not opened yet, and is the one to plan with. What open deals bring "
    "in it is told by their age and corrected by earlier misses; pipeline health adds up the odds "
    "of each deal. These are two estimates: of a few deals the first may be above the second."
)


def pipeline_message(report: PipelineReport) -> pb.Pipeline:
    scope = report.scope
    currency = scope.standing.currency
    stages = [
        _stage(list(rows), currency)
        for _, rows in groupby(report.stages, key=lambda row: row["stage_id"])
    ]
    open_ones = [stage for stage in stages if stage.stage_type == "open"]
    count = sum(stage.count for stage in stages)
    unconverted = sum(row["others"] for row in report.stages)
    return pb.Pipeline(
        stages=stages,
        open_value=money(sum(stage.sum.amount_minor for stage in open_ones), currency),
        open_count=sum(stage.count for stage in open_ones),
        won_value_30_days=money(report.recent["won_minor"], currency),
        won_count_30_days=report.recent["won"],
        created_count_30_days=report.recent["created"],
        converted_count=sum(
            row["deals"] - row["others"]
            for row in report.stages
            if row["type"] == "open" and row["currency"] not in ("", currency)
        ),
        basis=basis(
            scope,
            evidence="high" if count else "none",
            size=count,
            words=counted_words(count, unconverted),
        ),
    )


def velocity_message(report: VelocityReport) -> pb.Velocity:
    scope, pace, before = report.scope, report.pace, report.before
    currency = scope.standing.currency
    closed = pace.won + pace.lost
    message = pb.Velocity(
        opportunities=pace.opportunities,
        mean_value=maybe_money(pace.mean_value_minor, currency),
        win_rate=pace.win_rate,
        cycle_days=pace.cycle_days,
        value_per_day=maybe_money(pace.value_per_day_minor, currency),
        value_per_day_before=maybe_money(before.value_per_day_minor, currency),
        trend=trend(pace, before),
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        definitions=[pb.Definition(name=n, words=words) for n, words in DEFINITIONS.items()],
        closed_count=closed,
        won_count=pace.won,
        basis=basis(
            scope,
            evidence=share_evidence(closed),
            size=closed,
            words=pace_in_words(pace, scope.period.days),
            model="velocity",
            estimate=scope.standing.rest,
        ),
    )
    _project(message, report.projection, currency)
    return message


def _project(message: pb.Velocity, row: Any | None, currency: str) -> None:
    if row is None or row["evidence"] == "none":
        message.projection_words = (
            "Nothing can be said of the next 30 days yet: no deal has closed."
        )
        return
    message.projection.CopyFrom(
        MoneyRange(
            expected=money(row["mean_minor"], currency),
            lower=money(row["lower"]["80"], currency),
            upper=money(row["upper"]["80"], currency),
            interval_percent=80,
        )
    )
    message.projection_pipeline_part.CopyFrom(money(row["pipeline_minor"], currency))
    message.projection_new_part.CopyFrom(money(row["inflow_minor"], currency))
    message.projection_run_rate.CopyFrom(money(row["run_rate_minor"], currency))
    message.projection_backtest.CopyFrom(backtest(row["backtest"]))
    message.projection_words = WHY_DIFFERENT


def insight_message(report: DealReport) -> pb.DealInsight:
    deal, scope = report.deal, report.scope
    message = _scored(report) if report.score is not None else _unscored(report)
    message.age_days, message.days_in_stage = report.age_days, report.days_in_stage
    message.close_date_moves = report.postponements
    message.name, message.deal_id = deal["name"], str(deal["deal_id"])
    message.client_id, message.client_name = str(deal["client_id"] or ""), deal["client_name"]
    message.owner_id = str(deal["owner_id"] or "")
    message.stage_name = report.spells[-1].stage_name if report.spells else ""
    message.spells.extend(
        pb.StageSpell(
            stage_id=str(spell.stage_id),
            stage_name=spell.stage_name,
            stage_type=spell.stage_type,
            enter_time=to_timestamp(spell.entered_at),
            leave_time=to_timestamp(spell.left_at) if spell.left_at else None,
            days=spell.days,
        )
        for spell in report.spells
    )
    if scope.own_only:
        message.ClearField("base_rate")
    return message


def _scored(report: DealReport) -> pb.DealInsight:
    return insight_of(report.score, report.scope, report.model)


def _unscored(report: DealReport) -> pb.DealInsight:
    """The odds of any deal here; none for a closed one, nor while no deal has closed."""
    deal, odds = report.deal, report.odds
    message = pb.DealInsight(
        basis=basis(
            report.scope,
            evidence="prior" if odds else "none",
            size=0 if report.scope.own_only else report.won + report.lost,
            words=_words(report),
            model="base rate",
        ),
    )
    if deal["amount_minor"] is not None:
        message.amount.CopyFrom(money(deal["amount_minor"], deal["currency"]))
    if odds is not None:
        message.win_probability = odds.probability
        message.lower, message.upper = odds.lower, odds.upper
        if deal["amount_minor"] is not None:
            expected = deal["amount_minor"] * odds.probability
            message.expected_value.CopyFrom(money(expected, deal["currency"]))
    return message


def _words(report: DealReport) -> str:
    if report.deal["closed_at"] is not None:
        return "The deal is closed; its outcome is known."
    if report.scope.own_only:
        return "How deals usually end here. Nothing particular to this deal is in it yet."
    return odds_in_words(report.won, report.lost)


def _stage(rows: list[Any], currency: str) -> pb.PipelineStage:
    first, count = rows[0], sum(row["deals"] for row in rows)
    return pb.PipelineStage(
        stage_id=str(first["stage_id"]),
        stage_name=first["name"],
        stage_type=first["type"],
        count=count,
        sum=money(sum(row["minor"] for row in rows), currency),
        unconverted=[money(row["other_minor"], row["currency"]) for row in rows if row["others"]],
        mean_days=max(sum(row["days"] for row in rows) / count, 0.0),
    )
