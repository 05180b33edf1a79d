"""What is done about a forgotten password once nobody waits for the answer."""

from auth.application.new_passwords import issue_link
from auth.entrypoints.app import App
from freelanceflow.auth.v1 import account_events_pb2 as pb
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.unit_of_work import UnitOfWork


def of_forgotten(app: App) -> dict[str, Handler]:
    """Whoever has the address gets a link."""

    async def forgotten(uow: UnitOfWork, event: Event) -> None:
        told = pb.PasswordForgotten.FromString(event.body)
        await issue_link(
            uow,
            email=told.email,
            expires_at=from_timestamp(told.expire_time),
            now=app.clock.now(),
        )

    return {"auth.password.v1.forgotten": forgotten}
