"""How answers are written to the wire."""

import asyncio
from collections.abc import Iterable
from typing import Any

from gateway.entrypoints.http import HeadWithBody

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Wire(asyncio.Transport):
    """Keeps what each system call would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.sent.append(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True


async def test_a_head_travels_with_its_body() -> None:
    wire = Wire()
    transport = HeadWithBody(wire)
    for _ in range(2):
        transport.write(HEAD)
        transport.write(BODY)
    await asyncio.sleep(0)
    assert wire.sent == [HEAD + BODY] * 2


async def test_a_head_does_not_wait_for_a_stream_to_begin() -> None:
    wire = Wire()
    transport = HeadWithBody(wire)
    transport.write(HEAD)
    await asyncio.sleep(0)
    assert wire.sent == [HEAD]
    transport.write(BODY)
    assert wire.sent == [HEAD, BODY]


async def test_a_head_without_a_body_is_sent_before_the_end() -> None:
    wire = Wire()
    transport = HeadWithBody(wire)
    transport.write(HEAD)
    transport.close()
    assert (wire.sent, wire.closed) == ([HEAD], True)
