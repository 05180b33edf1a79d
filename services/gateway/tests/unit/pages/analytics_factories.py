"""Reports as analytics sends them: one lively workspace, and one that knows nothing yet."""

import math
from typing import Any

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import explanation_pb2 as why
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from services.gateway.tests.unit.pages.factories import CLIENTS, ago, money

DEALS = ("Website relaunch", "Brand guide", "Support contract", "Shop migration", "Data audit")
ADVICE = ("focus", "focus", "review", "review", "reconsider")
LEVELS = ("critical", "high", "watch", "watch", "low")


def make_basis(words: str = "Rests on 333 closed deals.", **over: Any) -> pb.Basis:
    fields: dict[str, Any] = {
        "as_of_time": ago(minutes=3),
        "model_name": "median of AutoETS and theta",
        "model_version": "forecast-1",
        "sample_size": 333,
        "evidence": "medium",
        "words": words,
        "data_version": 7,
    }
    return pb.Basis(**{**fields, **over})


def make_backtest(**over: Any) -> why.Backtest:
    fields: dict[str, Any] = {
        "sample_size": 36,
        "coverage": 0.81,
        "interval_percent": 80,
        "mean_miss": 310_000.0,
        "relative_miss": 0.21,
        "words": "Tried at 6 earlier months of your own history (36 comparisons): off by €3,100 a "
        "month on average, 81 % inside the 80 % range.",
    }
    return why.Backtest(**{**fields, **over})


def month(offset: int) -> str:
    """YYYY-MM, counted from November 2026."""
    number = 2026 * 12 + 10 + offset
    return f"{number // 12}-{number % 12 + 1:02}"


def won(offset: int) -> float:
    """What a month brought, in cents: a season and a slow rise."""
    season = 1 + 0.3 * math.sin((offset + 3) * math.pi / 6)
    return round(1_500_000 * season * (1 + offset / 120))


def make_forecast(horizon: int = 6, **over: Any) -> pre.Forecast:
    points = [
        pre.ForecastPoint(
            month=month(n), value=won(n), lower=won(n) * 0.7, upper=won(n) * (1.3 + n / 40)
        )
        for n in range(horizon)
    ]
    value = sum(p.value for p in points)
    fields: dict[str, Any] = {
        "metric": "won_value",
        "currency_code": "EUR",
        "horizon": horizon,
        "interval_percent": 80,
        "history": [why.MonthValue(month=month(n), value=won(n)) for n in range(-30, 0)],
        "points": points,
        "total": pre.ForecastTotal(
            start_date="2026-11-01",
            end_date="2027-04-30",
            value=value,
            lower=sum(p.lower for p in points),
            upper=sum(p.upper for p in points),
            won_part=420_000,
            pipeline_part=3_100_000,
            new_part=value - 3_520_000,
        ),
        "confidence": 0.64,
        "confidence_words": "past ranges held, and they are moderately wide.",
        "method_words": "The median of AutoETS, theta and the same month of last year.",
        "reasons": [
            why.Reason(name="trend", words="Rising by 12,500 a month over the last 24 months",
                       weight=1_250_000),
            why.Reason(name="season", words="Best month of the year: in 3 months", weight=400_000),
        ],
        "backtest": make_backtest(),
        "basis": make_basis("30 months of history used."),
    }  # fmt: skip
    return pre.Forecast(**{**fields, **over})


def make_risk(number: int, **over: Any) -> pre.ClientRisk:
    risk = 0.86 - number * 0.16
    fields: dict[str, Any] = {
        "client_id": f"c-{number}",
        "client_name": CLIENTS[number % 5],
        "owner_id": "o-1",
        "risk": risk,
        "level": LEVELS[number % 5],
        "reasons": [
            why.Reason(name="silence", weight=1.2 - number * 0.4,
                       words="Silent for 147 days, usually 60 days between purchases"),
            why.Reason(name="purchases", words="Bought on 6 days so far", weight=-0.4),
        ],
        "days_silent": 147.0,
        "days_since_contact": 61.0,
        "rhythm_days": 60.0,
        "win_rate": 0.7,
        "won_count": 7,
        "closed_count": 10,
        "value_at_stake": money(1_840_000 - number * 250_000),
        "horizon_days": 120,
        "basis": make_basis(),
    }  # fmt: skip
    return pre.ClientRisk(**{**fields, **over})


def make_risks(count: int = 5, **over: Any) -> pre.ListClientRisksResponse:
    fields: dict[str, Any] = {
        "clients": [make_risk(n) for n in range(count)],
        "levels": [
            pre.RiskLevel(level=level, count=n + 3, value_at_stake=money(900_000 * (n + 1)),
                          observed=0.1 + n * 0.25, sample_size=40 - n)
            for n, level in enumerate(("low", "watch", "high", "critical"))
        ],
        "horizon_days": 120,
        "basis": make_basis("Learnt from 62 clients."),
    }  # fmt: skip
    return pre.ListClientRisksResponse(**{**fields, **over})


def make_odds(number: int, **over: Any) -> pb.DealInsight:
    odds = 0.78 - number * 0.13
    fields: dict[str, Any] = {
        "deal_id": f"d-{number}",
        "name": DEALS[number % 5],
        "client_id": "c-1",
        "client_name": CLIENTS[number % 5],
        "owner_id": "o-1",
        "amount": money(1_240_000),
        "stage_name": "Proposal",
        "win_probability": odds,
        "lower": odds - 0.14,
        "upper": min(odds + 0.12, 0.97),
        "win_probability_before": 0.61,
        "base_rate": 0.63,
        "expected_value": money(round(1_240_000 * odds)),
        "recommendation": ADVICE[number % 5],
        "priority": 2.1 - number * 0.4,
        "reasons": [
            why.Reason(name="base", words="A deal with nothing unusual about it: 63%", weight=0.5),
            why.Reason(name="client", words="Earlier deals with this client: 5 of 6 won",
                       weight=0.7),
            why.Reason(name="age", words="Open for 74 days, longer than usual", weight=-0.3),
        ],
        "next_best_step": why.NextBestStep(
            rule="no_next_step", words="Plan a next step: none is set."
        ),
        "age_days": 74.0,
        "days_in_stage": 21.0,
        "basis": make_basis(),
    }  # fmt: skip
    return pb.DealInsight(**{**fields, **over})


def make_odds_list(count: int = 5, **over: Any) -> pre.ListDealOddsResponse:
    fields: dict[str, Any] = {
        "deals": [make_odds(n) for n in range(count)],
        "count": 21,
        "expected": make_range(8_120_000),
        "base_rate": 0.63,
        "basis": make_basis(),
    }
    return pre.ListDealOddsResponse(**{**fields, **over})


def make_range(value: int) -> why.MoneyRange:
    return why.MoneyRange(
        expected=money(value),
        lower=money(round(value * 0.7)),
        upper=money(round(value * 1.35)),
        interval_percent=80,
    )


def make_summary(**over: Any) -> fig.Summary:
    def spark(scale: float) -> list[why.MonthValue]:
        return [why.MonthValue(month=month(n), value=won(n) * scale) for n in range(-12, 0)]

    figures = [
        fig.KeyFigure(name="won_value", money=money(4_310_000), trend=0.12, months=spark(1),
                      evidence="high", words="21 deals won"),
        fig.KeyFigure(name="expected_value", money=money(1_620_000), lower=money(1_100_000),
                      upper=money(2_240_000), evidence="medium", words="from open and new deals"),
        fig.KeyFigure(name="open_value", money=money(19_170_000), evidence="high",
                      words="38 open deals"),
        fig.KeyFigure(name="win_rate", number=0.63, trend=-0.04, evidence="medium",
                      words="210 of 333 closed"),
        fig.KeyFigure(name="cycle_days", number=51.6, evidence="high", words="opened to won"),
        fig.KeyFigure(name="value_at_risk", money=money(2_950_000), evidence="medium",
                      words="7 clients at high or critical risk"),
    ]  # fmt: skip
    fields = {
        "figures": figures,
        "start_date": "2026-08-28",
        "end_date": "2026-11-25",
        "basis": make_basis(),
    }
    return fig.Summary(**{**fields, **over})


def make_health(**over: Any) -> fig.Health:
    bands = ((0, 30, 9), (30, 60, 14), (60, 90, 8), (90, 180, 5), (180, 0, 2))
    fields: dict[str, Any] = {
        "weighted_value": money(8_120_000),
        "usual_quarter": money(4_600_000),
        "coverage": 1.77,
        "open_count": 38,
        "stalled_count": 3,
        "stalled_value": money(1_050_000),
        "stalled_days": 138.0,
        "ages": [
            fig.AgeBand(from_days=low, to_days=high, count=n, value=money(n * 420_000))
            for low, high, n in bands
        ],
        "largest_share": 0.19,
        "largest_deal_id": "d-1",
        "largest_deal_name": "Shop migration",
        "inflow_count": 44,
        "inflow_value": money(14_300_000),
        "outflow_count": 33,
        "outflow_value": money(9_900_000),
        "months": [
            fig.FlowMonth(month=month(n), created_count=14 + n % 5, won_count=8 + n % 4,
                          lost_count=4 + n % 3, won_value=money(round(won(n))))
            for n in range(-11, 1)
        ],
        "start_date": "2026-08-28",
        "end_date": "2026-11-25",
        "basis": make_basis("Counted; only the weighted value is estimated."),
    }  # fmt: skip
    return fig.Health(**{**fields, **over})


def make_conversion(**over: Any) -> fig.Conversion:
    stages = [
        fig.StageConversion(
            stage_id=f"s-{n}",
            stage_name=name,
            entered_count=44 - n * 9,
            advanced_count=28 - n * 6,
            lost_count=6,
            waiting_count=10 - n * 3,
            rate=(28 - n * 6) / (34 - n * 6),
            median_days=12.0 + n * 8,
            p90_days=40.0 + n * 9,
            stay_count=120 - n * 20,
            overdue_count=n * 2,
        )
        for n, name in enumerate(("Prospecting", "Engaging", "Proposal"))
    ]
    fields: dict[str, Any] = {
        "stages": stages,
        "created_count": 44,
        "won_count": 15,
        "lost_count": 11,
        "lost_reasons": [
            fig.LostReasonCount(name="Price", count=6, value=money(2_100_000)),
            fig.LostReasonCount(name="Timing", count=3, value=money(800_000)),
            fig.LostReasonCount(name="", count=2, value=money(150_000)),
        ],
        "basis": make_basis("Counts 44 deals opened in the period."),
    }
    return fig.Conversion(**{**fields, **over})


def make_shares(**over: Any) -> fig.ClientFigures:
    clients = [
        fig.ClientShare(
            client_id=f"c-{n}" if name else "",
            client_name=name,
            won_value=money(1_400_000 - n * 180_000),
            won_count=5 - n // 2,
            share=0.32 - n * 0.05,
        )
        for n, name in enumerate(CLIENTS)
    ]
    fields: dict[str, Any] = {
        "clients": clients,
        "client_count": 7,
        "won_value": money(4_310_000),
        "largest_share": 0.32,
        "five_largest_share": 0.84,
        "sources": [
            fig.SourceFigures(source=name, won_count=9 - n * 2, closed_count=12,
                              win_rate=(9 - n * 2) / 12, won_value=money(2_000_000 - n * 600_000))
            for n, name in enumerate(("Referral", "Website", ""))
        ],
        "basis": make_basis("Counts 21 deals won in the period."),
    }  # fmt: skip
    return fig.ClientFigures(**{**fields, **over})


def make_activity(**over: Any) -> fig.ActivityFigures:
    fields: dict[str, Any] = {
        "kinds": [
            fig.ActivityKindCount(kind=kind, count=n)
            for kind, n in (("call", 31), ("mail", 44), ("meeting", 9), ("task", 1))
        ],
        "owners": [
            fig.OwnerFigures(owner_id=owner, open_count=19 - n, open_value=money(9_000_000),
                             won_count=11 - n, closed_count=17, win_rate=(11 - n) / 17,
                             won_value=money(2_100_000), done_count=40 - n)
            for n, owner in enumerate(("o-0", "o-1", ""))
        ],
        "done_count": 85,
        "due_count": 40,
        "on_time_count": 31,
        "silent_deal_count": 6,
        "basis": make_basis("Counts 85 activities."),
    }  # fmt: skip
    return fig.ActivityFigures(**{**fields, **over})


def make_accuracy(**over: Any) -> pre.Accuracy:
    def judged(size: int, words: str) -> pre.OddsAccuracy:
        bins = [
            pre.CalibrationBin(from_odds=n / 10, to_odds=n / 10 + 0.1, count=8 + n,
                               said=n / 10 + 0.05, observed=min(n / 10 + 0.08, 1))
            for n in range(1, 10)
        ]  # fmt: skip
        return pre.OddsAccuracy(
            sample_size=size, brier=0.112, brier_base=0.231, bins=bins, words=words
        )

    forecasts = [
        pre.ForecastAccuracy(
            month=month(n),
            months_ahead=1,
            expected=money(round(won(n))),
            lower=money(round(won(n) * 0.7)),
            upper=money(round(won(n) * 1.3)),
            actual=money(round(won(n) * (1.05 if n % 4 else 1.45))),
        )
        for n in range(-8, 0)
    ]
    fields: dict[str, Any] = {
        "odds": judged(42, "42 deals with published odds have closed since."),
        "odds_backtest": judged(260, "260 deals of your past, replayed."),
        "forecasts": forecasts,
        "interval_coverage": 0.75,
        "forecast_words": "As shown to you: 4 forecasts of 4 months, 75% inside the 80% range.",
        "interval_percent": 80,
        "forecasts_are_backtest": True,
        "levels": [
            pre.RiskLevel(level=level, observed=0.1 + n * 0.25, sample_size=30 - n)
            for n, level in enumerate(("low", "watch", "high", "critical"))
        ],
        "answers": pre.AnswerAccuracy(count=5, came_back=4),
        "basis": make_basis("What was said is kept and judged when the outcome is known."),
    }
    return pre.Accuracy(**{**fields, **over})
