"""Events of one test's workspace, and consumers that hear them."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol
from uuid import UUID

import pytest
from nats.js.errors import NotFoundError
from sqlalchemy import Integer, Text, Uuid, bindparam
from sqlalchemy.dialects.postgresql import insert

from kit import dead_letters
from kit.aggregate import Fact
from kit.bus.consumer import Consumer, Handler, Wants
from kit.bus.events import Event, headers_of
from kit.bus.jetstream import Bus
from kit.database import Statement
from kit.dead_letters import DeadLetter
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import OpenUnit, to_outbox
from libs.kit.tests.sample.notes import AT, notes

WRITTEN = "sample.note.v1.written"
Sent = tuple[str, bytes, dict[str, str]]  # subject, body, headers
Publish = Callable[[list[Sent]], Awaitable[None]]
Settled = Callable[[Consumer], Awaitable[bool]]


class Messages(Protocol):
    def __call__(self, count: int) -> list[Sent]: ...


class MakeConsumer(Protocol):
    def __call__(
        self,
        handler: Handler,
        *,
        name: str | None = None,
        on: Bus | None = None,
        wants: Wants | None = None,
        not_imported: Collection[str] = (),
    ) -> Consumer: ...


_mine = {
    name: bindparam(name, type_=type_())
    for name, type_ in {"id": Uuid, "workspace_id": Uuid, "version": Integer, "text": Text}.items()
}
_latest = insert(notes).values(_mine)
KEEP_LATEST = Statement(
    _latest.on_conflict_do_update(
        index_elements=["id"],
        set_={"version": _latest.excluded.version, "text": _latest.excluded.text},
        where=notes.c.version < _latest.excluded.version,
    )
)
ADD_UP = Statement(
    _latest.on_conflict_do_update(
        index_elements=["id"], set_={"version": notes.c.version + _latest.excluded.version}
    )
)


@pytest.fixture
def messages(workspace: UUID) -> Messages:
    """Events as the relay would send them: versions of a few aggregates."""
    aggregates = [new_id() for _ in range(4)]

    def messages(count: int) -> list[Sent]:
        rows = [
            to_outbox(
                workspace,
                Fact(aggregate_id=aggregates[n % 4], version=n + 1, at=AT, by=None),
            )
            for n in range(count)
        ]
        return [(row["subject"], row["body"], headers_of({**row, "number": 1})) for row in rows]

    return messages


@pytest.fixture
def publish(bus: Bus) -> Publish:
    async def publish(messages: list[Sent]) -> None:
        for subject, body, headers in messages:
            again = {**headers, "Nats-Msg-Id": str(new_id())}  # as if beyond the stream's window
            await bus.jetstream.publish(subject, body, headers=again)

    return publish


@pytest.fixture
def consumer(
    bus: Bus, database: ServiceDatabase, open_unit: OpenUnit, workspace: UUID
) -> MakeConsumer:
    """A consumer of this test's workspace only: the stream holds everybody's events."""

    def consumer(
        handler: Handler,
        *,
        name: str | None = None,
        on: Bus | None = None,
        wants: Wants | None = None,
        not_imported: Collection[str] = (),
    ) -> Consumer:
        async def handle(uow: UnitOfWork, event: Event) -> None:
            if event.workspace_id == workspace:
                await handler(uow, event)

        return Consumer(
            on or bus,
            stream="SAMPLE",
            name=name or f"sample-{new_id().hex}",
            handlers={WRITTEN: handle},
            wants=wants,
            not_imported=not_imported,
            open_unit=open_unit,
            system=database.system,
            retry_after=(0.01,),
        )

    return consumer


@pytest.fixture
def settled(bus: Bus) -> Settled:
    """The consumer has nothing left to do."""

    async def settled(consumer: Consumer) -> bool:
        try:
            info = await bus.jetstream.consumer_info("SAMPLE", consumer.name)
        except NotFoundError:
            return False  # it has not begun
        if info.delivered is None or not info.delivered.consumer_seq:
            return False  # just made: the broker has not counted yet what waits for it
        return bool(info.num_pending == info.num_ack_pending == 0)

    return settled


async def project(uow: UnitOfWork, event: Event) -> None:
    """One handler of each kind: the latest state, and a sum."""
    about = {"workspace_id": uow.workspace_id, "version": event.version}
    await uow.run(KEEP_LATEST, id=event.subject_id, text=event.body.decode(), **about)
    await uow.run(ADD_UP, id=uow.workspace_id, text="sum", **about)


async def state(database: ServiceDatabase, workspace: UUID) -> list[tuple[str, int]]:
    rows = await database.owner.fetch(
        "SELECT text, version FROM notes WHERE workspace_id = $1 ORDER BY id", workspace
    )
    return [tuple(row) for row in rows]


async def letters(database: ServiceDatabase, consumer: Consumer) -> list[DeadLetter]:
    return await dead_letters.buried(database.system, consumer.name)
