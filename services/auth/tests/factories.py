"""People who have come in, through the door that everybody uses."""

from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from freelanceflow.auth.v1 import account_service_pb2_grpc as account_grpc
from freelanceflow.auth.v1 import api_key_service_pb2_grpc as api_key_grpc
from freelanceflow.auth.v1 import audit_service_pb2_grpc as audit_grpc
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import auth_service_pb2_grpc as auth_grpc
from freelanceflow.auth.v1 import key_service_pb2_grpc as key_grpc
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from freelanceflow.auth.v1 import workspace_service_pb2_grpc as workspace_grpc
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity

PASSWORD = "seven green herons cross the weir"
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody signed in."""

    email: str
    tokens: auth_pb.TokenPair

    @property
    def identity(self) -> CallIdentity:
        return CallIdentity(self.tokens.access_token)

    @property
    def workspace_id(self) -> UUID:
        return UUID(self.tokens.workspace_id)


class Door:
    """All of auth's stubs on one channel."""

    def __init__(self, caller: Caller) -> None:
        self.call = caller.call
        self.auth = auth_grpc.AuthServiceStub(caller.channel)
        self.account = account_grpc.AccountServiceStub(caller.channel)
        self.workspace = workspace_grpc.WorkspaceServiceStub(caller.channel)
        self.audit = audit_grpc.AuditServiceStub(caller.channel)
        self.api_keys = api_key_grpc.ApiKeyServiceStub(caller.channel)
        self.keys = key_grpc.KeyServiceStub(caller.channel)

    async def register(self, **over: str) -> Person:
        request = newcomer(**over)
        answer = await self.call(self.auth.Register, request)
        return Person(request.email, answer.tokens)

    async def log_in(self, email: str, password: str = PASSWORD) -> auth_pb.TokenPair:
        request = auth_pb.LogInRequest(
            email=email, password=password, device="Firefox", client_address="192.0.2.7"
        )
        return await self.call(self.auth.LogIn, request)

    async def refresh(self, refresh_token: str) -> auth_pb.TokenPair:
        request = auth_pb.RefreshSessionRequest(refresh_token=refresh_token)
        return await self.call(self.auth.RefreshSession, request)

    async def invite(self, host: Person, role: str, email: str = "") -> Person:
        """Somebody new in the host's workspace."""
        email = email or unique_email()
        invitation = await self.call(
            self.workspace.CreateInvitation,
            workspace_pb.CreateInvitationRequest(email=email, role=role),
            identity=host.identity,
        )
        tokens = await self.call(
            self.auth.AcceptInvitation,
            auth_pb.AcceptInvitationRequest(
                token=invitation.token, name="Noor Vance", password=PASSWORD
            ),
        )
        return Person(email, tokens)


def unique_email() -> str:
    return f"person{next(_numbers)}.{new_id().hex[-8:]}@studio.example"


def newcomer(**over: str) -> auth_pb.RegisterRequest:
    usual = {
        "email": unique_email(),
        "password": PASSWORD,
        "name": "Mira Okafor",
        "workspace_name": "Okafor Studio",
        "currency_code": "EUR",
        "time_zone": "Europe/Berlin",
        "device": "Firefox",
    }
    return auth_pb.RegisterRequest(**{**usual, **over})


async def refused(work: Awaitable[Any]) -> str:
    """The reason for which this is refused."""
    with pytest.raises(DomainError) as refusal:
        await work
    return refusal.value.reason
