"""What is kept of a person, as one file for themselves."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1 import own_data_service_pb2 as pb
from freelanceflow.notify.v1.notification_service_pb2 import GetPreferencesRequest
from gateway.adapters.clients import Clients
from gateway.entrypoints.api.answers import JSON, instant
from gateway.entrypoints.api.api_keys import key_json
from gateway.entrypoints.api.audit import entry_json
from gateway.entrypoints.api.downloads import attachment
from gateway.entrypoints.api.notifications import preferences_json
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import identity_of, read_query
from gateway.entrypoints.identity import principal_of
from kit.clock import SystemClock
from kit.rpc.identity import CallIdentity

RPC = pb.DESCRIPTOR.services_by_name["OwnDataService"].methods_by_name
PAGE = 200

operations = Operations("Account")
add = operations.add


@add("POST", "/me/export", rpc=RPC["GetOwnData"], summary="Download what is kept of me")
async def export_me(request: Request) -> Response:
    """One JSON file: profile, ways in, sessions, API keys, memberships, what I am told of in the
    workspace of the token, and what I did in every workspace I am in."""
    read_query(request)
    return await own_data_file(
        request.app.state.clients,
        identity_of(request),
        in_workspace=principal_of(request).in_workspace,
    )


async def own_data_file(
    clients: Clients, identity: CallIdentity, *, in_workspace: bool
) -> Response:
    """The file, for pages as well. What was done comes page by page: it may be a lot."""
    now = SystemClock().now()
    kept = await clients.own_data.GetOwnData(pb.GetOwnDataRequest(), identity)
    told = None
    if in_workspace:
        told = await clients.notifications.GetPreferences(GetPreferencesRequest(), identity)
    settings = told and preferences_json(told)
    head = {"exported_at": now, **_kept(kept), "notification_settings": settings}

    async def written() -> AsyncIterator[bytes]:
        yield _json(head)[:-1] + b',"audit_log":['
        first = True
        async for entries in _done(clients, identity):
            for entry in entries:
                yield (b"\n" if first else b",\n") + _json(entry)
                first = False
        yield b"]}\n"

    return attachment(written(), name=f"my-data-{now:%Y-%m-%d}.json", content_type=JSON)


async def _done(clients: Clients, identity: CallIdentity) -> AsyncIterator[list[dict[str, Any]]]:
    token = ""
    while True:
        asked = pb.ListOwnAuditEntriesRequest(page_size=PAGE, page_token=token)
        page = await clients.own_data.ListOwnAuditEntries(asked, identity)
        yield [
            {"workspace_id": found.workspace_id, **entry_json(found.entry)}
            for found in page.entries
        ]
        token = page.next_page_token
        if not token:
            return


def _kept(kept: pb.OwnData) -> dict[str, Any]:
    return {
        "profile": {
            "id": kept.user_id,
            "email": kept.email,
            "name": kept.name,
            "locale": kept.locale,
            "created_at": instant(kept.create_time),
            "email_verified_at": _perhaps(kept, "email_verify_time"),
            "has_password": kept.has_password,
        },
        "two_step": {
            "on": kept.two_step.on,
            "since": _perhaps(kept.two_step, "confirm_time"),
            "recovery_codes_left": kept.two_step.recovery_codes_left,
        },
        "identities": [
            {"provider": found.issuer, "email": found.email, "since": instant(found.connect_time)}
            for found in kept.identities
        ],
        "sessions": [
            {
                "workspace_id": found.workspace_id or None,
                "device": found.device,
                "by_api_key": found.by_api_key,
                "created_at": instant(found.create_time),
                "last_seen_at": instant(found.last_seen_time),
                "ended_at": _perhaps(found, "end_time"),
            }
            for found in kept.sessions
        ],
        "api_keys": [
            {"workspace_id": found.workspace_id, **key_json(found.key)} for found in kept.api_keys
        ],
        "memberships": [
            {
                "workspace_id": found.workspace_id,
                "workspace": found.workspace_name,
                "role": found.role,
                "custom_role": found.custom_role_name or None,
                "visibility": found.visibility,
                "team": found.team or None,
                "joined_at": instant(found.join_time),
            }
            for found in kept.memberships
        ],
    }


def _perhaps(message: Any, field: str) -> datetime | None:
    return instant(getattr(message, field)) if message.HasField(field) else None


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
