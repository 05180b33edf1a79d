"""Stages, lost reasons and owners over gRPC."""

from typing import Any
from uuid import UUID

import asyncpg
from google.protobuf.field_mask_pb2 import FieldMask

from crm.adapters import client_queries, workspaces
from crm.adapters.reading import rows
from crm.adapters.setting_events import STAGE_TYPES
from crm.application import lost_reasons, stages
from crm.application.workspaces import set_up
from crm.domain.board_stage import StageEdit
from crm.domain.errors import EntryRefused, Problem
from crm.domain.stage import StageType
from crm.entrypoints.app import App
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.mapping import board_stage_message, stage_message
from crm.entrypoints.rpc.requests import edit_of, meant, needed_etag, optional_id
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import stage_service_pb2 as pb
from freelanceflow.crm.v1 import stage_service_pb2_grpc as api
from kit.ids import new_id, parse_id
from kit.rpc.identity import Context, principal_of
from kit.sight import EVERYTHING, seeing
from kit.unit_of_work import UnitOfWork

TYPES = {number: StageType(name) for name, number in STAGE_TYPES.items()}


def _read_type(message: Any, field: str) -> StageType:
    type = TYPES.get(getattr(message, field))
    if type is None:
        raise EntryRefused([Problem(field, "TYPE_UNKNOWN", "Choose open, won or lost.")])
    return type


READERS = {"type": _read_type}
WRITABLE = frozenset({"name", "color", "rotting_days", "default_probability", *READERS})


class StageService(api.StageServiceServicer):
    """The columns of the board and what else a workspace sets up once."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListStages(
        self, request: pb.ListStagesRequest, context: Context
    ) -> pb.ListStagesResponse:
        """All of them: a board has a handful."""
        found = await stages_of(self._app, principal_of(context).workspace_id)
        return pb.ListStagesResponse(stages=[stage_message(stage) for stage in found])

    async def CreateStage(self, request: pb.CreateStageRequest, context: Context) -> pb.Stage:
        """One more column."""
        edit = _edit(request.stage, FieldMask(paths=sorted(WRITABLE)))

        async def work(uow: UnitOfWork) -> pb.Stage:
            stage = await stages.create_stage(
                uow, edit=edit, by=principal_of(context).user_id, now=self._app.clock.now()
            )
            return board_stage_message(stage)

        return await write(self._app, context, request, pb.Stage, work)

    async def UpdateStage(self, request: pb.UpdateStageRequest, context: Context) -> pb.Stage:
        """Other values of a stage."""
        edit = _edit(request.stage, request.update_mask)
        stage_id, etag = parse_id(request.stage.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.Stage:
            stage = await stages.update_stage(
                uow,
                stage_id=stage_id,
                edit=edit,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return board_stage_message(stage)

        with seeing(EVERYTHING):  # a stage is empty when nobody's deals stand there
            return await write(self._app, context, request, pb.Stage, work)

    async def ReorderStages(
        self, request: pb.ReorderStagesRequest, context: Context
    ) -> pb.ListStagesResponse:
        """Another order of the columns."""
        ids = [parse_id(id, "stage_ids") for id in request.stage_ids]

        async def work(uow: UnitOfWork) -> pb.ListStagesResponse:
            await stages.reorder_stages(
                uow, stage_ids=ids, by=principal_of(context).user_id, now=self._app.clock.now()
            )
            return pb.ListStagesResponse()

        await write(self._app, context, request, pb.ListStagesResponse, work)
        return await self.ListStages(pb.ListStagesRequest(), context)

    async def DeleteStage(
        self, request: pb.DeleteStageRequest, context: Context
    ) -> pb.DeleteStageResponse:
        """One column less; its deals go to another one."""
        stage_id, etag = parse_id(request.stage_id, "stage_id"), needed_etag(request.etag)
        target_id = optional_id(request.move_to_stage_id, "move_to_stage_id")

        async def work(uow: UnitOfWork) -> pb.DeleteStageResponse:
            removal = await stages.remove_stage(
                uow,
                stage_id=stage_id,
                target_id=target_id,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteStageResponse(
                moved_deals=removal.moved, job_id=str(removal.job_id) if removal.job_id else ""
            )

        with seeing(EVERYTHING):  # its deals go along, whosesoever they are
            answer = await write(
                self._app, context, request, pb.DeleteStageResponse, work, bulk_id=new_id()
            )
        if answer.job_id:
            await self._app.jobs.send(stages.JOB, UUID(answer.job_id))
        return answer

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

    async def CreateLostReason(
        self, request: pb.CreateLostReasonRequest, context: Context
    ) -> pb.LostReason:
        """One more reason."""

        async def work(uow: UnitOfWork) -> pb.LostReason:
            reason = await lost_reasons.create_lost_reason(
                uow,
                name=request.lost_reason.name,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.LostReason(id=str(reason.id), name=reason.state.name)

        return await write(self._app, context, request, pb.LostReason, work)

    async def UpdateLostReason(
        self, request: pb.UpdateLostReasonRequest, context: Context
    ) -> pb.LostReason:
        """Another name of a reason."""
        reason_id = parse_id(request.lost_reason.id, "id")

        async def work(uow: UnitOfWork) -> pb.LostReason:
            reason = await lost_reasons.rename_lost_reason(
                uow,
                reason_id=reason_id,
                name=request.lost_reason.name,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.LostReason(id=str(reason.id), name=reason.state.name)

        return await write(self._app, context, request, pb.LostReason, work)

    async def ReorderLostReasons(
        self, request: pb.ReorderLostReasonsRequest, context: Context
    ) -> pb.ListLostReasonsResponse:
        """Another order of the reasons."""
        ids = [parse_id(id, "lost_reason_ids") for id in request.lost_reason_ids]

        async def work(uow: UnitOfWork) -> pb.ListLostReasonsResponse:
            await lost_reasons.reorder_lost_reasons(
                uow, reason_ids=ids, by=principal_of(context).user_id, now=self._app.clock.now()
            )
            return pb.ListLostReasonsResponse()

        await write(self._app, context, request, pb.ListLostReasonsResponse, work)
        return await self.ListLostReasons(pb.ListLostReasonsRequest(), context)

    async def DeleteLostReason(
        self, request: pb.DeleteLostReasonRequest, context: Context
    ) -> pb.DeleteLostReasonResponse:
        """One reason less to choose from."""
        reason_id = parse_id(request.lost_reason_id, "lost_reason_id")

        async def work(uow: UnitOfWork) -> pb.DeleteLostReasonResponse:
            await lost_reasons.remove_lost_reason(
                uow,
                reason_id=reason_id,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteLostReasonResponse()

        return await write(self._app, context, request, pb.DeleteLostReasonResponse, work)

    async def ListOwners(
        self, request: pb.ListOwnersRequest, context: Context
    ) -> pb.ListOwnersResponse:
        """A page of owners, by name; all, or those that the conditions meet."""
        app = self._app
        page = await client_queries.OWNERS.page(
            app.pool,
            app.page_tokens,
            principal_of(context).workspace_id,
            Plain(
                page_size=request.page_size,
                page_token=request.page_token,
                conditions=request.conditions,
            ),
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
    found = await rows(app.pool, workspace_id, workspaces.STAGES)
    if not found:
        async with app.unit_of_work(workspace_id) as uow:
            await set_up(uow)
        found = await rows(app.pool, workspace_id, workspaces.STAGES)
    return found


def _edit(message: pb.Stage, mask: FieldMask | None) -> StageEdit:
    edit: StageEdit = edit_of(
        message, meant(message, mask, WRITABLE), ids={}, readers=READERS
    ).values
    return edit
