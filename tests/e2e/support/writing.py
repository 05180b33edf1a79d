"""People who go on writing whatever happens, and remember what was acknowledged."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.e2e.support.api import Person, etag
from tests.e2e.support.platform import WITH_DATABASE, Platform, until

WRITERS = 4
PAUSE = 0.1  # seconds before a refused write is tried again; with the same key it is done once
AWAY = (401, 409, 429, 500, 502, 503, 504)


@dataclass
class Written:
    """What the person has been told is stored: deals by id, each created and moved to Won."""

    moved: set[str] = field(default_factory=set)
    acknowledged: int = 0
    refusals: Counter[int] = field(default_factory=Counter)


class Writers:
    """Four writers; each creates a deal and wins it, again and again."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.written = Written()
        self._ending = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They write as long as the block lasts, and finish what they have begun."""
        tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        try:
            yield
        finally:
            self._ending = True
            await asyncio.gather(*tasks)

    async def until_acknowledged(self, more: int) -> None:
        """Wait for so many further writes."""
        wanted = self.written.acknowledged + more
        await until(lambda: self.written.acknowledged >= wanted, patience=1200)

    async def _write(self) -> None:
        while not self._ending:
            created = await self._until_taken("/deals", {"name": f"Deal {secrets.token_hex(4)}"})
            deal = created.json()
            self.written.acknowledged += 1
            body = {"stage_id": self.person.stages["Won"]}
            await self._until_taken(f"/deals/{deal['id']}/move", body, {"If-Match": etag(deal)})
            self.written.moved.add(deal["id"])
            self.written.acknowledged += 1

    async def _until_taken(
        self, path: str, body: dict[str, str], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One write, repeated under one key until there is an answer that counts."""
        key = {"Idempotency-Key": secrets.token_hex(16)}
        while True:
            try:
                answer = await self.person.request(
                    "POST", path, json=body, headers={**key, **(headers or {})}
                )
            except httpx.TransportError:
                self.written.refusals[0] += 1
            else:
                if answer.is_success:
                    return answer
                assert answer.status_code in AWAY, f"{path}: {answer.status_code} {answer.text}"
                self.written.refusals[answer.status_code] += 1
                if answer.status_code == 401:
                    await self._sign_in_again()
            await asyncio.sleep(PAUSE)

    async def _sign_in_again(self) -> None:
        try:
            await self.person.sign_in()
        except (httpx.TransportError, AssertionError):
            return  # auth is away too; the next round tries again


async def nothing_lost_and_nothing_doubled(
    platform: Platform, person: Person, written: Written, members: int = 1
) -> None:
    """Every acknowledged write is stored once, projected once, and told once to each member."""
    workspace = person.workspace_id

    async def count(service: str, sql: str) -> int:
        return int((await platform.rows(service, sql, workspace))[0][0])

    deals = len(written.moved)
    assert await count("crm", "SELECT count(*) FROM deals WHERE workspace_id = $1::uuid") == deals
    stored = await platform.rows(
        "crm",
        "SELECT id::text, version FROM deals WHERE workspace_id = $1::uuid",
        workspace,
    )
    assert {row["id"] for row in stored} == written.moved
    assert {row["version"] for row in stored} <= {2}

    async def everything_was_sent() -> bool:
        pending = [
            await platform.rows(s, "SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1")
            for s in WITH_DATABASE
        ]
        return not any(pending)

    async def everybody_was_told() -> bool:
        told = "SELECT count(*) FROM notifications WHERE workspace_id = $1::uuid"
        mails = "SELECT count(*) FROM mails WHERE workspace_id = $1::uuid AND sent_at IS NOT NULL"
        wanted = deals * members
        return await count("notify", told) >= wanted and await count("notify", mails) >= wanted

    async def is_projected() -> bool:
        pipeline = await person.get("/analytics/pipeline")
        counts = {stage["stage_name"]: stage["count"] for stage in pipeline["stages"]}
        return bool(counts == {"Won": deals})

    await until(everything_was_sent, patience=300)
    await until(everybody_was_told, patience=300)
    await until(is_projected, patience=300)
    doubled = await platform.rows(
        "notify",
        "SELECT target_id, user_id, count(*) FROM notifications WHERE workspace_id = $1::uuid"
        " GROUP BY 1, 2 HAVING count(*) > 1",
        workspace,
    )
    assert not doubled, f"{len(doubled)} notices doubled"
    letters = await count("notify", "SELECT count(*) FROM mails WHERE workspace_id = $1::uuid")
    assert letters == deals * members
    died = await count("notify", "SELECT count(*) FROM dead_letters WHERE $1::text IS NOT NULL")
    assert died == 0
