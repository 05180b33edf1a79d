"""The dashboard's document: the messages that pages show, as plain words for the printer."""

from typing import Any

from analytics.adapters.predictions import Page
from analytics.application import figures, forecasting, pressing, reports
from analytics.application.forecasting import Wanted
from analytics.application.report_jobs import Gather
from analytics.application.scope import Scope
from analytics.domain.shown import plural
from analytics.entrypoints.report_words import Words
from analytics.entrypoints.rpc import figures_mapping, mapping, prediction_mapping
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from kit.database import Transaction

ROWS = 15
LABELS = {
    "won_value": "Won",
    "expected_value": "Next 30 days",
    "open_value": "Open pipeline",
    "win_rate": "Win rate",
    "cycle_days": "Time to win",
    "value_at_risk": "At risk",
}
EVIDENCE = {
    "none": "no evidence yet",
    "prior": "hardly any evidence",
    "low": "little evidence",
    "medium": "fair evidence",
    "high": "good evidence",
}
LEVELS = {"low": "Low", "watch": "Watch", "high": "High", "critical": "Critical"}


def gathering(locale: str, workspace_name: str = "") -> Gather:
    """Gathers the document of somebody who reads this language, under the workspace's name."""

    async def gather(tx: Transaction, scope: Scope, horizon: int) -> dict[str, Any]:
        words = Words(locale)
        page = Page(ROWS)
        wanted = Wanted.read(
            metric="", horizon=horizon, interval=0, line="", without=[], ranged=False
        )
        summary = figures_mapping.summary_message(await figures.summary(tx, scope))
        forecast = prediction_mapping.forecast_message(
            await forecasting.forecast(tx, scope, wanted)
        )
        risks = prediction_mapping.risks_message(
            await pressing.client_risks(
                tx, scope, page=Page(ROWS), level="leaving", with_answered=False
            ),
            next_token="",
            computing=False,
        )
        odds = prediction_mapping.odds_message(
            await pressing.deal_odds(tx, scope, page=page, advice="", ids=None),
            next_token="",
            computing=False,
        )
        velocity = mapping.velocity_message(await reports.velocity(tx, scope))
        conversion = figures_mapping.conversion_message(await figures.conversion(tx, scope))
        return {
            "title": workspace_name or "Analytics",
            "language": words.language,
            "subtitle": f"Analytics · {words.day(summary.start_date)} to "
            f"{words.day(summary.end_date)}",
            "footer": f"{workspace_name or 'FreelanceFlow'} · as of "
            f"{words.moment(scope.at, scope.zone)}",
            "notes": _notes(scope, summary.basis),
            "summary": {"title": "Key figures", "figures": _figures(words, summary)},
            "forecast": _forecast(words, forecast),
            "tables": [
                _risks(words, risks),
                _odds(words, odds),
                _velocity(words, velocity),
                _conversion(words, conversion),
            ],
        }

    return gather


def _rests(basis: pb.Basis) -> str:
    """What an answer rests on, and what its estimates do not know yet."""
    return f"{basis.words} {basis.behind_words}".strip()


def _notes(scope: Scope, key_figures: pb.Basis) -> list[str]:
    """What the figures leave out."""
    notes = []
    if scope.own_only:
        notes.append("Only the deals that you see are in these figures.")
    elif scope.whose is not None:
        notes.append("Only the deals of one owner are in these figures.")
    return [*notes, key_figures.behind_words] if key_figures.behind_words else notes


def _figures(words: Words, summary: fig.Summary) -> list[dict[str, str]]:
    shown = []
    for figure in summary.figures:
        value = "Not enough data"
        if figure.HasField("money"):
            value = words.money(figure.money)
        elif figure.HasField("number"):
            value = words.figure(figure.name, figure.number)
        detail = figure.words
        if figure.HasField("lower"):
            detail = f"{words.money(figure.lower)} to {words.money(figure.upper)}; {detail}"
        shown.append({"label": LABELS[figure.name], "value": value, "detail": detail})
    return shown


def _forecast(words: Words, forecast: pre.Forecast) -> dict[str, Any]:
    sentence, details = _rests(forecast.basis), []
    if forecast.HasField("total"):
        total, code = forecast.total, forecast.currency_code
        low, high = words.minor(total.lower, code), words.minor(total.upper, code)
        sentence = (
            f"Expect {words.minor(total.value, code)} by {words.day(total.end_date)}, "
            f"likely between {low} and {high}."
        )
        details = [words.parts(total, code), forecast.method_words, forecast.backtest.words]
        details.append(_rests(forecast.basis))
    return {
        "title": "Forecast",
        "sentence": sentence,
        "details": [line for line in details if line],
        "alt": sentence,
        "chart": words.chart(forecast) if forecast.points else None,
        "head": ["Month", "Expected", "Pessimistic", "Optimistic"],
        "rows": [
            [words.month(p.month)]
            + [words.minor(n, forecast.currency_code) for n in (p.value, p.lower, p.upper)]
            for p in forecast.points
        ],
    }


def _risks(words: Words, risks: pre.ListClientRisksResponse) -> dict[str, Any]:
    """Whoever is not likely to leave is no client at risk."""
    scored = any(level.count for level in risks.levels)
    nobody = ["No client looks like leaving."] if scored and not risks.clients else []
    return {
        "title": "Clients at risk",
        "words": [*nobody, _rests(risks.basis)],
        "head": ["Client", "Level", "To stay away", "A year at stake", "Why"],
        "rows": [
            [
                c.client_name,
                LEVELS.get(c.level, "No score"),
                f"{words.odds(c.risk)} in {c.horizon_days} days, {EVIDENCE[c.basis.evidence]}",
                words.money(c.value_at_stake),
                c.reasons[0].words if c.reasons else "",
            ]
            for c in risks.clients
        ],
        "numbers": [3],
    }


def _odds(words: Words, odds: pre.ListDealOddsResponse) -> dict[str, Any]:
    said = [_rests(odds.basis)]
    if odds.HasField("expected"):
        told = odds.expected
        said.insert(
            0,
            f"{plural(odds.count, 'open deal', 'open deals')}, worth {words.money(told.expected)} "
            f"by their odds, likely between {words.money(told.lower)} and "
            f"{words.money(told.upper)}.",
        )
    return {
        "title": "Deals that deserve time",
        "words": said,
        "head": ["Deal", "Client", "Odds", "Expected", "Advice", "Next"],
        "rows": [
            [
                d.name,
                d.client_name or "–",
                _odds_words(words, d),
                words.money(d.expected_value) if d.HasField("expected_value") else "–",
                d.recommendation.capitalize(),
                d.next_best_step.words,
            ]
            for d in odds.deals
        ],
        "numbers": [3],
    }


def _odds_words(words: Words, deal: pb.DealInsight) -> str:
    if not deal.HasField("win_probability"):
        return "No odds yet"
    said = words.share(deal.win_probability)
    if deal.HasField("lower"):
        said += f" ({words.odds(deal.lower)} to {words.odds(deal.upper)})"
    return f"{said}, {EVIDENCE[deal.basis.evidence]}"


def _velocity(words: Words, velocity: Any) -> dict[str, Any]:
    said = [_rests(velocity.basis)]
    if velocity.HasField("projection"):
        told = velocity.projection
        said.insert(
            0,
            f"The next 30 days should bring {words.money(told.expected)}, likely "
            f"{words.money(told.lower)} to {words.money(told.upper)}.",
        )
    if velocity.HasField("value_per_day"):
        said.insert(1, f"Pace: {words.money(velocity.value_per_day)} a day.")
    return {"title": "Velocity", "words": said, "head": [], "rows": [], "numbers": []}


def _conversion(words: Words, conversion: fig.Conversion) -> dict[str, Any]:
    return {
        "title": "From stage to stage",
        "words": [_rests(conversion.basis)],
        "head": ["Stage", "Came in", "Went on", "Lost", "Waiting", "Rate"],
        "rows": [
            [
                s.stage_name,
                f"{s.entered_count:,}",
                f"{s.advanced_count:,}",
                f"{s.lost_count:,}",
                f"{s.waiting_count:,}",
                f"{words.share(s.rate)} of {s.entered_count - s.waiting_count:,}"
                if s.HasField("rate")
                else "–",
            ]
            for s in conversion.stages
        ],
        "numbers": [1, 2, 3, 4, 5],
    }
