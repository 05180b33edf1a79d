"""What somebody waits for and does not come: told to them, once, as they have chosen."""

from typing import Any
from uuid import UUID

import pytest

from freelanceflow.crm.v1.import_events_pb2 import ImportFinished
from kit.bus.jetstream import Bus
from kit.ids import new_id
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from notify.application.telling import choose
from notify.bootstrap import deals_consumer
from notify.domain.preferences import Choice
from notify.entrypoints.app import App
from services.notify.tests.factories import (
    export_failed,
    import_failed,
    make_event,
    member_added,
    publish,
    rows,
    settled,
    tell,
)


@pytest.fixture
async def mira(app: App, workspace: UUID) -> UUID:
    """Somebody in a workspace of two."""
    mira = new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, new_id()))
    return mira


@pytest.mark.parametrize(
    ("step", "why", "body"),
    [
        (
            "write",
            "There is no such file.",
            "deals.csv stopped before its end. There is no such file."
            " What came in is there; it can go on from here.",
        ),
        (
            "open",
            "",
            "deals.csv could not be opened. Something went wrong on our side."
            " Nothing was imported.",
        ),
        (
            "revert",
            "",
            "deals.csv was not taken back whole. Something went wrong on our side."
            " It can go on from here.",
        ),
    ],
)
async def test_an_import_that_stopped_is_told_to_who_asked_for_it(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, step: str, why: str, body: str
) -> None:
    failed = import_failed(workspace, mira, step=step, why=why)
    await tell(app, failed)
    (told,) = await rows(database, "notifications", workspace)
    assert (told["user_id"], told["kind"], told["target_kind"]) == (mira, "import_failed", "import")
    assert (told["title"], told["body"]) == ("Import stopped: deals.csv", body)
    (mail,) = await rows(database, "mails", workspace)
    assert mira.hex in mail["to_address"]
    assert f"/imports/{told['target_id']}" in mail["text"]
    assert "You get this because you asked for the import." in mail["text"]


async def test_an_export_that_failed_leads_to_where_it_can_be_asked_for_again(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID
) -> None:
    await tell(app, export_failed(workspace, mira, why="The list is too long."))
    (told,) = await rows(database, "notifications", workspace)
    assert told["title"] == "Export failed: clients-2026-03-02.pdf"
    assert told["body"] == (
        "The file with your clients could not be made. The list is too long."
        " It can be asked for again."
    )
    (mail,) = await rows(database, "mails", workspace)
    assert "/exports\n" in mail["text"]
    assert told["target_id"].hex not in mail["text"].replace("-", "")


@pytest.mark.parametrize("kind", ["import_failed", "export_failed"])
async def test_as_they_have_chosen(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, kind: str
) -> None:
    event = {"import_failed": import_failed, "export_failed": export_failed}[kind]
    for choice, told, written in (
        (Choice(True, False), 1, 0),
        (Choice(False, True), 1, 1),
        (Choice(False, False), 1, 1),
    ):
        unit: UnitOfWork
        async with app.unit_of_work(workspace) as unit:
            await choose(unit, user_id=mira, given={kind: choice})
        await tell(app, event(workspace, mira))
        found: list[Any] = await rows(database, "notifications", workspace)
        mails = await rows(database, "mails", workspace)
        assert (len(found), len(mails)) == (told, written), choice


async def test_who_sees_their_own_records_only_hears_of_their_own_import(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    mine, other = new_id(), new_id()
    await tell(app, *(member_added(workspace, who, visibility="own") for who in (mine, other)))
    end = ImportFinished(
        import_id=str(new_id()), resource="deals", created_rows=5, version=2, actor_id=str(mine)
    )
    await tell(app, make_event(workspace, "crm.import.v1.finished", end))
    (told,) = await rows(database, "notifications", workspace)
    assert told["user_id"] == mine


async def test_what_is_delivered_again_is_told_once(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, nats_url: str
) -> None:
    failures = [import_failed(workspace, mira), export_failed(workspace, mira, why="")]
    async with Bus(nats_url, name="notify", profile="test") as bus:
        consumer = deals_consumer(app, bus)
        for event in (*failures, *failures):
            await publish(bus, event)
        async with running(consumer.run):
            await until(lambda: settled(bus, "CRM", consumer.name))
        # The consumer is lost with all that it knew, and everything comes once more.
        await bus.jetstream.delete_consumer("CRM", consumer.name)
        async with running(consumer.run):
            await until(lambda: settled(bus, "CRM", consumer.name))
    told = await rows(database, "notifications", workspace)
    assert sorted(one["kind"] for one in told) == ["export_failed", "import_failed"]
    assert len(await rows(database, "mails", workspace)) == 2
