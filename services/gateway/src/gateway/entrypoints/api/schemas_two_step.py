"""Shapes of signing in in two steps, as the documentation shows them."""

from datetime import datetime

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import Out


class ChallengeAnswer(Body):
    challenge: str = Field(max_length=200)
    code: str = Field(max_length=40, examples=["287082"])


class Password(Body):
    password: str = Field(max_length=1000)


class Code(Body):
    code: str = Field(max_length=40, examples=["287082"])


class TwoStep(Out):
    on: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


class Secret(Out):
    secret: str
    uri: str


class RecoveryCodes(Out):
    recovery_codes: list[str]
