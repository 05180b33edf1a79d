"""What is wanted in the morning: collected, and one mail for each reader and day."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest

from freelanceflow.auth.v1.account_events_pb2 import WorkspaceClosed, WorkspaceReopened
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from kit.bus.events import Event
from kit.bus.jetstream import Bus
from kit.clock import FakeClock
from kit.database import DatabaseUnavailable
from kit.ids import new_id
from kit.pool import open_pool
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.testing.proxy import FaultProxy
from notify.adapters import digests
from notify.adapters.letters import Letters
from notify.adapters.mails import NewMail
from notify.adapters.recipients import Recipient
from notify.adapters.smtp import Smtp
from notify.adapters.workspaces import Workspace
from notify.application.digesting import make_digests
from notify.application.telling import choose
from notify.bootstrap import workspaces_consumer
from notify.domain.digest import Item
from notify.domain.messages import Kind
from notify.domain.preferences import ONLY_INSIDE, Choice
from notify.entrypoints.app import App
from notify.entrypoints.digests import digests_made, keep_making_digests
from services.notify.tests.factories import (
    Sink,
    deal_moved,
    export_failed,
    import_failed,
    make_event,
    member_added,
    member_removed,
    publish,
    reminded,
    rows,
    tell,
    workspace_updated,
)
from services.notify.tests.integration.test_telling import send

MORNING = datetime(2026, 3, 3, 7, tzinfo=UTC)  # eight o'clock in Berlin
WANTED = Choice(in_app=True, by_mail=True, digest=True)


@pytest.fixture
async def mira(app: App, workspace: UUID) -> UUID:
    """Somebody in Berlin who wants everything in the morning."""
    mira = new_id()
    await tell(app, workspace_updated(workspace, "Europe/Berlin"), member_added(workspace, mira))
    await wanting(app, workspace, mira)
    return mira


async def wanting(
    app: App, workspace: UUID, user_id: UUID, wanted: Choice = WANTED, *kinds: Kind
) -> None:
    given: dict[str, Choice] = {kind: wanted for kind in kinds or set(Kind) - ONLY_INSIDE}
    async with app.unit_of_work(workspace) as uow:
        await choose(uow, user_id=user_id, given=given)


async def subjects(database: ServiceDatabase, workspace: UUID) -> list[str]:
    return [mail["subject"] for mail in await rows(database, "mails", workspace)]


async def make(app: App) -> None:
    while await digests_made(app):
        pass


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert isinstance(body, EmailMessage)
    text: str = body.get_content()
    return text.replace("\r\n", "\n")


async def test_a_day_is_one_mail_in_the_morning(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    mira: UUID,
    clock: FakeClock,
    smtp: Smtp,
    sink: Sink,
) -> None:
    deal, won = str(new_id()), StageType.STAGE_TYPE_WON
    await tell(
        app, reminded(workspace, mira), deal_moved(workspace, deal_id=deal, name="<b>Fair</b>")
    )
    await tell(app, deal_moved(workspace, deal_id=deal, stage_name="Won", stage_type=won))
    assert len(await rows(database, "notifications", workspace)) == 3, "here they are at once"
    clock.set(MORNING - timedelta(seconds=1))
    await make(app)
    assert await subjects(database, workspace) == []
    clock.set(MORNING)
    await make(app)
    await send(app, smtp)
    (mail,) = sink.to(mira.hex)
    assert mail["Subject"] == "Your digest for Tuesday, 3 March"
    text, html = part(mail, "plain"), part(mail, "html")
    assert text.index("REMINDERS") < text.index("DEALS WON") < text.index("DEALS MOVED")
    for told in await rows(database, "notifications", workspace):
        page = {"deal": "deals", "activity": "activities"}[told["target_kind"]]
        link = f"http://localhost:8700/{page}/{told['target_id']}"
        assert f"{told['title']}\n{told['body']}\n{link}\n" in text
        assert f'href="{link}"' in html
    assert "<b>" not in html
    assert "http://localhost:8700/settings/notifications" in text
    assert await rows(database, "digest_items", workspace) == [], "nothing of it is kept"


async def test_nothing_to_say_is_no_mail(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    for _ in range(3):
        clock.advance(timedelta(days=1))
        await make(app)
    assert await rows(database, "mails", workspace) == []
    assert await rows(database, "digests", workspace) == []


async def test_in_a_closed_workspace_none_is_made(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    def told(kind: str, message: object, version: int) -> Event:
        event = make_event(workspace, f"auth.workspace.v1.{kind}", message)
        return replace(event, version=version)

    reopened = told("reopened", WorkspaceReopened(workspace_id=str(workspace)), 3)
    closed = told("closed", WorkspaceClosed(workspace_id=str(workspace)), 2)
    await tell(app, reminded(workspace, mira), closed)
    clock.set(MORNING)
    await make(app)
    assert await subjects(database, workspace) == []
    await tell(app, reopened, closed)  # the older one comes again
    await make(app)
    assert len(await subjects(database, workspace)) == 1


async def test_each_kind_goes_its_own_way(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID
) -> None:
    await wanting(app, workspace, mira, Choice(True, True, digest=False), Kind.IMPORT_FAILED)
    await wanting(app, workspace, mira, Choice(True, False), Kind.EXPORT_FAILED)
    await tell(app, import_failed(workspace, mira), export_failed(workspace, mira))
    await tell(app, reminded(workspace, mira))
    assert await subjects(database, workspace) == ["Import stopped: deals.csv"]
    (waits,) = await rows(database, "digest_items", workspace)
    assert waits["kind"] == "activity_due"
    await wanting(app, workspace, mira, Choice(True, False), Kind.ACTIVITY_DUE)
    assert await rows(database, "digest_items", workspace) == [], "no longer wanted by mail"


async def test_several_at_once_make_it_once(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    noor = new_id()
    await tell(app, member_added(workspace, noor))
    await wanting(app, workspace, noor)
    await tell(app, deal_moved(workspace), deal_moved(workspace))
    clock.set(MORNING)
    await asyncio.gather(*(make(app) for _ in range(4)))
    mails = await rows(database, "mails", workspace)
    assert {mail["to_address"][:32] for mail in mails} == {mira.hex, noor.hex}
    assert len(mails) == 2


async def test_who_dies_in_between_has_done_nothing(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)
    async with FaultProxy.to(database.dsns["app"]) as proxy:

        class Last(Letters):
            def digest(
                self, to: Recipient, day: date, items: Sequence[Item], workspace: Workspace
            ) -> NewMail:
                proxy.cut()  # it is claimed and taken, and nobody hears of it
                return super().digest(to, day, items, workspace)

        pool = await open_pool(proxy.url, size=1, name="test")
        with pytest.raises(DatabaseUnavailable):
            async with replace(app, pool=pool).unit_of_work(workspace) as uow:
                await make_digests(uow, Last("", app.unsubscribe_links), now=clock.now())
        pool.terminate()
    assert await rows(database, "mails", workspace) == []
    await make(app)
    assert await subjects(database, workspace) == ["Your digest for Tuesday, 3 March"]


async def test_what_was_missed_comes_late_and_together(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace))
    clock.advance(timedelta(days=1))
    await tell(app, deal_moved(workspace))
    clock.set(MORNING + timedelta(days=3, hours=-2))  # before the morning of the 6th
    await make(app)
    await tell(app, deal_moved(workspace))
    assert await subjects(database, workspace) == ["Your digest for Thursday, 5 March"]
    clock.set(MORNING + timedelta(days=3))
    await make(app)
    assert sorted(await subjects(database, workspace)) == [
        "Your digest for Friday, 6 March",
        "Your digest for Thursday, 5 March",
    ]


async def test_what_comes_too_late_waits_for_the_next(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    """It was told before eight and is written after it: by a slow transaction, or another clock."""
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)
    await make(app)
    clock.set(MORNING - timedelta(milliseconds=1))
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)
    await make(app)
    assert len(await subjects(database, workspace)) == 1
    (waits,) = await rows(database, "digest_items", workspace)
    assert waits["due_at"] == MORNING + timedelta(days=1)
    clock.set(waits["due_at"])
    await make(app)
    assert len(await subjects(database, workspace)) == 2


async def test_the_morning_is_that_of_the_workspace(
    app: App, database: ServiceDatabase, workspace: UUID, clock: FakeClock
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira))
    await wanting(app, workspace, mira)

    async def due() -> list[datetime]:
        return [row["due_at"] for row in await rows(database, "digest_items", workspace)]

    await tell(app, deal_moved(workspace))
    assert await due() == [MORNING + timedelta(hours=1)], "UTC, as long as nothing is known"
    await tell(app, workspace_updated(workspace, "America/New_York", version=3))
    await tell(app, workspace_updated(workspace, "Asia/Tokyo", version=2))
    assert await due() == [datetime(2026, 3, 2, 13, tzinfo=UTC)]
    clock.set(datetime(2026, 3, 2, 14, tzinfo=UTC))
    await tell(app, workspace_updated(workspace, "Pacific/Kiritimati", version=4))
    assert await due() == [datetime(2026, 3, 2, 13, tzinfo=UTC)], "what is overdue stays so"
    await make(app)
    assert await subjects(database, workspace) == ["Your digest for Monday, 2 March"]
    await tell(app, deal_moved(workspace))
    assert await due() == [datetime(2026, 3, 2, 18, tzinfo=UTC)]
    await tell(app, workspace_updated(workspace, "Pacific/Pago_Pago", version=5))
    clock.set((await due())[0])
    await make(app)
    assert len(await subjects(database, workspace)) == 1, "the 2nd had its digest, in Kiritimati"
    clock.advance(timedelta(days=1))
    await make(app)
    assert sorted(await subjects(database, workspace))[1:] == ["Your digest for Tuesday, 3 March"]


async def test_who_has_left_gets_none(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace), member_removed(workspace, mira))
    assert await rows(database, "digest_items", workspace) == []
    clock.set(MORNING)
    await make(app)
    assert await rows(database, "mails", workspace) == []


async def test_nobody_elses_workspace_is_touched(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)
    async with app.unit_of_work(new_id()) as uow:
        assert await digests.claim(uow, day=MORNING.date(), now=clock.now()) == []
        assert await digests.take(uow, [mira], clock.now()) == {}
        await uow.commit()
    for table in ("workspaces", "digest_items", "digests"):
        assert await database.app.fetch(f"SELECT 1 FROM {table}") == []
    assert len(await rows(database, "digest_items", workspace)) == 1


async def test_as_much_is_asked_however_many_they_are(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    others = [new_id() for _ in range(5)]
    await tell(app, *(member_added(workspace, other) for other in others))
    for other in others:
        await wanting(app, workspace, other)
    with recorded_queries(database.app) as recorded:
        await tell(app, deal_moved(workspace))
    # BEGIN, members, preferences, workspace, notifications, mails, what waits, outbox, COMMIT
    assert len(recorded) == 9, recorded
    await tell(app, *(deal_moved(workspace) for _ in range(4)))
    clock.set(MORNING)
    with recorded_queries(database.app) as recorded:
        async with app.unit_of_work(workspace) as uow:
            await make_digests(uow, app.letters, now=clock.now())
    # BEGIN, workspace, members, claim, take, postpone, mails, COMMIT
    assert len(recorded) == 8, recorded
    assert len(await rows(database, "mails", workspace)) == 6


async def test_the_loop_makes_what_is_due(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)

    async def made() -> bool:
        return await subjects(database, workspace) == ["Your digest for Tuesday, 3 March"]

    async with running(lambda: keep_making_digests(app)):
        await until(made)


async def test_that_it_was_made_is_forgotten_after_a_month(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, clock: FakeClock
) -> None:
    await tell(app, deal_moved(workspace))
    clock.set(MORNING)
    await make(app)
    await digests.forget(app.system, MORNING + timedelta(days=30))
    assert len(await rows(database, "digests", workspace)) == 1
    await digests.forget(app.system, MORNING + timedelta(days=31))
    assert await rows(database, "digests", workspace) == []


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_everything_is_told_once_and_no_day_twice(
    app: App, database: ServiceDatabase, workspace: UUID, clock: FakeClock, seed: int
) -> None:
    """Weeks of news, down-times, clocks that differ and a workspace that travels."""
    chance, readers = random.Random(seed), [new_id() for _ in range(3)]
    await tell(app, *(member_added(workspace, reader) for reader in readers))
    for reader in readers:
        await wanting(app, workspace, reader)
    deals = [str(new_id()) for _ in range(60)]
    for version, deal in enumerate(deals):
        await tell(app, deal_moved(workspace, deal_id=deal))
        clock.advance(timedelta(hours=chance.choice((0, 1, 5, 11, 50))))
        if chance.random() < 0.2:
            zone = chance.choice(("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"))
            await tell(app, workspace_updated(workspace, zone, version=version))
        if chance.random() < 0.6:
            await asyncio.gather(*(make(app) for _ in range(2)))
        if chance.random() < 0.2:
            clock.advance(timedelta(milliseconds=-chance.randrange(1, 1000)))
    for _ in range(4):  # the last one may have gone around the world
        clock.advance(timedelta(days=1))
        await make(app)
    mails = await rows(database, "mails", workspace)
    made = {(row["user_id"], row["day"]) for row in await rows(database, "digests", workspace)}
    assert len(mails) == len(made)
    for reader in readers:
        theirs = [mail for mail in mails if reader.hex in mail["to_address"]]
        assert len({mail["subject"] for mail in theirs}) == len(theirs), "each of another day"
        text = "".join(mail["text"] for mail in theirs)
        assert [text.count(f"/deals/{deal}") for deal in deals] == [1] * len(deals)


async def test_what_auth_tells_of_workspaces_is_heard(
    app: App, database: ServiceDatabase, workspace: UUID, nats_url: str
) -> None:
    async def known() -> bool:
        return [row["time_zone"] for row in await rows(database, "workspaces", workspace)] == [
            "Asia/Tokyo"
        ]

    async with Bus(nats_url, name="notify", profile="test") as bus:
        await publish(bus, workspace_updated(workspace, "Asia/Tokyo"))
        async with running(workspaces_consumer(app, bus).run):
            await until(known)
