"""Messages of analytics as JSON: the same numbers that pages and documents show."""

from collections.abc import Callable
from typing import Any

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import explanation_pb2 as why
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from gateway.entrypoints.api.answers import instant, money

COLOURS = {"low": "green", "watch": "amber", "high": "orange", "critical": "red"}

Json = dict[str, Any]


def number(message: Any, name: str) -> float | None:
    """An optional number."""
    return getattr(message, name) if message.HasField(name) else None


def amount(message: Any, name: str) -> Json | None:
    """An optional sum of money."""
    return money(getattr(message, name)) if message.HasField(name) else None


def basis_json(basis: pb.Basis) -> Json:
    """What an answer rests on; part of every one."""
    has = basis.HasField
    return {
        "as_of": instant(basis.as_of_time) if has("as_of_time") else None,
        "estimates_as_of": instant(basis.estimate_time) if has("estimate_time") else None,
        "behind": bool(basis.behind_words),
        "as_of_date": basis.as_of_date or None,
        "model": {
            "name": basis.model_name,
            "version": basis.model_version,
            "trained_at": instant(basis.train_time) if has("train_time") else None,
            "sample_size": basis.sample_size,
            "evidence": basis.evidence,
        },
        "basis": f"{basis.words} {basis.behind_words}".strip(),
        "computing": basis.computing,
        "own_only": basis.own_only,
    }


def period(message: Any) -> Json:
    """The days it counts."""
    return {"from": message.start_date, "to": message.end_date}


def reasons_json(reasons: Any) -> list[Json]:
    """For and against, the heaviest first."""
    return [{"name": r.name, "words": r.words, "weight": r.weight} for r in reasons]


def backtest_json(backtest: why.Backtest) -> Json:
    """How the method did on this workspace's own past."""
    return {
        "sample_size": backtest.sample_size,
        "coverage": number(backtest, "coverage"),
        "interval": backtest.interval_percent / 100,
        "mean_miss": number(backtest, "mean_miss"),
        "relative_miss": number(backtest, "relative_miss"),
        "words": backtest.words,
    }


def range_json(message: Any, name: str) -> Json | None:
    """An expected sum with its interval."""
    if not message.HasField(name):
        return None
    found: why.MoneyRange = getattr(message, name)
    return {
        "expected": money(found.expected),
        "lower": money(found.lower),
        "upper": money(found.upper),
        "interval": found.interval_percent / 100,
    }


def summary_json(answer: fig.Summary) -> Json:
    """The key figures."""
    figures = [
        {
            "name": f.name,
            "money": amount(f, "money"),
            "number": number(f, "number"),
            "lower": amount(f, "lower"),
            "upper": amount(f, "upper"),
            "trend": number(f, "trend"),
            "months": [{"month": m.month, "value": m.value} for m in f.months],
            "evidence": f.evidence,
            "words": f.words,
        }
        for f in answer.figures
    ]
    return {**period(answer), "figures": figures, **basis_json(answer.basis)}


def forecast_json(answer: pre.Forecast) -> Json:
    """History and months to come; values are money, or numbers for `deals_won`."""
    value = _valued(answer.currency_code)
    has = answer.HasField
    return {
        "metric": answer.metric,
        "horizon": answer.horizon,
        "interval": answer.interval_percent / 100,
        "history": [{"month": m.month, "value": value(m.value)} for m in answer.history],
        "months": [
            {
                "month": p.month,
                "value": value(p.value),
                "lower": value(p.lower),
                "upper": value(p.upper),
            }
            for p in answer.points
        ],
        "total": _total(answer.total, value) if has("total") else None,
        "confidence": number(answer, "confidence"),
        "confidence_words": answer.confidence_words,
        "method": answer.method_words,
        "reasons": reasons_json(answer.reasons),
        "backtest": backtest_json(answer.backtest) if has("backtest") else None,
        "line": _line(answer.line, value) if has("line") else None,
        "without": [
            {"deal_id": d.deal_id, "name": d.name, "value": value(d.value)} for d in answer.left_out
        ],
        **basis_json(answer.basis),
    }


def _valued(currency: str) -> Callable[[float], Any]:
    if not currency:
        return lambda value: value
    return lambda value: {"amount_minor": round(value), "currency": currency}


def _total(total: pre.ForecastTotal, value: Callable[[float], Any]) -> Json:
    parts = {name: number(total, name) for name in ("won_part", "pipeline_part", "new_part")}
    return {
        **period(total),
        "pessimistic": value(total.lower),
        "expected": value(total.value),
        "optimistic": value(total.upper),
        **{name: None if part is None else value(part) for name, part in parts.items()},
    }


def _line(line: pre.ForecastLine, value: Callable[[float], Any]) -> Json:
    return {
        "name": line.name,
        "label": line.label,
        "months": [{"month": m.month, "value": value(m.value)} for m in line.points],
        "backtest": backtest_json(line.backtest),
    }


def risks_json(answer: pre.ListClientRisksResponse) -> Json:
    """A page of clients at risk."""
    return {
        "items": [{**_risk(client), "basis": client.basis.words} for client in answer.clients],
        "next_cursor": answer.next_page_token or None,
        "levels": [level_json(level) for level in answer.levels],
        "horizon_days": answer.horizon_days,
        **basis_json(answer.basis),
    }


def risk_json(client: pre.ClientRisk) -> Json:
    """One client's risk."""
    return {**_risk(client), **basis_json(client.basis)}


def level_json(level: pre.RiskLevel) -> Json:
    """One of the four levels."""
    return {
        "level": level.level,
        "colour": COLOURS.get(level.level),
        "count": level.count,
        "value_at_stake": amount(level, "value_at_stake"),
        "observed": number(level, "observed"),
        "sample_size": level.sample_size,
    }


def _risk(client: pre.ClientRisk) -> Json:
    answer = client.answer
    return {
        "client_id": client.client_id,
        "client_name": client.client_name,
        "owner_id": client.owner_id or None,
        "risk": number(client, "risk"),
        "level": client.level or None,
        "colour": COLOURS.get(client.level),
        "horizon_days": client.horizon_days,
        "reasons": reasons_json(client.reasons),
        "days_silent": number(client, "days_silent"),
        "days_since_contact": number(client, "days_since_contact"),
        "rhythm_days": number(client, "rhythm_days"),
        "win_rate": number(client, "win_rate"),
        "won_count": client.won_count,
        "closed_count": client.closed_count,
        "value_at_stake": amount(client, "value_at_stake"),
        "answer": {
            "answer": answer.answer,
            "until": instant(answer.until_time),
            "user_id": answer.user_id,
            "answered_at": instant(answer.answer_time),
        }
        if client.HasField("answer")
        else None,
        "evidence": client.basis.evidence,
    }


def odds_json(answer: pre.ListDealOddsResponse) -> Json:
    """A page of open deals by priority."""
    return {
        "items": [
            {**_insight(deal), "evidence": deal.basis.evidence, "basis": deal.basis.words}
            for deal in answer.deals
        ],
        "next_cursor": answer.next_page_token or None,
        "total": answer.count,
        "expected": range_json(answer, "expected"),
        "base_rate": number(answer, "base_rate"),
        **basis_json(answer.basis),
    }


def insight_json(answer: pb.DealInsight) -> Json:
    """What is known of one deal."""
    return {
        **_insight(answer),
        "close_date_moves": answer.close_date_moves,
        "spells": [_spell(spell) for spell in answer.spells],
        **basis_json(answer.basis),
    }


def _insight(deal: pb.DealInsight) -> Json:
    step = deal.next_best_step
    return {
        "deal_id": deal.deal_id,
        "name": deal.name,
        "client_id": deal.client_id or None,
        "client_name": deal.client_name or None,
        "owner_id": deal.owner_id or None,
        "stage_name": deal.stage_name,
        "amount": amount(deal, "amount"),
        "win_probability": number(deal, "win_probability"),
        "lower": number(deal, "lower"),
        "upper": number(deal, "upper"),
        "win_probability_before": number(deal, "win_probability_before"),
        "base_rate": number(deal, "base_rate"),
        "expected_value": amount(deal, "expected_value"),
        "recommendation": deal.recommendation or None,
        "priority": number(deal, "priority"),
        "reasons": reasons_json(deal.reasons),
        "next_best_step": {"rule": step.rule, "words": step.words}
        if deal.HasField("next_best_step")
        else None,
        "age_days": deal.age_days,
        "days_in_stage": deal.days_in_stage,
    }


def _spell(spell: pb.StageSpell) -> Json:
    return {
        "stage_id": spell.stage_id,
        "stage_name": spell.stage_name,
        "stage_type": spell.stage_type,
        "entered_at": instant(spell.enter_time),
        "left_at": instant(spell.leave_time) if spell.HasField("leave_time") else None,
        "days": spell.days,
    }


def accuracy_json(answer: pre.Accuracy) -> Json:
    """What was said against what happened."""
    has = answer.HasField
    return {
        "odds": _odds_accuracy(answer.odds) if has("odds") else None,
        "odds_backtest": _odds_accuracy(answer.odds_backtest) if has("odds_backtest") else None,
        "forecasts": [
            {
                "month": f.month,
                "months_ahead": f.months_ahead,
                "expected": amount(f, "expected"),
                "lower": amount(f, "lower"),
                "upper": amount(f, "upper"),
                "actual": amount(f, "actual"),
            }
            for f in answer.forecasts
        ],
        "interval_coverage": number(answer, "interval_coverage"),
        "forecast_words": answer.forecast_words,
        "interval": answer.interval_percent / 100,
        "forecasts_are_backtest": answer.forecasts_are_backtest,
        "levels": [level_json(level) for level in answer.levels],
        "answers": {"count": answer.answers.count, "came_back": answer.answers.came_back},
        **basis_json(answer.basis),
    }


def _odds_accuracy(odds: pre.OddsAccuracy) -> Json:
    return {
        "sample_size": odds.sample_size,
        "brier": number(odds, "brier"),
        "brier_base": number(odds, "brier_base"),
        "bins": [
            {
                "from": b.from_odds,
                "to": b.to_odds,
                "count": b.count,
                "said": b.said,
                "observed": b.observed,
            }
            for b in odds.bins
        ],
        "words": odds.words,
    }
