"""Answers from outside that are read up to a length. Imported where Google is set up only: it takes
the client library along.
"""

from collections.abc import AsyncIterator

import httpx2

LONGEST = 512 * 1024  # bytes; documents and tokens of a provider have some thousands


async def shorten(response: httpx2.Response) -> None:
    """A hook of the client: whatever comes is counted as it comes, and packed it is not read."""
    if "content-encoding" in response.headers:
        raise httpx2.ReadError("the answer is packed, which nobody asked for")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Counted(response.stream)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if read > LONGEST:
                raise httpx2.ReadError(f"the answer is longer than {LONGEST} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
