"""What presses: open deals by what they deserve, clients by what would be lost with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from analytics.adapters import predictions, risks, said, scores
from analytics.adapters.predictions import Page
from analytics.adapters.standing import NOW
from analytics.application.scope import Asked, Scope, scope
from analytics.domain.errors import (
    AdviceUnknown,
    AnswerUnknown,
    ClientNotFound,
    DaysInvalid,
    LevelUnknown,
)
from analytics.domain.shown import judged_odds_words
from kit.database import Transaction
from kit.unit_of_work import UnitOfWork

ADVICE = ("focus", "review", "reconsider")
LEVELS = ("low", "watch", "high", "critical")
# What a list may be narrowed to; nothing means everybody.
NARROWED = {"": None, "leaving": list(LEVELS[1:]), **{level: [level] for level in LEVELS}}
ANSWERS = ("snoozed", "not_at_risk")
WEEK, YEAR = timedelta(days=7), timedelta(days=365)
SNOOZE_DAYS, MOST_DAYS = 14, 365


@dataclass(frozen=True, kw_only=True)
class OddsReport:
    """A page of open deals, and the sum of all that match."""

    scope: Scope
    deals: list[Any]
    more: bool
    sums: Any
    whole: bool  # all open deals of the workspace: their range has been simulated
    model: Any | None


@dataclass(frozen=True, kw_only=True)
class RisksReport:
    """A page of clients, and how many are on each level."""

    scope: Scope
    clients: list[Any]
    more: bool
    levels: dict[str, Any]
    own: Mapping[UUID, Any]
    model: Any | None


@dataclass(frozen=True, kw_only=True)
class RiskReport:
    """One client."""

    scope: Scope
    client: Any
    own: Mapping[UUID, Any]
    model: Any | None


@dataclass(frozen=True, kw_only=True)
class AccuracyReport:
    """What was said against what happened."""

    scope: Scope
    measured: Mapping[tuple[str, str], Any]
    model: Any | None
    answers: int
    came_back: int


async def deal_odds(
    tx: Transaction,
    scope: Scope,
    *,
    page: Page,
    advice: str,
    ids: list[UUID] | None,
) -> OddsReport:
    """Open deals by priority. Raises AdviceUnknown."""
    if advice and advice not in ADVICE:
        said = f"recommendation is one of {', '.join(ADVICE)}."
        raise AdviceUnknown(said, fields={"recommendation": said})
    wanted = {
        "edition": scope.edition,
        "owners": scope.seen.owners,
        "advice": advice or None,
        "ids": ids,
    }
    longer = page._replace(size=page.size + 1)
    rows = await predictions.odds(tx, longer, at=scope.at, week_ago=scope.at - WEEK, **wanted)
    return OddsReport(
        scope=scope,
        deals=rows[: page.size],
        more=len(rows) > page.size,
        sums=await predictions.odds_sum(tx, **wanted),
        whole=scope.seen.owners is None and not advice and ids is None,
        model=await predictions.model(tx, scope.edition, "win"),
    )


async def client_risks(
    tx: Transaction, scope: Scope, *, page: Page, level: str, with_answered: bool
) -> RisksReport:
    """Clients by risk times value at stake. Raises LevelUnknown."""
    if level not in NARROWED:
        said = f"level is one of {', '.join(filter(None, NARROWED))}."
        raise LevelUnknown(said, fields={"level": said})
    rows = await risks.risks(
        tx,
        page._replace(size=page.size + 1),
        edition=scope.edition,
        owners=scope.seen.owners,
        levels=NARROWED[level],
        with_answered=int(with_answered),
        today=scope.today,
    )
    shown = rows[: page.size]
    return RisksReport(
        scope=scope,
        clients=shown,
        more=len(rows) > page.size,
        levels=await risks.levels(tx, edition=scope.edition, owners=scope.seen.owners),
        own=await _own(tx, scope, [row["client_id"] for row in shown]),
        model=await predictions.model(tx, scope.edition, "churn"),
    )


async def client_risk(tx: Transaction, scope: Scope, client_id: UUID) -> RiskReport:
    """Raises ClientNotFound."""
    row = await risks.risk_of(
        tx, client_id, edition=scope.edition, owners=scope.seen.owners, today=scope.today
    )
    if row is None:
        raise ClientNotFound("There is no such client, or it has not been scored yet.")
    return RiskReport(
        scope=scope,
        client=row,
        own=await _own(tx, scope, [client_id]),
        model=await predictions.model(tx, scope.edition, "churn"),
    )


async def answer_risk(
    uow: UnitOfWork, client_id: UUID, *, answer: str, days: int, me: UUID, now: datetime
) -> RiskReport:
    """Raises ClientNotFound, AnswerUnknown, DaysInvalid."""
    if answer and answer not in ANSWERS:
        said = f"answer is one of {', '.join(ANSWERS)}."
        raise AnswerUnknown(said, fields={"answer": said})
    if not 0 <= days <= MOST_DAYS:
        said = f"days is a number from 1 to {MOST_DAYS}."
        raise DaysInvalid(said, fields={"days": said})
    here = await scope(uow, Asked(), me=me, now=now)
    found = await client_risk(uow, here, client_id)
    if answer:
        await risks.keep_answer(
            uow,
            client_id,
            kind=answer,
            until=_until(here, answer, days),
            by=me,
            at=now,
            purchases=found.client["purchases"],
        )
    else:
        await risks.take_answer_back(uow, client_id)
    report = await client_risk(uow, here, client_id)
    await scores.written(uow)
    await uow.commit()
    return report


async def accuracy(tx: Transaction, scope: Scope) -> AccuracyReport:
    """What was measured last; of those who see some deals only, the odds of these."""
    answers, came_back = await risks.answers_judged(tx, now=scope.at)
    measured: Mapping[tuple[str, str], Any]
    if scope.own_only:  # what all deals came to would tell what the others have
        measured = _added_up(await said.judged_of_own(tx, scope.seen.owners or []))
    else:
        measured = await predictions.measured(tx)
    return AccuracyReport(
        scope=scope,
        measured=measured,
        model=await predictions.model(tx, NOW, "churn"),
        answers=answers,
        came_back=came_back,
    )


def _added_up(tenths: Sequence[Any]) -> dict[tuple[str, str], Any]:
    """As the night adds up all deals, without the win rate of the workspace beside it."""
    found: dict[tuple[str, str], Any] = {}
    for source, rows in groupby(tenths, key=itemgetter("source")):
        bins = list(rows)
        count, won = sum(row["deals"] for row in bins), sum(row["won"] for row in bins)
        mean = sum(row["said"] for row in bins) / count
        found["win", source] = {
            "measured_at": max(row["judged_at"] for row in bins),
            "n": count,
            "brier": sum(row["miss"] for row in bins) / count,
            "base_brier": None,
            "bins": [
                {
                    "from": row["tenth"] / 10,
                    "to": (row["tenth"] + 1) / 10,
                    "n": row["deals"],
                    "said": row["said"] / row["deals"],
                    "observed": row["won"] / row["deals"],
                }
                for row in bins
            ],
            "words": judged_odds_words("win", source, count, mean, won),
        }
    return found


def _until(here: Scope, answer: str, days: int) -> date | None:
    """Without days "not at risk" holds until the client buys again."""
    if days:
        return here.today + timedelta(days=days)
    return here.today + timedelta(days=SNOOZE_DAYS) if answer == "snoozed" else None


async def _own(tx: Transaction, scope: Scope, ids: list[UUID]) -> Mapping[UUID, Any]:
    """What the callers' own deals came to, for those who see no others."""
    if not scope.own_only or not ids:
        return {}
    return await risks.own_figures(tx, ids, seen=scope.seen, year=scope.at - YEAR)
