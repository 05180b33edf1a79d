"""An activity: what was or will be done for a client or a deal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID

from crm.domain.entries import Entry, Named
from crm.domain.errors import ActivityHasChanged
from kit.aggregate import Aggregate, Fact

MAX_SUBJECT, MAX_BODY = 300, 10_000


class ActivityKind(StrEnum):
    """How one is in touch."""

    CALL = "call"
    MEETING = "meeting"
    MAIL = "mail"
    TASK = "task"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityState:
    """All of an activity at one moment."""

    kind: ActivityKind
    subject: str
    created_at: datetime
    updated_at: datetime
    body: str = ""
    client: Named | None = None
    deal: Named | None = None
    owner: Named | None = None
    due_at: datetime | None = None
    remind_at: datetime | None = None
    done_at: datetime | None = None
    deleted_at: datetime | None = None


class ActivityEdit(TypedDict, total=False):
    """What a person may change in an activity."""

    kind: ActivityKind
    subject: str
    body: str
    client: Named | None
    deal: Named | None
    owner: Named | None
    due_at: datetime | None
    remind_at: datetime | None


# How the public API spells them.
API_NAMES = {name: name for name in ActivityEdit.__annotations__} | {
    "client": "client_id",
    "deal": "deal_id",
    "owner": "owner_id",
}


@dataclass(frozen=True, kw_only=True)
class ActivityFact(Fact):
    """What happened to an activity; `activity` is how it stands after it."""

    activity: ActivityState


@dataclass(frozen=True, kw_only=True)
class ActivityCreated(ActivityFact):
    """An activity came to be."""


@dataclass(frozen=True, kw_only=True)
class ActivityUpdated(ActivityFact):
    """An activity has other values, or is done, or not done again."""

    changed_fields: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class ActivityDeleted(ActivityFact):
    """An activity is in the trash."""


@dataclass(eq=False, kw_only=True)
class Activity(Aggregate):
    """Loaded and saved by adapters/activities.py."""

    state: ActivityState

    @classmethod
    def create(
        cls, id: UUID, workspace_id: UUID, *, edit: ActivityEdit, at: datetime, by: UUID
    ) -> "Activity":
        """A new activity. Raises EntryRefused."""
        blank = ActivityState(kind=ActivityKind.NOTE, subject="", created_at=at, updated_at=at)
        state = _edited(blank, {"subject": "", **edit})
        activity = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        activity.tell(ActivityCreated(aggregate_id=id, version=1, at=at, by=by, activity=state))
        return activity

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise ActivityHasChanged(
                "The activity was changed meanwhile.", current=str(self.version)
            )

    def edit(self, edit: ActivityEdit, *, at: datetime, by: UUID) -> None:
        """Take other values; the same ones are nothing to tell.

        Raises EntryRefused.
        """
        before, after = self.state, _edited(self.state, edit)
        changed = [
            API_NAMES[name] for name in edit if getattr(before, name) != getattr(after, name)
        ]
        if changed:
            self._change(after, changed, at=at, by=by)

    def set_done(self, done: bool, *, at: datetime, by: UUID) -> None:
        """Be done, or not done again; what is so already is nothing to tell."""
        if done != (self.state.done_at is not None):
            after = replace(self.state, done_at=at if done else None)
            self._change(after, ["done_at"], at=at, by=by)

    def delete(self, *, at: datetime, by: UUID) -> None:
        """Go to the trash."""
        self.state = replace(self.state, deleted_at=at, updated_at=at)
        self._tell(ActivityDeleted, at=at, by=by)

    def _change(
        self, after: ActivityState, changed: Sequence[str], *, at: datetime, by: UUID
    ) -> None:
        self.state = replace(after, updated_at=at)
        self._tell(ActivityUpdated, at=at, by=by, changed_fields=changed)

    def _tell(self, fact: type[ActivityFact], *, at: datetime, by: UUID, **more: Any) -> None:
        version = self.version + 1
        self.tell(
            fact(aggregate_id=self.id, version=version, at=at, by=by, activity=self.state, **more)
        )


def _edited(state: ActivityState, edit: ActivityEdit) -> ActivityState:
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "subject" in edit:
        clean["subject"] = entry.text("subject", edit["subject"], limit=MAX_SUBJECT, needed=True)
    if "body" in edit:
        clean["body"] = entry.text("body", edit["body"], limit=MAX_BODY)
    after = replace(state, **clean)
    if after.client is None and after.deal is None:
        entry.refuse("client_id", "ACTIVITY_WITHOUT_TARGET", "Choose a client or a deal.")
    entry.done()
    return after
