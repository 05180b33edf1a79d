"""An activity: what was or will be done for a client or a deal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.domain.entries import Entry, Named
from crm.domain.errors import ActivityHasChanged
from crm.domain.repetition import Repetition, next_due, on
from kit.aggregate import Aggregate, Fact

MAX_SUBJECT, MAX_BODY = 300, 10_000
CLOCKS_DIFFER = timedelta(minutes=5)  # what a device's own clock may be ahead of ours


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
    all_day: bool = False  # due on a day; `due_at` is then its beginning
    remind_at: datetime | None = None
    repetition: Repetition = Repetition.NONE
    repeats_from: datetime | None = None  # due time of the series' first one
    follows: UUID | None = None  # the one before it in its series
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
    all_day: bool
    remind_at: datetime | None
    repetition: Repetition


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
    before: ActivityState | None = None


@dataclass(frozen=True, kw_only=True)
class ActivityDeleted(ActivityFact):
    """An activity is in the trash."""


@dataclass(frozen=True, kw_only=True)
class ActivityRestored(ActivityFact):
    """An activity is back from the trash."""


@dataclass(frozen=True, kw_only=True)
class ActivityReminded(Fact):
    """The time has come to remind somebody of an activity, which itself has not changed."""

    activity: ActivityState
    time_zone: str  # the workspace's, in which its times are said


@dataclass(eq=False, kw_only=True)
class Activity(Aggregate):
    """Loaded and saved by adapters/activities.py."""

    state: ActivityState

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        edit: ActivityEdit,
        zone: ZoneInfo,
        at: datetime,
        by: UUID,
        done_at: datetime | None = None,
    ) -> "Activity":
        """A new activity, or one that was done at `done_at` already. Raises EntryRefused."""
        blank = ActivityState(
            kind=ActivityKind.NOTE, subject="", created_at=at, updated_at=at, done_at=done_at
        )
        state = _edited(blank, {"subject": "", **edit}, zone=zone, at=at)
        if state.kind is ActivityKind.NOTE and state.due_at is None and done_at is None:
            state = replace(state, done_at=at)  # it is written, and there is nothing to do
        return cls._begun(id, workspace_id, state, at=at, by=by)

    def next_of_series(
        self, id: UUID, *, zone: ZoneInfo, at: datetime, by: UUID
    ) -> "Activity | None":
        """What is to be done next, now that this is done; None unless it repeats."""
        done = self.state
        if done.repetition is Repetition.NONE or done.due_at is None:
            return None
        first = done.repeats_from or done.due_at
        due = next_due(done.repetition, done.due_at, first=first, after=at, zone=zone)
        state = replace(
            done,
            due_at=due,
            remind_at=done.remind_at and due - (done.due_at - done.remind_at),
            repeats_from=first,
            follows=self.id,
            done_at=None,
            created_at=at,
            updated_at=at,
        )
        return self._begun(id, self.workspace_id, state, at=at, by=by)

    @classmethod
    def _begun(
        cls, id: UUID, workspace_id: UUID, state: ActivityState, *, at: datetime, by: UUID
    ) -> "Activity":
        activity = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        activity.tell(ActivityCreated(aggregate_id=id, version=1, at=at, by=by, activity=state))
        return activity

    @property
    def is_untouched(self) -> bool:
        """Nobody has changed it since it came to be."""
        return self.version == 1

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise ActivityHasChanged(
                "The activity was changed meanwhile.", current=str(self.version)
            )

    def edit(self, edit: ActivityEdit, *, zone: ZoneInfo, at: datetime, by: UUID) -> None:
        """Take other values; the same ones are nothing to tell.

        Raises EntryRefused.
        """
        before, after = self.state, _edited(self.state, edit, zone=zone, at=at)
        names = dict.fromkeys([*edit, "remind_at"])  # it may have gone along with another one
        changed = [
            API_NAMES[name] for name in names if getattr(before, name) != getattr(after, name)
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

    def restore(self, *, at: datetime, by: UUID) -> None:
        """Come back from the trash."""
        self.state = replace(self.state, deleted_at=None, updated_at=at)
        self._tell(ActivityRestored, at=at, by=by)

    def _change(
        self, after: ActivityState, changed: Sequence[str], *, at: datetime, by: UUID
    ) -> None:
        before, self.state = self.state, replace(after, updated_at=at)
        self._tell(ActivityUpdated, at=at, by=by, changed_fields=changed, before=before)

    def _tell(self, fact: type[ActivityFact], *, at: datetime, by: UUID, **more: Any) -> None:
        version = self.version + 1
        self.tell(
            fact(aggregate_id=self.id, version=version, at=at, by=by, activity=self.state, **more)
        )


def _edited(
    state: ActivityState, edit: ActivityEdit, *, zone: ZoneInfo, at: datetime
) -> ActivityState:
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "subject" in edit:
        clean["subject"] = entry.text("subject", edit["subject"], limit=MAX_SUBJECT, needed=True)
    if "body" in edit:
        clean["body"] = entry.text("body", edit["body"], limit=MAX_BODY)
    after = replace(state, **clean)
    if after.client is None and after.deal is None:
        entry.refuse("client_id", "ACTIVITY_WITHOUT_TARGET", "Choose a client or a deal.")
    if after.repetition is not Repetition.NONE and after.due_at is None:
        entry.refuse("due_at", "REPETITION_WITHOUT_DUE", "Say when the first one is due.")
    if after.done_at is not None and after.done_at > at + CLOCKS_DIFFER:
        entry.refuse("done_at", "DONE_IN_FUTURE", "What was done lies in the past.")
    entry.done()
    after = _on_its_day(state, after, zone)
    return after if "remind_at" in edit else _with_its_reminder(state, after)


def _with_its_reminder(before: ActivityState, after: ActivityState) -> ActivityState:
    """A reminder goes along with what it is of, as long before it as it was."""
    if before.remind_at is None or before.due_at is None or after.due_at is None:
        return after
    return replace(after, remind_at=after.due_at - (before.due_at - before.remind_at))


def _on_its_day(before: ActivityState, after: ActivityState, zone: ZoneInfo) -> ActivityState:
    """A whole day's due time is that day's beginning; a series with another one begins anew."""
    due = after.due_at
    if due is not None and after.all_day:
        due = on(due.astimezone(zone).date(), time(), zone)
    begins = due if after.repetition is not Repetition.NONE else None
    if (before.due_at, before.repetition) == (due, after.repetition):
        begins = before.repeats_from
    return replace(
        after, due_at=due, all_day=after.all_day and due is not None, repeats_from=begins
    )
