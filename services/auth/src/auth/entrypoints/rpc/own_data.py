"""What is kept of a person, for themselves, over gRPC."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from auth.adapters import own_data, users
from auth.application import two_step
from auth.domain.api_key import ApiKey
from auth.entrypoints.app import App
from auth.entrypoints.rpc.mapping import api_key_message, audit_message, two_step_message
from freelanceflow.auth.v1 import own_data_service_pb2 as pb
from freelanceflow.auth.v1 import own_data_service_pb2_grpc as grpc_api
from kit.clock import to_timestamp
from kit.database import SystemTransaction
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of


class OwnDataService(grpc_api.OwnDataServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def GetOwnData(self, request: pb.GetOwnDataRequest, context: Context) -> pb.OwnData:
        app, user_id, now = self._app, principal_of(context).user_id, self._app.clock.now()
        state = await two_step.state(app.system, user_id)
        async with SystemTransaction(app.system) as tx:
            user = await users.get(tx, user_id)
            kept = await own_data.kept_of(tx, user_id)
        return pb.OwnData(
            user_id=str(user.id),
            email=user.email,
            name=user.name,
            locale=user.locale,
            create_time=to_timestamp(user.created_at),
            email_verify_time=_perhaps(user.email_verified_at),
            has_password=user.password_hash is not None,
            two_step=two_step_message(state),
            identities=map(_identity, kept.identities),
            sessions=map(_session, kept.sessions),
            api_keys=[
                pb.OwnApiKey(
                    workspace_id=str(row["workspace_id"]), key=api_key_message(ApiKey(**row), now)
                )
                for row in kept.api_keys
            ],
            memberships=map(_membership, kept.memberships),
        )

    async def ListOwnAuditEntries(
        self, request: pb.ListOwnAuditEntriesRequest, context: Context
    ) -> pb.ListOwnAuditEntriesResponse:
        user_id, size = principal_of(context).user_id, page_size(request.page_size)
        mark, before = f"own audit {user_id}", own_data.LAST
        if request.page_token:
            workspace, entry = self._app.pages.read(request.page_token, mark)
            before = (workspace, entry)
        async with SystemTransaction(self._app.system) as tx:
            rows = await own_data.done_by(tx, user_id, before=before, size=size + 1)
        page = rows[:size]
        last = (page[-1]["workspace_id"], page[-1]["event_id"]) if len(rows) > size else None
        return pb.ListOwnAuditEntriesResponse(
            entries=[
                pb.OwnAuditEntry(workspace_id=str(row["workspace_id"]), entry=audit_message(row))
                for row in page
            ],
            next_page_token=self._app.pages.issue(last, mark) if last else "",
        )


def _identity(row: Any) -> pb.OwnIdentity:
    return pb.OwnIdentity(
        issuer=row["issuer"], email=row["email"], connect_time=to_timestamp(row["linked_at"])
    )


def _session(row: Any) -> pb.OwnSession:
    return pb.OwnSession(
        workspace_id="" if row["workspace_id"] == row["user_id"] else str(row["workspace_id"]),
        device=row["device"],
        create_time=to_timestamp(row["created_at"]),
        last_seen_time=to_timestamp(row["last_seen_at"]),
        end_time=_perhaps(row["ended_at"]),
        by_api_key=row["api_key_id"] is not None,
    )


def _membership(row: Any) -> pb.OwnMembership:
    return pb.OwnMembership(
        workspace_id=str(row["workspace_id"]),
        workspace_name=row["name"],
        role=row["role"],
        custom_role_name=row["custom_role_name"] or "",
        visibility=row["visibility"],
        team=row["team"],
        join_time=to_timestamp(row["joined_at"]),
    )


def _perhaps(instant: datetime | None) -> Timestamp | None:
    return None if instant is None else to_timestamp(instant)
