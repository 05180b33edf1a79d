"""What the numbers say; every answer tells what it rests on."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, json_response, money
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import identity_of, path_parameter, read_query

RPC = pb.DESCRIPTOR.services_by_name["AnalyticsService"].methods_by_name
DAY = {"type": "string", "format": "date"}
OWNER = Parameter("owner_id", "query", "Only this owner's deals.", {"type": "string"})

operations = Operations("Analytics")
add = operations.add


@add("GET", "/analytics/pipeline", rpc=RPC["GetPipeline"], summary="The pipeline by stage",
     answer=schemas.AnyRecord, parameters=[OWNER])  # fmt: skip
async def get_pipeline(request: Request) -> Response:
    """Number, value and age of the deals that stand in each stage now."""
    query = read_query(request, "owner_id")
    answer = await request.app.state.clients.analytics.GetPipeline(
        pb.GetPipelineRequest(owner_id=query.get("owner_id", "")), identity_of(request)
    )
    return json_response(
        {
            "stages": [_stage(stage) for stage in answer.stages],
            "open_value": money(answer.open_value),
            "open_count": answer.open_count,
            "won_value_30_days": money(answer.won_value_30_days),
            "won_count_30_days": answer.won_count_30_days,
            "created_count_30_days": answer.created_count_30_days,
            **_basis(answer.basis),
        }
    )


@add("GET", "/analytics/velocity", rpc=RPC["GetVelocity"], summary="Sales velocity",
     answer=schemas.AnyRecord, parameters=[
         Parameter("from", "query", "First day; 90 days before `to`.", DAY),
         Parameter("to", "query", "Last day; today.", DAY),
         OWNER,
     ], problems=[422])  # fmt: skip
async def get_velocity(request: Request) -> Response:
    """Opportunities × mean value × win rate ÷ cycle, per day, with what each of them means."""
    query = read_query(request, "from", "to", "owner_id")
    answer = await request.app.state.clients.analytics.GetVelocity(
        pb.GetVelocityRequest(
            start_date=query.get("from", ""),
            end_date=query.get("to", ""),
            owner_id=query.get("owner_id", ""),
        ),
        identity_of(request),
    )
    return json_response(
        {
            "from": answer.start_date,
            "to": answer.end_date,
            "opportunities": answer.opportunities,
            "closed_count": answer.closed_count,
            "won_count": answer.won_count,
            "mean_value": _money(answer, "mean_value"),
            "win_rate": _number(answer, "win_rate"),
            "cycle_days": _number(answer, "cycle_days"),
            "value_per_day": _money(answer, "value_per_day"),
            "value_per_day_before": _money(answer, "value_per_day_before"),
            "trend": _number(answer, "trend"),
            "definitions": {d.name: d.words for d in answer.definitions},
            **_basis(answer.basis),
        }
    )


@add("GET", "/analytics/deals/{deal_id}", rpc=RPC["GetDealInsight"], summary="A deal's odds",
     answer=schemas.AnyRecord, parameters=[path_parameter("deal_id", "deal")],
     problems=[404])  # fmt: skip
async def get_deal_insight(request: Request) -> Response:
    """Where it has stood and for how long, and its odds with what they rest on."""
    read_query(request)
    answer = await request.app.state.clients.analytics.GetDealInsight(
        pb.GetDealInsightRequest(deal_id=request.path_params["deal_id"]), identity_of(request)
    )
    return json_response(
        {
            "deal_id": answer.deal_id,
            "win_probability": _number(answer, "win_probability"),
            "lower": _number(answer, "lower"),
            "upper": _number(answer, "upper"),
            "expected_value": _money(answer, "expected_value"),
            "age_days": answer.age_days,
            "days_in_stage": answer.days_in_stage,
            "close_date_moves": answer.close_date_moves,
            "spells": [_spell(spell) for spell in answer.spells],
            **_basis(answer.basis),
        }
    )


def _number(message: Any, name: str) -> float | None:
    return getattr(message, name) if message.HasField(name) else None


def _money(message: Any, name: str) -> dict[str, Any] | None:
    return money(getattr(message, name)) if message.HasField(name) else None


def _basis(basis: pb.Basis) -> dict[str, Any]:
    has = basis.HasField
    return {
        "as_of": instant(basis.as_of_time) if has("as_of_time") else None,
        "model": {
            "name": basis.model_name,
            "version": basis.model_version,
            "trained_at": instant(basis.train_time) if has("train_time") else None,
            "sample_size": basis.sample_size,
            "evidence": basis.evidence,
        },
        "basis": basis.words,
    }


def _stage(stage: pb.PipelineStage) -> dict[str, Any]:
    return {
        "stage_id": stage.stage_id,
        "stage_name": stage.stage_name,
        "stage_type": stage.stage_type,
        "count": stage.count,
        "sum": money(stage.sum),
        "unconverted": [money(amount) for amount in stage.unconverted],
        "mean_days": _number(stage, "mean_days"),
    }


def _spell(spell: pb.StageSpell) -> dict[str, Any]:
    return {
        "stage_id": spell.stage_id,
        "stage_name": spell.stage_name,
        "stage_type": spell.stage_type,
        "entered_at": instant(spell.enter_time),
        "left_at": instant(spell.leave_time) if spell.HasField("leave_time") else None,
        "days": spell.days,
    }
