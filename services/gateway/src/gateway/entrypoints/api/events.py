"""Server-sent events for open pages and programs."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.identity import principal_of
from kit.rpc.access import Access

operations = Operations("Events")
ANYBODY = Access(signed_in=True, keys=True, reads=True)
LAST_ID = Parameter("Last-Event-ID", "header", "Replays what came after.", {"type": "string"})


@operations.add("GET", "/events", access=ANYBODY, summary="What happens, live",
                parameters=[LAST_ID])  # fmt: skip
async def stream_events(request: Request) -> Response:
    """`deal.moved`, `client.updated`, `notification.created` and so on: ids and versions only.

    `reset` means that too much was missed: load what you show anew.
    """
    last_id = request.headers.get("last-event-id")
    frames = request.app.state.live.stream(principal_of(request), last_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)
