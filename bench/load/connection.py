"""A connection that keeps alive: a request goes out, a callback gets the answer."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from bench.load.template import at

LOST = 0  # the status of an answer that never came
_UNKNOWN = 1 << 60

Answered = Callable[["Connection"], None]


class Connection(asyncio.Protocol):
    """One request at a time."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.closed = False
        self.status = LOST
        self.received = b""
        self._answered: Answered | None = None
        self._needed = -1
        self._head = 0
        self._chunked = self._last = False

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    def send(self, request: bytes, answered: Answered) -> None:
        """`answered` is called once, also when the connection is lost."""
        self._answered, self.received, self._needed = answered, b"", -1
        self._transport.write(request)

    def close(self) -> None:
        """Let it go."""
        if not self.closed:
            self._transport.close()

    def body(self) -> bytes:
        """The answer's, put together if it came in chunks."""
        left = self.received[self._head :]
        if not self._chunked:
            return left
        whole = b""
        while left:
            number, _, left = left.partition(b"\r\n")
            size = int(number, 16)
            whole, left = whole + left[:size], left[size + 2 :]
        return whole

    def header(self, name: str) -> str:
        """Raises KeyError."""
        wanted = name.lower().encode() + b":"
        for line in self.received[: self._head].split(b"\r\n")[1:]:
            if line[: len(wanted)].lower() == wanted:
                return line[len(wanted) :].strip().decode("latin-1")
        raise KeyError(name)

    def extract(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """`{"a": "path.in.body", "b": "header:ETag"}` as values. Raises LookupError, ValueError."""
        in_body = any(not path.startswith("header:") for path in wanted.values())
        document = json.loads(self.body()) if in_body else None
        return {
            name: self.header(path[7:]) if path.startswith("header:") else at(document, path)
            for name, path in wanted.items()
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop's."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The loop's."""
        self.received = self.received + data if self.received else data
        if self._needed < 0 and not self._read_head():
            return
        if self._chunked:
            if self.received.endswith(b"\r\n0\r\n\r\n"):
                self._finish()
        elif len(self.received) >= self._needed:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """The loop's."""
        self.closed = True
        if self._answered is not None:
            self.status = LOST
            self._finish()

    def _read_head(self) -> bool:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.received[:end].lower() + b"\r\n"
        self.status, self._head = int(head[9:12]), end + 4
        self._last = b"\r\nconnection: close" in head
        self._chunked = b"\r\ntransfer-encoding: chunked" in head
        _, found, rest = head.partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0]) if found else 0
        self._needed = _UNKNOWN if self._chunked else self._head + length
        return True

    def _finish(self) -> None:
        answered, self._answered = self._answered, None
        if self._last:
            self.closed = True
            self._transport.close()
        if answered is not None:
            answered(self)
