"""The keepers' pages, and what strangers may send to them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit import http
from kit.http import Page, serve_pages


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def hello() -> Page:
        return Page("200 OK", "text/plain", b"hello\n")

    async def broken() -> Page:
        raise RuntimeError("canary")

    server = await serve_pages("127.0.0.1:0", {"/hello": hello, "/broken": broken})
    yield server.sockets[0].getsockname()[1]
    server.close()


async def say(port: int, *parts: bytes, end: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    if end:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /hello HTTP/1.1", b"200 OK"),
        (b"GET /hello?x=1 HTTP/1.1", b"200 OK"),
        (b"GET /other HTTP/1.1", b"404 Not Found"),
        (b"GET /hello/../broken HTTP/1.1", b"404 Not Found"),
        (b"POST /hello HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /broken HTTP/1.1", b"500 Internal Server Error"),
        (b"\xff\xfe\x00", b"404 Not Found"),
        (b"", b"404 Not Found"),
    ],
)
async def test_answers(port: int, head: bytes, status: bytes) -> None:
    answer = await say(port, head + b"\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b"canary" not in answer


async def test_the_answer_is_whole(port: int) -> None:
    head, _, body = (await say(port, b"GET /hello HTTP/1.1\r\n", b"\r\n")).partition(b"\r\n\r\n")
    assert body == b"hello\n"
    assert b"content-length: 6" in head
    assert b"connection: close" in head


async def test_too_long_a_head_is_refused(port: int) -> None:
    answer = await say(port, b"GET /hello HTTP/1.1\r\nx: " + b"y" * 20_000)
    assert answer.startswith(b"HTTP/1.1 400")


async def test_who_goes_away_or_dawdles_gets_nothing_and_breaks_nothing(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await say(port, b"GET /hel", end=True) == b""
    monkeypatch.setattr(http, "PATIENCE", 0.05)
    assert await say(port, b"GET /hel") == b""
    assert b"hello" in await say(port, b"GET /hello HTTP/1.1\r\n\r\n")
