"""A deal: money that may come, and where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from crm.domain.custom_field import merged
from crm.domain.entries import MAX_NAME, Amount, Entry, Named
from crm.domain.errors import DealHasChanged, LostReasonMissing
from crm.domain.stage import Stage, StageType
from kit.aggregate import Aggregate, Fact
from kit.money import Money

MAX_SOURCE, MAX_NEXT_STEP, MAX_EXTERNAL_ID = 100, 500, 200
SECONDS_OF_A_DAY = 86_400
LAST_VERSION = 2**31 - 1


# What it takes to know of the odds: analytics has found them.
KNOWS_ODDS = "analytics.read"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealState:
    """All of a deal at one moment. Never changed, only followed by the next one."""

    name: str
    stage: Stage
    position: str  # fractional order inside the column, compared byte by byte
    entered_stage_at: datetime
    created_at: datetime
    updated_at: datetime
    client: Named | None = None
    amount: Money | None = None
    owner: Named | None = None
    expected_close_date: date | None = None
    source: str = ""
    next_step: str = ""
    next_step_due_date: date | None = None
    tags: Sequence[str] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    external_id: str | None = None
    win_probability: float | None = None
    advice: str | None = None
    odds_evidence: str | None = None
    closed_at: datetime | None = None
    lost_reason: Named | None = None
    deleted_at: datetime | None = None


class DealEdit(TypedDict, total=False):
    """What a person may change in a deal; its stage changes by a move only."""

    name: str
    client: Named | None
    amount: Amount | None
    owner: Named | None
    expected_close_date: date | None
    source: str
    next_step: str
    next_step_due_date: date | None
    tags: Sequence[str]
    custom_fields: Mapping[str, Any]
    external_id: str | None


# How the public API spells them.
API_NAMES = {name: name for name in DealEdit.__annotations__} | {
    "client": "client_id",
    "owner": "owner_id",
}


class Change(NamedTuple):
    """One field, before and after, in words."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class DealFact(Fact):
    """What happened to a deal; `deal` is how it stands after it."""

    deal: DealState
    # In the workspace's currency, at the rate of its day: given to it when it is written.
    base_amount: Money | None = None

    @property
    def valued_at(self) -> datetime:
        """Whose day's rate counts: that of the close for a closed deal, else that of the fact."""
        return self.deal.closed_at or self.at


@dataclass(frozen=True, kw_only=True)
class DealCreated(DealFact):
    """A deal came to be."""


@dataclass(frozen=True, kw_only=True)
class DealUpdated(DealFact):
    """A deal has other values."""

    before: DealState
    changes: Sequence[Change]


@dataclass(frozen=True, kw_only=True)
class DealMoved(DealFact):
    """A deal stands in another stage."""

    before: DealState
    by_name: str

    @property
    def days_in_stage(self) -> float:
        """How long it stood in the stage it left."""
        stayed = self.at - self.before.entered_stage_at
        return max(stayed.total_seconds(), 0.0) / SECONDS_OF_A_DAY


@dataclass(frozen=True, kw_only=True)
class DealReordered(DealFact):
    """A deal has another place in its column."""


@dataclass(frozen=True, kw_only=True)
class DealDeleted(DealFact):
    """A deal is in the trash."""


@dataclass(frozen=True, kw_only=True)
class DealRestored(DealFact):
    """A deal is back from the trash."""


@dataclass(eq=False, kw_only=True)
class Deal(Aggregate):
    """Loaded and saved by adapters/deals.py; knows nothing of it."""

    state: DealState
    own_currency: str = ""  # the workspace's, when it was looked up with the deal

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        edit: DealEdit,
        stage: Stage,
        position: str,
        at: datetime,
        by: UUID | None,
        lost_reason: Named | None = None,
    ) -> "Deal":
        """A new deal on its stage.

        Raises EntryRefused, LostReasonMissing.
        """
        state = DealState(
            stage=stage,
            position=position,
            entered_stage_at=at,
            created_at=at,
            updated_at=at,
            closed_at=None if stage.type is StageType.OPEN else at,
            lost_reason=_lost_for(stage, lost_reason),
            **_clean({"name": "", **edit}, {}, ()),
        )
        deal = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        deal.tell(DealCreated(aggregate_id=id, version=1, at=at, by=by, deal=deal.state))
        return deal

    @classmethod
    def imported(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        edit: DealEdit,
        first: Stage,
        stage: Stage,
        position: str,
        created_at: datetime,
        entered_at: datetime,
        lost_reason: Named | None,
    ) -> "Deal":
        """A deal with a past: it came to be in the workspace's first stage, then it moved.

        A source may not know why a deal was lost. Raises EntryRefused.
        """
        deal = cls.create(
            id,
            workspace_id,
            edit=edit,
            stage=first,
            position=position,
            at=created_at,
            by=None,
        )
        if stage.id != first.id:
            deal.change_stage(stage, position, at=entered_at, by=None, lost_reason=lost_reason)
            deal.version += 1
        return deal

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise DealHasChanged("The deal was changed meanwhile.", current=str(self.version))

    def edit(self, edit: DealEdit, *, at: datetime, by: UUID) -> None:
        """Take other values; the same ones are nothing to tell.

        Raises EntryRefused.
        """
        before = self.state
        after = replace(before, **_clean(edit, before.custom_fields, before.tags))
        changes = [
            Change(API_NAMES[name], _in_words(was), _in_words(now))
            for name in edit
            if (was := getattr(before, name)) != (now := getattr(after, name))
        ]
        if changes:
            self.state = replace(after, updated_at=at)
            self._tell(DealUpdated, at=at, by=by, before=before, changes=changes)

    def note_change(self, field: str, before: str, after: str, *, at: datetime, by: UUID) -> None:
        """Tell that what stands around the deal has changed; the same is nothing to tell."""
        if before != after:
            was, self.state = self.state, replace(self.state, updated_at=at)
            change = Change(field, before, after)
            self._tell(DealUpdated, at=at, by=by, before=was, changes=[change])

    def move_to(
        self,
        stage: Stage,
        position: str,
        *,
        at: datetime,
        by: UUID | None,
        by_name: str = "",
        lost_reason: Named | None = None,
        closed_at: datetime | None = None,
    ) -> None:
        """Stand in `stage` at `position`; within a column only the order changes.

        A deal that was won or lost before `at` is moved as of then.

        Raises LostReasonMissing for a lost stage without a reason.
        """
        if stage.id == self.state.stage.id:
            self.state = replace(self.state, position=position, updated_at=at)
            self._tell(DealReordered, at=at, by=by)
            return
        lost_reason = _lost_for(stage, lost_reason)
        self.change_stage(
            stage,
            position,
            at=closed_at or at,
            by=by,
            by_name=by_name,
            lost_reason=lost_reason,
            told_at=at,
        )

    def displace(
        self, stage: Stage, position: str, *, at: datetime, by: UUID | None, by_name: str = ""
    ) -> None:
        """Stand in another stage of the same type, because the one it stood in is removed."""
        reason = self.state.lost_reason
        self.change_stage(stage, position, at=at, by=by, by_name=by_name, lost_reason=reason)

    def delete(self, *, at: datetime, by: UUID) -> None:
        """Go to the trash."""
        self.state = replace(self.state, deleted_at=at, updated_at=at)
        self._tell(DealDeleted, at=at, by=by)

    def restore(self, position: str, *, at: datetime, by: UUID) -> None:
        """Come back from the trash, to a new place in the column."""
        self.state = replace(self.state, position=position, deleted_at=None, updated_at=at)
        self._tell(DealRestored, at=at, by=by)

    def change_stage(
        self,
        stage: Stage,
        position: str,
        *,
        at: datetime,
        by: UUID | None,
        lost_reason: Named | None,
        by_name: str = "",
        told_at: datetime | None = None,
    ) -> None:
        """Stand in another stage; unlike `move_to` without asking why, for what a source tells."""
        before = self.state
        # Won is won: from one won stage to another the day on which it was stays.
        closed_at = before.closed_at if stage.type is before.stage.type else at
        self.state = replace(
            before,
            stage=stage,
            position=position,
            entered_stage_at=at,
            updated_at=told_at or at,
            closed_at=None if stage.type is StageType.OPEN else closed_at,
            lost_reason=lost_reason if stage.type is StageType.LOST else None,
        )
        self._tell(DealMoved, at=at, by=by, before=before, by_name=by_name)

    def _tell(self, fact: type[DealFact], *, at: datetime, by: UUID | None, **more: Any) -> None:
        version = self.version + 1
        self.tell(
            fact(aggregate_id=self.id, version=version, at=at, by=by, deal=self.state, **more)
        )


def _lost_for(stage: Stage, reason: Named | None) -> Named | None:
    if stage.type is not StageType.LOST:
        return None
    if reason is None:
        raise LostReasonMissing(
            "Say why the deal was lost.", fields={"lost_reason_id": "Choose a reason."}
        )
    return reason


def _clean(edit: DealEdit, custom_fields: Mapping[str, Any], tags: Sequence[str]) -> dict[str, Any]:
    """The fields of an edit, tidied; own fields go into those that are there already."""
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "name" in edit:
        clean["name"] = entry.text("name", edit["name"], limit=MAX_NAME, needed=True)
    if "source" in edit:
        clean["source"] = entry.text("source", edit["source"], limit=MAX_SOURCE)
    if "next_step" in edit:
        clean["next_step"] = entry.text("next_step", edit["next_step"], limit=MAX_NEXT_STEP)
    if "external_id" in edit:
        text = entry.text("external_id", edit["external_id"] or "", limit=MAX_EXTERNAL_ID)
        clean["external_id"] = text or None
    if "tags" in edit:
        clean["tags"] = entry.tags(edit["tags"], tags)
    if "custom_fields" in edit:
        values = entry.custom_fields(edit["custom_fields"])
        clean["custom_fields"] = merged(custom_fields, values)
    if (amount := edit.get("amount")) is not None:
        clean["amount"] = entry.money(amount.amount_minor, amount.currency)
    entry.done()
    return clean


def _in_words(value: Any) -> str:
    match value:
        case None:
            return ""
        case Named():
            return value.name
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(value)
        case Mapping():
            return ", ".join(f"{key}: {item}" for key, item in sorted(value.items()))
    return str(value)
