"""Reports as a person, a file and a document must tell them: made from the API's answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages.formatting import Formats

FIGURES = Formats(locale="en", time_zone="UTC", now=datetime.now(UTC))


def of_summary(said: Any) -> Iterator[str]:
    for figure in said["figures"]:
        if figure["money"]:
            yield in_words(figure["money"])
        elif figure["name"] == "win_rate" and figure["number"] is not None:
            yield FIGURES.percent(figure["number"])


def of_velocity(said: Any) -> Iterator[str]:
    if said["value_per_day"]:
        yield f"{in_words(said['value_per_day'])} a day"
    if said["win_rate"] is not None:
        yield f"{FIGURES.percent(said['win_rate'])}, {said['won_count']} of {said['closed_count']}"
    if said["projection_30_days"]:
        yield from (in_words(said["projection_30_days"][n]) for n in ("expected", "lower", "upper"))


def of_health(said: Any) -> Iterator[str]:
    yield from (in_words(band["value"]) for band in said["ages"])
    yield f"In this period {FIGURES.plural(said['inflow_count'], 'deal', 'deals')}"
    yield f"{FIGURES.plural(said['outflow_count'], 'deal', 'deals')} worth"


def of_flow(said: Any) -> Iterator[str]:
    for month in said["months"]:
        counts = (month["created_count"], month["won_count"], month["lost_count"])
        shown = " ".join(map(str, counts))
        yield f"{FIGURES.month(month['month'])} {shown} {in_words(month['won_value'])}"


def of_conversion(said: Any) -> Iterator[str]:
    for stage in said["stages"]:
        yield f"{stage['stage_name']} {stage['entered_count']}"
    for reason in said["lost_reasons"]:
        count = FIGURES.plural(reason["count"], "deal", "deals")
        yield f"{reason['name'] or 'No reason given'} {count}, {in_words(reason['value'])}"


def of_owners(said: Any) -> Iterator[str]:
    for one in said["owners"]:
        counts = (one["open_count"], in_words(one["open_value"]), one["won_count"])
        yield " ".join(map(str, (*counts, in_words(one["won_value"]))))


def of_clients(said: Any) -> Iterator[str]:
    if said["clients"]:
        yield f"{in_words(said['won_value'])} won from"
    for one in said["clients"]:
        yield f"{one['client_name'] or 'No client'} {in_words(one['won_value'])} {one['won_count']}"


def of_risks(said: Any) -> Iterator[str]:
    for level in said["levels"]:
        yield f"{FIGURES.plural(level['count'], 'client', 'clients')} "
        yield f"{in_words(level['value_at_stake'])} a year"
    for one in said["items"]:
        yield one["client_name"]
        yield FIGURES.chance(one["risk"]).capitalize()
        yield f"{in_words(one['value_at_stake'])} a year at stake"
        yield f"{one['won_count']} of {FIGURES.plural(one['closed_count'], 'closed deal', '')}"


def of_odds(said: Any) -> Iterator[str]:
    if said["expected"]:
        whole = [in_words(said["expected"][name]) for name in ("expected", "lower", "upper")]
        yield f"{FIGURES.plural(said['total'], 'open deal', 'open deals')}, worth {whole[0]}"
        yield f"likely between {whole[1]} and {whole[2]}"
    for deal in said["items"]:
        yield FIGURES.percent(deal["win_probability"])
        yield f"{FIGURES.chance(deal['lower'])} to {FIGURES.chance(deal['upper'])}"
        yield f"{in_words(deal['expected_value'])} expected"
        yield deal["next_best_step"]["words"]
        told = [reason for reason in deal["reasons"] if reason["name"] not in ("base", "rest")]
        yield from (reason["words"] for reason in told)


def _part(name: str, value: Any) -> list[Any]:
    return [name, value]


FILES: dict[str, Any] = {
    "summary": lambda said: [
        [f["name"], f["money"] if f["money"] else f["number"]] for f in said["figures"]
    ],
    "velocity": lambda said: [
        _part("opportunities", said["opportunities"]),
        _part("closed_deals", said["closed_count"]),
        _part("won_deals", said["won_count"]),
        *([name, said[name]] for name in ("win_rate", "cycle_days")),
        *([name, said[name]] for name in ("mean_value", "value_per_day", "value_per_day_before")),
        *(
            [_part("projection_30_days", said["projection_30_days"]["expected"])]
            if said["projection_30_days"]
            else []
        ),
    ],
    "pipeline": lambda said: [
        [s["stage_name"], s["stage_type"], s["count"], s["sum"]] for s in said["stages"]
    ],
    "health": lambda said: [
        [m["month"], m["created_count"], m["won_count"], m["lost_count"], m["won_value"]]
        for m in said["months"]
    ],
    "conversion": lambda said: [
        [s["stage_name"], *(s[f"{n}_count"] for n in ("entered", "advanced", "lost", "waiting"))]
        for s in said["stages"]
    ],
    "clients": lambda said: [[c["client_name"], c["won_value"]] for c in said["clients"]],
    "deals": lambda said: [
        [
            *(d[name] for name in ("name", "client_name", "stage_name", "amount")),
            d["amount"]["currency"],
            *(d[name] for name in ("win_probability", "lower", "upper", "expected_value")),
            *(d["recommendation"], d["evidence"], d["next_best_step"]["words"]),
        ]
        for d in said["items"]
    ],
    "churn": lambda said: [
        [
            *(c[name] for name in ("client_name", "level", "risk", "horizon_days", "days_silent")),
            *(c[name] for name in ("rhythm_days", "win_rate", "closed_count", "value_at_stake")),
        ]
        for c in said["items"]
    ],
    "activity": lambda said: [
        [o["owner_id"], o["open_count"], o["open_value"], o["won_count"], o["closed_count"]]
        for o in said["owners"]
    ],
}


def minor(money: Any) -> int:
    return int(money["amount_minor"]) if money else 0


def number(value: Any) -> float:
    return float(value["amount_minor"] if isinstance(value, dict) else value)


def in_words(value: Any) -> str:
    """As pages show it: money in whole units, deals with one place."""
    if isinstance(value, dict):
        money = Money(amount_minor=value["amount_minor"], currency_code=value["currency"])
        return FIGURES.money_whole(money)
    return FIGURES.number(value, 1)


def as_cell(value: Any) -> Any:
    """What a file and an answer have in common: an amount, a number, a word."""
    if isinstance(value, dict):
        return value["amount_minor"] / 100
    if value in (None, ""):
        return ""
    try:
        return float(value)
    except ValueError:
        return value
