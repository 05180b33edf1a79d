"""Stages, lost reasons and owners over gRPC."""

from uuid import UUID

import asyncpg

from crm.adapters import client_queries, workspaces
from crm.adapters.reading import rows
from crm.application.workspaces import set_up
from crm.entrypoints.app import App
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.mapping import stage_message
from freelanceflow.crm.v1 import stage_service_pb2 as pb
from freelanceflow.crm.v1 import stage_service_pb2_grpc as api
from kit.rpc.identity import Context, principal_of


class StageService(api.StageServiceServicer):
    """The columns of the board and what else a workspace sets up once."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListStages(
        self, request: pb.ListStagesRequest, context: Context
    ) -> pb.ListStagesResponse:
        """All of them: a board has a handful."""
        stages = await stages_of(self._app, principal_of(context).workspace_id)
        return pb.ListStagesResponse(stages=[stage_message(stage) for stage in stages])

    async def ListLostReasons(
        self, request: pb.ListLostReasonsRequest, context: Context
    ) -> pb.ListLostReasonsResponse:
        """All of them."""
        workspace_id = principal_of(context).workspace_id
        await stages_of(self._app, workspace_id)
        reasons = await rows(self._app.pool, workspace_id, workspaces.LOST_REASONS)
        return pb.ListLostReasonsResponse(
            lost_reasons=[
                pb.LostReason(id=str(reason["id"]), name=reason["name"]) for reason in reasons
            ]
        )

    async def ListOwners(
        self, request: pb.ListOwnersRequest, context: Context
    ) -> pb.ListOwnersResponse:
        """A page of owners, by name."""
        app = self._app
        page = await client_queries.OWNERS.page(
            app.pool,
            app.page_tokens,
            principal_of(context).workspace_id,
            Plain(page_size=request.page_size, page_token=request.page_token),
        )
        return pb.ListOwnersResponse(
            owners=[
                pb.Owner(
                    id=str(owner["id"]),
                    name=owner["name"],
                    user_id=str(owner["user_id"]) if owner["user_id"] else "",
                )
                for owner in page.rows
            ],
            next_page_token=page.next_page_token,
        )


async def stages_of(app: App, workspace_id: UUID) -> list[asyncpg.Record]:
    """In board order. The event that founds a workspace may be a moment behind its first user."""
    stages = await rows(app.pool, workspace_id, workspaces.STAGES)
    if not stages:
        async with app.unit_of_work(workspace_id) as uow:
            await set_up(uow)
        stages = await rows(app.pool, workspace_id, workspaces.STAGES)
    return stages
