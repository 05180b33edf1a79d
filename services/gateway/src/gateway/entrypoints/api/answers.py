"""Writing answers: messages as JSON, field by field, without protobuf's slow JSON mapping."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.type.v1.money_pb2 import Money

JSON = "application/json"
_fromtimestamp = datetime.fromtimestamp


def instant(stamp: Timestamp) -> datetime:
    """Written as RFC 3339 with a Z."""
    return _fromtimestamp(stamp.seconds + stamp.nanos / 1e9, UTC)


def money(amount: Money) -> dict[str, Any]:
    """An amount in minor units with its currency."""
    return {"amount_minor": amount.amount_minor, "currency": amount.currency_code}


def plain(struct: Struct) -> dict[str, Any]:
    """Custom fields as they were sent."""
    return {name: _value(value) for name, value in struct.fields.items()}


def json_response(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Dates as RFC 3339 UTC."""
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, status, headers=dict(headers or {}), media_type=JSON)


def record_response(
    request: Request, body: Mapping[str, Any], etag: str, *, status: int = 200, location: str = ""
) -> Response:
    """A single record with its ETag; 304 when the sender has it already."""
    quoted = f'"{etag}"'
    headers = {"ETag": quoted}
    if location:
        headers["Location"] = location
    elif request.method == "GET" and request.headers.get("if-none-match") == quoted:
        return Response(status_code=304, headers=headers)
    return json_response(body, status=status, headers=headers)


def page_response(
    items: Iterable[Mapping[str, Any]],
    next_cursor: str,
    *,
    total: int | None = None,
    fields: frozenset[str] = frozenset(),
    **more: Any,
) -> Response:
    """One page of a list."""
    listed = list(items)
    if fields:
        listed = [{name: item[name] for name in item if name in fields} for item in listed]
    body: dict[str, Any] = {"items": listed, "next_cursor": next_cursor or None, **more}
    if total is not None:
        body["total"] = total
    return json_response(body)


def _value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return _values(value.list_value)
    if kind == "number_value":
        number: float = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)


def _values(values: ListValue) -> list[Any]:
    return [_value(value) for value in values.values]
