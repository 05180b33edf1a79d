"""The way back in for whoever has forgotten a password, with the bus and the mailbox played."""

from typing import Any

from auth.entrypoints.app import App
from auth.entrypoints.recovery import of_forgotten
from freelanceflow.auth.v1 import account_events_pb2 as events_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from kit.bus.events import Event
from kit.rpc.identity import CallIdentity
from kit.testing.database import ServiceDatabase
from services.auth.tests.factories import Door

OTHER = "nine grey herons leave the weir"
ELSEWHERE = "192.0.2.44"


async def told(database: ServiceDatabase, key: object, kind: str) -> list[Any]:
    rows = await database.owner.fetch(
        "SELECT * FROM outbox WHERE workspace_id = $1 AND type = $2 ORDER BY number", key, kind
    )
    return list(rows)


async def forget(door: Door, email: str, address: str = ELSEWHERE) -> object:
    request = auth_pb.RequestPasswordResetRequest(email=email, client_address=address)
    return await door.call(door.auth.RequestPasswordReset, request)


async def heard(app: App, database: ServiceDatabase, email: str) -> None:
    """What the bus would bring back of the last time that somebody forgot this password."""
    rows = await database.owner.fetch(
        "SELECT * FROM outbox WHERE type = 'auth.password.v1.forgotten' ORDER BY number DESC"
    )
    row = next(r for r in rows if events_pb.PasswordForgotten.FromString(r["body"]).email == email)
    event = Event(
        id=row["event_id"], type=row["type"], workspace_id=row["workspace_id"],
        subject_id=row["aggregate_id"], time=row["happened_at"], version=1, bulk_id=None,
        actor_id=None, origin="", body=row["body"], headers={},
    )  # fmt: skip
    async with app.system_unit(row["workspace_id"]) as uow:
        await of_forgotten(app)[event.type](uow, event)


async def link_of(app: App, database: ServiceDatabase, door: Door, email: str) -> str:
    """The secret of the mail's link."""
    await forget(door, email)
    await heard(app, database, email)
    user_id = await database.owner.fetchval("SELECT id FROM users WHERE email = $1", email)
    row = (await told(database, user_id, "auth.password.v1.link_issued"))[-1]
    return events_pb.ResetLinkIssued.FromString(row["body"]).token


def reset(door: Door, token: str, password: str = OTHER) -> Any:
    request = auth_pb.ResetPasswordRequest(token=token, password=password)
    return door.call(door.auth.ResetPassword, request, identity=CallIdentity(address=ELSEWHERE))
