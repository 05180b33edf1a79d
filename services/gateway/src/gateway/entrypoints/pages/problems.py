"""When something is refused or broken: a page, a fragment where it belongs, or a message."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse

from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets
from gateway.entrypoints.pages.sent import Sent, sent_by
from gateway.entrypoints.paths import address_of

REFRESH = "x-refresh"  # the header of requests that nobody asked for: the page keeps itself fresh
_FRAMES = ("panel", "dialog")
_ICONS = {
    401: "lock",
    403: "lock",
    404: "search",
    409: "refresh-cw",
    412: "refresh-cw",
    429: "clock",
}
_WORDS = {
    401: ("Your session is over", "Sign in again and you are back where you were."),
    403: ("You may not do this", "An owner or admin of the workspace can give you the permission."),
    404: ("There is nothing here", "It may have been deleted, or the address is mistyped."),
    405: (
        "There is no page here",
        "This address takes what a form sends. Open the page with the form and send it there.",
    ),
    412: (
        "Somebody was faster",
        "It has been changed meanwhile. Nothing of theirs was overwritten.",
    ),
    429: ("Too much at once", "Please wait a moment, then try again."),
    503: ("This part is not available", "It should be back in a moment."),
    504: ("The answer took too long", "Please try again in a moment."),
}
_HAVE_TRASH = ("/deals/", "/clients/", "/activities/")
_PERHAPS_DONE = "Look whether it was saved before you send it again."


@dataclass(frozen=True, slots=True)
class Problem:
    """What the templates say."""

    status: int
    title: str
    detail: str
    icon: str
    request_id: str
    retry_href: str
    sent: Sent | None  # by a form: to be sent again
    may_be_deleted: bool
    here: str


def render_problem(
    request: Request,
    *,
    status: int,
    title: str,
    detail: str,
    fields: Mapping[str, str],
    trace_id: str,
    retry_after: str | None = None,
) -> HTMLResponse:
    """The answer to a request of a page that could not be carried out."""
    problem = _problem(request, status, title, detail, fields, trace_id, retry_after)
    rendering = rendering_of(request)
    if not is_htmx(request):
        return rendering.response(request, "problems/page.html", status=status, problem=problem)
    if REFRESH in request.headers:
        return HTMLResponse("", status_code=status, headers={"HX-Reswap": "none"})
    # Who is signed out is told by the page's banner, which a dialog would lie upon.
    framed = request.method == "GET" and any(targets(request, frame) for frame in _FRAMES)
    if framed and status != 401:
        template = "problems/dialog.html" if targets(request, "dialog") else "problems/_panel.html"
        return rendering.response(request, template, status=status, problem=problem)
    headers = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"}
    return rendering.response(
        request, "problems/toast.html", status=status, headers=headers, problem=problem
    )


def _problem(
    request: Request,
    status: int,
    title: str,
    detail: str,
    fields: Mapping[str, str],
    trace_id: str,
    retry_after: str | None,
) -> Problem:
    title, detail = _WORDS.get(status, (title, " ".join([detail, *fields.values()]).strip()))
    if status == 429 and (retry_after or "").isdigit():
        unit = "second" if retry_after == "1" else "seconds"
        detail = f"Please wait {retry_after} {unit}, then try again."
    reading = request.method == "GET"
    if status in (503, 504) and not reading:
        detail = f"{detail} {_PERHAPS_DONE}"
    repeatable = status >= 500 or status == 429
    here = request.headers.get("hx-current-url") or str(request.url)
    return Problem(
        status=status,
        title=title,
        detail=detail,
        icon=_ICONS.get(status, "triangle-alert"),
        request_id=trace_id if status >= 500 else "",
        retry_href=address_of(request) if repeatable and reading else "",
        sent=sent_by(request) if repeatable and not reading else None,
        may_be_deleted=status == 404 and request.url.path.startswith(_HAVE_TRASH),
        here="/" + here.partition("://")[2].partition("/")[2],
    )
