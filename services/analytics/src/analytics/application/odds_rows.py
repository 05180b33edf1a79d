"""Odds as rows: which ones change, and what each of them says.

Arrays become lists before anybody looks at single numbers: taking them out of arrays one by one
costs more than all else that is done with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from analytics.adapters import scores
from analytics.adapters.scores import Standing
from analytics.application.scoring import Case, known
from analytics.domain import steps, telling
from analytics.science.deal_scores import DealScores
from analytics.science.facts import Ints, Names
from analytics.science.types import Factor

_SAME = 5e-4  # less than a twentieth of a point is no change
_SAME_PRIORITY = 0.02


def differing(case: Case, found: DealScores, standing: Mapping[str, Standing]) -> list[int]:
    """Places of the deals whose rows are to be written."""
    seen = found.moments
    days = zip(
        seen.age.astype(np.int64).tolist(),
        seen.in_stage.astype(np.int64).tolist(),
        seen.quiet.astype(np.int64).tolist(),
        strict=True,
    )
    said = zip(
        found.ids.tolist(),
        found.probability.tolist(),
        found.lower.tolist(),
        found.upper.tolist(),
        found.advice.tolist(),
        found.priority.tolist(),
        seen.states.value.tolist(),
        days,
        strict=True,
    )
    return [
        place
        for place, (deal_id, *numbers) in enumerate(said)
        if _differs(case, standing.get(deal_id), *numbers)
    ]


def _differs(
    case: Case,
    there: Standing | None,
    probability: float,
    lower: float,
    upper: float,
    advice: str,
    priority: float,
    value: float,
    days: tuple[int, int, int],
) -> bool:
    if there is None or there.probability is None:
        return True
    assert there.lower is not None
    assert there.upper is not None
    assert there.priority is not None
    return (
        there.version != there.deal_version
        or days != (there.age_days, there.days_in_stage, there.days_silent)
        or abs(probability - there.probability) >= _SAME
        or abs(lower - there.lower) >= _SAME
        or abs(upper - there.upper) >= _SAME
        or advice != there.advice
        or abs(priority / there.priority - 1) > _SAME_PRIORITY
        or case.minor(value) != there.value_minor
    )


def tells_of(there: Standing | None, probability: float, advice: str) -> bool:
    """The board shows odds and advice: either may have changed."""
    if there is None:
        return True
    advised = advice == there.advice
    return telling.tells_odds(there.told_probability, probability, advised=advised)


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes the rows of one scoring."""

    case: Case
    scores: DealScores
    limits: Mapping[str, Mapping[str, float]]
    evidence: str
    now: datetime

    def rows(
        self,
        places: Ints,
        factors: Sequence[Sequence[Factor]],
        details: Mapping[str, Any],
        standing: Mapping[str, Standing],
    ) -> list[dict[str, Any]]:
        """Of the deals at these places, with their reasons."""
        made, today = [], self.case.today
        for row, reasons in zip(self._numbers(places), factors, strict=True):
            detail = details.get(row["deal_id"])
            row |= self._told(row, standing.get(row["deal_id"]))
            row["deal_version"] = detail["version"] if detail else 0
            row["factors"] = self.case.reasons(reasons)
            stage = row.pop("stage")
            row["steps"] = self._steps(row, stage, detail, today) if detail else []
            made.append(row)
        return made

    def _numbers(self, places: Ints) -> Iterator[dict[str, Any]]:
        """What the arrays say, and the stage's id for the rules."""
        found, seen, facts = self.scores, self.scores.moments, self.case.facts
        states = seen.states
        minor = self.case.minor
        whole = {
            "age_days": seen.age,
            "days_in_stage": seen.in_stage,
            "days_silent": seen.quiet,
            "close_moves": seen.close_moves,
        }
        columns: dict[str, list[Any]] = {
            "deal_id": found.ids[places].tolist(),
            "owner_id": _names(facts.owners, states.owner[places]),
            "client_id": _names(facts.clients, states.client[places]),
            "stage": _names(facts.stages, states.stage[places]),
            "probability": found.probability[places].tolist(),
            "lower": found.lower[places].tolist(),
            "upper": found.upper[places].tolist(),
            "advice": found.advice[places].tolist(),
            "priority": found.priority[places].tolist(),
            "own_rhythm_days": [known(days) for days in seen.rhythm[places].tolist()],
            "arrivals": np.round(found.arrivals[places], 4).tolist(),
            **{name: of[places].astype(np.int64).tolist() for name, of in whole.items()},
        }
        same = {
            "workspace_id": str(self.case.workspace_id),
            "edition": self.case.edition,
            "evidence": self.evidence,
            "scored_at": scores.instant(self.now),
        }
        values = states.value[places].tolist()
        for value, *row in zip(values, *columns.values(), strict=True):
            made = same | dict(zip(columns, row, strict=True))
            made["value_minor"] = minor(value)
            made["expected_minor"] = minor(value * made["probability"])
            yield made

    def _told(self, row: Mapping[str, Any], there: Standing | None) -> dict[str, Any]:
        """What was told last, so that nothing is told twice."""
        probability = row["probability"]
        told = there.told_probability if there else None
        tells = tells_of(there, probability, row["advice"])
        _, peak = telling.drop(there.peak_probability if there else None, probability)
        return {
            "told_probability": probability if tells else told,
            "peak_probability": peak,
            "told_at": self.now if tells or there is None else there.told_at,
        }

    def _steps(
        self, row: Mapping[str, Any], stage: str, detail: Any, today: date
    ) -> list[Mapping[str, str]]:
        limit = self.limits.get(stage)
        standing = steps.Standing(
            today=today,
            next_step=detail["next_step"],
            next_step_due=detail["next_step_due_date"],
            expected_close=detail["expected_close_date"],
            days_quiet=row["days_silent"],
            rhythm_days=row["own_rhythm_days"],
            close_moves=row["close_moves"],
            days_in_stage=row["days_in_stage"],
            stage_p90_days=limit["p90"] if limit else None,
        )
        return [step.as_json() for step in steps.steps(standing)]


def _names(names: Names, codes: Ints) -> list[Any]:
    """By their places; None for none, which is the one before the first."""
    by_place = [*names.tolist(), None]
    return [by_place[code] for code in codes.tolist()]
