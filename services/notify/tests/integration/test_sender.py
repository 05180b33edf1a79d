"""The loop that sends: whatever happens beside it, it goes on."""

from datetime import timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from kit.clock import FakeClock
from kit.ids import new_id
from kit.pool import open_pool
from kit.telemetry.metrics import REGISTRY
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.proxy import FaultProxy
from notify.adapters import mails
from notify.adapters.smtp import Smtp
from notify.application.sending import send_due
from notify.entrypoints.app import App
from notify.entrypoints.sender import Sender
from services.notify.tests.factories import Sink, deal_moved, member_added, rows, tell

FROM = "notify@freelanceflow.example"


async def test_a_database_lost_while_mails_go_out_stops_nothing(
    app: App,
    database: ServiceDatabase,
    smtp: Smtp,
    sink: Sink,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    while await send_due(app.system, smtp, mail_from=FROM, clock=clock):
        pass  # what others have left would go first
    workspace, mira = new_id(), new_id()
    await tell(app, member_added(workspace, mira), deal_moved(workspace))
    async with FaultProxy.to(database.dsns["system"]) as proxy:
        system = await open_pool(proxy.url, size=2, name="test")
        sender = Sender(system, smtp, mail_from=FROM, clock=clock)

        async def take(server: SMTP, session: Session, envelope: Envelope) -> str:
            proxy.cut()  # it is taken, and nobody can write that down
            return await Sink.handle_DATA(sink, server, session, envelope)

        async def sent() -> bool:
            sender.wake()
            return all(
                mail["status"] == "sent" for mail in await rows(database, "mails", workspace)
            )

        with monkeypatch.context() as patch:
            patch.setattr(sink, "handle_DATA", take)
            async with running(sender.run):
                sender.wake()
                await until(lambda: bool(sink.to(mira.hex)))
                patch.undo()
                proxy.mend()
                clock.advance(timedelta(minutes=10))  # whoever was to send it has not said a word
                await until(sent)
        system.terminate()
    assert len({mail["Message-ID"] for mail in sink.to(mira.hex)}) == 1


async def test_what_is_due_and_what_became_of_it_is_told(
    app: App, database: ServiceDatabase, smtp: Smtp, sink: Sink, clock: FakeClock
) -> None:
    def told(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    # What others have left is due by the database's clock, and by the test's perhaps not yet.
    await database.owner.execute("DELETE FROM mails")
    assert await mails.due_for(app.system) == 0
    workspace, mira = new_id(), new_id()
    await tell(app, member_added(workspace, mira), deal_moved(workspace))
    assert await mails.due_for(app.system) > 0

    accepted = told("mail_attempts_total", outcome="accepted")
    in_time = told("mail_accepted_delay_seconds_bucket", le="300.0")
    clock.advance(timedelta(minutes=4))
    await send_due(app.system, smtp, mail_from=FROM, clock=clock)
    assert told("mail_attempts_total", outcome="accepted") == accepted + 1
    assert told("mail_accepted_delay_seconds_bucket", le="300.0") == in_time + 1
    assert await mails.due_for(app.system) == 0
