"""Life's edges through import, API and pages: each says in words what can and cannot be said.

What is asserted are promises: a share never stands without what it rests on, nothing reads as a
programme's idea of a number, and what is missing is named. Whole sentences are the pages' own.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.support.api import Person, register
from tests.e2e.support.histories import PAGES, Panels, Past, lived, page, reports, told, told_shares

SHARES = frozenset(
    {
        "win_probability", "risk", "win_rate", "confidence", "base_rate", "coverage", "rate",
        "share", "largest_share", "five_largest_share", "observed", "interval_coverage",
    }
)  # fmt: skip
EVIDENCE = re.compile(
    r"evidence|Counts \d|Rests on \d|Learnt from \d|\bof \d[\d,]* (closed|clients?|deals?|such)"
    r"|\d[\d,]* of \d|[Bb]ack-test|forecasts? of \d"
)
# Explanations name levels of intervals; they are no findings.
FIXED = re.compile(r"\b(80|90|95)% (range|of)|where 80% were promised")
STRANGE = re.compile(r"\b(NaN|nan|None|null|inf|undefined)\b|-0(?![\d.])|−0(?![\d.])")
Said = dict[str, Any]


def monthly(stage: str, months: range, **over: Any) -> list[Past]:
    """One deal a month that was open for ten days."""
    return [Past(30.4 * n + 13, 30.4 * n + 3, stage, **over) for n in months]


@dataclass(frozen=True)
class Edge:
    """A life, and what must be read of it."""

    deals: list[Past]
    holds: Callable[[Said], bool]
    words: str  # somewhere on the overview


def _no_curve(said: Said) -> bool:
    return said["forecast"]["total"] is None and not said["forecast"]["months"]


def _no_odds(said: Said) -> bool:
    return all(deal["win_probability"] is None for deal in said["deals"]["items"])


EDGES = {
    "no deals": Edge([], _no_curve, "There are no deals yet"),
    "one open deal": Edge([Past(5)], _no_odds, "No deal has closed yet"),
    "one won deal": Edge(monthly("Won", range(1)), _no_curve, "a curve needs 4"),
    "only wins": Edge(
        [*monthly("Won", range(12)), Past(5)],
        lambda said: all(d["win_probability"] < 1 for d in said["deals"]["items"]),
        "12 closed deals",
    ),
    "only losses": Edge(
        [*monthly("Lost", range(12)), Past(5)],
        lambda said: not said["churn"]["items"],
        "none can be lost",
    ),
    "three months": Edge(
        monthly("Won", range(3)) + monthly("Lost", range(3)), _no_curve, "a curve needs 4"
    ),
    "a silent year": Edge(
        monthly("Won", range(13, 30)),
        lambda said: said["velocity"]["win_rate"] is None,
        "No deal was closed in this period",
    ),
    "one client": Edge(
        [
            *(Past(9 * n + 11, 9 * n + 1, client="Large", amount="9000") for n in range(9)),
            *(Past(40 * n + 15, 40 * n + 5, client="Small", amount="1000") for n in range(2)),
        ],
        lambda said: said["clients"]["largest_share"] > 0.9,
        "11 closed deals",
    ),
    "nothing is worth anything": Edge(
        [*monthly("Won", range(12), amount="0"), Past(5, amount="0"), Past(6, amount="")],
        lambda said: said["pipeline"]["open_count"] == 2,
        "12 closed deals",
    ),
    "ten years at once": Edge(
        [*monthly("Won", range(120)), *monthly("Lost", range(0, 120, 2)), Past(4)],
        lambda said: said["forecast"]["total"] is not None,
        "months of history",
    ),
    "the same deal again and again": Edge(
        [Past(20, 10, name="Same")] * 30,
        lambda said: said["velocity"]["won_count"] == 30,
        "30 closed deals",
    ),
}


@pytest.fixture(scope="module")
async def lives(http: httpx.AsyncClient) -> dict[str, Person]:
    """All of them: they come one by one, and are waited for together."""
    people = {name: await register(http, "Edge") for name in EDGES}
    counts = {n: await lived(people[n], edge.deals) for n, edge in EDGES.items() if edge.deals}
    await asyncio.gather(*(told(people[name], count) for name, count in counts.items()))
    return people


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EDGES)
async def test_an_edge_says_what_it_can_at_the_api(lives: dict[str, Person], name: str) -> None:
    said = await reports(lives[name])
    for report, answer in said.items():
        assert answer["basis"], report
        for where, rests in told_shares(answer, SHARES):
            assert rests["basis"], (report, where)
            assert rests["model"]["evidence"] not in ("", "none"), (report, where, rests)
    for figure in said["summary"]["figures"]:
        assert figure["words"], figure
    assert EDGES[name].holds(said), said


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EDGES)
async def test_an_edge_says_what_it_can_on_pages(lives: dict[str, Person], name: str) -> None:
    for path in PAGES:
        panels = Panels(await page(lives[name], f"/analytics{path}")).panels
        for text in panels:
            assert not STRANGE.search(text), (path, text)
            if "%" in FIXED.sub("", text):
                assert EVIDENCE.search(text), (path, text)
        if not path:
            assert any(EDGES[name].words in text for text in panels), panels


async def test_an_amount_below_nought_is_refused_in_words(owner: Person) -> None:
    """The model has no refunds: what was won and given back is a lost deal, or a smaller amount."""
    body = {"name": "Refund", "amount": {"amount_minor": -100, "currency": "EUR"}}
    answer = await owner.request("POST", "/deals", json=body)
    assert answer.status_code == 422
    assert "not negative" in answer.json()["detail"]
