"""Score rows as the worker leaves them, with keyword overrides."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, insert, update

from analytics.adapters.tables import (
    accuracies,
    answers,
    churn_scores,
    clients,
    deal_scores,
    editions,
    forecasts,
    models,
    projections,
    said_odds,
)
from analytics.entrypoints.app import App
from kit.database import Statement
from services.analytics.tests.factories import NOON

WHOLE = UUID(int=0)
BACKTEST = {
    "origins": 6, "n": 36, "mae": 9_000.0, "mase": 0.7, "wape": 0.2, "coverage": {"80": 0.81},
    "words": "Tried at 6 earlier months.",
}  # fmt: skip


async def keep(app: App, workspace: UUID, table: Table, row: dict[str, Any]) -> None:
    """One row."""
    statement = Statement(insert(table).values({name: bindparam(name) for name in row}).inline())
    async with app.unit_of_work(workspace) as uow:
        await uow.run(statement, **row)
        await uow.commit()


async def keep_edition(app: App, workspace: UUID, edition: str = "now", **over: Any) -> None:
    row = {
        "workspace_id": workspace, "edition": edition, "as_of": NOON, "data_version": 1,
        "scored_at": NOON, "base_rate": 0.6, "stage_limits": {},
        "expected": {"mean": 90_000, "lower80": 40_000, "upper80": 150_000, "deals": 2},
    }  # fmt: skip
    await keep(app, workspace, editions, {**row, **over})


async def change_edition(app: App, workspace: UUID, **values: Any) -> None:
    """Another state of the scores of now."""
    statement = Statement(
        update(editions)
        .where(editions.c.workspace_id == bindparam("workspace"), editions.c.edition == "now")
        .values({name: bindparam(f"new_{name}") for name in values})
    )
    async with app.unit_of_work(workspace) as uow:
        new = {f"new_{name}": value for name, value in values.items()}
        await uow.run(statement, workspace=workspace, **new)
        await uow.commit()


async def keep_answer(app: App, workspace: UUID, question: str, **over: Any) -> None:
    """A range of days that is told to bring 100."""
    found = {
        "mean_minor": 100_00, "lower": {"80": 50_00, "90": 40_00},
        "upper": {"80": 150_00, "90": 160_00}, "won_minor": 0,
    }  # fmt: skip
    values = {"answer": found, "data_version": 1, **over}
    statement = Statement(
        update(answers)
        .where(answers.c.workspace_id == bindparam("workspace"))
        .where(answers.c.question == bindparam("asked"))
        .values({name: bindparam(f"new_{name}") for name in values})
    )
    async with app.unit_of_work(workspace) as uow:
        new = {f"new_{name}": value for name, value in values.items()}
        await uow.run(statement, workspace=workspace, asked=question, **new)
        await uow.commit()


async def keep_model(
    app: App, workspace: UUID, kind: str, edition: str = "now", **over: Any
) -> None:
    tested: dict[str, Any] = {"n": 60, "brier": 0.12, "base_brier": 0.24}
    if kind == "churn":
        tested = {"levels": [{"level": "high", "clients": 12, "said": 0.6, "observed": 0.58}]}
    row = {
        "workspace_id": workspace, "edition": edition, "kind": kind, "version": "1",
        "method": "logistic", "fitted_at": NOON, "trained_from": None, "trained_to": None,
        "n": 80, "evidence": "low", "base_rate": 0.6,
        "horizon_days": 90 if kind == "churn" else None, "backtest": tested, "body": b"",
    }  # fmt: skip
    await keep(app, workspace, models, {**row, **over})


async def keep_odds(app: App, workspace: UUID, deal_id: UUID, **over: Any) -> None:
    row = {
        "workspace_id": workspace, "edition": "now", "deal_id": deal_id, "deal_version": 1,
        "owner_id": None,
        "client_id": None, "probability": 0.62, "lower": 0.5, "upper": 0.74, "evidence": "low",
        "value_minor": 100_000, "expected_minor": 62_000, "advice": "focus", "priority": 1.7,
        "factors": [
            {"name": "base", "words": "A deal with nothing unusual about it: 60%", "weight": 0.4},
            {"name": "client", "words": "This client: 5 of 6 earlier deals won", "weight": 0.3},
        ],
        "steps": [{"rule": "no_next_step", "words": "Plan a next step: none is set."}],
        "age_days": 12, "days_in_stage": 3, "days_silent": 3, "own_rhythm_days": None,
        "close_moves": 0, "arrivals": [min(0.1 * n, 0.62) for n in range(1, 25)],
        "scored_at": NOON, "told_probability": None, "peak_probability": None, "told_at": None,
    }  # fmt: skip
    await keep(app, workspace, deal_scores, {**row, **over})


async def keep_client(
    app: App, workspace: UUID, client_id: UUID, name: str, owner_id: UUID | None = None
) -> None:
    row = {
        "workspace_id": workspace, "client_id": client_id, "version": 1, "presence_version": 1,
        "kind": "company", "name": name, "parent_id": None, "owner_id": owner_id,
        "created_at": NOON, "deleted_at": None,
    }  # fmt: skip
    await keep(app, workspace, clients, row)


async def keep_risk(app: App, workspace: UUID, client_id: UUID, **over: Any) -> None:
    row = {
        "workspace_id": workspace, "edition": "now", "client_id": client_id, "probability": 0.6,
        "level": "high", "evidence": "low", "horizon_days": 90, "own_rhythm_days": 20.0,
        "days_silent": 47, "last_purchase_on": date(2026, 1, 14), "last_contact_at": NOON,
        "purchases": 4, "won": 4, "lost": 1, "win_rate": 0.8, "won_minor": 900_000,
        "at_stake_minor": 500_000, "open_minor": 0,
        "factors": [
            {"name": "silence", "words": "Silent for 47 days, usually 20 days", "weight": 0.9}
        ],
        "scored_at": NOON, "told_level": None, "told_at": None,
    }  # fmt: skip
    await keep(app, workspace, churn_scores, {**row, **over})


def path(months: int = 24, mean: float = 200_000, pipe: float | None = 60_000) -> list[Any]:
    """Coming months from March 2026 on."""
    return [
        {
            "month": date(2026 + (2 + n) // 12, (2 + n) % 12 + 1, 1).isoformat(),
            "mean": mean + 1_000 * n,
            "lower": {"80": mean * 0.7, "90": mean * 0.6, "95": mean * 0.5},
            "upper": {"80": mean * 1.4, "90": mean * 1.6, "95": mean * 1.8},
            "pipe": pipe,
            "new": None if pipe is None else mean + 1_000 * n - pipe,
        }
        for n in range(months)
    ]


async def keep_forecast(app: App, workspace: UUID, **over: Any) -> None:
    row = {
        "workspace_id": workspace, "edition": "now", "metric": "won_value", "owner_id": WHOLE,
        "first_month": date(2026, 3, 1), "so_far": 50_000,
        "history": [
            {"month": date(2025, n, 1).isoformat(), "value": 150_000 + 5_000 * n}
            for n in range(3, 13)
        ],
        "path": path(), "method": "median of AutoETS and theta", "n_used": 24,
        "evidence": "medium", "confidence": 0.6, "backtest": BACKTEST,
        "factors": [{"name": "trend", "words": "Rising by 1,000 a month", "weight": 100_000.0}],
        "lines": {
            "linear": {"path": [{"month": m["month"], "mean": 190_000} for m in path()],
                       "backtest": BACKTEST},
            "prophet": {"why": "Prophet did not finish in time."},
        },
        "version": "forecast-1", "computed_at": NOON, "told_minor": None, "told_at": None,
    }  # fmt: skip
    await keep(app, workspace, forecasts, {**row, **over})


async def keep_projection(app: App, workspace: UUID, **over: Any) -> None:
    row = {
        "workspace_id": workspace, "edition": "now", "owner_id": WHOLE, "days": 30,
        "mean_minor": 210_000, "lower": {"80": 150_000, "90": 120_000},
        "upper": {"80": 290_000, "90": 330_000}, "run_rate_minor": 200_000,
        "pipeline_minor": 130_000, "inflow_minor": 90_000, "method": "Mean of two",
        "n_used": 80, "evidence": "medium", "backtest": BACKTEST, "factors": [],
        "version": "revenue-1", "computed_at": NOON,
    }  # fmt: skip
    await keep(app, workspace, projections, {**row, **over})


async def keep_accuracy(app: App, workspace: UUID, subject: str, source: str, **over: Any) -> None:
    row = {
        "workspace_id": workspace, "subject": subject, "source": source, "measured_at": NOON,
        "n": 40, "first_on": None, "last_on": None, "brier": 0.12, "base_brier": 0.24,
        "calibration_error": 0.03,
        "bins": [{"from": 0.6, "to": 0.7, "n": 9, "said": 0.64, "observed": 0.67}],
        "coverage80": 0.8, "mean_error": None, "wape": None, "bias": None, "by_month": [],
        "words": "40 deals judged.",
    }  # fmt: skip
    await keep(app, workspace, accuracies, {**row, **over})


async def keep_said(
    app: App, workspace: UUID, deal_id: UUID, *, probability: float, outcome: bool
) -> None:
    row = {
        "workspace_id": workspace, "kind": "win", "source": "published", "subject_id": deal_id,
        "said_at": NOON, "probability": probability, "lower": None, "upper": None,
        "base_rate": 0.5, "evidence": "low", "version": "win-1", "due_at": None,
        "outcome": outcome, "judged_at": NOON,
    }  # fmt: skip
    await keep(app, workspace, said_odds, row)
