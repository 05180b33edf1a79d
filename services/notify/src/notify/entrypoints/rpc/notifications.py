"""The caller's own notifications over gRPC. Errors are DomainErrors; the server maps them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from freelanceflow.notify.v1 import notification_service_pb2 as pb
from freelanceflow.notify.v1 import notification_service_pb2_grpc as grpc_api
from kit.clock import to_timestamp
from kit.database import ReadTransaction
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, Principal, principal_of
from notify.adapters import notifications, preferences, workspaces
from notify.adapters.notifications import Reader
from notify.application.telling import choose, mark_all_read, mark_read, unsubscribe
from notify.domain.messages import Kind, is_told
from notify.domain.preferences import ONLY_INSIDE, Choice
from notify.entrypoints.app import App

_LATEST = UUID(int=(1 << 128) - 1)


class NotificationService(grpc_api.NotificationServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: Context
    ) -> pb.ListNotificationsResponse:
        principal, size = principal_of(context), page_size(request.page_size)
        reader = _reader(principal)
        tokens = self._app.page_tokens
        mark = f"notifications {principal.workspace_id} {principal.user_id} {request.unread_only}"
        before = _LATEST
        if request.page_token:
            (before,) = tokens.read(request.page_token, mark)
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            rows = await notifications.page(
                tx,
                reader,
                before=before,
                limit=size + 1,
                unread_only=request.unread_only,
            )
            unread = await notifications.unread_count(tx, reader)
        page = rows[:size]
        return pb.ListNotificationsResponse(
            notifications=map(_message, page),
            next_page_token=tokens.issue((page[-1]["id"],), mark) if len(rows) > size else "",
            unread_count=unread,
        )

    async def MarkRead(self, request: pb.MarkReadRequest, context: Context) -> pb.Notification:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id, principal.origin) as uow:
            row = await mark_read(
                uow,
                reader=_reader(principal),
                notification_id=parse_id(request.notification_id, "notification_id"),
                now=self._app.clock.now(),
            )
        return _message(row)

    async def MarkAllRead(
        self, request: pb.MarkAllReadRequest, context: Context
    ) -> pb.MarkAllReadResponse:
        principal = principal_of(context)
        async with self._app.unit_of_work(principal.workspace_id, principal.origin) as uow:
            marked = await mark_all_read(uow, reader=_reader(principal), now=self._app.clock.now())
        return pb.MarkAllReadResponse(marked=marked)

    async def GetPreferences(
        self, request: pb.GetPreferencesRequest, context: Context
    ) -> pb.Preferences:
        principal = principal_of(context)
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            found = await preferences.of(tx, principal.user_id)
            muted = await preferences.mutes_own_changes(tx, principal.user_id)
        return _preferences(principal, found, muted)

    async def SetPreferences(
        self, request: pb.SetPreferencesRequest, context: Context
    ) -> pb.Preferences:
        principal = principal_of(context)
        given = {p.kind: _choice(p) for p in request.preferences}
        async with self._app.unit_of_work(principal.workspace_id, principal.origin) as uow:
            found, muted = await choose(
                uow, user_id=principal.user_id, given=given, mute_own_changes=_muting(request)
            )
        return _preferences(principal, found, muted)

    async def GetUnsubscription(
        self, request: pb.GetUnsubscriptionRequest, context: Context
    ) -> pb.Unsubscription:
        subscription = self._app.unsubscribe_links.read(request.token)
        async with ReadTransaction(self._app.pool, subscription.workspace_id) as tx:
            name = (await workspaces.get(tx)).name
        return pb.Unsubscription(kind=subscription.kind, workspace_name=name)

    async def Unsubscribe(
        self, request: pb.UnsubscribeRequest, context: Context
    ) -> pb.Unsubscription:
        workspace_id, user_id, kind = self._app.unsubscribe_links.read(request.token)
        async with self._app.unit_of_work(workspace_id) as uow:
            name = await unsubscribe(uow, user_id=user_id, kind=kind)
        return pb.Unsubscription(kind=kind, workspace_name=name)


def _choice(given: pb.Preference) -> Choice:
    digest = given.digest if given.HasField("digest") else None
    return Choice(given.in_app, given.by_mail, digest)


def _muting(request: pb.SetPreferencesRequest) -> bool | None:
    return request.mute_own_changes if request.HasField("mute_own_changes") else None


def _reader(principal: Principal) -> Reader:
    hidden = [kind.value for kind in Kind if not is_told(kind, principal.permissions)]
    return Reader(principal.user_id, hidden)


def _preferences(principal: Principal, found: Mapping[Kind, Choice], muted: bool) -> pb.Preferences:
    """Of what the person's role reaches; the others stay as they were chosen."""
    return pb.Preferences(
        mute_own_changes=muted,
        preferences=[
            pb.Preference(
                kind=kind.value,
                in_app=choice.in_app,
                by_mail=choice.by_mail,
                digest=choice.digest,
                mail_offered=kind not in ONLY_INSIDE,
            )
            for kind, choice in found.items()
            if is_told(kind, principal.permissions)
        ],
    )


def _message(row: Any) -> pb.Notification:
    read_at = row["read_at"]
    return pb.Notification(
        id=str(row["id"]),
        kind=row["kind"],
        title=row["title"],
        body=row["body"],
        target_kind=row["target_kind"],
        target_id=str(row["target_id"] or ""),
        create_time=to_timestamp(row["created_at"]),
        read_time=to_timestamp(read_at) if read_at else None,
    )
