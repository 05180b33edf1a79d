"""Tokens and servers for contract tests: the real servicer behind the real wrapping.

async def test_get_deal(app, workspace):
    issuer = Issuer()
    async with served([(add_DealServiceServicer_to_server, DealService(app))], issuer) as crm:
        stub = DealServiceStub(crm.channel)
        identity = issuer.identity("deals.read", workspace_id=workspace)
        deal = await crm.call(stub.GetDeal, GetDealRequest(id=…), identity=identity)
"""

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc.aio
from joserfc import jwt
from joserfc.jwk import OKPKey

from kit.clock import Clock, SystemClock
from kit.ids import new_id
from kit.rpc.client import Caller, Request, Response
from kit.rpc.identity import NOBODY, CallIdentity
from kit.rpc.revocations import Revocations
from kit.rpc.server import RpcServer, Servicer
from kit.rpc.tokens import ALGORITHM, ALGORITHMS, AUDIENCE, ISSUER, TYPE, TokenVerifier
from kit.runtime import Readiness
from kit.sight import EVERYTHING, Sight
from kit.testing.background import PATIENCE


class Issuer:
    """Signs tokens as auth does, with a key of its own."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.keys: list[OKPKey] = []
        self.ended: set[UUID] = set()
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on; the old ones are still published."""
        self.keys.append(OKPKey.generate_key("Ed25519", {"kid": str(new_id()), "use": "sig"}))

    async def jwks(self) -> Mapping[str, Any]:
        """What auth publishes."""
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    async def is_active(self, session_id: UUID) -> bool:
        """What auth answers."""
        return session_id not in self.ended

    def verifier(self) -> TokenVerifier:
        """A verifier that trusts this issuer, without a bus."""
        return TokenVerifier(self.jwks, revocations=Revocations(self.is_active), clock=self.clock)

    def claims(self, *permissions: str, **over: Any) -> dict[str, Any]:
        """The claims of a good token."""
        now = int(self.clock.now().timestamp())
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(new_id()),
            "ws": str(new_id()),
            "sid": str(new_id()),
            "role": "sales",
            "sees": "all",
            "scope": " ".join(permissions),
            "iat": now,
            "exp": now + 600,
            "jti": str(new_id()),
        } | over

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with these claims."""
        usual = {"alg": ALGORITHM, "typ": TYPE, "kid": self.keys[-1].kid}
        return jwt.encode(usual | header, claims, self.keys[-1], registry=ALGORITHMS)

    def identity(
        self,
        *permissions: str,
        workspace_id: UUID | None = None,
        user_id: UUID | None = None,
        idempotency_key: str | None = None,
        sight: Sight = EVERYTHING,
    ) -> CallIdentity:
        """Somebody who may do this, in this workspace."""
        claims = self.claims(
            *permissions,
            ws=str(workspace_id or new_id()),
            sub=str(user_id or new_id()),
            sees=sight.claim,
        )
        return CallIdentity(self.sign(claims), idempotency_key)


class PatientCaller(Caller):
    """Gives a busy machine its time where a test does not say how long a call may take."""

    def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        identity: CallIdentity = NOBODY,
        timeout: float = PATIENCE,
        idempotent: bool = False,
    ) -> Coroutine[Any, Any, Response]:
        """As every caller does."""
        return super().call(
            method, request, identity=identity, timeout=timeout, idempotent=idempotent
        )


@asynccontextmanager
async def served(
    servicers: Sequence[Servicer], issuer: Issuer, *, name: str = "peer"
) -> AsyncIterator[Caller]:
    """A server on a free port, and a way to call it."""
    server = RpcServer("127.0.0.1:0", servicers, issuer.verifier())
    readiness = Readiness({})
    readiness.open()
    await server.start(readiness)
    caller = PatientCaller(f"127.0.0.1:{server.port}", name)
    try:
        yield caller
    finally:
        await caller.close()
        await server.stop()
