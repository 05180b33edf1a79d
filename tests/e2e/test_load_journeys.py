"""Every journey of the load test gets the answer it counts as right."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tests.e2e.support.platform import Platform
from tests.load.journeys import TASKS, Pace, Person, Task, some_email

UNHURRIED = Pace(per_minute=1_000_000)


class Sender:
    """One browser; a wrong answer ends the test."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=30)

    def __call__(
        self,
        name: str,
        method: str,
        path: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: str | None = None,
    ) -> httpx.Response:
        answer = self.http.request(method, path, headers=headers, json=json, content=data)
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text[:500]}"
        return answer


@pytest.fixture(scope="module")
async def colleagues(platform: Platform) -> AsyncIterator[list[Person]]:
    """Who made a workspace, and who was invited into it."""
    senders = [Sender(platform.gateway) for _ in range(2)]
    founder, colleague = (Person(sender, UNHURRIED, some_email()) for sender in senders)

    def come() -> None:
        founder.found_workspace()
        colleague.join(founder.invite(colleague.email))
        for person in (founder, colleague):
            person.bring_work(clients=1, deals=2)

    await asyncio.to_thread(come)
    yield [founder, colleague]
    for sender in senders:
        sender.http.close()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
async def test_a_journey_is_answered_as_expected(colleagues: list[Person], task: Task) -> None:
    for person in colleagues:
        await asyncio.to_thread(task, person)


async def test_the_demo_person_signs_in_and_has_deals_to_look_at(platform: Platform) -> None:
    sender, demo = Sender(platform.gateway), platform.facts["demo"]
    person = Person(sender, UNHURRIED, demo["email"], demo["password"])
    await asyncio.to_thread(person.enter)
    assert person.deals
    assert person.stages
    sender.http.close()
