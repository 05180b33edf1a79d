"""Signing in with a Google account, over gRPC."""

from auth.adapters import identities
from auth.adapters.google import Asked, Google
from auth.application import google as cases
from auth.application import sessions as session_cases
from auth.application import two_step
from auth.application.google import Newcomer, Ticket
from auth.domain.errors import GoogleNotOffered
from auth.domain.identity import Claims
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import tokens_message
from auth.entrypoints.rpc.proof import home_of, proven, proven_again, spend_on_code
from freelanceflow.auth.v1 import google_service_pb2 as pb
from freelanceflow.auth.v1 import google_service_pb2_grpc as grpc_api
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from kit.clock import to_timestamp
from kit.database import SystemTransaction
from kit.ids import new_id
from kit.rpc.identity import Context, principal_of


class GoogleService(grpc_api.GoogleServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def StartGoogleSignIn(
        self, request: pb.StartGoogleSignInRequest, context: Context
    ) -> pb.StartGoogleSignInResponse:
        begun = await cases.begin(
            self._app.system,
            self._google,
            redirect_uri=request.redirect_uri,
            following=request.following,
            now=self._app.clock.now(),
        )
        return pb.StartGoogleSignInResponse(
            authorization_url=begun.authorization_url, browser_secret=begun.browser_secret
        )

    async def FinishGoogleSignIn(
        self, request: pb.FinishGoogleSignInRequest, context: Context
    ) -> pb.GoogleSignIn:
        claims, following = await cases.come_back(
            self._app.system,
            self._google,
            browser_secret=request.browser_secret,
            state=request.state,
            code=request.code,
            now=self._app.clock.now(),
        )
        return await self._recognised(claims, request.device, following)

    async def ExchangeGoogleCode(
        self, request: pb.ExchangeGoogleCodeRequest, context: Context
    ) -> pb.GoogleSignIn:
        asked = Asked(request.redirect_uri, request.nonce, request.code_verifier)
        claims = await self._google.claims(request.code, asked, program=request.client_id)
        return await self._recognised(claims, request.device)

    async def RegisterWithGoogle(
        self, request: pb.RegisterWithGoogleRequest, context: Context
    ) -> TokenPair:
        app, now = self._app, self._app.clock.now()
        claims, known = await cases.holder(app.system, request.ticket, now)
        newcomer = Newcomer(
            name=request.name,
            workspace_name=request.workspace_name,
            currency=request.currency_code,
            time_zone=request.time_zone,
            device=request.device,
        )
        workspace_id = known and await home_of(app, known)
        async with app.system_unit(workspace_id or new_id()) as uow:
            tokens = await cases.register(
                uow, app.signer, ticket=request.ticket, claims=claims, newcomer=newcomer, now=now
            )
        return tokens_message(tokens)

    async def ConnectGoogle(self, request: pb.ConnectGoogleRequest, context: Context) -> TokenPair:
        app, now = self._app, self._app.clock.now()
        claims, _ = await cases.holder(app.system, request.ticket, now)
        user = await proven(app, claims.email, request.password, request.client_address)
        if request.code:
            await spend_on_code(app, user.id, request.client_address)
        async with app.system_unit(await home_of(app, user)) as uow:
            tokens = await cases.connect(
                uow,
                app.signer,
                app.sealing,
                ticket=request.ticket,
                claims=claims,
                user=user,
                code=request.code,
                device=request.device,
                now=now,
            )
        return tokens_message(tokens)

    async def ListGoogleAccounts(
        self, request: pb.ListGoogleAccountsRequest, context: Context
    ) -> pb.ListGoogleAccountsResponse:
        async with SystemTransaction(self._app.system) as tx:
            found = await identities.of_user(tx, principal_of(context).user_id)
        return pb.ListGoogleAccountsResponse(
            accounts=[
                pb.GoogleAccount(email=account.email, connect_time=to_timestamp(account.linked_at))
                for account in found
            ]
        )

    async def DisconnectGoogle(
        self, request: pb.DisconnectGoogleRequest, context: Context
    ) -> pb.DisconnectGoogleResponse:
        app, principal = self._app, principal_of(context)
        user = await proven_again(app, principal.user_id, request.password, request.client_address)
        async with app.system_unit(principal.workspace_id) as uow:
            await cases.disconnect(uow, user=user, now=app.clock.now())
        return pb.DisconnectGoogleResponse()

    async def _recognised(
        self, claims: Claims, device: str, following: str = ""
    ) -> pb.GoogleSignIn:
        app, now = self._app, self._app.clock.now()
        found = await cases.recognise(app.system, claims, now)
        if isinstance(found, Ticket):
            return pb.GoogleSignIn(
                ticket=found.secret,
                address_known=found.address_known,
                email=claims.email,
                name=claims.name,
                following=following,
            )
        async with app.system_unit(await home_of(app, found)) as uow:
            outcome = await two_step.challenge(uow, found, now) or await session_cases.log_in(
                uow, app.signer, user=found, new_hash=None, device=device, now=now
            )
        return pb.GoogleSignIn(tokens=tokens_message(outcome), following=following)

    @property
    def _google(self) -> Google:
        if self._app.google is None:
            raise GoogleNotOffered("Signing in with Google is not set up here.")
        return self._app.google
