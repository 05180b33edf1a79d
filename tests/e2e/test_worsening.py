"""From a scoring to whoever is told of it: what has become worse, at once and in the morning."""

import httpx

from tests.e2e.support.api import Person, etag
from tests.e2e.support.histories import Past, lived, told
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until

FAITHFUL = [
    Past(30 * n + 15, 30 * n + 4, client="Weir & Heron", name=f"Month {n}") for n in range(20)
]
OTHERS = [
    Past(45 * n + 25, 45 * n + 14, client=f"Client {c}", name=f"Work {c} {n}")
    for c in range(6)
    for n in range(5)
]
LOST = [Past(20 * n + 16, 20 * n + 5, "Lost", client="Others", name=f"No {n}") for n in range(40)]
RISK, ODDS = "More at risk: Weir & Heron", "Odds fell: Relaunch"


async def test_what_gets_worse_reaches_its_owner(
    platform: Platform, http: httpx.AsyncClient, owner: Person
) -> None:
    ways = {"kind": "risk_risen", "in_app": True, "by_mail": True, "digest": True}
    chosen = await owner.request("PUT", "/notifications/preferences", json={"preferences": [ways]})
    assert ways in chosen.json()["preferences"]
    deal = await owner.new_deal("Relaunch", amount={"amount_minor": 100_000, "currency": "EUR"})
    deals = 1 + await lived(owner, FAITHFUL + OTHERS)
    await told(owner, deals)

    # The client's latest ten purchases were none, and forty other deals were lost.
    for old in (await owner.get("/deals", limit="200"))["items"]:
        if old["name"] in {f"Month {n}" for n in range(10)}:
            headers = {"If-Match": etag(old)}
            gone = await owner.request("DELETE", f"/deals/{old['id']}", headers=headers)
            assert gone.status_code in (200, 204), gone.text
    await lived(owner, LOST)

    async def is_told() -> bool:
        items = (await owner.get("/notifications"))["items"]
        return {RISK, ODDS} <= {item["title"] for item in items}

    await until(is_told)
    items = (await owner.get("/notifications"))["items"]
    risk, odds = (next(i for i in items if i["title"] == title) for title in (RISK, ODDS))
    assert (odds["kind"], odds["target_id"]) == ("odds_dropped", deal["id"])
    assert risk["kind"] == "risk_risen"
    assert "likely to stay away. Main reason: Silent for 304 days" in risk["body"]

    async def subjects() -> set[str]:
        return {mail["subject"] for mail in await mails_to(http, platform, owner.email)}

    async def odds_are_mailed() -> bool:
        return ODDS in await subjects()

    await until(odds_are_mailed)
    assert RISK not in await subjects(), "it waits for the morning"
    await platform.rows(
        "notify",
        "UPDATE digest_items SET due_at = now() WHERE workspace_id = $1",  # which comes now
        owner.workspace_id,
    )

    async def has_digest() -> bool:
        return any(subject.startswith("Your digest ") for subject in await subjects())

    await until(has_digest)
    mails = await mails_to(http, platform, owner.email)
    (digest,) = [mail for mail in mails if mail["subject"].startswith("Your digest ")]
    assert RISK in digest["text"]
    assert risk["body"] in digest["text"]
    assert f"{platform.gateway}/clients/{risk['target_id']}" in digest["text"]
