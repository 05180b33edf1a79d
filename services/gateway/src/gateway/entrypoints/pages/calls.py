"""How pages ask the services: as the person who looks, and several at once."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import Depends
from starlette.requests import Request

from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest, User
from freelanceflow.notify.v1.notification_service_pb2 import ListNotificationsRequest
from gateway.adapters.clients import Clients
from gateway.entrypoints.errors import SignInNeeded
from gateway.entrypoints.identity import key_of
from gateway.entrypoints.pages.rendering import Viewer
from kit.errors import DomainError, ErrorKind
from kit.rpc.errors import PeerFailed
from kit.rpc.identity import CallIdentity, Principal
from kit.telemetry import Log

EXTRA_TIMEOUT = 1.0  # seconds that a page waits for what it can do without

log = Log(__name__)
T = TypeVar("T")


def clients_of(request: Request) -> Clients:
    """The application's clients."""
    clients: Clients = request.app.state.clients
    return clients


def identity_of(request: Request, request_id: str = "") -> CallIdentity:
    """Who asks; with the id of a form so that sending it twice does it once."""
    identity: CallIdentity = request.state.identity
    if not request_id:
        return identity
    return replace(identity, idempotency_key=key_of(request_id.encode()))


def signed_in(request: Request) -> Principal:
    """The person. Raises SignInNeeded, or why nobody can tell who it is."""
    principal: Principal | None = request.state.principal
    if principal is not None:
        return principal
    refusal: DomainError | None = request.state.refusal
    if refusal is not None and refusal.kind is not ErrorKind.UNAUTHENTICATED:
        raise refusal
    raise SignInNeeded


def needs(permission: str) -> Any:
    """For the page of a form: nobody fills in what they may not send."""

    def check(request: Request) -> None:
        signed_in(request).require(permission)

    return Depends(check)


async def together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """All answers, asked for at once. The first refusal ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def if_there(call: Awaitable[T], *, unknown: T | None = None) -> T | None:
    """The answer; None while the service is away, and `unknown` where it knows of nothing or the
    role does not reach that far."""
    try:
        return await call
    except DomainError as refusal:
        if refusal.kind in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND):
            return unknown
        if refusal.kind is not ErrorKind.UNAVAILABLE:
            raise
        return None
    except PeerFailed as failure:
        log.warning("page_part_missing", error=failure)
        return None


async def viewer_of(request: Request) -> Viewer:
    """Who looks, for the shell. Raises SignInNeeded."""
    principal = signed_in(request)
    clients, identity = clients_of(request), identity_of(request)
    me, inbox = await together(
        clients.account.GetMe(GetMeRequest(), identity),
        if_there(
            clients.notifications.ListNotifications(
                ListNotificationsRequest(page_size=1, unread_only=True),
                identity,
                timeout=EXTRA_TIMEOUT,
            )
        ),
    )
    return viewer_from(me, principal, inbox.unread_count if inbox else None)


def viewer_from(me: User, principal: Principal, unread: int | None) -> Viewer:
    """What the shell shows of a person; what they may do is what their token says."""
    return Viewer(
        name=me.name,
        email=me.email,
        workspace_name=me.workspace_name,
        currency_code=me.currency_code or "EUR",
        locale=me.locale,
        time_zone=me.time_zone or "UTC",
        role=me.role,
        permissions=principal.permissions,
        unread=unread,
    )
