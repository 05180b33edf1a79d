"""`make rebuild` on a platform at work: its numbers are what they were, and nothing is missed."""

import asyncio
from itertools import count
from typing import Any

import pytest

from tests.e2e.support.api import Person, etag
from tests.e2e.support.histories import Past, lived, reports, told
from tests.e2e.support.platform import Platform

DEALS = [
    *(
        Past(30.4 * n + 15, 30.4 * n + 4, "Lost" if n % 4 == 2 else "Won", amount=f"{1000 + n}.50")
        for n in range(14)
    ),
    *(Past(12 * n + 3, amount=f"{500 + 211 * n}.45") for n in range(5)),
]
EACH = 7_00


@pytest.mark.timeout(900)
async def test_facts_built_anew_are_the_same_while_people_work(
    platform: Platform, owner: Person
) -> None:
    here = await lived(owner, DEALS)
    await told(owner, here)
    before = await reports(owner)
    ended = asyncio.Event()
    working = asyncio.create_task(at_work(owner, ended))
    done = await asyncio.to_thread(platform.local, "rebuild", owner.workspace_id)
    ended.set()
    made = await working
    assert done.returncode == 0, done.stdout + done.stderr
    assert made > 1
    await told(owner, here + made)
    after = await reports(owner)

    minor = before["pipeline"]["open_value"]["amount_minor"] + made * EACH
    assert after["pipeline"]["open_value"]["amount_minor"] == minor
    assert after["pipeline"]["open_count"] == before["pipeline"]["open_count"] + made
    assert after["health"]["inflow_count"] == before["health"]["inflow_count"] + made
    for name, keep in SAME.items():
        assert keep(after[name]) == keep(before[name]), name


async def at_work(owner: Person, ended: asyncio.Event) -> int:
    """Deals come to be and change their names all the time; how many came to be."""
    deal = await owner.new_deal(amount={"amount_minor": EACH, "currency": "EUR"})
    for made in count(1):
        named = await owner.request(
            "PATCH",
            f"/deals/{deal['id']}",
            json={"name": f"Renamed {made}"},
            headers={"If-Match": etag(deal)},
        )
        assert named.status_code == 200, named.text
        if ended.is_set():
            return made
        deal = await owner.new_deal(amount={"amount_minor": EACH, "currency": "EUR"})
    raise AssertionError("counting has no end")


def _closed(said: Any) -> Any:
    """What new deals do not change."""
    months = [(m["month"], m["won_count"], m["lost_count"], m["won_value"]) for m in said["months"]]
    return months, said["outflow_count"], said["outflow_value"]


SAME: dict[str, Any] = {
    "health": _closed,
    "clients": lambda said: (said["won_value"], said["clients"], said["sources"]),
    "conversion": lambda said: (said["won_count"], said["lost_count"], said["lost_reasons"]),
    "forecast": lambda said: said["history"],
    "velocity": lambda said: (said["closed_count"], said["won_count"], said["win_rate"]),
    "summary": lambda said: [f for f in said["figures"] if f["name"] in ("won_value", "win_rate")],
}
