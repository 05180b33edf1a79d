"""Somebody who signs in with an account elsewhere."""

from typing import Any

from freelanceflow.auth.v1 import google_service_pb2 as pb
from freelanceflow.auth.v1 import google_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.rpc.client import Caller
from services.auth.tests.factories import PASSWORD, Person, unique_email
from services.auth.tests.provider import Claims, Provider

CALLBACK = "http://localhost:8700/auth/google/callback"


class Browser:
    """Somebody at the sign-in page, with an account at the provider."""

    def __init__(self, caller: Caller, provider: Provider, **claims: Any) -> None:
        email = unique_email()
        usual = {"sub": email, "email": email, "email_verified": True, "name": "Ada Quill"}
        self.claims: Claims = usual | claims
        self.provider = provider
        self.call = caller.call
        self.google = grpc_api.GoogleServiceStub(caller.channel)
        self.secret = ""

    @property
    def email(self) -> str:
        return str(self.claims["email"])

    async def begin(self, following: str = "/pipeline") -> str:
        request = pb.StartGoogleSignInRequest(redirect_uri=CALLBACK, following=following)
        begun = await self.call(self.google.StartGoogleSignIn, request)
        self.secret = begun.browser_secret
        return begun.authorization_url

    async def finish(self, **over: str) -> pb.GoogleSignIn:
        given = {"browser_secret": self.secret, "device": "Firefox"} | over
        return await self.call(
            self.google.FinishGoogleSignIn, pb.FinishGoogleSignInRequest(**given)
        )

    async def sign_in(self) -> pb.GoogleSignIn:
        return await self.finish(**self.provider.agree(await self.begin(), **self.claims))

    async def register(self, ticket: str, **over: str) -> TokenPair:
        given = {"ticket": ticket, "name": "Ada Quill", "workspace_name": "Quill & Co."} | over
        return await self.call(
            self.google.RegisterWithGoogle, pb.RegisterWithGoogleRequest(**given)
        )

    async def connect(self, ticket: str, password: str = PASSWORD, *, code: str = "") -> TokenPair:
        request = pb.ConnectGoogleRequest(
            ticket=ticket, password=password, device="Firefox", code=code
        )
        return await self.call(self.google.ConnectGoogle, request)

    async def settle(self) -> Person:
        answer = await self.sign_in()
        return Person(self.email, await self.register(answer.ticket))
