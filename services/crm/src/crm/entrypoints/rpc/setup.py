"""The first run over gRPC."""

from typing import Any

from crm.adapters import setup
from crm.adapters.reading import row
from crm.application.setup import add_samples, remove_samples
from crm.entrypoints.app import App
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import setup_service_pb2 as pb
from freelanceflow.crm.v1 import setup_service_pb2_grpc as api
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


class SetupService(api.SetupServiceServicer):
    """What there is, and samples."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def GetSetup(self, request: pb.GetSetupRequest, context: Context) -> pb.Setup:
        """What there is."""
        found = await row(self._app.pool, principal_of(context).workspace_id, setup.SETUP)
        return _message(found)

    async def AddSamples(self, request: pb.AddSamplesRequest, context: Context) -> pb.Setup:
        """Three deals to look around with."""

        async def work(uow: UnitOfWork) -> pb.Setup:
            await add_samples(uow, by=principal_of(context).user_id, now=self._app.clock.now())
            return _message(await uow.row(setup.SETUP, workspace=uow.workspace_id))

        return await write(self._app, context, request, pb.Setup, work)

    async def RemoveSamples(self, request: pb.RemoveSamplesRequest, context: Context) -> pb.Setup:
        """Into the trash with them."""

        async def work(uow: UnitOfWork) -> pb.Setup:
            await remove_samples(uow, by=principal_of(context).user_id, now=self._app.clock.now())
            return _message(await uow.row(setup.SETUP, workspace=uow.workspace_id))

        return await write(self._app, context, request, pb.Setup, work)


def _message(row: Any) -> pb.Setup:
    assert row is not None  # sums and an EXISTS
    return pb.Setup(empty=row["is_empty"], sample_count=row["samples"])
