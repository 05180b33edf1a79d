"""Signing in with a Google account, over gRPC."""

from uuid import UUID

from auth.adapters import identities, users, workspaces
from auth.adapters.google import Asked, Google
from auth.application import google as cases
from auth.application import guesses
from auth.application import sessions as session_cases
from auth.application.google import Newcomer, Ticket
from auth.domain.errors import CredentialsWrong, GoogleNotOffered
from auth.domain.identity import Claims
from auth.domain.user import User
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import tokens_message
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
        claims = await self._google.claims(request.code, asked, client_id=request.client_id)
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
        workspace_id = known and await self._workspace_of(known)
        async with app.system_unit(workspace_id or new_id()) as uow:
            tokens = await cases.register(
                uow, app.signer, ticket=request.ticket, claims=claims, newcomer=newcomer, now=now
            )
        return tokens_message(tokens)

    async def ConnectGoogle(self, request: pb.ConnectGoogleRequest, context: Context) -> TokenPair:
        app, now = self._app, self._app.clock.now()
        claims, _ = await cases.holder(app.system, request.ticket, now)
        user = await self._proven(claims.email, request.password, request.client_address)
        async with app.system_unit(await self._home_of(user)) as uow:
            tokens = await cases.connect(
                uow,
                app.signer,
                ticket=request.ticket,
                claims=claims,
                user=user,
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
        async with SystemTransaction(app.system) as tx:
            me = await users.get(tx, principal.user_id)
        user = await self._proven(me.email, request.password, request.client_address)
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
        async with app.system_unit(await self._home_of(found)) as uow:
            tokens = await session_cases.log_in(
                uow, app.signer, user=found, new_hash=None, device=device, now=now
            )
        return pb.GoogleSignIn(tokens=tokens_message(tokens), following=following)

    async def _proven(self, email: str, password: str, client_address: str) -> User:
        """The person behind address and password; guesses are counted as at the sign-in."""
        app, now = self._app, self._app.clock.now()
        await guesses.spend(
            app.system, guesses.PASSWORDS, email=email, client_address=client_address, now=now
        )
        user = await session_cases.prove(app.system, app.passwords, email=email, password=password)
        await guesses.forgive(app.system, email=email, client_address=client_address)
        return user

    async def _home_of(self, user: User) -> UUID:
        workspace_id = await self._workspace_of(user)
        if workspace_id is None:  # removed from the last one
            raise CredentialsWrong("You do not belong to any workspace.")
        return workspace_id

    async def _workspace_of(self, user: User) -> UUID | None:
        async with SystemTransaction(self._app.system) as tx:
            return await workspaces.first_workspace(tx, user.id)

    @property
    def _google(self) -> Google:
        if self._app.google is None:
            raise GoogleNotOffered("Signing in with Google is not set up here.")
        return self._app.google
