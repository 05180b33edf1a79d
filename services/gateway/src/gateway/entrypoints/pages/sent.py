"""What a form held that could not be carried out: it waits in the page that says so, to be sent
again, so that nothing typed is lost. It is in no cookie, address or log, and nothing stays with us.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.paths import address_of, local_path, page_before

_SECRETS = ("password", "secret")  # in the name of a field
HOME = "/"
_FORM = "application/x-www-form-urlencoded"
_KEPT = "Your session is over. Sign in again: what you typed is kept, and you can send it then."
_NOT_KEPT = "Your session is over. What you sent was not carried out. Sign in, then do it again."


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields of a form and where they were sent to."""

    path: str
    fields: Sequence[tuple[str, str]]

    def packed(self) -> str:
        """As one hidden field of another form: no longer than the browser sent it."""
        return urlencode(self.fields, safe="*")  # which no browser escapes


def note_sent(request: Request, fields: Sequence[tuple[str, object]]) -> None:
    """A form was read; one with a file is not kept."""
    texts = [(name, value) for name, value in fields if isinstance(value, str)]
    request.state.sent = texts if len(texts) == len(fields) else []


async def keep_sent(request: Request) -> None:
    """The same for one that was refused before it was read."""
    if request.headers.get("content-type", "").startswith(_FORM):
        note_sent(request, (await request.form()).multi_items())


def sent_by(request: Request) -> Sent:
    """What the form held; nothing where a secret was among it."""
    fields: list[tuple[str, str]] = getattr(request.state, "sent", [])
    secret = any(word in name for word in _SECRETS for name, _ in fields)
    return Sent(address_of(request), [] if secret else fields)


def unpacked(values: Mapping[str, str]) -> Sent | None:
    """What a form had to leave to the sign-in; None if it left nothing."""
    path = local_path(values["sent_to"], "")
    fields = parse_qsl(values["sent"], keep_blank_values=True)
    return Sent(path, fields) if path and fields else None


async def ask_to_sign_in(request: Request) -> HTMLResponse:
    """The answer to a form whose sender's session is over: the sign-in, and the form within it."""
    await keep_sent(request)
    sent = sent_by(request)
    return sign_in_form(
        request,
        {"next": page_before(request, HOME), "sent_to": sent.path, "sent": sent.packed()},
        message=_KEPT if sent.fields else _NOT_KEPT,
        status=401,
    )


def sign_in_form(
    request: Request,
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    message: str = "",
    note: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The form of the sign-in page."""
    return rendering_of(request).response(
        request,
        "entrance/sign_in.html",
        status=status,
        values=defaultdict(str, values),
        errors=defaultdict(str, errors or {}),
        message=message,
        note=note,
        google=request.app.state.settings.google_sign_in,
    )
