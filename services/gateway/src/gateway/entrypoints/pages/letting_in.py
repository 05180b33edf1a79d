"""What follows a sign-in, whichever way it was made: a second step, a form that waits, or the page
that was wanted."""

from collections import defaultdict
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.pages.sent import Sent
from gateway.entrypoints.sessions import start_session


def let_in(request: Request, tokens: TokenPair, target: str, sent: Sent | None = None) -> Response:
    """Goes on; what a form held that the sign-in came between is offered to be sent first."""
    if tokens.challenge:
        kept = {"sent_to": sent.path, "sent": sent.packed()} if sent else {}
        return code_form(request, {"challenge": tokens.challenge, "next": target, **kept})
    response: Response = RedirectResponse(target, 303)
    if sent is not None:
        response = rendering_of(request).response(
            request, "entrance/signed_in.html", sent=sent, next=target
        )
    start_session(request, response, tokens)
    return response


def code_form(
    request: Request, values: Mapping[str, str], *, message: str = "", status: int = 200
) -> Response:
    """The second step."""
    return rendering_of(request).response(
        request,
        "entrance/code.html",
        status=status,
        values=defaultdict(str, values),
        message=message,
    )
