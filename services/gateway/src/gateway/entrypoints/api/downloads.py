"""Files on their way out, in the pieces in which a service sends them."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse


async def download(chunks: AsyncIterator[Any], *, name: str, content_type: str) -> Response:
    """An attachment; what the service refuses is refused before the first byte is sent."""
    pieces = aiter(chunks)
    first = await anext(pieces, None)

    async def sent() -> AsyncIterator[bytes]:
        if first is not None:
            yield first.chunk
        async for piece in pieces:
            yield piece.chunk

    return attachment(sent(), name=name, content_type=content_type)


def attachment(pieces: AsyncIterator[bytes], *, name: str, content_type: str) -> Response:
    """What a browser keeps as a file, and no cache does."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(pieces, media_type=content_type, headers=headers)
