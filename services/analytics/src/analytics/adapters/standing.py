"""How far the facts and the scores of a workspace are: what every report begins with."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, Uuid, and_, bindparam, select

from analytics.adapters.facts import DEFAULT_CURRENCY
from analytics.adapters.tables import editions, workspaces
from kit.database import Statement, Transaction

NOW = "now"
STANDING = Statement(
    select(
        workspaces.c.currency,
        workspaces.c.time_zone,
        workspaces.c.as_of,
        workspaces.c.changes,
        editions.c.as_of.label("scored_as_of"),
        editions.c.data_version.label("scored_version"),
        editions.c.scored_at,
        editions.c.base_rate,
        editions.c.stage_limits,
        editions.c.expected,
        editions.c.written,
        editions.c.rest_as_of,
        editions.c.rest_version,
    )
    .select_from(
        workspaces.outerjoin(
            editions,
            and_(
                editions.c.workspace_id == workspaces.c.workspace_id,
                editions.c.edition == bindparam("edition", type_=Text()),
            ),
        )
    )
    .where(workspaces.c.workspace_id == bindparam("workspace", type_=Uuid()))
)


class State(NamedTuple):
    """How far something knows the facts: up to which moment, and how many of their changes."""

    as_of: datetime | None
    version: int


class Standing(NamedTuple):
    """State of a workspace; `scored_at` is None while that edition has not been computed.

    `data_version` counts the changes of the facts, and `written` how often anything was written
    that belongs to the edition. A scoring commits odds first, and all `rest` seconds later: until
    then the two know different facts.
    """

    currency: str
    time_zone: str
    as_of: datetime | None
    data_version: int
    odds: State
    rest: State
    scored_at: datetime | None
    base_rate: float | None
    stage_limits: dict[str, Any]
    expected: dict[str, Any]
    written: int


async def standing(tx: Transaction, edition: str = NOW) -> Standing:
    """What is known so far; a workspace auth has not told of yet adds up in euros."""
    row = await tx.row(STANDING, workspace=tx.workspace_id, edition=edition)
    if row is None:
        none = State(None, 0)
        return Standing(DEFAULT_CURRENCY, "UTC", None, 0, none, none, None, None, {}, {}, 0)
    odds = State(row["scored_as_of"], row["scored_version"] or 0)
    rest = State(row["rest_as_of"], row["rest_version"] or 0)
    return Standing(
        row["currency"] or DEFAULT_CURRENCY,
        row["time_zone"] or "UTC",
        row["as_of"],
        row["changes"],
        odds,
        odds if rest.as_of is None else rest,
        row["scored_at"],
        row["base_rate"],
        row["stage_limits"] or {},
        row["expected"] or {},
        row["written"] or 0,
    )


def edition_of(day: date | None) -> str:
    """The name under which the scores of a day are kept."""
    return NOW if day is None else day.isoformat()
