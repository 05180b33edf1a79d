"""Whether the gateway lives and may be asked: one word outside, details on the internal port."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response


async def livez(request: Request) -> Response:
    """It answers, so it lives."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> Response:
    """503 while it starts and before it stops."""
    if await request.app.state.readiness.problems():
        return PlainTextResponse("not ready\n", 503)
    return PlainTextResponse("ready\n")
