"""A stage as a workspace sets it up: how its column is called, and what it means to stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID

from crm.domain.entries import Entry
from crm.domain.setting_errors import (
    StageHasChanged,
    StageIsLastOfType,
    StageNameTaken,
    StagesIncomplete,
    StagesTooMany,
    TargetMissing,
    TargetUnfit,
)
from crm.domain.stage import StageType
from kit.aggregate import Aggregate, Fact

MAX_STAGES, MAX_STAGE_NAME, MAX_ROTTING_DAYS = 30, 50, 3650
# What it is certain that a deal in such a stage has come to.
CERTAIN = {StageType.WON: 1.0, StageType.LOST: 0.0}


class Color(StrEnum):
    """A colour that pages know in light and dark."""

    NONE = ""
    BLUE = "blue"
    TEAL = "teal"
    GREEN = "green"
    AMBER = "amber"
    ORANGE = "orange"
    RED = "red"
    PINK = "pink"
    VIOLET = "violet"
    GREY = "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """All of a stage at one moment."""

    name: str
    type: StageType
    color: str
    rotting_days: int  # 0 for never
    default_probability: float
    position: int


class StageEdit(TypedDict, total=False):
    """What a person may change in a stage; its place is a matter of all of them."""

    name: str
    type: StageType
    color: str
    rotting_days: int
    default_probability: float


@dataclass(frozen=True, kw_only=True)
class StageChanged(Fact):
    """A stage came to be, is another one, stands elsewhere or is gone."""

    stage: StageState
    before: StageState | None = None
    removed: bool = False


@dataclass(eq=False, kw_only=True)
class BoardStage(Aggregate):
    """Loaded and saved by adapters/board_stages.py."""

    state: StageState

    @classmethod
    def create(
        cls,
        id: UUID,
        workspace_id: UUID,
        *,
        edit: StageEdit,
        position: int,
        at: datetime,
        by: UUID | None,
    ) -> "BoardStage":
        """A new stage. Raises EntryRefused."""
        blank = StageState(
            name="",
            type=StageType.OPEN,
            color="",
            rotting_days=0,
            default_probability=0.5,
            position=position,
        )
        state = _edited(blank, {"name": "", **edit})
        stage = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        stage.tell(StageChanged(aggregate_id=id, version=1, at=at, by=by, stage=state))
        return stage

    def expect(self, etag: str) -> None:
        """Refuse a decision that was made on an older state."""
        if etag != str(self.version):
            raise StageHasChanged("The stage was changed meanwhile.", current=str(self.version))

    def edit(self, edit: StageEdit, *, at: datetime, by: UUID) -> bool:
        """Take other values; answers whether there was anything to tell. Raises EntryRefused."""
        return self._become(_edited(self.state, edit), at=at, by=by)

    def stand_at(self, position: int, *, at: datetime, by: UUID) -> bool:
        """Take another place on the board."""
        return self._become(replace(self.state, position=position), at=at, by=by)

    def remove(self, *, at: datetime, by: UUID | None) -> None:
        """Be gone; its deals have gone before."""
        self._tell(self.state, at=at, by=by, removed=True)

    def _become(self, state: StageState, *, at: datetime, by: UUID) -> bool:
        before, self.state = self.state, state
        if state != before:
            self._tell(before, at=at, by=by)
        return state != before

    def _tell(
        self, before: StageState, *, at: datetime, by: UUID | None, removed: bool = False
    ) -> None:
        self.tell(
            StageChanged(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                stage=self.state,
                before=before,
                removed=removed,
            )
        )


# ---------------------------------------------------------------- what concerns all of a board


def place_for(stages: Sequence[BoardStage], type: StageType) -> int:
    """Where a new stage goes: an open one behind the other open ones, else the end."""
    if len(stages) >= MAX_STAGES:
        raise StagesTooMany(f"A board has at most {MAX_STAGES} stages.")
    if type is StageType.OPEN:
        closed = [stage.state.position for stage in stages if stage.state.type is not type]
        return min(closed, default=len(stages))
    return len(stages)


def expect_names_apart(stages: Sequence[BoardStage]) -> None:
    """Raises StageNameTaken."""
    names = [stage.state.name.lower() for stage in stages]
    if len(set(names)) < len(names):
        raise StageNameTaken(
            "There is a stage of this name already.", fields={"name": "This name is taken."}
        )


def expect_one_of_each_type(stages: Sequence[BoardStage]) -> None:
    """Raises StageIsLastOfType."""
    missing = set(StageType) - {stage.state.type for stage in stages}
    if missing:
        (first, *_) = sorted(missing)
        raise StageIsLastOfType(f"There must be one {first} stage at least.")


def in_order(stages: Sequence[BoardStage], ids: Sequence[UUID]) -> list[BoardStage]:
    """The stages as `ids` names them. Raises StagesIncomplete."""
    known = {stage.id: stage for stage in stages}
    if len(ids) != len(known) or set(ids) != set(known):
        said = "Name every stage of the board once."
        raise StagesIncomplete(said, fields={"ids": said})
    return [known[id] for id in ids]


def target_for(stage: BoardStage, target: BoardStage | None) -> BoardStage:
    """Where the deals of a stage can go. Raises TargetMissing, TargetUnfit."""
    field = "move_to_stage_id"
    if target is None:
        said = "Say where its deals go."
        raise TargetMissing(said, fields={field: said})
    if target.id == stage.id or target.state.type is not stage.state.type:
        said = f"Its deals can only go to another stage that is {stage.state.type}."
        raise TargetUnfit(said, fields={field: said})
    return target


def _edited(state: StageState, edit: StageEdit) -> StageState:
    entry = Entry()
    clean: dict[str, Any] = dict(edit)
    if "name" in edit:
        clean["name"] = entry.text("name", edit["name"], limit=MAX_STAGE_NAME, needed=True)
    if edit.get("color", "") not in list(Color):
        entry.refuse("color", "COLOR_UNKNOWN", "Choose one of the colours.")
    if not 0 <= edit.get("rotting_days", 0) <= MAX_ROTTING_DAYS:
        entry.refuse(
            "rotting_days", "ROTTING_DAYS_INVALID", f"A number of days up to {MAX_ROTTING_DAYS}."
        )
    if not 0 <= edit.get("default_probability", 0) <= 1:
        entry.refuse("default_probability", "PROBABILITY_INVALID", "A share from 0 to 1.")
    entry.done()
    after = replace(state, **clean)
    return replace(after, default_probability=CERTAIN.get(after.type, after.default_probability))
