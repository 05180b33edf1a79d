"""Reports as messages."""

from itertools import groupby
from typing import Any

from analytics.adapters.queries import WorkspaceSettings
from analytics.application.reports import DealReport, PipelineReport, VelocityReport
from analytics.domain.odds import odds_in_words
from analytics.domain.pace import DEFINITIONS, pace_in_words, trend
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.type.v1.money_pb2 import Money
from kit.clock import to_timestamp

VERSION = "1"


def pipeline_message(report: PipelineReport) -> pb.Pipeline:
    currency = report.settings.currency
    stages = [
        _stage(list(rows), currency)
        for _, rows in groupby(report.stages, key=lambda row: row["stage_id"])
    ]
    open_ones = [stage for stage in stages if stage.stage_type == "open"]
    count = sum(stage.count for stage in stages)
    return pb.Pipeline(
        stages=stages,
        open_value=_money(sum(stage.sum.amount_minor for stage in open_ones), currency),
        open_count=sum(stage.count for stage in open_ones),
        won_value_30_days=_money(report.recent.won_minor, currency),
        won_count_30_days=report.recent.won,
        created_count_30_days=report.recent.created,
        basis=_basis(
            report.settings,
            "count",
            count,
            "high" if count else "none",
            f"Counts {count:,} deals; nothing is estimated."
            if count
            else "There are no deals yet.",
        ),
    )


def velocity_message(report: VelocityReport) -> pb.Velocity:
    pace, before, currency = report.pace, report.before, report.settings.currency
    closed = pace.won + pace.lost
    return pb.Velocity(
        opportunities=pace.opportunities,
        mean_value=_maybe(pace.mean_value_minor, currency),
        win_rate=pace.win_rate,
        cycle_days=pace.cycle_days,
        value_per_day=_maybe(pace.value_per_day_minor, currency),
        value_per_day_before=_maybe(before.value_per_day_minor, currency),
        trend=trend(pace, before),
        start_date=report.period.first.isoformat(),
        end_date=report.period.last.isoformat(),
        definitions=[pb.Definition(name=n, words=words) for n, words in DEFINITIONS.items()],
        closed_count=closed,
        won_count=pace.won,
        basis=_basis(
            report.settings,
            "velocity",
            closed,
            "none" if not closed else "low" if closed < 20 else "medium",
            pace_in_words(pace, report.period.days),
        ),
    )


def insight_message(report: DealReport) -> pb.DealInsight:
    deal, odds = report.deal, report.odds
    message = pb.DealInsight(
        deal_id=str(deal["deal_id"]),
        age_days=report.age_days,
        days_in_stage=report.days_in_stage,
        close_date_moves=report.postponements,
        spells=[
            pb.StageSpell(
                stage_id=str(spell.stage_id),
                stage_name=spell.stage_name,
                stage_type=spell.stage_type,
                enter_time=to_timestamp(spell.entered_at),
                leave_time=to_timestamp(spell.left_at) if spell.left_at else None,
                days=spell.days,
            )
            for spell in report.spells
        ],
        basis=_basis(
            report.settings,
            "base rate",
            report.won + report.lost,
            "prior" if odds else "none",
            _words(report),
        ),
    )
    if odds is not None:
        message.win_probability = odds.probability
        message.lower, message.upper = odds.lower, odds.upper
        if deal["amount_minor"] is not None:
            expected = round(deal["amount_minor"] * odds.probability)
            message.expected_value.CopyFrom(_money(expected, deal["currency"]))
    return message


def _words(report: DealReport) -> str:
    if report.deal["closed_at"] is not None:
        return "The deal is closed; its outcome is known."
    return odds_in_words(report.won, report.lost)


def _stage(rows: list[Any], currency: str) -> pb.PipelineStage:
    count = sum(row["deals"] for row in rows)
    sums = {row["currency"]: row["minor"] for row in rows}
    first = rows[0]
    return pb.PipelineStage(
        stage_id=str(first["stage_id"]),
        stage_name=first["name"],
        stage_type=first["type"],
        count=count,
        sum=_money(sums.get(currency, 0), currency),
        unconverted=[
            _money(minor, code)
            for code, minor in sorted(sums.items())
            if code not in (currency, "")
        ],
        mean_days=sum(float(row["days"]) for row in rows) / count,
    )


def _basis(
    settings: WorkspaceSettings, model: str, sample_size: int, evidence: str, words: str
) -> pb.Basis:
    return pb.Basis(
        as_of_time=to_timestamp(settings.as_of) if settings.as_of else None,
        model_name=model,
        model_version=VERSION,
        sample_size=sample_size,
        evidence=evidence,
        words=words,
    )


def _money(minor: int, currency: str) -> Money:
    return Money(amount_minor=minor, currency_code=currency)


def _maybe(minor: float | None, currency: str) -> Money | None:
    return None if minor is None else _money(round(minor), currency)
