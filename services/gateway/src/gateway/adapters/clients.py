"""The other services: one channel each, opened once, every call with a deadline and an identity."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from freelanceflow.analytics.v1 import analytics_service_pb2_grpc as analytics_grpc
from freelanceflow.analytics.v1 import figures_service_pb2_grpc as figures_grpc
from freelanceflow.analytics.v1 import prediction_service_pb2_grpc as prediction_grpc
from freelanceflow.analytics.v1 import report_service_pb2_grpc as report_grpc
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
from freelanceflow.crm.v1 import activity_service_pb2_grpc as activity_grpc
from freelanceflow.crm.v1 import bulk_service_pb2_grpc as bulk_grpc
from freelanceflow.crm.v1 import calendar_service_pb2_grpc as calendar_grpc
from freelanceflow.crm.v1 import client_service_pb2_grpc as client_grpc
from freelanceflow.crm.v1 import contact_service_pb2_grpc as contact_grpc
from freelanceflow.crm.v1 import deal_service_pb2_grpc as deal_grpc
from freelanceflow.crm.v1 import duplicate_service_pb2_grpc as duplicate_grpc
from freelanceflow.crm.v1 import export_service_pb2_grpc as export_grpc
from freelanceflow.crm.v1 import field_service_pb2_grpc as field_grpc
from freelanceflow.crm.v1 import import_service_pb2_grpc as import_grpc
from freelanceflow.crm.v1 import rate_service_pb2_grpc as rate_grpc
from freelanceflow.crm.v1 import record_service_pb2_grpc as record_grpc
from freelanceflow.crm.v1 import search_service_pb2_grpc as search_grpc
from freelanceflow.crm.v1 import setup_service_pb2_grpc as setup_grpc
from freelanceflow.crm.v1 import stage_service_pb2_grpc as stage_grpc
from freelanceflow.crm.v1 import timeline_service_pb2_grpc as timeline_grpc
from freelanceflow.crm.v1 import view_service_pb2_grpc as view_grpc
from freelanceflow.notify.v1 import notification_service_pb2_grpc as notification_grpc
from gateway.config import Settings
from kit.rpc.client import TIMEOUT, Caller
from kit.rpc.identity import NOBODY, CallIdentity

# Seconds for all of a file: whoever downloads sets the pace, and 500 MB take a while.
STREAM_TIMEOUT = 3600.0
# Seconds that the request being served has waited for services; calls side by side add up.
rpc_seconds: ContextVar[list[float] | None] = ContextVar("rpc_seconds", default=None)

Call = Callable[..., Coroutine[Any, Any, Any]]


class Peer:
    """A service's methods by name: `await peer.GetDeal(request, identity)`.

    Reads, and writes with an idempotency key, are asked again when the peer was not reached.
    Raises what Caller.call raises; AttributeError for a method the contract does not have.
    """

    def __init__(self, caller: Caller, stub: object) -> None:
        self._caller = caller
        self._stub = stub

    def __getattr__(self, name: str) -> Call:
        method, caller = getattr(self._stub, name), self._caller
        reads = name.startswith(("Get", "List", "Search"))

        def call(
            request: Any, identity: CallIdentity = NOBODY, *, timeout: float = TIMEOUT
        ) -> Coroutine[Any, Any, Any]:
            again = reads or identity.idempotency_key is not None
            return _timed(
                caller.call(method, request, identity=identity, timeout=timeout, idempotent=again)
            )

        setattr(self, name, call)  # found without __getattr__ from now on
        return call

    def upload(self, name: str) -> Call:
        """A method that takes a stream of messages."""
        method, caller = getattr(self._stub, name), self._caller

        def call(
            requests: Any, identity: CallIdentity, *, timeout: float
        ) -> Coroutine[Any, Any, Any]:
            return _timed(caller.upload(method, requests, identity=identity, timeout=timeout))

        return call

    def stream(self, name: str) -> Callable[..., AsyncIterator[Any]]:
        """A method that answers with a stream of messages."""
        method, caller = getattr(self._stub, name), self._caller

        def call(request: Any, identity: CallIdentity) -> AsyncIterator[Any]:
            return caller.stream(method, request, identity=identity, timeout=STREAM_TIMEOUT)

        return call


async def _timed(answer: Coroutine[Any, Any, Any]) -> Any:
    spent, started = rpc_seconds.get(), perf_counter()
    try:
        return await answer
    finally:
        if spent is not None:
            spent[0] += perf_counter() - started


class Clients:
    """Every peer the gateway speaks to."""

    def __init__(self, settings: Settings) -> None:
        auth = Caller(settings.auth_address, "auth")
        crm = Caller(settings.crm_address, "crm")
        analytics = Caller(settings.analytics_address, "analytics")
        notify = Caller(settings.notify_address, "notify")
        self._callers = (auth, crm, analytics, notify)
        self.auth = Peer(auth, auth_grpc.AuthServiceStub(auth.channel))
        self.google = Peer(auth, google_grpc.GoogleServiceStub(auth.channel))
        self.api_keys = Peer(auth, api_key_grpc.ApiKeyServiceStub(auth.channel))
        self.two_step = Peer(auth, two_step_grpc.TwoStepServiceStub(auth.channel))
        self.own_data = Peer(auth, own_data_grpc.OwnDataServiceStub(auth.channel))
        self.account = Peer(auth, account_grpc.AccountServiceStub(auth.channel))
        self.workspaces = Peer(auth, workspace_grpc.WorkspaceServiceStub(auth.channel))
        self.roles = Peer(auth, role_grpc.RoleServiceStub(auth.channel))
        self.auth_caller, self.key_stub = auth, key_grpc.KeyServiceStub(auth.channel)
        self.keys = Peer(auth, self.key_stub)
        self.clients = Peer(crm, client_grpc.ClientServiceStub(crm.channel))
        self.deals = Peer(crm, deal_grpc.DealServiceStub(crm.channel))
        self.stages = Peer(crm, stage_grpc.StageServiceStub(crm.channel))
        self.fields = Peer(crm, field_grpc.FieldServiceStub(crm.channel))
        self.views = Peer(crm, view_grpc.ViewServiceStub(crm.channel))
        self.rates = Peer(crm, rate_grpc.RateServiceStub(crm.channel))
        self.activities = Peer(crm, activity_grpc.ActivityServiceStub(crm.channel))
        self.calendars = Peer(crm, calendar_grpc.CalendarServiceStub(crm.channel))
        self.setups = Peer(crm, setup_grpc.SetupServiceStub(crm.channel))
        self.timelines = Peer(crm, timeline_grpc.TimelineServiceStub(crm.channel))
        self.contacts = Peer(crm, contact_grpc.ContactServiceStub(crm.channel))
        self.duplicates = Peer(crm, duplicate_grpc.DuplicateServiceStub(crm.channel))
        self.exports = Peer(crm, export_grpc.ExportServiceStub(crm.channel))
        self.imports = Peer(crm, import_grpc.ImportServiceStub(crm.channel))
        self.audit = Peer(auth, audit_grpc.AuditServiceStub(auth.channel))
        self.bulk = Peer(crm, bulk_grpc.BulkServiceStub(crm.channel))
        self.records = Peer(crm, record_grpc.RecordServiceStub(crm.channel))
        self.search = Peer(crm, search_grpc.SearchServiceStub(crm.channel))
        self.analytics = Peer(analytics, analytics_grpc.AnalyticsServiceStub(analytics.channel))
        self.figures = Peer(analytics, figures_grpc.FiguresServiceStub(analytics.channel))
        self.predictions = Peer(analytics, prediction_grpc.PredictionServiceStub(analytics.channel))
        self.reports = Peer(analytics, report_grpc.ReportServiceStub(analytics.channel))
        self.notifications = Peer(notify, notification_grpc.NotificationServiceStub(notify.channel))

    async def close(self) -> None:
        """Let the channels go."""
        for caller in self._callers:
            await caller.close()
