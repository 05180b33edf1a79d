"""One's calendar for other programs: a secret address, made and ended by its member."""

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import calendar_service_pb2 as pb
from gateway.entrypoints.api import schemas_people as schemas
from gateway.entrypoints.api.answers import instant, json_response
from gateway.entrypoints.api.ical import calendar_text
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import identity_of, read_query

RPC = pb.DESCRIPTOR.services_by_name["CalendarService"].methods_by_name
SECRET = Parameter("token", "path", "The secret of the feed.", {"type": "string"})

operations = Operations("Calendar")
add = operations.add


@add("GET", "/calendar", rpc=RPC["GetCalendarFeed"], summary="Whether one has a calendar feed",
     answer=schemas.CalendarFeed)  # fmt: skip
async def get_calendar_feed(request: Request) -> Response:
    """The address itself is told once, when it is made."""
    read_query(request)
    feed = await request.app.state.clients.calendars.GetCalendarFeed(
        pb.GetCalendarFeedRequest(), identity_of(request)
    )
    return json_response(_json(request, feed))


@add("POST", "/calendar", rpc=RPC["CreateCalendarFeed"], summary="Make a calendar feed",
     answer=schemas.CalendarFeed, status=201)  # fmt: skip
async def create_calendar_feed(request: Request) -> Response:
    """With a new secret address; an older one stops at once."""
    read_query(request)
    feed = await request.app.state.clients.calendars.CreateCalendarFeed(
        pb.CreateCalendarFeedRequest(), identity_of(request)
    )
    return json_response(_json(request, feed), status=201)


@add("DELETE", "/calendar", rpc=RPC["DeleteCalendarFeed"], summary="End the calendar feed",
     status=204)  # fmt: skip
async def delete_calendar_feed(request: Request) -> Response:
    """Whoever had the address reads nothing any more."""
    read_query(request)
    await request.app.state.clients.calendars.DeleteCalendarFeed(
        pb.DeleteCalendarFeedRequest(), identity_of(request)
    )
    return Response(status_code=204)


@add("GET", "/calendar/{token}.ics", rpc=RPC["GetCalendar"], summary="Read a calendar feed",
     parameters=[SECRET], problems=[404])  # fmt: skip
async def read_calendar(request: Request) -> Response:
    """One member's open activities and expected closes, as iCalendar. The address is the key."""
    read_query(request)
    calendar = await request.app.state.clients.calendars.GetCalendar(
        pb.GetCalendarRequest(token=request.path_params["token"])
    )
    link = request.app.state.settings.public_url
    content = calendar_text(calendar, calendar.time_zone or "UTC", link).encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=300", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")


def feed_url(request: Request, token: str) -> str:
    """Where a calendar program reads a feed."""
    return f"{request.app.state.settings.public_url}/api/v1/calendar/{token}.ics"


def _json(request: Request, feed: pb.CalendarFeed) -> dict[str, Any]:
    return {
        "exists": feed.exists,
        "created_at": instant(feed.create_time) if feed.HasField("create_time") else None,
        "url": feed_url(request, feed.token) if feed.token else None,
    }
