"""Predictions as messages."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from analytics.application.forecasting import LINES, ForecastReport, Total, ranged_total
from analytics.application.pressing import LEVELS, OddsReport, RiskReport, RisksReport
from analytics.application.questions import Asked
from analytics.application.scope import Scope
from analytics.domain.shown import NOTHING_TO_DO, confidence_words, method_words, plural
from analytics.entrypoints.rpc.shared import backtest, basis, maybe_money, money, reasons
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import explanation_pb2 as why
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from kit.clock import to_timestamp

WAITING = "This is being computed; it will be there in a moment."
NOTHING = "There are no deals yet to tell anything from."
STALE = "The sum of these days does not know the newest changes yet; it will soon."
UNTOLD = "Nothing can be told of these deals on that day."
UNKNOWN = "No deal has closed yet, so nothing can be said of the odds."
_ODDS = (
    "win_probability", "lower", "upper", "win_probability_before", "base_rate", "expected_value",
    "recommendation", "reasons",
)  # fmt: skip
LEAST, MOST_SPREAD = 0.0, 1.2816  # half of the normal's 80 % interval, in standard deviations


def forecast_message(
    report: ForecastReport, *, computing: bool = False, ranged: Asked | None = None
) -> pre.Forecast:
    """`ranged`: how the answer for the days that were asked for stands."""
    scope, wanted, row = report.scope, report.wanted, report.row
    code = "" if wanted.metric == "deals_won" else scope.standing.currency
    message = pre.Forecast(
        metric=wanted.metric,
        currency_code=code,
        horizon=wanted.horizon,
        interval_percent=wanted.interval,
    )
    if row is None:
        message.basis.CopyFrom(_waiting(scope, computing))
        return message
    message.history.extend(
        why.MonthValue(month=str(m["month"])[:7], value=m["value"]) for m in row["history"]
    )
    message.points.extend(
        pre.ForecastPoint(month=p.month, value=p.value, lower=p.lower, upper=p.upper)
        for p in report.points
    )
    total = _ranged(report, ranged) if wanted.ranged else report.total
    if total is not None:
        message.total.CopyFrom(_total(total))
    if report.points:
        tested = row["backtest"].get("coverage", {}).get("80")
        message.confidence_words = confidence_words(row["confidence"], tested)
        if tested is not None:
            message.confidence = row["confidence"]
    message.method_words = method_words(row["method"], row["evidence"])
    message.reasons.extend(reasons(row["factors"]))
    message.backtest.CopyFrom(backtest(row["backtest"]))
    if wanted.line:
        message.line.CopyFrom(_line(wanted.line, row["lines"].get(wanted.line, {}), wanted.horizon))
    message.left_out.extend(
        pre.LeftOutDeal(deal_id=str(d.deal_id), name=d.name, value=d.value) for d in report.left_out
    )
    message.basis.CopyFrom(
        basis(
            scope,
            evidence=row["evidence"],
            size=row["n_used"],
            words=_forecast_words(row),
            model=row["method"],
            version=row["version"],
            trained_at=row["computed_at"],
            computing=computing,
            estimate=scope.standing.rest,
            counts=False,
        )
    )
    if ranged is not None and ranged.is_stale and ranged.computed_at is not None:
        message.basis.as_of_time.CopyFrom(to_timestamp(ranged.computed_at))
        message.basis.estimate_time.CopyFrom(to_timestamp(ranged.computed_at))
        message.basis.behind_words = STALE
    return message


def _ranged(report: ForecastReport, asked: Asked | None) -> Total | None:
    if asked is None or not asked.answer:
        return None
    return ranged_total(report.scope, report.wanted.interval, asked.answer)


def _waiting(scope: Scope, computing: bool) -> pb.Basis:
    unknown = NOTHING if scope.standing.data_version == 0 else UNTOLD
    words = WAITING if computing else unknown
    return basis(scope, evidence="none", size=0, words=words, computing=computing)


def _forecast_words(row: Any) -> str:
    if not row["path"]:
        why_not = row["factors"][0]["words"] if row["factors"] else "Too few months are known."
        return str(why_not)
    return f"Rests on {plural(row['n_used'], 'month', 'months')} of history."


def _total(total: Total) -> pre.ForecastTotal:
    message = pre.ForecastTotal(
        start_date=total.first.isoformat(),
        end_date=total.last.isoformat(),
        value=total.value,
        lower=total.lower,
        upper=total.upper,
    )
    for name, part in (("won", total.won), ("pipeline", total.pipe), ("new", total.new)):
        if part is not None:
            setattr(message, f"{name}_part", part)
    return message


def _line(name: str, line: Mapping[str, Any], horizon: int) -> pre.ForecastLine:
    tested = backtest(line.get("backtest", {}))
    if "why" in line:
        tested.words = str(line["why"])
    return pre.ForecastLine(
        name=name,
        label=LINES[name],
        points=[
            why.MonthValue(month=str(m["month"])[:7], value=m["mean"])
            for m in line.get("path", [])[:horizon]
        ],
        backtest=tested,
    )


def odds_message(
    report: OddsReport, *, next_token: str, computing: bool
) -> pre.ListDealOddsResponse:
    scope, code = report.scope, report.scope.standing.currency
    model, sums = report.model, report.sums
    known = model is not None and model["evidence"] != "none"
    message = pre.ListDealOddsResponse(
        deals=[insight_of(row, scope, model) for row in report.deals],
        next_page_token=next_token,
        count=sums["deals"],
        base_rate=None if scope.own_only or not known else scope.standing.base_rate,
        basis=basis(
            scope,
            evidence=model["evidence"] if model else "none",
            size=model["n"] if model and not scope.own_only else 0,
            words=_odds_words(report, computing),
            model=model["method"] if model else "",
            version=model["version"] if model else "",
            trained_at=model["fitted_at"] if model else None,
            computing=computing,
            estimate=scope.standing.odds,
            counts=False,
        ),
    )
    if sums["valued"] and known:
        message.expected.CopyFrom(_expected(report, code))
    return message


def _odds_words(report: OddsReport, computing: bool) -> str:
    model = report.model
    if model is None:
        return _waiting(report.scope, computing).words
    if report.scope.own_only:
        return "Learnt from the closed deals of the whole workspace."
    if model["n"] == 0:
        return UNKNOWN
    return f"Learnt from {plural(model['n'], 'closed deal', 'closed deals')}."


def _expected(report: OddsReport, code: str) -> why.MoneyRange:
    """The simulated range of all open deals; of some, the range that their spread gives.

    One deal comes in as a whole or not at all: with odds of 95 % the middle 80 of 100 outcomes are
    all its amount, and what it is worth by its odds is less. A range holds what it is the range of.
    """
    told, sums = report.scope.standing.expected, report.sums
    middle = float(sums["expected"])
    if report.whole and "lower80" in told:
        lower, upper = float(told["lower80"]), float(told["upper80"])
    else:
        reach = MOST_SPREAD * float(sums["variance"]) ** 0.5
        lower, upper = max(middle - reach, LEAST), min(middle + reach, float(sums["whole"]))
    return why.MoneyRange(
        expected=money(middle, code),
        lower=money(min(lower, middle), code),
        upper=money(max(upper, middle), code),
        interval_percent=80,
    )


def insight_of(row: Any, scope: Scope, model: Any | None) -> pb.DealInsight:
    """What a score row tells of its deal; odds that rest on nothing are not told."""
    message: Any = _insight(row, scope, model)
    if row["evidence"] == "none":
        for field in _ODDS:
            message.ClearField(field)
        message.basis.words = UNKNOWN
    told: pb.DealInsight = message
    return told


def _insight(row: Any, scope: Scope, model: Any | None) -> pb.DealInsight:
    code = scope.standing.currency
    known = row["value_minor"] is not None
    valued = known or row["amount_minor"] is not None
    amount = row["value_minor"] if known else row["amount_minor"]
    step = row["steps"][0] if row["steps"] else {"rule": "in_rhythm", "words": NOTHING_TO_DO}
    return pb.DealInsight(
        deal_id=str(row["deal_id"]),
        name=row["name"],
        client_id=str(row["client_id"] or ""),
        client_name=row["client_name"],
        owner_id=str(row["owner_id"] or ""),
        amount=money(amount, code if known else row["currency"]) if valued else None,
        stage_name=row["stage_name"] or "",
        win_probability=row["probability"],
        lower=row["lower"],
        upper=row["upper"],
        win_probability_before=row["before"],
        base_rate=None if scope.own_only else scope.standing.base_rate,
        expected_value=maybe_money(row["expected_minor"], code),
        recommendation=row["advice"],
        priority=row["priority"],
        reasons=reasons(row["factors"], veil=scope.own_only),
        next_best_step=why.NextBestStep(rule=step["rule"], words=step["words"]),
        age_days=row["age_days"],
        days_in_stage=row["days_in_stage"],
        close_date_moves=row["close_moves"],
        basis=basis(
            scope,
            evidence=row["evidence"],
            size=model["n"] if model and not scope.own_only else 0,
            words=_evidence_words(model, scope),
            model=model["method"] if model else "",
            version=model["version"] if model else "",
            trained_at=model["fitted_at"] if model else None,
            estimate=scope.standing.odds,
            counts=False,
        ),
    )


def _evidence_words(model: Any | None, scope: Scope) -> str:
    if model is None or scope.own_only:
        return "Learnt from how deals of this workspace ended."
    tested = model["backtest"]
    said = f"Learnt from {plural(model['n'], 'closed deal', 'closed deals')}"
    if tested.get("brier") is None or not tested.get("base_brier"):
        return f"{said}; too few to test it on your own past."
    gain = 1 - tested["brier"] / tested["base_brier"]
    if gain < 0.005:
        return f"{said}; tested on your own past, no better than the win rate alone."
    return f"{said}; tested on your own past, {gain:.0%} closer than the win rate alone."


def risks_message(
    report: RisksReport, *, next_token: str, computing: bool
) -> pre.ListClientRisksResponse:
    scope, model = report.scope, report.model
    return pre.ListClientRisksResponse(
        clients=[_risk(row, scope, report.own, model) for row in report.clients],
        next_page_token=next_token,
        levels=level_messages(report.levels, model, scope),
        horizon_days=(model["horizon_days"] or 0) if model else 0,
        basis=_churn_basis(scope, model, computing=computing),
    )


def level_messages(
    levels: Mapping[str, Any], model: Any | None, scope: Scope
) -> list[pre.RiskLevel]:
    """The four levels, with what became of such clients before."""
    past = {item["level"]: item for item in (model["backtest"].get("levels", []) if model else [])}
    if not levels and not past:
        return []
    if scope.own_only:
        past = {}  # how many clients others have is not told
    return [
        pre.RiskLevel(
            level=name,
            count=levels[name]["clients"] if name in levels else 0,
            value_at_stake=None
            if scope.own_only
            else money(levels[name]["value"] if name in levels else 0, scope.standing.currency),
            observed=past[name]["observed"] if name in past else None,
            sample_size=past[name]["clients"] if name in past else 0,
        )
        for name in LEVELS
    ]


def risk_message(report: RiskReport) -> pre.ClientRisk:
    return _risk(report.client, report.scope, report.own, report.model)


def _risk(row: Any, scope: Scope, own: Mapping[Any, Any], model: Any | None) -> pre.ClientRisk:
    mine = own.get(row["client_id"]) if scope.own_only else None
    counts = mine or ({"won": 0, "lost": 0} if scope.own_only else row)
    closed = counts["won"] + counts["lost"]
    at_stake = (mine["value"] if mine else 0) if scope.own_only else row["at_stake_minor"]
    contact = row["last_contact_at"]
    message = pre.ClientRisk(
        client_id=str(row["client_id"]),
        client_name=row["name"],
        owner_id=str(row["owner_id"] or ""),
        risk=row["probability"],
        level=row["level"] if row["probability"] is not None else "",
        reasons=reasons(row["factors"], veil=scope.own_only),
        days_silent=None if scope.own_only else row["days_silent"],
        days_since_contact=None
        if contact is None
        else max((scope.at - contact) / timedelta(days=1), 0.0),
        rhythm_days=None if scope.own_only else row["own_rhythm_days"],
        win_rate=counts["won"] / closed if closed else None,
        won_count=counts["won"],
        closed_count=closed,
        value_at_stake=money(at_stake, scope.standing.currency),
        horizon_days=row["horizon_days"],
        basis=_churn_basis(scope, model, evidence=row["evidence"]),
    )
    if row["answer"] is not None:
        message.answer.answer = row["answer"]
        message.answer.user_id = str(row["given_by"] or "")
        message.answer.answer_time.CopyFrom(to_timestamp(row["given_at"]))
        if row["until"] is not None:
            end = datetime.combine(row["until"], time(), scope.zone).astimezone(UTC)
            message.answer.until_time.CopyFrom(to_timestamp(end))
    return message


def _churn_basis(
    scope: Scope, model: Any | None, *, evidence: str = "", computing: bool = False
) -> pb.Basis:
    if model is None:
        return _waiting(scope, computing)
    count = model["n"]
    words = "Learnt from the clients of the whole workspace."
    if not scope.own_only:
        words = f"Learnt from {plural(count, 'client', 'clients')} who bought."
        if model["evidence"] == "prior":
            words = f"{words[:-1]}; that is little, so it mostly says what is usual elsewhere."
        if not count:
            words = "No client has bought yet, so none can be lost."
    return basis(
        scope,
        evidence=evidence or model["evidence"],
        size=0 if scope.own_only else count,
        words=words,
        model=model["method"],
        version=model["version"],
        trained_at=model["fitted_at"],
        computing=computing,
        estimate=scope.standing.rest,
        counts=False,
    )
