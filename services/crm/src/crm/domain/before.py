"""How a record was before something changed it, as JSON, and the edit that puts it back."""

from datetime import date
from typing import Any
from uuid import UUID

from crm.domain.client import ClientEdit, ClientKind, ClientState, Parent
from crm.domain.deal import DealEdit, DealState
from crm.domain.entries import Amount, Named

# Fields of a client of which a merge takes one or the other, as the public API spells them.
CLIENT_FIELDS = {
    "name": "name",
    "kind": "kind",
    "parent_id": "parent",
    "address": "address",
    "website": "website",
    "owner_id": "owner",
    "notes": "notes",
    "external_id": "external_id",
}


def client_before(state: ClientState) -> dict[str, Any]:
    """What a revert needs to put a client back, as JSON."""
    return {
        "kind": state.kind.value,
        "name": state.name,
        "parent": state.parent and [str(state.parent.id), state.parent.name, state.parent.kind],
        "emails": list(state.emails),
        "phones": list(state.phones),
        "address": state.address,
        "website": state.website,
        "owner": state.owner and [str(state.owner.id), state.owner.name],
        "tags": list(state.tags),
        "notes": state.notes,
        "external_id": state.external_id,
        "custom_fields": dict(state.custom_fields),
    }


def is_as_it_was(name: str, then: Any, now: Any) -> bool:
    """Whether a field still is what it was; whom it names may be called otherwise by now."""
    if name in ("parent", "owner"):
        return bool((then and then[0]) == (now and now[0]))
    return bool(then == now)


def client_back(before: dict[str, Any], now: ClientState) -> ClientEdit:
    """The edit that puts a client back from how it is now."""
    parent, owner = before["parent"], before["owner"]
    return ClientEdit(
        kind=ClientKind(before["kind"]),
        name=before["name"],
        parent=Parent(UUID(parent[0]), parent[1], ClientKind(parent[2])) if parent else None,
        emails=tuple(before["emails"]),
        phones=tuple(before["phones"]),
        address=before["address"],
        website=before["website"],
        owner=Named(UUID(owner[0]), owner[1]) if owner else None,
        tags=tuple(before["tags"]),
        notes=before["notes"],
        external_id=before["external_id"],
        custom_fields=_values_back(before, now),
    )


def deal_before(state: DealState) -> dict[str, Any]:
    """What a revert needs to put a deal back, as JSON."""
    return {
        "name": state.name,
        "client": state.client and [str(state.client.id), state.client.name],
        "amount": state.amount and [state.amount.amount_minor, state.amount.currency],
        "owner": state.owner and [str(state.owner.id), state.owner.name],
        "expected_close_date": state.expected_close_date,
        "source": state.source,
        "next_step": state.next_step,
        "tags": list(state.tags),
        "external_id": state.external_id,
        "custom_fields": dict(state.custom_fields),
        "stage": str(state.stage.id),
        "lost_reason": state.lost_reason and [str(state.lost_reason.id), state.lost_reason.name],
    }


def deal_back(before: dict[str, Any], now: DealState) -> DealEdit:
    """The edit that puts a deal back from how it is now; its stage is another matter."""
    client, amount, owner = before["client"], before["amount"], before["owner"]
    return DealEdit(
        name=before["name"],
        client=Named(UUID(client[0]), client[1]) if client else None,
        amount=Amount(*amount) if amount else None,
        owner=Named(UUID(owner[0]), owner[1]) if owner else None,
        expected_close_date=_date(before["expected_close_date"]),
        source=before["source"],
        next_step=before["next_step"],
        tags=tuple(before["tags"]),
        external_id=before["external_id"],
        custom_fields=_values_back(before, now),
    )


def _values_back(before: dict[str, Any], now: ClientState | DealState) -> dict[str, Any]:
    """What has come meanwhile goes; an earlier version kept nothing of a deal's."""
    kept = before.get("custom_fields")
    return {} if kept is None else {**dict.fromkeys(now.custom_fields), **kept}


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
