"""The few pages a process shows to its keepers; plain HTTP, no framework, no users."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

LONGEST_HEAD = 8 * 1024
PATIENCE = 5.0  # seconds for a whole request


class Page(NamedTuple):
    """An answer."""

    status: str
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Awaitable[Page]]]

NOT_FOUND = Page("404 Not Found", "text/plain", b"not found\n")
NOT_ALLOWED = Page("405 Method Not Allowed", "text/plain", b"only GET\n")
BAD_REQUEST = Page("400 Bad Request", "text/plain", b"bad request\n")
FAILED = Page("500 Internal Server Error", "text/plain", b"failed\n")


async def serve_pages(address: str, pages: Pages) -> asyncio.Server:
    """Listen on host:port; every connection is good for one GET. Raises OSError."""
    host, _, port = address.rpartition(":")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                page = await _page(reader, pages)
                writer.write(_head(page) + page.body)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, int(port), limit=LONGEST_HEAD)


async def _page(reader: asyncio.StreamReader, pages: Pages) -> Page:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return BAD_REQUEST
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0].decode("ascii", "replace")
    if path not in pages:
        return NOT_FOUND
    if method != b"GET":
        return NOT_ALLOWED
    try:
        return await pages[path]()
    except Exception:
        return FAILED


def _head(page: Page) -> bytes:
    return (
        f"HTTP/1.1 {page.status}\r\ncontent-type: {page.content_type}\r\n"
        f"content-length: {len(page.body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
    ).encode()
