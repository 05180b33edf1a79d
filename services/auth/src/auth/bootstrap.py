"""Settings → the running service: the only place that picks implementations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import UUID

from auth.adapters.google import Google
from auth.adapters.passwords import Passwords
from auth.adapters.sealing import Sealing
from auth.adapters.tokens import TokenSigner
from auth.config import Settings
from auth.entrypoints import again
from auth.entrypoints.app import App
from auth.entrypoints.consumers import OF_AUTH, OF_CRM, WITHOUT_ACTOR, is_kept, keep_all
from auth.entrypoints.recovery import of_forgotten
from auth.entrypoints.rpc.account import AccountService
from auth.entrypoints.rpc.api_keys import ApiKeyService
from auth.entrypoints.rpc.audit import AuditService
from auth.entrypoints.rpc.auth import AuthService
from auth.entrypoints.rpc.google import GoogleService
from auth.entrypoints.rpc.keys import KeyService
from auth.entrypoints.rpc.own_data import OwnDataService
from auth.entrypoints.rpc.roles import RoleService
from auth.entrypoints.rpc.two_step import TwoStepService
from auth.entrypoints.rpc.workspaces import WorkspaceService
from auth.entrypoints.upkeep import sweep
from freelanceflow.auth.v1 import account_service_pb2_grpc as account_grpc
from freelanceflow.auth.v1 import api_key_service_pb2_grpc as api_key_grpc
from freelanceflow.auth.v1 import audit_service_pb2_grpc as audit_grpc
from freelanceflow.auth.v1 import auth_service_pb2_grpc as auth_grpc
from freelanceflow.auth.v1 import google_service_pb2_grpc as google_grpc
from freelanceflow.auth.v1 import key_service_pb2_grpc as key_grpc
from freelanceflow.auth.v1 import own_data_service_pb2_grpc as own_data_grpc
from freelanceflow.auth.v1 import role_service_pb2_grpc as role_grpc
from freelanceflow.auth.v1 import two_step_service_pb2_grpc as two_step_grpc
from freelanceflow.auth.v1 import workspace_service_pb2_grpc as workspace_grpc
from kit.bus.consumer import Consumer, Handler
from kit.bus.jetstream import Bus
from kit.clock import Clock, SystemClock
from kit.database import answers
from kit.erasure import keep_erasing
from kit.paging import PageTokens
from kit.pool import role_pool
from kit.relay import OutboxRelay
from kit.rpc.server import RpcServer
from kit.rpc.tokens import TokenVerifier
from kit.runtime import run


@asynccontextmanager
async def open_app(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[App]:
    """Everything that must be closed again, in one place."""
    clock = clock or SystemClock()
    bus = Bus(settings.nats_url.get_secret_value(), name="auth", profile=settings.profile)
    async with AsyncExitStack() as stack:
        size = settings.database_pool_size
        app = await role_pool(stack, settings, "auth", "app", size)
        system = await role_pool(stack, settings, "auth", "system", size)
        passwords = Passwords()
        stack.callback(passwords.close)
        yield App(
            app=app,
            system=system,
            bus=bus,
            relay=OutboxRelay(settings.database_url_system.get_secret_value(), bus, service="auth"),
            signer=TokenSigner.from_file(settings.signing_key_file),
            passwords=passwords,
            pages=PageTokens(settings.page_token_key.get_secret_value()),
            sealing=Sealing(settings.sealing_keys.get_secret_value()),
            google=_google(settings, clock),
            verify_email=settings.email_verification,
            closed_for=timedelta(days=settings.closed_days),
            clock=clock,
        )


def _google(settings: Settings, clock: Clock) -> Google | None:
    if not settings.google_client_id:
        return None
    return Google(
        issuer=settings.google_issuer,
        client_id=settings.google_client_id,
        client_secret=settings.google_client_secret.get_secret_value(),
        program_ids=frozenset(filter(None, settings.google_program_ids.split(","))),
        clock=clock,
    )


def rpc_server(app: App, verifier: TokenVerifier, listen: str) -> RpcServer:
    """All that auth answers."""
    return RpcServer(
        listen,
        [
            (auth_grpc.add_AuthServiceServicer_to_server, AuthService(app)),
            (account_grpc.add_AccountServiceServicer_to_server, AccountService(app)),
            (workspace_grpc.add_WorkspaceServiceServicer_to_server, WorkspaceService(app)),
            (role_grpc.add_RoleServiceServicer_to_server, RoleService(app)),
            (audit_grpc.add_AuditServiceServicer_to_server, AuditService(app)),
            (google_grpc.add_GoogleServiceServicer_to_server, GoogleService(app)),
            (two_step_grpc.add_TwoStepServiceServicer_to_server, TwoStepService(app)),
            (api_key_grpc.add_ApiKeyServiceServicer_to_server, ApiKeyService(app)),
            (own_data_grpc.add_OwnDataServiceServicer_to_server, OwnDataService(app)),
            (key_grpc.add_KeyServiceServicer_to_server, KeyService(app)),
        ],
        verifier,
    )


async def delete_accounts(settings: Settings, user_ids: Sequence[UUID]) -> bool:
    """The command of operators, beside the running service; whether all of them are gone now."""
    async with open_app(settings) as app:
        return await again.delete_accounts(app, user_ids, print)


def _audit(app: App, stream: str, handlers: dict[str, Handler]) -> Consumer:
    return Consumer(
        app.bus,
        stream=stream,
        name=f"auth-audit-{stream.lower()}",
        handlers=handlers,
        together=keep_all,
        wants=is_kept,
        not_imported=handlers.keys() - WITHOUT_ACTOR,
        open_unit=app.unit_of_work,
        system=app.system,
    )


def _recovery(app: App) -> Consumer:
    return Consumer(
        app.bus,
        stream="AUTH",
        name="auth-recovery",
        handlers=of_forgotten(app),
        open_unit=app.system_unit,  # a person is looked for: no workspace is known
        system=app.system,
    )


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    async with open_app(settings) as app:
        verifier, revocations = app.verifier()

        await run(
            name="auth",
            internal_listen=settings.internal_listen,
            servers=[rpc_server(app, verifier, settings.listen)],
            background={
                "bus": app.bus.run,
                "relay": app.relay.run,
                "revocations": revocations.follow,
                "sweep": lambda: sweep(app),
                "erasing": lambda: keep_erasing(app.system),
                "recovery": _recovery(app).run,
                "audit-auth": _audit(app, "AUTH", OF_AUTH).run,
                "audit-crm": _audit(app, "CRM", OF_CRM).run,
            },
            checks={"database": lambda: answers(app.system)},
        )
