"""The second demo workspace: a simulated studio with three years behind it.

It belongs to somebody of its own, who invites the demo person: so that there is a workspace to
switch to, and a colleague in it.
"""

import asyncio
import csv
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from freelanceflow.auth.v1 import (
    auth_service_pb2,
    auth_service_pb2_grpc,
    workspace_service_pb2,
    workspace_service_pb2_grpc,
)
from freelanceflow.crm.v1 import (
    import_service_pb2,
    rate_service_pb2,
    rate_service_pb2_grpc,
)
from kit.rpc.client import Caller
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity
from local.demo_import import import_file, stages_of
from local.plan import DEMO_EMAIL, Plan

OWNER_EMAIL = "studio@freelanceflow.example"
CURRENCY, FOREIGN, RATE = "EUR", "USD", "0.90"


async def seed_studio(plan: Plan, auth: Caller, crm: Caller) -> None:
    """Found it, invite the demo person, import its years; what is there already is left alone."""
    identity = await _founded(auth, plan.demo_password)
    if identity is None:
        return
    await _invited(auth, identity, plan.demo_password)
    stages = await stages_of(crm, identity)
    with TemporaryDirectory() as folder:
        files = Path(folder)
        await _simulated(files, [stage.name for stage in stages])
        clients, deals = files / "clients.csv", files / "deals.csv"
        await _rates_known(crm, identity, _first_day(deals))
        await import_file(
            crm, identity, import_service_pb2.IMPORT_RESOURCE_CLIENTS, clients.read_text()
        )
        await import_file(
            crm, identity, import_service_pb2.IMPORT_RESOURCE_DEALS, deals.read_text()
        )


async def _founded(auth: Caller, password: str) -> CallIdentity | None:
    """Its owner, signed in; None if it is there already."""
    stub = auth_service_pb2_grpc.AuthServiceStub(auth.channel)
    person = auth_service_pb2.RegisterRequest(
        email=OWNER_EMAIL,
        password=password,
        name="Robin Studio",
        workspace_name="Studio",
        currency_code=CURRENCY,
    )
    try:
        answer = await auth.call(stub.Register, person)
    except RemoteError as refusal:
        if refusal.reason != "EMAIL_TAKEN":
            raise
        return None
    return CallIdentity(token=answer.tokens.access_token)


async def _invited(auth: Caller, identity: CallIdentity, password: str) -> None:
    inviting = workspace_service_pb2_grpc.WorkspaceServiceStub(auth.channel)
    wanted = workspace_service_pb2.CreateInvitationRequest(email=DEMO_EMAIL, role="admin")
    invitation = await auth.call(inviting.CreateInvitation, wanted, identity=identity)
    accepting = auth_service_pb2_grpc.AuthServiceStub(auth.channel)
    accepted = auth_service_pb2.AcceptInvitationRequest(token=invitation.token, password=password)
    await auth.call(accepting.AcceptInvitation, accepted)


async def _simulated(folder: Path, stages: list[str]) -> None:
    """The simulation belongs to analytics; it is asked for files as anybody would be."""
    command = [sys.executable, "-m", "analytics", "studio", str(folder), "--stages", *stages]
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait() != 0:
        raise RuntimeError("the studio could not be simulated")


async def _rates_known(crm: Caller, identity: CallIdentity, since: date) -> None:
    stub = rate_service_pb2_grpc.RateServiceStub(crm.channel)
    rate = rate_service_pb2.Rate(currency_code=FOREIGN, valid_from=since.isoformat(), rate=RATE)
    put = rate_service_pb2.PutRatesRequest(rates=[rate])
    await crm.call(stub.PutRates, put, identity=identity)


def _first_day(deals: Path) -> date:
    with deals.open(encoding="utf-8", newline="") as file:
        return min(date.fromisoformat(row["created_at"]) for row in csv.DictReader(file))
