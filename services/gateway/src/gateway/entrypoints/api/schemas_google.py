"""Shapes of signing in with Google, as the documentation shows them."""

from datetime import datetime

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import Name, Out


class GoogleCode(Body):
    """What a program got from Google, and what it had asked with."""

    code: str = Field(max_length=2000)
    code_verifier: str = Field(min_length=43, max_length=128)
    redirect_uri: str = Field(max_length=500)
    client_id: str = Field(max_length=200)
    nonce: str = Field(min_length=1, max_length=200)


class GoogleRegistration(Body):
    ticket: str = Field(max_length=200)
    name: Name
    workspace_name: str = Field(default="", max_length=200)
    currency: str = Field(default="", max_length=3)
    time_zone: str = Field(default="", max_length=64)


class GoogleConnection(Body):
    ticket: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    code: str = Field(default="", max_length=40)


class GoogleParting(Body):
    password: str = Field(max_length=1000)


class GoogleAccount(Out):
    email: str
    connected_at: datetime


class GoogleAccountList(Out):
    items: list[GoogleAccount]
