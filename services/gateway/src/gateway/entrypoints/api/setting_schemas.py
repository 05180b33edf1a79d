"""Bodies and shapes of a workspace's settings, as the documentation shows them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import CivilDate, Id, Out

StageTypeName = Literal["open", "won", "lost"]
ColorName = Literal["", "blue", "teal", "green", "amber", "orange", "red", "pink", "violet", "grey"]
ShortName = Annotated[str, Field(min_length=1, max_length=50)]


class StageIn(Body):
    """A new stage."""

    name: ShortName
    type: StageTypeName = "open"
    color: ColorName = ""
    rotting_days: int = Field(default=0, ge=0, le=3650)
    default_probability: float = Field(default=0.5, ge=0, le=1)


class StageChange(Body):
    """The fields to change; another type is for empty stages only."""

    name: ShortName | None = None
    type: StageTypeName | None = None
    color: ColorName | None = None
    rotting_days: int | None = Field(default=None, ge=0, le=3650)
    default_probability: float | None = Field(default=None, ge=0, le=1)


class LostReasonIn(Body):
    name: ShortName


class OrderIn(Body):
    """All of them, each once."""

    ids: list[Id] = Field(max_length=200)


class StageOut(Out):
    id: UUID
    name: str
    type: StageTypeName
    position: int
    color: ColorName
    rotting_days: int | None
    default_probability: float
    version: int


class LostReasonOut(Out):
    id: UUID
    name: str


class OwnerOut(Out):
    id: UUID
    name: str
    user_id: UUID | None = Field(description="The member; null for a label of an import.")


class OwnerPage(Out):
    items: list[OwnerOut]
    next_cursor: str | None


class StageRemoval(Out):
    """What a removal's job will do."""

    job_id: UUID


class RateIn(Body):
    """What one unit of a currency buys from a day on."""

    currency: str = Field(min_length=3, max_length=3, examples=["USD"])
    valid_from: CivilDate
    rate: str = Field(max_length=24, examples=["0.9213"])


class RatesIn(Body):
    rates: list[RateIn] = Field(min_length=1, max_length=500)


class RatesChanged(Out):
    """How many rates have become different."""

    changed: int


class PreferenceIn(Body):
    """How one kind of notification reaches a person."""

    kind: str = Field(max_length=50, examples=["deal_moved"])
    in_app: bool
    by_mail: bool = Field(description="By mail: at once, or in the digest.")
    digest: bool | None = Field(
        default=None,
        description="By mail, in one digest at 08:00 of the workspace's time zone instead of at"
        " once; absent leaves that as it was.",
    )


class PreferencesIn(Body):
    """What is absent stays as it is."""

    preferences: list[PreferenceIn] = Field([], max_length=50)
    mute_own_changes: bool | None = Field(
        None, description="Whether I am not told of what I do myself; true until it is set."
    )


class PreferenceOut(Out):
    kind: str
    in_app: bool
    by_mail: bool
    digest: bool


class PreferencesOut(Out):
    """One for each kind there is."""

    preferences: list[PreferenceOut]
    mute_own_changes: bool


FieldTypeName = Literal[
    "text", "number", "money", "date", "select", "multi_select", "url", "checkbox"
]
Options = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)]


class CustomFieldIn(Body):
    """A new field; `options` are for select and multi_select."""

    resource: Literal["clients", "deals"]
    name: ShortName
    type: FieldTypeName
    options: Options = Field(default_factory=list)


class CustomFieldChange(Body):
    """The values to change."""

    name: ShortName | None = None
    options: Options | None = None
    position: int | None = Field(default=None, ge=0, le=100)


class CustomFieldOut(Out):
    id: UUID
    resource: Literal["clients", "deals"]
    key: str
    name: str
    type: FieldTypeName
    options: list[str]
    position: int
    version: int


class TagIn(Body):
    name: ShortName
    color: ColorName = ""


class TagRename(Body):
    name: ShortName


class TagOut(Out):
    name: str
    color: ColorName
    deal_count: int
    client_count: int


class TagCarriers(Out):
    """How many records carried it."""

    deal_count: int
    client_count: int


Names = list[Annotated[str, Field(max_length=80)]]


class ViewIn(Body):
    """A view; what is left out is as usual."""

    resource: Literal["deals", "clients", "activities"] = "deals"
    name: ShortName
    shared: bool = False
    filter: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"stage_type": "open", "owner_id": "me", "amount_minor__gte": 100000}],
    )
    sort: Names = Field(default_factory=list, max_length=3)
    columns: Names = Field(default_factory=list, max_length=30)
    layout: Literal["", "board", "table"] = ""
    card_fields: Names = Field(default_factory=list, max_length=6)


class ViewOut(Out):
    id: UUID
    resource: str
    name: str
    shared: bool
    filter: dict[str, str]
    sort: list[str]
    columns: list[str]
    layout: str
    card_fields: list[str]
    owner_id: UUID | None
    owner_name: str | None
    chosen: bool
    editable: bool
    version: int
