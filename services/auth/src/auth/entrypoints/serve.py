"""The running service: gRPC, the relay, and what is swept away now and then."""

import asyncio
from datetime import timedelta

from auth.adapters import sessions
from auth.application.guesses import WINDOW
from auth.bootstrap import App, open_app
from auth.config import Settings
from auth.domain.session import ABSOLUTE_LIFE
from auth.entrypoints.rpc.account import AccountService
from auth.entrypoints.rpc.auth import AuthService
from auth.entrypoints.rpc.keys import KeyService
from auth.entrypoints.rpc.workspaces import WorkspaceService
from freelanceflow.auth.v1 import account_service_pb2_grpc as account_grpc
from freelanceflow.auth.v1 import auth_service_pb2_grpc as auth_grpc
from freelanceflow.auth.v1 import key_service_pb2_grpc as key_grpc
from freelanceflow.auth.v1 import workspace_service_pb2_grpc as workspace_grpc
from kit.database import SystemTransaction
from kit.rpc.server import RpcServer
from kit.rpc.tokens import TokenVerifier
from kit.runtime import run

SWEEP_EVERY = timedelta(minutes=10).total_seconds()


def rpc_server(app: App, verifier: TokenVerifier, listen: str) -> RpcServer:
    """All that auth answers."""
    return RpcServer(
        listen,
        [
            (auth_grpc.add_AuthServiceServicer_to_server, AuthService(app)),
            (account_grpc.add_AccountServiceServicer_to_server, AccountService(app)),
            (workspace_grpc.add_WorkspaceServiceServicer_to_server, WorkspaceService(app)),
            (key_grpc.add_KeyServiceServicer_to_server, KeyService(app)),
        ],
        verifier,
    )


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    async with open_app(settings) as app:
        verifier, revocations = app.verifier()

        async def sweep() -> None:
            while True:
                await sweep_once(app)
                await asyncio.sleep(SWEEP_EVERY)

        async def database() -> None:
            async with SystemTransaction(app.system):
                pass

        await run(
            name="auth",
            internal_listen=settings.internal_listen,
            servers=[rpc_server(app, verifier, settings.listen)],
            background={
                "bus": app.bus.run,
                "relay": app.relay.run,
                "revocations": revocations.follow,
                "sweep": sweep,
            },
            checks={"database": database},
        )


async def sweep_once(app: App) -> None:
    """Forget what nobody can use any more."""
    now = app.clock.now()
    async with SystemTransaction(app.system) as tx:
        await sessions.purge(tx, ended_before=now - ABSOLUTE_LIFE, attempts_before=now - WINDOW)
        await tx.commit()
