"""A bulk request as a change, and the records it is about: for the RPC and for the job."""

from typing import Any
from uuid import UUID

from crm.adapters.activity_queries import ACTIVITIES
from crm.adapters.client_queries import CLIENTS
from crm.adapters.deal_queries import DEALS
from crm.application.bulk_changes import MOST, Action, Change
from crm.domain.errors import ActionIncomplete, ActionUnknown, BulkEmpty, BulkTooLarge
from crm.entrypoints.app import App
from crm.entrypoints.rpc import activities as of_activities
from crm.entrypoints.rpc import clients as of_clients
from crm.entrypoints.rpc import deals as of_deals
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.requests import Edit, edit_of, meant, optional_id
from freelanceflow.crm.v1 import bulk_service_pb2 as pb
from kit.ids import parse_id
from kit.paging import MAX_PAGE_SIZE

ACTIONS = {
    pb.BULK_ACTION_UPDATE: Action.UPDATE,
    pb.BULK_ACTION_MOVE: Action.MOVE,
    pb.BULK_ACTION_TAG: Action.TAG,
    pb.BULK_ACTION_DELETE: Action.DELETE,
    pb.BULK_ACTION_ASSIGN: Action.ASSIGN,
}
ALLOWED = {
    "deals": frozenset(Action),
    "clients": frozenset(Action) - {Action.MOVE},
    "activities": frozenset(Action) - {Action.MOVE, Action.TAG},
}
_LISTS = {"deals": DEALS, "clients": CLIENTS, "activities": ACTIVITIES}
_VALUES: dict[str, tuple[str, Any]] = {
    "deals": ("deal", of_deals),
    "clients": ("client", of_clients),
    "activities": ("activity", of_activities),
}


def change_of(resource: str, request: pb.BulkChange) -> Change:
    """Raises ActionUnknown, ActionIncomplete, FieldNotWritable, EntryRefused, InvalidInput."""
    action = ACTIONS.get(request.action)
    if action is None or action not in ALLOWED[resource]:
        said = f"Choose one of {', '.join(sorted(ALLOWED[resource]))}."
        raise ActionUnknown(said, fields={"action": said})
    edit = _update(resource, request) if action is Action.UPDATE else Edit({}, {})
    owner_id = optional_id(request.owner_id, "owner_id")
    change = Change(
        action=action,
        values=edit.values,
        ids={"owner_id": owner_id} if action is Action.ASSIGN else edit.ids,
        stage_id=optional_id(request.stage_id, "stage_id"),
        lost_reason_id=optional_id(request.lost_reason_id, "lost_reason_id"),
        add_tags=tuple(request.add_tags),
        remove_tags=tuple(request.remove_tags),
    )
    missing = {
        Action.UPDATE: not edit.values and not any(edit.ids.values()) and "values",
        Action.MOVE: change.stage_id is None and "stage_id",
        Action.TAG: not (change.add_tags or change.remove_tags) and "add_tags",
        Action.ASSIGN: owner_id is None and "owner_id",
    }.get(action)
    if missing:
        raise ActionIncomplete("Say what is to change.", fields={missing: "Is missing."})
    return change


def _update(resource: str, request: pb.BulkChange) -> Edit:
    name, module = _VALUES[resource]
    message = getattr(request, name)
    mask = request.update_mask if request.HasField("update_mask") else None
    return edit_of(
        message,
        meant(message, mask, module.WRITABLE),
        ids=module.REFERENCES,
        readers=module.READERS,
    )


async def records_of(
    app: App, workspace_id: UUID, resource: str, request: pb.BulkChange
) -> list[UUID]:
    """Those that are named, each once, or all in the caller's list that meet the conditions.

    Raises BulkEmpty, BulkTooLarge, InvalidInput and what the list refuses.
    """
    if request.ids:
        ids = list(dict.fromkeys(parse_id(id, "ids") for id in request.ids))
    elif request.conditions:
        ids = await _listed(app, workspace_id, resource, request)
    else:
        raise BulkEmpty("Name records, or say which.", fields={"ids": "Is missing."})
    if len(ids) > MOST:
        raise BulkTooLarge(f"At most {MOST} at once.", fields={"ids": f"At most {MOST}."})
    return ids


async def _listed(
    app: App, workspace_id: UUID, resource: str, request: pb.BulkChange
) -> list[UUID]:
    ids: list[UUID] = []
    token = ""
    while len(ids) <= MOST:
        page = await _LISTS[resource].page(
            app.pool,
            app.page_tokens,
            workspace_id,
            Plain(conditions=request.conditions, page_size=MAX_PAGE_SIZE, page_token=token),
        )
        ids += [row["id"] for row in page.rows]
        token = page.next_page_token
        if not token:
            break
    return ids
