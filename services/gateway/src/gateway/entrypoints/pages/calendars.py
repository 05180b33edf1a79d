"""One's calendar feed: made, shown once, ended."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.calendar_service_pb2 import (
    CreateCalendarFeedRequest,
    DeleteCalendarFeedRequest,
    GetCalendarFeedRequest,
)
from gateway.entrypoints.api.calendars import feed_url
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.rendering import rendering_of

router = APIRouter(include_in_schema=False)


@router.get("/activities/calendar")
async def calendar_page(request: Request) -> Response:
    """Whether there is a feed, and what it is good for."""
    viewer, feed = await together(
        viewer_of(request),
        clients_of(request).calendars.GetCalendarFeed(
            GetCalendarFeedRequest(), identity_of(request)
        ),
    )
    return rendering_of(request).response(
        request, "activities/calendar.html", viewer, feed=feed, url=""
    )


@router.post("/activities/calendar")
async def change_calendar(request: Request) -> Response:
    """A new address, shown this one time; or none any more."""
    signed_in(request)
    peer, identity = clients_of(request).calendars, identity_of(request)
    if (await values_of(request))["do"] == "end":
        await peer.DeleteCalendarFeed(DeleteCalendarFeedRequest(), identity)
        return RedirectResponse("/activities/calendar", 303)
    viewer, feed = await together(
        viewer_of(request), peer.CreateCalendarFeed(CreateCalendarFeedRequest(), identity)
    )
    return rendering_of(request).response(
        request,
        "activities/calendar.html",
        viewer,
        feed=feed,
        url=feed_url(request, feed.token),
    )
