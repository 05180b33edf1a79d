"""What notify knows of workspaces: as auth tells it, or as it answers when it is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import grpc
import grpc.aio
import pytest

from freelanceflow.auth.v1 import workspace_service_pb2 as auth_pb
from freelanceflow.auth.v1 import workspace_service_pb2_grpc as auth_grpc
from kit.clock import FakeClock
from kit.ids import new_id
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import PatientCaller
from notify.adapters.auth import Auth
from notify.adapters.smtp import Smtp
from notify.application.telling import choose
from notify.domain.messages import Kind
from notify.domain.preferences import Choice
from notify.entrypoints.app import App
from notify.entrypoints.digests import digests_made
from notify.entrypoints.settings import ask_for_settings, keep_asking_for_settings
from services.notify.tests.factories import (
    Sink,
    deal_moved,
    member_added,
    member_removed,
    rows,
    tell,
    workspace_updated,
)
from services.notify.tests.integration.test_telling import send


class Told(auth_grpc.WorkspaceServiceServicer):
    """Stands in for auth."""

    def __init__(self) -> None:
        self.settings: dict[str, auth_pb.WorkspaceSettings] = {}
        self.asked: list[str] = []

    async def GetWorkspaceSettings(
        self,
        request: auth_pb.GetWorkspaceSettingsRequest,
        context: grpc.aio.ServicerContext[object, object],
    ) -> auth_pb.WorkspaceSettings:
        self.asked.append(request.workspace_id)
        if request.workspace_id not in self.settings:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such workspace.")
        return self.settings[request.workspace_id]


@asynccontextmanager
async def answering(told: Told) -> AsyncIterator[Auth]:
    """auth, on a port of its own."""
    server = grpc.aio.server()
    auth_grpc.add_WorkspaceServiceServicer_to_server(told, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    caller = PatientCaller(f"127.0.0.1:{port}", "auth")
    yield Auth(caller)
    await caller.close()
    await server.stop(None)


def studio(version: int = 3) -> auth_pb.WorkspaceSettings:
    return auth_pb.WorkspaceSettings(name="Studio Nord", time_zone="Europe/Berlin", version=version)


@pytest.fixture
def told() -> Told:
    """Of its methods one is answered."""
    return Told()  # type: ignore[abstract]


@pytest.fixture(autouse=True)
async def nobody_else(database: ServiceDatabase) -> None:
    """Workspaces of other tests would be asked about as well."""
    await database.owner.execute("DELETE FROM recipients")


async def test_settings_that_nobody_told_are_asked_for_once(
    app: App, told: Told, database: ServiceDatabase, workspace: UUID, clock: FakeClock
) -> None:
    mira = new_id()
    told.settings[str(workspace)] = studio()
    await tell(app, member_added(workspace, mira))
    async with app.unit_of_work(workspace) as uow:
        await choose(uow, user_id=mira, given={Kind.DEAL_MOVED: Choice(True, True, digest=True)})
    await tell(app, deal_moved(workspace))
    async with answering(told) as auth:
        async with running(lambda: keep_asking_for_settings(app, auth)):

            async def is_known() -> bool:
                return bool(await rows(database, "workspaces", workspace))

            await until(is_known)
        await ask_for_settings(app, auth)
    assert told.asked == [str(workspace)]
    (known,) = await rows(database, "workspaces", workspace)
    assert (known["name"], known["time_zone"], known["version"]) == (
        "Studio Nord", "Europe/Berlin", 3,
    )  # fmt: skip
    (waiting,) = await rows(database, "digest_items", workspace)
    assert waiting["due_at"] == datetime(2026, 3, 3, 7, tzinfo=UTC), "eight o'clock in Berlin"
    clock.set(waiting["due_at"])
    await digests_made(app)
    (mail,) = await rows(database, "mails", workspace)
    assert mail["subject"] == "Your digest of Studio Nord for Tuesday, 3 March"


async def test_a_name_is_asked_for_where_only_the_zone_is_known(
    app: App, told: Told, database: ServiceDatabase, workspace: UUID
) -> None:
    gone = new_id()
    told.settings[str(workspace)] = studio()
    await tell(app, workspace_updated(workspace, "Europe/Berlin", version=3))
    await tell(app, member_added(workspace, new_id()), member_added(gone, new_id()))
    async with answering(told) as auth:
        await ask_for_settings(app, auth)
    assert set(told.asked) == {str(workspace), str(gone)}, "one that is gone holds up no other"
    (known,) = await rows(database, "workspaces", workspace)
    assert known["name"] == "Studio Nord"
    await tell(app, workspace_updated(workspace, "Asia/Tokyo", version=2, name="Before"))
    (known,) = await rows(database, "workspaces", workspace)
    assert (known["name"], known["time_zone"]) == ("Studio Nord", "Europe/Berlin")


async def test_nobody_asks_for_workspaces_that_everybody_has_left(
    app: App, told: Told, workspace: UUID
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira), member_removed(workspace, mira))
    async with answering(told) as auth:
        await ask_for_settings(app, auth)
    assert told.asked == []


async def test_mails_name_their_workspace(
    app: App, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira = new_id()
    await tell(
        app,
        workspace_updated(workspace, "Europe/Berlin", name="Studio <Nord>"),
        member_added(workspace, mira),
        deal_moved(workspace),
    )
    await send(app, smtp)
    (mail,) = sink.to(mira.hex)
    for kind, name in (("plain", "Studio <Nord>"), ("html", "Studio &lt;Nord&gt;")):
        body = mail.get_body((kind,))
        assert body is not None
        assert f"FreelanceFlow, {name}." in body.get_content()
