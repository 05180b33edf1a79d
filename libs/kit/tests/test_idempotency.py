"""A request sent twice happens once; the second time it gets the first one's bytes."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import pytest

from kit import idempotency
from kit.errors import InvalidInput
from kit.idempotency import KeyInFlight, KeyReused, Once, once
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import Body, Unit
from libs.kit.tests.sample.notes import add, texts

ME = new_id()
Count = Callable[[], Awaitable[int]]


class Create(Protocol):
    async def __call__(
        self,
        request: Once | None,
        *,
        fail: Exception | None = None,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
        commit: bool = True,
    ) -> bytes: ...


def request(
    key: str = "k1", body: bytes = b"new note", user: UUID = ME, method: str = "/notes/Create"
) -> Once:
    return Once(user, method, key, body)


@pytest.fixture
def create(unit: Unit) -> Create:
    async def create(
        request: Once | None,
        *,
        fail: Exception | None = None,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
        commit: bool = True,
    ) -> bytes:
        async def work(uow: UnitOfWork) -> Body:
            note = await add(uow, "note")
            if meanwhile:
                await meanwhile()
            if fail:
                raise fail
            if commit:
                await uow.commit()
            return Body(str(note.id).encode())

        return (await once(unit, request, parse=Body, work=work)).raw

    return create


@pytest.fixture
def count(unit: Unit) -> Count:
    async def count() -> int:
        async with unit() as uow:
            return len(await texts(uow))

    return count


async def test_the_second_time_gives_the_same_bytes(create: Create, count: Count) -> None:
    first = await create(request())
    assert await create(request()) == first
    assert await count() == 1


async def test_without_a_key_everything_happens(create: Create, count: Count) -> None:
    assert await create(None) != await create(None)
    assert await count() == 2


async def test_another_body_under_the_same_key_is_refused(create: Create, count: Count) -> None:
    await create(request())
    with pytest.raises(KeyReused):
        await create(request(body=b"other"))
    assert await count() == 1


@pytest.mark.parametrize(
    "other",
    [request(key="k2"), request(user=new_id()), request(method="/notes/Move")],
    ids=["key", "user", "method"],
)
async def test_a_key_belongs_to_one_person_and_one_method(
    create: Create, count: Count, other: Once
) -> None:
    await create(request())
    await create(other)
    assert await count() == 2


async def test_of_fifty_at_once_one_happens(create: Create, count: Count) -> None:
    attempts = [create(request()) for _ in range(50)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    given = {result for result in results if isinstance(result, bytes)}
    assert len(given) == 1
    refused = {type(result) for result in results if not isinstance(result, bytes)}
    assert refused <= {KeyInFlight}
    assert await create(request()) in given
    assert await count() == 1


async def test_while_the_first_runs_the_second_is_told_so(create: Create) -> None:
    async def meanwhile() -> None:
        with pytest.raises(KeyInFlight):
            await create(request())

    await create(request(), meanwhile=meanwhile)


async def test_a_failure_keeps_nothing_and_frees_the_key(create: Create, count: Count) -> None:
    with pytest.raises(InvalidInput):
        await create(request(), fail=InvalidInput("no"))
    assert await count() == 0
    await create(request())
    assert await count() == 1


async def test_work_that_wants_no_commit_keeps_nothing(
    create: Create, count: Count, database: ServiceDatabase, workspace: UUID
) -> None:
    await create(request(), commit=False)
    assert await count() == 0
    kept = "SELECT count(*) FROM idempotency_keys WHERE workspace_id = $1"
    assert await database.owner.fetchval(kept, workspace) == 0


async def test_work_that_had_an_answer_gives_it_also_when_it_now_wants_no_commit(
    create: Create, count: Count
) -> None:
    first = await create(request())
    assert await create(request(), commit=False) == first
    assert await count() == 1


async def test_work_that_cannot_succeed_twice_still_gives_its_first_answer(
    create: Create, count: Count
) -> None:
    first = await create(request())
    assert await create(request(), fail=InvalidInput("it has moved on")) == first
    with pytest.raises(KeyReused):
        await create(request(body=b"other"), fail=InvalidInput("no"))
    assert await count() == 1


async def test_a_new_key_costs_one_statement(create: Create, database: ServiceDatabase) -> None:
    with recorded_queries(database.app) as without:
        await create(None)
    with recorded_queries(database.app) as with_key:
        await create(request())
    assert len(with_key) - len(without) == 1, with_key


async def test_one_who_came_before_the_first_commit_does_not_repeat_it(
    create: Create, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the lock ever fail, the row's own key still lets only one happen."""
    others = itertools.count()
    monkeypatch.setattr(idempotency, "_lock_number", lambda workspace, asked: next(others))
    first: list[bytes] = []

    async def meanwhile() -> None:
        first.append(await create(request()))

    assert await create(request(), meanwhile=meanwhile) == first[0]
    assert await count() == 1


async def test_keys_are_forgotten_after_a_day(
    create: Create, count: Count, database: ServiceDatabase, workspace: UUID
) -> None:
    await create(request())
    await database.owner.execute(
        "UPDATE idempotency_keys SET created_at = now() - $2::interval WHERE workspace_id = $1",
        workspace,
        timedelta(hours=25),
    )
    assert await idempotency.purge(database.system) >= 1
    await create(request())
    assert await count() == 2
