"""Shapes of API keys, as the documentation shows them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import Out


class ApiKeyIn(Body):
    name: str = Field(max_length=100, examples=["Nightly export"])
    scope: Literal["all", "read"] = "all"
    expires_in_days: int | None = Field(default=None, ge=1, le=366, examples=[90])
    password: str = Field(max_length=1000)


class ApiKey(Out):
    id: str
    name: str
    scope: Literal["all", "read"]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    expired: bool


class NewApiKey(ApiKey):
    key: str


class ApiKeys(Out):
    items: list[ApiKey]
