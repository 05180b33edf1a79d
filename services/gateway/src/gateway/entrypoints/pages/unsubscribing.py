"""No more mails of a kind, by the link that each of them carries; without signing in."""

from collections.abc import Awaitable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.notify.v1.notification_service_pb2 import (
    GetUnsubscriptionRequest,
    UnsubscribeRequest,
    Unsubscription,
)
from gateway.entrypoints.pages.calls import clients_of
from gateway.entrypoints.pages.notifications import WORDS
from gateway.entrypoints.pages.rendering import SECRET_ADDRESS, rendering_of
from kit.errors import DomainError, ErrorKind

DIGEST = "What was collected for the morning"

router = APIRouter(include_in_schema=False)


@router.get("/unsubscribe")
async def unsubscribe_page(request: Request) -> Response:
    """Where the mail's link leads. It changes nothing yet: mail scanners follow links, too."""
    asked = GetUnsubscriptionRequest(token=_token(request))
    return await _answer(request, clients_of(request).notifications.GetUnsubscription(asked))


@router.post("/unsubscribe")
async def unsubscribe(request: Request) -> Response:
    """The page's button, and what mail programs send by themselves (RFC 8058)."""
    asked = UnsubscribeRequest(token=_token(request))
    answer = clients_of(request).notifications.Unsubscribe(asked)
    return await _answer(request, answer, done=True)


def _token(request: Request) -> str:
    return request.query_params.get("token", "")


async def _answer(
    request: Request, answer: Awaitable[Unsubscription], *, done: bool = False
) -> Response:
    found, status = None, 200
    try:
        found = await answer
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.NOT_FOUND:
            raise
        status = 400
    return rendering_of(request).response(
        request,
        "entrance/unsubscribe.html",
        status=status,
        headers=SECRET_ADDRESS,
        token=_token(request),
        found=found,
        done=done,
        words=WORDS.get(found.kind, DIGEST) if found else "",
    )
