"""What a deal looked like at a moment: the features of the win model, and what its rules look at.

Every number is taken from states and contacts before the moment, whether the deal is open now or
closed long ago, so that what was learnt is what is asked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from analytics.science.facts import DAY, OPEN, WON, Bools, Facts, Floats, Ints, Names, States
from analytics.science.win_features import Columns

if TYPE_CHECKING:
    import pandas as pd

VALUE = "value"
COLUMNS = Columns(
    categorical=("stage", "source", "owner"),
    numeric=(
        "age in days",
        "days in stage",
        "days to the expected close",
        "times the close date moved",
        "days since the last contact",
        "days since the client last bought",
    ),
    client="client",
    value=VALUE,
)
LEAST_CONTACTS = 3
"""Contacts from which on a client has a rhythm of its own: two gaps."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Deals at a moment each: `states` as they stood, the moment, and what came before, [n].

    Days are whole ones in elapsed time. `quiet` days since the last sign of life (contact, move,
    creation), `rhythm` usual days between the client's contacts, NaN when there is none.
    """

    states: States
    at: Floats
    age: Floats
    in_stage: Floats
    to_close: Floats
    close_moves: Floats
    since_contact: Floats
    since_purchase: Floats
    quiet: Floats
    rhythm: Floats

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: Ints) -> Moments:
        """Some of them."""
        rest = [field.name for field in fields(self) if field.name != "states"]
        return Moments(self.states.take(rows), *(getattr(self, name)[rows] for name in rest))

    def without_hindsight(self, where: Bools) -> Moments:
        """Where a deal was told of after its end, leave out what may have been written at the end.

        An import brings the value and the dates a deal ended with; taken for what was known while
        it was open they would give the outcome away (measured: a Brier score of .02 on the CRM
        export, in which won deals carry what was paid and lost ones the list price).
        """
        blank = np.where(where, np.nan, 0.0)
        return replace(
            self,
            states=replace(self.states, value=self.states.value + blank),
            to_close=self.to_close + blank,
            close_moves=self.close_moves + blank,
        )

    def table(self, facts: Facts) -> pd.DataFrame:
        """As the win model reads them."""
        import pandas as pd

        states = self.states
        return pd.DataFrame(
            {
                "stage": _label(facts.stages, np.where(states.type == OPEN, states.stage, -1)),
                "source": _label(facts.sources, states.source),
                "owner": _label(facts.owners, states.owner),
                "client": _label(facts.clients, states.client),
                "age in days": self.age,
                "days in stage": self.in_stage,
                "days to the expected close": self.to_close,
                "times the close date moved": self.close_moves,
                "days since the last contact": self.since_contact,
                "days since the client last bought": self.since_purchase,
                VALUE: states.value,
            }
        )


def open_now(facts: Facts) -> Moments:
    """The open deals at the facts' moment."""
    last = facts.last()
    return looked_at(facts, last.take(last.type == OPEN), None)


def closed_before(facts: Facts, newest: int) -> tuple[Moments, Floats]:
    """The newest closed deals, oldest closing first, each at one moment of its open life; 1 for
    won, else 0.

    The moment is drawn evenly over the time it was open, by a die that its beginning and its end
    throw, so that the model learns of all ages a deal is looked at in, and the same deal is always
    seen the same way, whatever its id is.
    """
    last = facts.last()
    closed = last.take(last.type != OPEN)
    order = np.lexsort((closed.deal, closed.value, closed.created, closed.closed))
    closed = closed.take(order[-newest:])
    share = np.array([_die(life) for life in zip(closed.created, closed.closed, strict=True)])
    ended = np.where(np.isnan(closed.closed), closed.entered, closed.closed)
    moment = closed.created + share * np.maximum(ended - closed.created, 0.0)
    then = _last_open(facts.states, closed.deal, moment)
    # One that came to be as a closed deal was never open: it is taken as it is, without its stage.
    both = facts.states.take(np.where(then >= 0, then, 0)).over(closed, then >= 0)
    seen = looked_at(facts, both, moment).without_hindsight(both.told >= ended)
    return seen, (closed.type == WON).astype(np.float64)


def looked_at(facts: Facts, states: States, moments: Floats | None) -> Moments:
    """Deals as they stood at their moments (the facts' own without)."""
    at = np.full(len(states), facts.at) if moments is None else moments
    contact = _last_contact(facts, states, at)
    sign = np.fmax(np.fmax(contact, states.entered), states.created)
    return Moments(
        states=states,
        at=at,
        age=_days(at - states.created),
        in_stage=_days(at - states.entered),
        to_close=states.due - facts.day(at),
        close_moves=_close_moves(facts.states, states.deal, at),
        since_contact=_days(at - contact),
        since_purchase=_days(at - _last_purchase(facts, states, at)),
        quiet=_days(at - sign),
        rhythm=_rhythm(facts, states.client),
    )


def _days(seconds: Floats) -> Floats:
    """Whole days, so that the same day gives the same odds."""
    return np.maximum(np.floor(seconds / DAY), 0.0)


def _die(life: tuple[float, float]) -> float:
    thrown = blake2b(struct.pack(">2d", *life), digest_size=4).digest()
    return (int.from_bytes(thrown) + 0.5) / 2**32


def _label(names: Names, codes: Ints) -> pd.Categorical:
    import pandas as pd

    return pd.Categorical.from_codes(codes.astype(np.int32), list(names))


def _latest(group: Ints, time: Floats, of: Ints, at: Floats) -> Ints:
    """Position of each group's last event before `at`, -1 for none; events by group, then time."""
    ranks = np.unique(np.concatenate([time, at]), return_inverse=True)[1].astype(np.int64)
    key = (group << 32) | ranks[: len(time)]
    wanted = (of << 32) | ranks[len(time) :]
    place = np.searchsorted(key, wanted, "left") - 1
    there = (place >= 0) & (of >= 0)
    there[there] = group[place[there]] == of[there]
    return np.where(there, place, -1)


def _last_open(states: States, deals: Ints, at: Floats) -> Ints:
    """Position of each deal's last open state until `at`, else of its first open one; -1 none."""
    rows = np.flatnonzero((states.type == OPEN) & ~states.deleted)
    if len(rows) == 0:
        return np.full(len(deals), -1)
    group, time = states.deal[rows], states.happened[rows]
    place = _latest(group, time, deals, np.nextafter(at, np.inf))
    first = np.searchsorted(group, deals, "left")
    first = np.where(first < len(rows), first, 0)
    place = np.where(place >= 0, place, np.where(group[first] == deals, first, -1))
    return np.where(place >= 0, rows[place], -1)


def _by_group(group: Ints, time: Floats) -> tuple[Ints, Floats]:
    known = group >= 0
    group, time = group[known], time[known]
    order = np.lexsort((time, group))
    return group[order], time[order]


def _last_time(group: Ints, time: Floats, of: Ints, at: Floats) -> Floats:
    group, time = _by_group(group, time)
    if len(group) == 0:
        return np.full(len(of), np.nan)
    place = _latest(group, time, of, at)
    return np.where(place >= 0, time[place], np.nan)


def _last_contact(facts: Facts, states: States, at: Floats) -> Floats:
    """The last contact on the deal or, without one, with its client."""
    on_deal = _last_time(facts.contact_deal, facts.contact_at, states.deal, at)
    with_client = _last_time(facts.contact_client, facts.contact_at, states.client, at)
    return np.fmax(on_deal, with_client)


def _last_purchase(facts: Facts, states: States, at: Floats) -> Floats:
    last = facts.last()
    won = last.take((last.type == WON) & (last.client >= 0))
    return _last_time(won.client, won.closed, states.client, at)


def _close_moves(states: States, deals: Ints, at: Floats) -> Floats:
    """How often the expected close had been moved to a later day."""
    if len(states) == 0:
        return np.zeros(len(deals))
    same = states.deal[1:] == states.deal[:-1]
    later = np.append(False, same & (states.due[1:] > states.due[:-1]))
    moved = np.cumsum(later)
    place = _latest(states.deal, states.happened, deals, np.nextafter(at, np.inf))
    first = np.searchsorted(states.deal, deals, "left")
    first = np.where(first < len(states), first, 0)
    return np.where(place >= 0, moved[place] - moved[first], 0).astype(np.float64)


def _rhythm(facts: Facts, clients: Ints) -> Floats:
    """Median days between the days on which a client was in contact."""
    group, time = _by_group(facts.contact_client, facts.contact_at)
    day = np.floor(time / DAY)
    if len(group) == 0:
        return np.full(len(clients), np.nan)
    new = np.append(True, (group[1:] != group[:-1]) | (day[1:] != day[:-1]))
    group, day = group[new], day[new]
    rhythm = np.full(len(facts.clients), np.nan)
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    for start, end in zip(starts, np.append(starts[1:], len(group)), strict=True):
        if end - start >= LEAST_CONTACTS:
            rhythm[group[start]] = float(np.median(np.diff(day[start:end])))
    return np.where(clients >= 0, rhythm[clients], np.nan)
