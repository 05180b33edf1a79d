"""Deals as they stand, or as they stood at a moment: what every counting statement begins with.

Values are in the workspace's currency; a deal whose value is not known in it adds nothing, and is
counted as such.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    or_,
)

from analytics.adapters import facts
from analytics.adapters.tables import deals
from kit.database import Statement

WORKSPACE = facts.WORKSPACE
CURRENCY = facts.CURRENCY


def at(name: str) -> ColumnElement[Any]:
    """A moment that is given when the statement runs."""
    return bindparam(name, type_=DateTime(timezone=True))


AT, START, END, BEFORE = at("at"), at("start"), at("end"), at("before")
OWNERS = bindparam("owners", type_=ARRAY(Uuid()))
SOURCE = bindparam("source", type_=Text())


class Seen(NamedTuple):
    """Whose deals are counted, as of when. `past` reads the states of deals, not the deals."""

    owners: list[UUID] | None
    source: str | None
    at: datetime
    past: bool
    currency: str

    def values(self) -> dict[str, Any]:
        """For a statement."""
        return {
            "owners": self.owners,
            "source": self.source,
            "at": self.at,
            "currency": self.currency,
        }


class Stood:
    """The deals at a moment, inside a statement: their columns, and who counts."""

    def __init__(self, *, past: bool) -> None:
        self.past = past
        self.table: Any = facts.as_of(AT) if past else deals
        self.c = self.table.c
        gone = self.c.deleted.is_(False) if past else self.c.deleted_at.is_(None)
        self.ours = [
            self.c.workspace_id == WORKSPACE,
            gone,
            or_(OWNERS.is_(None), self.c.owner_id == func.any(OWNERS)),
            or_(SOURCE.is_(None), self.c.source == SOURCE),
        ]
        self.open = self.c.closed_at.is_(None)
        self.won = self.c.stage_type == "won"
        self.lost = self.c.stage_type == "lost"
        self.value = facts.value_in(self.table, CURRENCY)
        self.unvalued = and_(self.value.is_(None), self.c.amount_minor.is_not(None))

    def closed_in(self, start: Any, end: Any) -> ColumnElement[bool]:
        """Closed from `start` on and before `end`."""
        return and_(self.c.closed_at >= start, self.c.closed_at < end)


def both(make: Callable[[Stood], Any]) -> dict[bool, Statement]:
    """The statement for now and for a past moment."""
    return {past: Statement(make(Stood(past=past))) for past in (False, True)}


def days(interval: Any) -> ColumnElement[Any]:
    """Length of an interval in days."""
    # extract() would go through numeric, at several times the cost.
    return func.date_part("epoch", interval, type_=Double()) / 86_400.0


def total(value: Any, where: Any) -> ColumnElement[int]:
    """The sum of a column where a condition holds; nought for none."""
    return cast(func.coalesce(func.sum(value).filter(where), 0), BigInteger)


def counted(where: Any) -> ColumnElement[int]:
    """How many rows a condition holds for."""
    return func.count().filter(where)
