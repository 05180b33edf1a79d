"""Counted figures as JSON."""

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from gateway.entrypoints.api.analytics_json import (
    Json,
    amount,
    backtest_json,
    basis_json,
    number,
    period,
    range_json,
)
from gateway.entrypoints.api.answers import money


def pipeline_json(answer: pb.Pipeline) -> Json:
    """The pipeline by stage."""
    return {
        "stages": [
            {
                "stage_id": stage.stage_id,
                "stage_name": stage.stage_name,
                "stage_type": stage.stage_type,
                "count": stage.count,
                "sum": money(stage.sum),
                "unconverted": [money(other) for other in stage.unconverted],
                "mean_days": number(stage, "mean_days"),
            }
            for stage in answer.stages
        ],
        "open_value": money(answer.open_value),
        "open_count": answer.open_count,
        "won_value_30_days": money(answer.won_value_30_days),
        "won_count_30_days": answer.won_count_30_days,
        "created_count_30_days": answer.created_count_30_days,
        "converted_count": answer.converted_count,
        **basis_json(answer.basis),
    }


def velocity_json(answer: pb.Velocity) -> Json:
    """The pace, and the projection that holds."""
    tested = answer.HasField("projection_backtest")
    return {
        **period(answer),
        "opportunities": answer.opportunities,
        "closed_count": answer.closed_count,
        "won_count": answer.won_count,
        "mean_value": amount(answer, "mean_value"),
        "win_rate": number(answer, "win_rate"),
        "cycle_days": number(answer, "cycle_days"),
        "value_per_day": amount(answer, "value_per_day"),
        "value_per_day_before": amount(answer, "value_per_day_before"),
        "trend": number(answer, "trend"),
        "definitions": {d.name: d.words for d in answer.definitions},
        "projection_30_days": range_json(answer, "projection"),
        "projection_pipeline_part": amount(answer, "projection_pipeline_part"),
        "projection_new_part": amount(answer, "projection_new_part"),
        "projection_run_rate": amount(answer, "projection_run_rate"),
        "projection_backtest": backtest_json(answer.projection_backtest) if tested else None,
        "projection_words": answer.projection_words,
        **basis_json(answer.basis),
    }


def health_json(answer: fig.Health) -> Json:
    """How the pipeline is."""
    return {
        **period(answer),
        "weighted_value": amount(answer, "weighted_value"),
        "usual_quarter": amount(answer, "usual_quarter"),
        "coverage": number(answer, "coverage"),
        "open_count": answer.open_count,
        "stalled_count": answer.stalled_count,
        "stalled_value": amount(answer, "stalled_value"),
        "stalled_days": number(answer, "stalled_days"),
        "ages": [
            {
                "from_days": band.from_days,
                "to_days": band.to_days or None,
                "count": band.count,
                "value": amount(band, "value"),
            }
            for band in answer.ages
        ],
        "largest_share": number(answer, "largest_share"),
        "largest_deal_id": answer.largest_deal_id or None,
        "largest_deal_name": answer.largest_deal_name or None,
        "inflow_count": answer.inflow_count,
        "inflow_value": amount(answer, "inflow_value"),
        "outflow_count": answer.outflow_count,
        "outflow_value": amount(answer, "outflow_value"),
        "months": [
            {
                "month": month.month,
                "created_count": month.created_count,
                "won_count": month.won_count,
                "lost_count": month.lost_count,
                "won_value": amount(month, "won_value"),
            }
            for month in answer.months
        ],
        **basis_json(answer.basis),
    }


def conversion_json(answer: fig.Conversion) -> Json:
    """How deals pass from stage to stage."""
    return {
        **period(answer),
        "created_count": answer.created_count,
        "won_count": answer.won_count,
        "lost_count": answer.lost_count,
        "stages": [
            {
                "stage_id": stage.stage_id,
                "stage_name": stage.stage_name,
                "entered_count": stage.entered_count,
                "advanced_count": stage.advanced_count,
                "lost_count": stage.lost_count,
                "waiting_count": stage.waiting_count,
                "rate": number(stage, "rate"),
                "median_days": number(stage, "median_days"),
                "p90_days": number(stage, "p90_days"),
                "stay_count": stage.stay_count,
                "overdue_count": stage.overdue_count,
            }
            for stage in answer.stages
        ],
        "lost_reasons": [
            {"name": r.name or None, "count": r.count, "value": amount(r, "value")}
            for r in answer.lost_reasons
        ],
        **basis_json(answer.basis),
    }


def clients_json(answer: fig.ClientFigures) -> Json:
    """Which clients and sources the money comes from."""
    return {
        **period(answer),
        "client_count": answer.client_count,
        "won_value": amount(answer, "won_value"),
        "largest_share": number(answer, "largest_share"),
        "five_largest_share": number(answer, "five_largest_share"),
        "clients": [
            {
                "client_id": c.client_id or None,
                "client_name": c.client_name or None,
                "won_value": amount(c, "won_value"),
                "won_count": c.won_count,
                "share": number(c, "share"),
            }
            for c in answer.clients
        ],
        "sources": [
            {
                "source": s.source or None,
                "won_count": s.won_count,
                "closed_count": s.closed_count,
                "win_rate": number(s, "win_rate"),
                "won_value": amount(s, "won_value"),
            }
            for s in answer.sources
        ],
        **basis_json(answer.basis),
    }


def activity_json(answer: fig.ActivityFigures) -> Json:
    """What was done and what came of it."""
    return {
        **period(answer),
        "done_count": answer.done_count,
        "due_count": answer.due_count,
        "on_time_count": answer.on_time_count,
        "silent_deal_count": answer.silent_deal_count,
        "kinds": [{"kind": k.kind, "count": k.count} for k in answer.kinds],
        "owners": [
            {
                "owner_id": o.owner_id or None,
                "open_count": o.open_count,
                "open_value": amount(o, "open_value"),
                "won_count": o.won_count,
                "closed_count": o.closed_count,
                "win_rate": number(o, "win_rate"),
                "won_value": amount(o, "won_value"),
                "done_count": o.done_count,
            }
            for o in answer.owners
        ],
        **basis_json(answer.basis),
    }
