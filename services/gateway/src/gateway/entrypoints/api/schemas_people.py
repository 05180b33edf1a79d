"""Shapes of timelines, contacts and new workspaces, as the documentation shows them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import ActivityKind, Out


class NewWorkspace(Body):
    name: str = Field(max_length=1000, examples=["Harbour Works"])
    currency: str = Field(default="EUR", max_length=3)
    time_zone: str = Field(default="UTC", max_length=64)


class ContactIn(Body):
    """What a contact does in a deal."""

    role: str = Field(default="", max_length=100, examples=["Decides"])


class Contact(Out):
    client_id: UUID
    name: str
    kind: Literal["company", "person"]
    role: str
    emails: list[str]
    phones: list[str]


class ContactList(Out):
    items: list[Contact]


class FieldChange(Out):
    field: str
    before: str
    after: str


class TimelineActivity(Out):
    id: UUID
    kind: ActivityKind
    subject: str
    body: str


class TimelineEntry(Out):
    id: UUID
    kind: str
    happened_at: datetime
    actor_id: UUID | None
    actor_name: str | None
    deal_id: UUID | None
    deal_name: str | None
    client_id: UUID | None
    client_name: str | None
    changes: list[FieldChange]
    from_stage: str | None
    to_stage: str | None
    days_in_stage: float | None
    activity: TimelineActivity | None


class TimelinePage(Out):
    items: list[TimelineEntry]
    next_cursor: str | None


class CalendarFeed(Out):
    exists: bool
    created_at: datetime | None
    url: str | None
