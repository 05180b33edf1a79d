"""Fill the demo workspace as a person would: register, upload the export, start the import jobs."""

from freelanceflow.auth.v1 import auth_service_pb2, auth_service_pb2_grpc
from freelanceflow.crm.v1 import import_service_pb2
from freelanceflow.notify.v1 import notification_service_pb2, notification_service_pb2_grpc
from kit.clock import SystemClock
from kit.rpc.client import Caller
from kit.rpc.errors import RemoteError
from kit.rpc.identity import CallIdentity
from local.crm_export import CURRENCY, clients_csv, deals_csv, read_export
from local.demo_import import import_file, stages_of
from local.demo_studio import seed_studio
from local.paths import ROOT
from local.plan import DEMO_EMAIL, Plan

EXPORT = ROOT / "demo" / "crm_sales_opportunities"


async def seed(plan: Plan) -> None:
    """Two workspaces: the export, and a studio; what is there already is left alone."""
    auth, crm = Caller(plan.address("auth"), "auth"), Caller(plan.address("crm"), "crm")
    try:
        token = await _register(auth, plan.demo_password)
        if token:
            await _hear_own_changes(plan, CallIdentity(token=token))
        identity = CallIdentity(token=token or await _sign_in(auth, plan.demo_password))
        await stages_of(crm, identity)
        export, today = read_export(EXPORT), SystemClock().now().date()
        clients, deals = clients_csv(export, today), deals_csv(export, today)
        await import_file(crm, identity, import_service_pb2.IMPORT_RESOURCE_CLIENTS, clients)
        await import_file(crm, identity, import_service_pb2.IMPORT_RESOURCE_DEALS, deals)
        await seed_studio(plan, auth, crm)
    finally:
        await auth.close()
        await crm.close()


async def _register(auth: Caller, password: str) -> str:
    """The token of somebody new; empty for one who is there already."""
    stub = auth_service_pb2_grpc.AuthServiceStub(auth.channel)
    person = auth_service_pb2.RegisterRequest(
        email=DEMO_EMAIL,
        password=password,
        name="Demo",
        workspace_name="Demo workspace",
        currency_code=CURRENCY,
    )
    try:
        return (await auth.call(stub.Register, person)).tokens.access_token
    except RemoteError as refusal:
        if refusal.reason != "EMAIL_TAKEN":
            raise
        return ""


async def _hear_own_changes(plan: Plan, identity: CallIdentity) -> None:
    """Who is alone would otherwise never see what a move sets off."""
    notify = Caller(plan.address("notify"), "notify")
    try:
        stub = notification_service_pb2_grpc.NotificationServiceStub(notify.channel)
        chosen = notification_service_pb2.SetPreferencesRequest(mute_own_changes=False)
        await notify.call(stub.SetPreferences, chosen, identity=identity)
    finally:
        await notify.close()


async def _sign_in(auth: Caller, password: str) -> str:
    stub = auth_service_pb2_grpc.AuthServiceStub(auth.channel)
    again = auth_service_pb2.LogInRequest(email=DEMO_EMAIL, password=password)
    return (await auth.call(stub.LogIn, again)).access_token
