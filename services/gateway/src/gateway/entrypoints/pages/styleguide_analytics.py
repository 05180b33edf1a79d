"""What the style guide shows of analytics: invented estimates of every level."""

from typing import Any

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import explanation_pb2 as why
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages import analytics_words as words
from gateway.entrypoints.pages.formatting import Formats

EVIDENCE = ("none", "prior", "low", "medium", "high")
LEVELS = ("low", "watch", "high", "critical", "")
WON = (9_400, 12_100, 8_700, 15_900, 13_300, 11_800, 17_200, 14_600, 12_900, 18_400, 16_000, 15_100)


def samples(fmt: Formats) -> dict[str, Any]:
    """By the names that the page knows them by."""
    return {
        "evidence_levels": EVIDENCE,
        "risk_levels": LEVELS,
        "insight": _insight(),
        "unknown": pb.DealInsight(),
        "risks": [_risk(0.97, "critical"), _risk(0.31, "watch"), pre.ClientRisk(horizon_days=90)],
        "forecast": words.forecast_view(fmt, _forecast()),
        "flow": words.flow_charts(fmt, _flow()),
        "behind": pb.Basis(
            words="Learnt from 333 closed deals.",
            behind_words="3 changes since then will be in it soon.",
        ),
    }


def _basis(evidence: str = "medium") -> pb.Basis:
    return pb.Basis(evidence=evidence, words="Learnt from 333 closed deals.")


def _insight() -> pb.DealInsight:
    return pb.DealInsight(
        win_probability=0.62,
        lower=0.41,
        upper=0.78,
        win_probability_before=0.55,
        reasons=[
            why.Reason(name="base", words="A deal with nothing unusual about it: 60%", weight=0.4),
            why.Reason(name="client", words="This client: 5 of 6 earlier deals won", weight=0.7),
            why.Reason(name="age", words="Open for 74 days: 31 days is usual", weight=-0.3),
        ],
        basis=_basis(),
    )


def _risk(share: float, level: str) -> pre.ClientRisk:
    return pre.ClientRisk(
        client_id="c1",
        client_name="Mira Studio",
        risk=share,
        level=level,
        days_silent=147,
        rhythm_days=60,
        days_since_contact=61,
        win_rate=0.7,
        won_count=7,
        closed_count=10,
        horizon_days=120,
        basis=_basis("low"),
    )


def _months(count: int) -> list[str]:
    return [f"{2025 + n // 12}-{n % 12 + 1:02}" for n in range(count)]


def _forecast() -> pre.Forecast:
    months = _months(18)
    coming = [
        pre.ForecastPoint(month=month, value=1_500_000, lower=900_000, upper=2_100_000 + n * 90_000)
        for n, month in enumerate(months[12:])
    ]
    return pre.Forecast(
        metric="won_value",
        currency_code="EUR",
        horizon=6,
        interval_percent=80,
        history=[
            why.MonthValue(month=m, value=v * 100) for m, v in zip(months[:12], WON, strict=True)
        ],
        points=coming,
        line=pre.ForecastLine(
            name="linear",
            label="Linear regression",
            points=[why.MonthValue(month=p.month, value=1_700_000) for p in coming],
        ),
        total=pre.ForecastTotal(
            start_date="2026-01-01",
            end_date="2026-06-30",
            value=sum(p.value for p in coming),
            lower=sum(p.lower for p in coming),
            upper=sum(p.upper for p in coming),
        ),
        basis=_basis(),
    )


def _flow() -> list[fig.FlowMonth]:
    return [
        fig.FlowMonth(
            month=month,
            created_count=12 + n % 5,
            won_count=7 + n % 4,
            lost_count=3 + n % 3,
            won_value=Money(currency_code="EUR", amount_minor=WON[n] * 100),
        )
        for n, month in enumerate(_months(12))
    ]
