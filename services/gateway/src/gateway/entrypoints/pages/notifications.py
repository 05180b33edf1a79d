"""The inbox of the person who looks."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.notify.v1.notification_service_pb2 import (
    GetPreferencesRequest,
    ListNotificationsRequest,
    ListNotificationsResponse,
    MarkAllReadRequest,
    MarkReadRequest,
    SetPreferencesRequest,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets

PAGE = 50
LATEST = 20
WORDS = {
    "activity_due": "A reminder of an activity of mine",
    "deal_moved": "A deal moves to another stage",
    "deal_won": "A deal is won",
    "deal_lost": "A deal is lost",
    "deal_reopened": "A closed deal is opened again",
    "odds_dropped": "The odds of a deal of mine fall",
    "risk_risen": "A client of mine is more at risk",
    "import_finished": "An import is finished",
    "import_failed": "An import of mine has stopped",
    "export_finished": "An export of mine is finished",
    "export_failed": "An export of mine has failed",
    "bulk_finished": "A change of many of mine is finished",
}
ORDER = tuple(WORDS)
MAILS = (("at_once", "At once"), ("digest", "In the morning"), ("off", "Off"))
PLACES = ("side", "bottom")

router = APIRouter(include_in_schema=False)


@router.get("/notifications")
async def inbox(request: Request) -> Response:
    """What was told, latest first."""
    template = "notifications/page.html"
    if is_htmx(request) and targets(request, "inbox"):
        template = "notifications/_list.html"
    return await _answer(request, template)


@router.get("/notifications/unread")
async def unread(request: Request) -> Response:
    """The number in the navigation."""
    signed_in(request)
    place = request.query_params.get("place", "")
    page = await _list(request, unread_only=True, page_size=1, token="")
    return rendering_of(request).response(
        request,
        "notifications/badge.html",
        unread=page.unread_count,
        place=place if place in PLACES else PLACES[0],
    )


@router.get("/settings/notifications")
async def preferences(request: Request) -> Response:
    """What a person is told of, and how."""
    viewer, found = await together(
        viewer_of(request),
        clients_of(request).notifications.GetPreferences(
            GetPreferencesRequest(), identity_of(request)
        ),
    )
    return rendering_of(request).response(
        request,
        "settings/notifications.html",
        viewer,
        preferences=sorted(found.preferences, key=lambda one: _place(one.kind)),
        words=WORDS,
        mails=MAILS,
        own_changes=not found.mute_own_changes,
        saved="saved" in request.query_params,
    )


def _place(kind: str) -> tuple[int, str]:
    """As people look for them; what is not known here comes last."""
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


@router.post("/settings/notifications")
async def choose(request: Request) -> Response:
    """A box that is not ticked is not sent: each kind of the form is told with its name.

    A kind that is never mailed has no choice of mail. Off leaves when it would come.
    """
    signed_in(request)
    values = await values_of(request)
    asked = SetPreferencesRequest(mute_own_changes=not values["own_changes"])
    for kind in filter(None, values["kinds"].split(",")):
        mail = values[f"mail-{kind}"]
        asked.preferences.add(
            kind=kind,
            in_app=bool(values[f"in_app-{kind}"]),
            by_mail=mail in ("at_once", "digest"),
            digest=mail == "digest" if mail in ("at_once", "digest") else None,
        )
    await clients_of(request).notifications.SetPreferences(asked, identity_of(request))
    return RedirectResponse("/settings/notifications?saved=1", 303)


@router.post("/notifications/read-all")
async def read_all(request: Request) -> Response:
    """Marks everything as read."""
    signed_in(request)
    await clients_of(request).notifications.MarkAllRead(MarkAllReadRequest(), identity_of(request))
    return RedirectResponse("/notifications", 303)


@router.post("/notifications/{notification_id}/read")
async def read_one(request: Request, notification_id: str) -> Response:
    """Marks one as read."""
    signed_in(request)
    await clients_of(request).notifications.MarkRead(
        MarkReadRequest(notification_id=notification_id), identity_of(request)
    )
    if not is_htmx(request):
        return RedirectResponse("/notifications", 303)
    return await _answer(request, "notifications/changed.html")


@router.get("/notifications/{notification_id}/notice")
async def notice(request: Request, notification_id: str) -> Response:
    """One of the latest as a message in the window that is open; nothing once it is read."""
    viewer, page = await together(
        viewer_of(request), _list(request, unread_only=True, page_size=LATEST, token="")
    )
    told = next((item for item in page.notifications if item.id == notification_id), None)
    if told is None:
        return Response(status_code=204)
    return rendering_of(request).response(request, "notifications/notice.html", viewer, item=told)


async def _answer(request: Request, template: str) -> Response:
    unread_only = request.query_params.get("unread") == "1"
    token = request.query_params.get("page_token", "")
    viewer, page = await together(
        viewer_of(request), _list(request, unread_only=unread_only, page_size=PAGE, token=token)
    )
    following = {"unread": "1"} if unread_only else {}
    following["page_token"] = page.next_page_token
    return rendering_of(request).response(
        request,
        template,
        viewer,
        notifications=page.notifications,
        unread=page.unread_count,
        unread_only=unread_only,
        next_href=f"/notifications?{urlencode(following)}" if page.next_page_token else "",
    )


async def _list(
    request: Request, *, unread_only: bool, page_size: int, token: str
) -> ListNotificationsResponse:
    asked = ListNotificationsRequest(page_size=page_size, page_token=token, unread_only=unread_only)
    page: ListNotificationsResponse = await clients_of(request).notifications.ListNotifications(
        asked, identity_of(request)
    )
    return page
