"""Requests from templates: `${deal.id}` is a field of the row that the request is about."""

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

Row = dict[str, Any]
Render = Callable[[Row, Mapping[str, Any]], str]

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_NUMBER = re.compile(r'"#(-?[0-9.]+|null|true|false)"')  # "#${x}" in JSON becomes a bare value
_ACCEPTED = (200, 201, 202, 204)


def compiled(text: str, escape: Callable[[str], str] = str) -> Render:
    """A template as a function of the row and the scenario's variables.

    Beside those there are `${uuid}`, `${n}` (a counter), `${int:a:b}` and `${oneof:x|y}` (one of
    several variables). `escape` makes a value safe where it stands.
    """
    parts = _VARIABLE.split(text)
    if len(parts) == 1:
        return lambda row, variables: text
    pieces = [
        _value(part, escape) if index % 2 else _literal(part) for index, part in enumerate(parts)
    ]
    return lambda row, variables: "".join(piece(row, variables) for piece in pieces)


def _literal(text: str) -> Render:
    return lambda row, variables: text


def _value(name: str, escape: Callable[[str], str]) -> Render:
    if name == "uuid":
        return lambda row, variables: str(uuid4())
    if name == "n":
        counter = iter(range(1, 2**62))
        return lambda row, variables: str(next(counter))
    if name.startswith("int:"):
        low, high = map(int, name.split(":")[1:])
        return lambda row, variables: str(random.randint(low, high))
    if name.startswith("oneof:"):
        names = name.removeprefix("oneof:").split("|")
        return lambda row, variables: escape(str(variables[random.choice(names)]))
    if "." in name:
        field = name.partition(".")[2]
        return lambda row, variables: escape(str(row[field]))
    return lambda row, variables: escape(str(variables[name]))


def at(document: Any, path: str) -> Any:
    """What stands at `items.0.id`."""
    for key in filter(None, path.split(".")):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


class Operation:
    """One request of a scenario."""

    def __init__(self, spec: Mapping[str, Any], scenario: Mapping[str, Any], host: str) -> None:
        self.name: str = spec.get("name", spec["path"])
        self.accepted = frozenset(spec.get("expect", _ACCEPTED))
        self.pool: str | None = spec.get("pool")
        self.update: Mapping[str, str] = spec.get("update", {})
        body = spec.get("body")
        self._form = isinstance(body, str)
        self._method: str = spec["method"]
        self._path = compiled(spec["path"])
        self._headers = compiled(_headers(spec, scenario, host))
        self._body = None
        if body is not None:
            text = body if self._form else json.dumps(body, separators=(",", ":"))
            self._body = compiled(text, quote if self._form else _json_text)

    def render(self, row: Row, variables: Mapping[str, Any]) -> bytes:
        """The request as it goes over the wire."""
        path = self._path(row, variables)
        head = f"{self._method} {path} HTTP/1.1\r\n{self._headers(row, variables)}"
        if self._body is None:
            return f"{head}\r\n".encode()
        text = self._body(row, variables)
        body = (text if self._form else _NUMBER.sub(r"\1", text)).encode()
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _headers(spec: Mapping[str, Any], scenario: Mapping[str, Any], host: str) -> str:
    headers = {"Host": host, "Accept": "application/json", **spec.get("headers", {})}
    if isinstance(spec.get("body"), str):
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif spec.get("body") is not None:
        headers.setdefault("Content-Type", "application/json")
    if spec.get("auth", True):
        name, _, value = str(scenario.get("auth_header", "")).partition(": ")
        headers |= {name: value} if name else {}
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _json_text(value: str) -> str:
    return json.dumps(value)[1:-1]
