"""Accuracy as a message."""

from collections.abc import Iterable
from typing import Any

from analytics.adapters.standing import State
from analytics.application.pressing import AccuracyReport
from analytics.application.scope import Scope
from analytics.domain.shown import plural, share_evidence
from analytics.entrypoints.rpc.prediction_mapping import level_messages
from analytics.entrypoints.rpc.shared import basis, money
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre

PUBLISHED, REPLAYED = "published", "backtest"
FORECAST = "forecast:won_value"
OF_ALL = "Forecasts are compared for the whole workspace only, which you do not see."


def accuracy_message(report: AccuracyReport) -> pre.Accuracy:
    scope, code = report.scope, report.scope.standing.currency
    said = report.measured.get((FORECAST, PUBLISHED))
    replayed = said is None or not said["by_month"]
    months = report.measured.get((FORECAST, REPLAYED)) if replayed else said
    odds = report.measured.get(("win", PUBLISHED))
    odds_replayed = report.measured.get(("win", REPLAYED))
    judged = sum(row["n"] for row in report.measured.values())
    levels = level_messages({}, report.model, scope)
    observed = sum(level.sample_size for level in levels)
    message = pre.Accuracy(
        odds=_odds(odds) if odds else None,
        odds_backtest=_odds(odds_replayed) if odds_replayed else None,
        interval_coverage=months["coverage80"] if months else None,
        interval_percent=80,
        forecasts_are_backtest=bool(months) and replayed,
        forecast_words=OF_ALL if scope.own_only else months["words"] if months else "",
        levels=levels,
        answers=pre.AnswerAccuracy(count=report.answers, came_back=report.came_back),
        basis=basis(
            scope,
            evidence=share_evidence(judged or observed),
            size=judged,
            words="What was said is kept with its time and judged in the night after its outcome "
            f"is known; {plural(judged, 'statement', 'statements')} so far.",
            estimate=_judged(scope, report.measured.values()),
            counts=False,
        ),
    )
    for month in (months["by_month"] if months else [])[-24:]:
        if "said" in month and month.get("actual") is not None:
            message.forecasts.append(
                pre.ForecastAccuracy(
                    month=str(month["month"])[:7],
                    expected=money(month["said"], code),
                    lower=money(month["lower80"], code),
                    upper=money(month["upper80"], code),
                    actual=money(month["actual"], code),
                )
            )
    return message


def _judged(scope: Scope, measured: Iterable[Any]) -> State | None:
    """As of the last judgement. Nothing is behind: what ended today is judged tonight."""
    last = max((row["measured_at"] for row in measured), default=None)
    return None if last is None else State(last, scope.standing.data_version)


def _odds(row: Any) -> pre.OddsAccuracy:
    return pre.OddsAccuracy(
        sample_size=row["n"],
        brier=row["brier"],
        brier_base=row["base_brier"],
        bins=[
            pre.CalibrationBin(
                from_odds=b["from"],
                to_odds=b["to"],
                count=b["n"],
                said=b["said"],
                observed=b["observed"],
            )
            for b in row["bins"]
            if b["n"]
        ],
        words=row["words"],
    )
