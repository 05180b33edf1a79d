"""Letting people in and out over gRPC. Errors are DomainErrors; the server maps them."""

from auth.adapters import secrets, sessions, users, workspaces
from auth.application import guesses, new_passwords, registration, two_step
from auth.application import sessions as session_cases
from auth.application.registration import VERIFY, Newcomer
from auth.domain.errors import (
    EmailInvalid,
    LinkNotValid,
    RefreshTokenInvalid,
)
from auth.domain.facts import Cause
from auth.domain.names import normal_email
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import tokens_message
from auth.entrypoints.rpc.proof import home_of, proven
from freelanceflow.auth.v1 import auth_service_pb2 as pb
from freelanceflow.auth.v1 import auth_service_pb2_grpc as grpc_api
from kit.database import SystemTransaction
from kit.ids import new_id
from kit.rpc.identity import Context


class AuthService(grpc_api.AuthServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        app, now = self._app, self._app.clock.now()
        newcomer = Newcomer(
            email=request.email,
            password=request.password,
            name=request.name,
            workspace_name=request.workspace_name,
            currency=request.currency_code,
            time_zone=request.time_zone,
            device=request.device,
        )
        user = await registration.introduce(app.passwords, newcomer, now)
        async with app.system_unit(new_id()) as uow:
            tokens = await registration.register(
                uow, app.signer, user=user, newcomer=newcomer, verify=app.verify_email, now=now
            )
        if tokens is None:
            return pb.RegisterResponse(verification_needed=True)
        return pb.RegisterResponse(tokens=tokens_message(tokens))

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.TokenPair:
        app, now = self._app, self._app.clock.now()
        email = _typed_email(request.email)
        user = await proven(app, email, request.password, request.client_address)
        new_hash = await session_cases.renewed(app.passwords, user, request.password)
        async with app.system_unit(await home_of(app, user)) as uow:
            outcome = await two_step.challenge(uow, user, now) or await session_cases.log_in(
                uow, app.signer, user=user, new_hash=new_hash, device=request.device, now=now
            )
        return tokens_message(outcome)

    async def RefreshSession(
        self, request: pb.RefreshSessionRequest, context: Context
    ) -> pb.TokenPair:
        app = self._app
        async with SystemTransaction(app.system) as tx:
            whose = await sessions.whose(tx, secrets.digest(request.refresh_token))
        async with app.system_unit(whose.workspace_id) as uow:
            tokens = await session_cases.refresh_session(
                uow,
                app.signer,
                refresh_token=request.refresh_token,
                session_id=whose.session_id,
                now=app.clock.now(),
            )
        return tokens_message(tokens)

    async def LogOut(self, request: pb.LogOutRequest, context: Context) -> pb.LogOutResponse:
        app = self._app
        try:
            async with SystemTransaction(app.system) as tx:
                whose = await sessions.whose(tx, secrets.digest(request.refresh_token))
        except RefreshTokenInvalid:
            return pb.LogOutResponse()  # who wants out and is out has what they want
        async with app.system_unit(whose.workspace_id) as uow:
            await session_cases.end_session(
                uow,
                session_id=whose.session_id,
                user_id=whose.user_id,
                cause=Cause.LOGGED_OUT,
                now=app.clock.now(),
            )
        return pb.LogOutResponse()

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Context) -> pb.TokenPair:
        app, now = self._app, self._app.clock.now()
        secret = secrets.digest(request.token)
        async with SystemTransaction(app.system) as tx:
            user_id = await users.use_link(tx, secret_hash=secret, purpose=VERIFY, now=now)
            if user_id is None:
                raise LinkNotValid("This link is not valid any more. Ask for a new one.")
            workspace_id = await workspaces.first_workspace(tx, user_id) or user_id
            await tx.commit()
        async with app.system_unit(workspace_id) as uow:
            tokens = await registration.verify_email(
                uow, app.signer, user_id=user_id, device=request.device, now=now
            )
        return tokens_message(tokens)

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Context
    ) -> pb.RequestPasswordResetResponse:
        app, now = self._app, self._app.clock.now()
        email = _typed_email(request.email)
        await guesses.spend(
            app.system, guesses.LINKS, email=email, client_address=request.client_address, now=now
        )
        async with app.system_unit(new_id()) as uow:
            await new_passwords.forget(uow, email=email, now=now)
        return pb.RequestPasswordResetResponse()

    async def ResetPassword(
        self, request: pb.ResetPasswordRequest, context: Context
    ) -> pb.ResetPasswordResponse:
        app, now = self._app, self._app.clock.now()
        user_id, new_hash = await new_passwords.chosen(
            app.system, app.passwords, token=request.token, password=request.password, now=now
        )
        async with app.system_unit(user_id) as uow:
            await new_passwords.reset(
                uow, user_id=user_id, token=request.token, new_hash=new_hash, now=now
            )
        return pb.ResetPasswordResponse()

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.TokenPair:
        app, now = self._app, self._app.clock.now()
        guest = await registration.welcome(
            app.system,
            app.passwords,
            token=request.token,
            name=request.name,
            password=request.password,
            now=now,
        )
        async with app.system_unit(guest.workspace_id) as uow:
            tokens = await registration.accept_invitation(
                uow, app.signer, guest=guest, token=request.token, device=request.device, now=now
            )
        return tokens_message(tokens)


def _typed_email(text: str) -> str:
    """What cannot be an address belongs to nobody, and is answered like it."""
    try:
        return normal_email(text)
    except EmailInvalid:
        return text.replace("\0", "").strip().casefold()[:320]  # PostgreSQL keeps no NUL
