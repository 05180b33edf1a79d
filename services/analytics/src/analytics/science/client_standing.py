"""What each client has brought, has open, and when it was last heard of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.science.facts import DAY, LOST, OPEN, WON, Facts, Floats, Ints

YEAR = 365.0


@dataclass(frozen=True, slots=True)
class ClientStanding:
    """Per client of `Facts.clients` [n]: numbers of deals, sums of money, times (NaN for none).

    `at_stake` is what was won from it in the last year or, without any, its yearly mean so far.
    """

    won: Ints
    lost: Ints
    won_value: Floats
    open_value: Floats
    at_stake: Floats
    last_purchase: Floats
    last_contact: Floats


def client_standing(facts: Facts) -> ClientStanding:
    """How the clients stand at the facts' moment."""
    n = len(facts.clients)
    last = facts.last()
    last = last.take(last.client >= 0)
    value = np.nan_to_num(last.value)
    won, lost, still = last.type == WON, last.type == LOST, last.type == OPEN
    total = _sum(last.client[won], value[won], n)
    recent = won & (last.closed > facts.at - YEAR * DAY)
    first, latest = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, last.client[won], last.closed[won])
    np.maximum.at(latest, last.client[won], last.closed[won])
    years = np.maximum((facts.at - first) / (YEAR * DAY), 1.0)
    yearly = np.where(np.isfinite(first), total / years, 0.0)
    lately = _sum(last.client[recent], value[recent], n)
    contact = np.full(n, -np.inf)
    with_client = facts.contact_client >= 0
    np.maximum.at(contact, facts.contact_client[with_client], facts.contact_at[with_client])
    return ClientStanding(
        won=np.bincount(last.client[won], minlength=n),
        lost=np.bincount(last.client[lost], minlength=n),
        won_value=total,
        open_value=_sum(last.client[still], value[still], n),
        at_stake=np.where(lately > 0, lately, yearly),
        last_purchase=np.where(np.isfinite(latest), latest, np.nan),
        last_contact=np.where(np.isfinite(contact), contact, np.nan),
    )


def _sum(client: Ints, value: Floats, n: int) -> Floats:
    return np.bincount(client, value, minlength=n).astype(np.float64)
