"""What both floors that speak HTTP have in common."""

import base64
import os
from datetime import datetime
from typing import Any

import jwt
import msgspec
import orjson
from fastapi import Request, Response

SECRET = os.environ.get("FLOOR_SECRET", "a secret that protects nothing at all")
DSN = os.environ.get("FLOOR_DSN", "")


class DealIn(msgspec.Struct):
    """The body of a creation."""

    title: str
    amount: int
    stage: int = 0
    currency: str = "USD"
    company_id: str | None = None
    probability: int = 10


class MoveIn(msgspec.Struct):
    """The body of a move."""

    stage: int
    version: int


read_deal = msgspec.json.Decoder(DealIn).decode
read_move = msgspec.json.Decoder(MoveIn).decode


def token(user: str, workspace: str) -> str:
    """Lives long enough for any campaign."""
    return jwt.encode({"sub": user, "ws": workspace, "exp": 2**40}, SECRET, algorithm="HS256")


def claims(request: Request) -> dict[str, Any] | None:
    """Checked anew for every request."""
    header = request.headers.get("authorization", "")
    try:
        known: dict[str, Any] = jwt.decode(header[7:], SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        return None
    return known


def reply(body: Any, status: int = 200) -> Response:
    """As JSON."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def cursor_behind(created_at: datetime, deal_id: str) -> str:
    """Where a page goes on."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{deal_id}".encode()).decode()


def place_of(cursor: str) -> tuple[datetime, str]:
    """What the cursor says."""
    at, _, deal_id = base64.urlsafe_b64decode(cursor).decode().partition("|")
    return datetime.fromisoformat(at), deal_id
