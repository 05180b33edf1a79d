"""An event as a consumer sees it, and the headers in which its envelope travels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kit.bus.subjects import type_of

SPEC_VERSION = "1.0"  # the names are CloudEvents'; the NATS binding itself knows JSON only


class Undecodable(Exception):
    """A message that is no event of ours; no later attempt will make it one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact from another service. `body` is the protobuf message, for the handler to decode."""

    id: UUID
    type: str  # crm.deal.v1.moved
    workspace_id: UUID
    subject_id: UUID  # the aggregate
    time: datetime  # when it happened, which may be years ago for an imported one
    version: int | None  # the aggregate's; a handler of latest state ignores what is not newer
    bulk_id: UUID | None
    actor_id: UUID | None
    origin: str  # the page that asked for the change, or nothing
    body: bytes
    headers: Mapping[str, str]

    @property
    def recorded_at(self) -> datetime:
        """When it was told; its id knows."""
        return datetime.fromtimestamp((self.id.int >> 80) / 1000, UTC)


def headers_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The envelope of an outbox row. `Nats-Msg-Id` lets the stream drop a repeat early."""
    event_id = str(row["event_id"])
    return {
        "Nats-Msg-Id": event_id,
        "ce-specversion": SPEC_VERSION,
        "ce-id": event_id,
        "ce-type": row["type"],
        "ce-source": "/" + row["type"].partition(".")[0],
        "ce-subject": str(row["aggregate_id"]),
        "ce-time": row["happened_at"].isoformat(),
        "ce-workspaceid": str(row["workspace_id"]),
        "ce-sequence": str(row["number"]),
        **row["headers"],
    }


def decode(subject: str, headers: Mapping[str, str] | None, body: bytes) -> Event:
    """Read the envelope. Raises Undecodable."""
    headers = headers or {}
    try:
        return Event(
            id=UUID(headers["ce-id"]),
            type=headers.get("ce-type") or type_of(subject),
            workspace_id=UUID(headers["ce-workspaceid"]),
            subject_id=UUID(headers["ce-subject"]),
            time=datetime.fromisoformat(headers["ce-time"]),
            version=int(headers["ff-version"]) if "ff-version" in headers else None,
            bulk_id=UUID(headers["ce-bulkid"]) if "ce-bulkid" in headers else None,
            actor_id=UUID(headers["ff-actor"]) if "ff-actor" in headers else None,
            origin=headers.get("ff-origin", ""),
            body=body,
            headers=headers,
        )
    except (KeyError, ValueError) as error:
        raise Undecodable(f"the envelope cannot be read: {error!r}") from error
