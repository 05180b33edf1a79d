"""Counted reports as messages."""

from collections import Counter
from typing import Any

from analytics.adapters.condition import BANDS
from analytics.adapters.standing import State
from analytics.application.figures import (
    ActivityReport,
    ClientsReport,
    ConversionReport,
    HealthReport,
    SummaryReport,
)
from analytics.application.scope import Scope
from analytics.domain.shown import count_evidence, counted_words, plural, share_evidence
from analytics.entrypoints.rpc.shared import basis, change, money
from freelanceflow.analytics.v1 import figures_service_pb2 as pb
from freelanceflow.analytics.v1.analytics_service_pb2 import Basis
from freelanceflow.analytics.v1.explanation_pb2 import MonthValue

AT_RISK = ("high", "critical")
FEWEST_STAYS = 5


def summary_message(report: SummaryReport) -> pb.Summary:
    scope, totals = report.scope, report.totals
    return pb.Summary(
        figures=[
            _won(report),
            _expected(report),
            _open(scope, totals),
            _win_rate(totals),
            _cycle(totals),
            _at_risk(report),
        ],
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        basis=_counted(
            scope,
            totals["deals"],
            totals["open_unconverted"],
            estimated="the next 30 days and what is at risk are estimated",
            estimate=scope.standing.rest,
        ),
    )


def _won(report: SummaryReport) -> pb.KeyFigure:
    totals, code = report.totals, report.scope.standing.currency
    months = [MonthValue(month=m["month"], value=m["won_value"]) for m in report.months]
    return pb.KeyFigure(
        name="won_value",
        money=money(totals["won_value"], code),
        trend=change(totals["won_value"], totals["won_value_before"]),
        months=months if any(m.value for m in months) else [],
        evidence="high",
        words=f"{plural(totals['won'], 'deal', 'deals')} won in {report.scope.period.days} days",
    )


def _expected(report: SummaryReport) -> pb.KeyFigure:
    row, code = report.projection, report.scope.standing.currency
    if row is None or row["evidence"] == "none":
        words = "No deal has closed, so nothing can be said of the next 30 days"
        return pb.KeyFigure(name="expected_value", evidence="none", words=words)
    return pb.KeyFigure(
        name="expected_value",
        money=money(row["mean_minor"], code),
        lower=money(row["lower"]["80"], code),
        upper=money(row["upper"]["80"], code),
        evidence=row["evidence"],
        words=f"from open and new deals; rests on {plural(row['n_used'], 'deal', 'deals')}",
    )


def _open(scope: Scope, totals: Any) -> pb.KeyFigure:
    words = plural(totals["open_count"], "open deal", "open deals")
    if totals["open_unconverted"]:
        words += f", {totals['open_unconverted']:,} without a rate not added"
    if totals["open_converted"]:
        words += f"; {totals['open_converted']:,} converted at the rate of their last change"
    return pb.KeyFigure(
        name="open_value",
        money=money(totals["open_value"], scope.standing.currency),
        evidence="high",
        words=words,
    )


def _win_rate(totals: Any) -> pb.KeyFigure:
    closed, before = totals["won"] + totals["lost"], totals["won_before"] + totals["lost_before"]
    rate = totals["won"] / closed if closed else None
    return pb.KeyFigure(
        name="win_rate",
        number=rate,
        trend=change(rate, totals["won_before"] / before if before else None),
        evidence=share_evidence(closed),
        words=f"{totals['won']:,} of {plural(closed, 'closed deal', 'closed deals')} won"
        if closed
        else "No deal was closed in this period",
    )


def _cycle(totals: Any) -> pb.KeyFigure:
    return pb.KeyFigure(
        name="cycle_days",
        number=totals["cycle"],
        evidence=share_evidence(totals["won"]),
        words="from opening to winning, on average" if totals["won"] else "No deal was won",
    )


def _at_risk(report: SummaryReport) -> pb.KeyFigure:
    levels = [report.levels[name] for name in AT_RISK if name in report.levels]
    scored = sum(row["clients"] for row in report.levels.values())
    if not scored:
        whose = "None of the clients you see" if report.scope.own_only else "No client"
        words = f"{whose} has bought yet, so none can be lost"
        return pb.KeyFigure(name="value_at_risk", evidence="none", words=words)
    count = sum(row["clients"] for row in levels)
    return pb.KeyFigure(
        name="value_at_risk",
        money=None
        if report.scope.own_only
        else money(sum(row["value"] for row in levels), report.scope.standing.currency),
        number=count if report.scope.own_only else None,
        evidence=share_evidence(scored),
        words=f"{plural(count, 'client', 'clients')} of {scored:,} at high or critical risk",
    )


def health_message(report: HealthReport) -> pb.Health:
    scope, flow, code = report.scope, report.flow, report.scope.standing.currency
    ages = report.ages.values()
    open_value = sum(row["value"] for row in ages)
    bounds = [0, *BANDS, 0]
    usual = flow["year_value"] / 4 if report.a_year_old and flow["year_value"] else None
    weighted, largest = report.weighted_minor, report.largest
    message = pb.Health(
        weighted_value=None if weighted is None else money(weighted, code),
        usual_quarter=None if usual is None else money(usual, code),
        coverage=None if usual is None or weighted is None else weighted / usual,
        open_count=sum(row["deals"] for row in ages),
        stalled_count=sum(row["stalled"] for row in ages),
        stalled_value=money(sum(row["stalled_value"] for row in ages), code),
        stalled_days=report.stalled_days,
        ages=[
            pb.AgeBand(
                from_days=bounds[n],
                to_days=bounds[n + 1],
                count=report.ages[n]["deals"] if n in report.ages else 0,
                value=money(report.ages[n]["value"] if n in report.ages else 0, code),
            )
            for n in range(len(BANDS) + 1)
        ],
        inflow_count=flow["created"],
        inflow_value=money(flow["created_value"], code),
        outflow_count=flow["won"] + flow["lost"],
        outflow_value=money(flow["closed_value"], code),
        months=[
            pb.FlowMonth(
                month=m["month"],
                created_count=m["created"],
                won_count=m["won"],
                lost_count=m["lost"],
                won_value=money(m["won_value"], code),
            )
            for m in report.months
        ]
        if flow["deals"]
        else [],
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        basis=_counted(
            scope,
            flow["deals"],
            sum(row["unconverted"] for row in ages),
            estimated="only what open deals are worth by their odds is estimated",
            estimate=scope.standing.odds,
        ),
    )
    if largest is not None and open_value:
        message.largest_share = largest["value"] / open_value
        message.largest_deal_id = str(largest["deal_id"])
        message.largest_deal_name = largest["name"]
    return message


def conversion_message(report: ConversionReport) -> pb.Conversion:
    scope, code = report.scope, report.scope.standing.currency
    entered = sum(row["entered"] for row in report.stages)
    return pb.Conversion(
        stages=[_stage(row, report.overdue) for row in report.stages if _anything(row)],
        created_count=report.fate["created"],
        won_count=report.fate["won"],
        lost_count=report.fate["lost"],
        lost_reasons=[
            pb.LostReasonCount(
                name=row["name"], count=row["deals"], value=money(row["value"], code)
            )
            for row in report.lost_reasons
        ],
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        basis=basis(
            scope,
            evidence=share_evidence(entered),
            size=entered,
            words=f"Counts {plural(entered, 'arrival', 'arrivals')} in stages within "
            f"{scope.period.days} days; deals that wait still are in no rate.",
        ),
    )


def _anything(row: Any) -> bool:
    return bool(row["entered"] or row["stays"])


def _stage(row: Any, overdue: dict[Any, int]) -> pb.StageConversion:
    decided = row["entered"] - row["waiting"]
    told = row["stays"] >= FEWEST_STAYS
    return pb.StageConversion(
        stage_id=str(row["stage_id"]),
        stage_name=row["name"],
        entered_count=row["entered"],
        advanced_count=row["advanced"],
        lost_count=row["lost"],
        waiting_count=row["waiting"],
        rate=row["advanced"] / decided if decided else None,
        median_days=row["median"] if told else None,
        p90_days=row["p90"] if told else None,
        stay_count=row["stays"],
        overdue_count=overdue.get(row["stage_id"], 0) if told else 0,
    )


def clients_message(report: ClientsReport) -> pb.ClientFigures:
    scope, code = report.scope, report.scope.standing.currency
    whole = report.clients[0]["whole"] if report.clients else 0
    deals = sum(row["won"] for row in report.sources)
    closed = sum(row["closed"] for row in report.sources)
    shares = [row["value"] / whole for row in report.clients] if whole else []
    return pb.ClientFigures(
        clients=[
            pb.ClientShare(
                client_id=str(row["client_id"] or ""),
                client_name=row["name"],
                won_value=money(row["value"], code),
                won_count=row["deals"],
                share=row["value"] / whole if whole else None,
            )
            for row in report.clients
        ],
        client_count=report.clients[0]["clients"] if report.clients else 0,
        won_value=money(whole, code),
        largest_share=shares[0] if shares else None,
        five_largest_share=sum(shares[:5]) if shares else None,
        sources=[
            pb.SourceFigures(
                source=row["source"],
                won_count=row["won"],
                closed_count=row["closed"],
                win_rate=row["won"] / row["closed"] if row["closed"] else None,
                won_value=money(row["value"], code),
            )
            for row in report.sources
        ],
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        basis=basis(
            scope,
            evidence=count_evidence(closed),
            size=closed,
            words=f"Counts {plural(closed, 'deal', 'deals')} closed in {scope.period.days} days, "
            f"{deals:,} of them won.",
        ),
    )


def activity_message(report: ActivityReport) -> pb.ActivityFigures:
    scope, code = report.scope, report.scope.standing.currency
    kinds: Counter[str] = Counter()
    owners: Counter[Any] = Counter()
    for row in report.done:
        kinds[row["kind"]] += row["done"]
        owners[row["owner_id"]] += row["done"]
    done = kinds.total()
    return pb.ActivityFigures(
        kinds=[pb.ActivityKindCount(kind=kind, count=n) for kind, n in kinds.most_common()],
        owners=[
            pb.OwnerFigures(
                owner_id=str(row["owner_id"] or ""),
                open_count=row["open_count"],
                open_value=money(row["open_value"], code),
                won_count=row["won"],
                closed_count=row["closed"],
                win_rate=row["won"] / row["closed"] if row["closed"] else None,
                won_value=money(row["won_value"], code),
                done_count=owners[row["owner_id"]],
            )
            for row in report.owners
        ],
        done_count=done,
        due_count=report.due["due"],
        on_time_count=report.due["on_time"],
        silent_deal_count=report.silent,
        start_date=scope.period.first.isoformat(),
        end_date=scope.period.last.isoformat(),
        basis=basis(
            scope,
            evidence="high" if done or report.owners else "none",
            size=done,
            words=f"Counts {plural(done, 'activity', 'activities')} done in "
            f"{scope.period.days} days.",
        ),
    )


def _counted(
    scope: Scope, deals: int, unconverted: int, *, estimated: str, estimate: State
) -> Basis:
    return basis(
        scope,
        evidence="high" if deals else "none",
        size=deals,
        words=counted_words(deals, unconverted, estimated=estimated),
        estimate=estimate,
    )
