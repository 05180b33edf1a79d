"""The signed-in person's own notifications."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.notify.v1 import notification_service_pb2 as pb
from gateway.entrypoints.api import schemas, setting_schemas
from gateway.entrypoints.api.answers import instant, json_response, page_response
from gateway.entrypoints.api.operations import Operations, Parameter
from gateway.entrypoints.api.requests import (
    PAGING,
    identity_of,
    path_parameter,
    read_body,
    read_flag,
    read_page,
    read_query,
)

RPC = pb.DESCRIPTOR.services_by_name["NotificationService"].methods_by_name
UNREAD = Parameter("unread", "query", "true for unread ones only.", {"type": "boolean"})

operations = Operations("Notifications")
add = operations.add


@add("GET", "/notifications", rpc=RPC["ListNotifications"], summary="List my notifications",
     answer=schemas.AnyPage, parameters=[UNREAD, *PAGING])  # fmt: skip
async def list_notifications(request: Request) -> Response:
    """Latest first; `unread_count` counts up to 100."""
    query = read_query(request, "limit", "cursor", "unread")
    page = read_page(query)
    answer = await request.app.state.clients.notifications.ListNotifications(
        pb.ListNotificationsRequest(
            page_size=page.size,
            page_token=page.token,
            unread_only=read_flag(query, "unread"),
        ),
        identity_of(request),
    )
    return page_response(
        map(_json, answer.notifications),
        answer.next_page_token,
        unread_count=answer.unread_count,
    )


@add("POST", "/notifications/{notification_id}/read", rpc=RPC["MarkRead"],
     summary="Mark a notification as read", answer=schemas.AnyRecord,
     parameters=[path_parameter("notification_id", "notification")], problems=[404])  # fmt: skip
async def mark_notification_read(request: Request) -> Response:
    """Doing so twice changes nothing."""
    answer = await request.app.state.clients.notifications.MarkRead(
        pb.MarkReadRequest(notification_id=request.path_params["notification_id"]),
        identity_of(request),
    )
    return json_response(_json(answer))


@add("GET", "/notifications/preferences", rpc=RPC["GetPreferences"],
     summary="Get what I am told of", answer=setting_schemas.PreferencesOut)  # fmt: skip
async def get_preferences(request: Request) -> Response:
    """Kind by kind, in the application and by mail; `digest` says that a mail waits for the
    morning's digest."""
    read_query(request)
    answer = await request.app.state.clients.notifications.GetPreferences(
        pb.GetPreferencesRequest(), identity_of(request)
    )
    return json_response(preferences_json(answer))


@add("PUT", "/notifications/preferences", rpc=RPC["SetPreferences"],
     summary="Choose what I am told of", body=setting_schemas.PreferencesIn,
     answer=setting_schemas.PreferencesOut)  # fmt: skip
async def set_preferences(request: Request) -> Response:
    """Kinds that are not named stay as they are."""
    body = await read_body(request, setting_schemas.PreferencesIn)
    asked = pb.SetPreferencesRequest(mute_own_changes=body.mute_own_changes)
    for choice in body.preferences:
        asked.preferences.add(**choice.model_dump())
    answer = await request.app.state.clients.notifications.SetPreferences(
        asked, identity_of(request)
    )
    return json_response(preferences_json(answer))


@add("POST", "/notifications/read-all", rpc=RPC["MarkAllRead"],
     summary="Mark all notifications as read", answer=schemas.AnyRecord)  # fmt: skip
async def mark_all_notifications_read(request: Request) -> Response:
    """Says how many were unread."""
    answer = await request.app.state.clients.notifications.MarkAllRead(
        pb.MarkAllReadRequest(), identity_of(request)
    )
    return json_response({"marked": answer.marked})


def preferences_json(answer: pb.Preferences) -> dict[str, Any]:
    """Kind by kind."""
    return {
        "preferences": [
            {
                "kind": found.kind,
                "in_app": found.in_app,
                "by_mail": found.by_mail,
                "digest": found.digest,
            }
            for found in answer.preferences
        ],
        "mute_own_changes": answer.mute_own_changes,
    }


def _json(notification: pb.Notification) -> dict[str, Any]:
    return {
        "id": notification.id,
        "kind": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "target_kind": notification.target_kind or None,
        "target_id": notification.target_id or None,
        "created_at": instant(notification.create_time),
        "read_at": (
            instant(notification.read_time) if notification.HasField("read_time") else None
        ),
    }
