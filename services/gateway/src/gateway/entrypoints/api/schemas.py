"""The bodies that come in, and the shapes that go out, as the documentation shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.entrypoints.api.requests import Body

Name = Annotated[str, Field(min_length=1, max_length=200)]
Tags = Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=20)]
CustomFields = Annotated[dict[str, Any], Field(max_length=50)]
# Ids and dates travel as text; what cannot be one is refused by the service, which knows the field.
Id = Annotated[str, Field(max_length=64, examples=["018f2f6e-7a5a-7cc2-9d1e-3d2f5a1b9c3d"])]
CivilDate = Annotated[str, Field(max_length=10, examples=["2026-03-31"])]


class MoneyIn(Body):
    amount_minor: int = Field(ge=-(2**53), le=2**53, examples=[125000])
    currency: str = Field(min_length=3, max_length=3, examples=["EUR"])


class Registration(Body):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)
    name: Name
    workspace_name: str = Field(default="", max_length=200)
    currency: str = Field(default="", max_length=3)
    time_zone: str = Field(default="", max_length=64)


class Login(Body):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)


class RefreshToken(Body):
    refresh_token: str = Field(max_length=200)


class LinkToken(Body):
    token: str = Field(max_length=200)


class PasswordForgotten(Body):
    email: str = Field(max_length=320)


class PasswordReset(Body):
    token: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class PasswordChange(Body):
    current_password: str = Field(max_length=1000)
    password: str = Field(max_length=1000)


class InvitationAcceptance(Body):
    token: str = Field(max_length=200)
    name: str = Field(default="", max_length=200)
    password: str = Field(max_length=1000)


class ProfileIn(Body):
    name: Name | None = None
    locale: str | None = Field(default=None, max_length=20)


class WorkspaceIn(Body):
    name: Name | None = None
    currency: str | None = Field(default=None, max_length=3)
    time_zone: str | None = Field(default=None, max_length=64)


class DealIn(Body):
    """A new deal."""

    name: Name
    client_id: Id | None = None
    amount: MoneyIn | None = None
    stage_id: Id | None = None
    expected_close_date: CivilDate | None = None
    owner_id: Id | None = None
    source: str = Field(default="", max_length=100)
    next_step: str = Field(default="", max_length=500)
    next_step_due_date: CivilDate | None = None
    tags: Tags = Field(default_factory=list)
    custom_fields: CustomFields = Field(default_factory=dict)


class DealChange(Body):
    """The fields to change; null takes a value away."""

    name: Name | None = None
    client_id: Id | None = None
    amount: MoneyIn | None = None
    expected_close_date: CivilDate | None = None
    owner_id: Id | None = None
    source: str | None = Field(default=None, max_length=100)
    next_step: str | None = Field(default=None, max_length=500)
    next_step_due_date: CivilDate | None = None
    tags: Tags | None = None
    custom_fields: CustomFields | None = None


class DealMove(Body):
    stage_id: Id
    before_id: Id | None = None
    after_id: Id | None = None
    lost_reason_id: Id | None = None
    closed_on: date | None = Field(
        None,
        description="The day on which an open deal was won or lost, where that is told later: in"
        " the workspace's time zone, not before it came into its present stage.",
    )


class ClientIn(Body):
    """A new client."""

    kind: Literal["company", "person"] = "company"
    name: Name
    parent_id: Id | None = None
    emails: list[Annotated[str, Field(max_length=320)]] = Field(default=[], max_length=10)
    phones: list[Annotated[str, Field(max_length=50)]] = Field(default=[], max_length=10)
    address: str = Field(default="", max_length=1000)
    website: str = Field(default="", max_length=500)
    owner_id: Id | None = None
    tags: Tags = Field(default_factory=list)
    custom_fields: CustomFields = Field(default_factory=dict)
    notes: str = Field(default="", max_length=10_000)


class NewClient(ClientIn):
    allow_duplicate: bool = Field(
        default=False, description="Create it although somebody like that is there."
    )


class ClientChange(Body):
    """The fields to change; null takes a value away."""

    kind: Literal["company", "person"] | None = None
    name: Name | None = None
    parent_id: Id | None = None
    emails: list[Annotated[str, Field(max_length=320)]] | None = Field(default=None, max_length=10)
    phones: list[Annotated[str, Field(max_length=50)]] | None = Field(default=None, max_length=10)
    address: str | None = Field(default=None, max_length=1000)
    website: str | None = Field(default=None, max_length=500)
    owner_id: Id | None = None
    tags: Tags | None = None
    custom_fields: CustomFields | None = None
    notes: str | None = Field(default=None, max_length=10_000)


ActivityKind = Literal["call", "meeting", "mail", "task", "note"]
Repetition = Literal["daily", "weekdays", "weekly", "biweekly", "monthly", "yearly"]


class ActivityIn(Body):
    """A new activity, on a client, a deal or both."""

    kind: ActivityKind = "task"
    subject: str = Field(min_length=1, max_length=300)
    body: str = Field(default="", max_length=10_000)
    client_id: Id | None = None
    deal_id: Id | None = None
    owner_id: Id | None = None
    due_at: str | None = Field(default=None, max_length=40)
    all_day: bool = False
    remind_at: str | None = Field(default=None, max_length=40)
    repetition: Repetition | None = None
    done_at: str | None = Field(default=None, max_length=40)


class QuickActivityIn(Body):
    """A line of text, and what it is about when the line does not say it."""

    text: str = Field(min_length=1, max_length=300, examples=["Call Mira Fri 14:00"])
    client_id: Id | None = None
    deal_id: Id | None = None


class ActivityChange(Body):
    """The fields to change; null takes a value away."""

    kind: ActivityKind | None = None
    subject: str | None = Field(default=None, min_length=1, max_length=300)
    body: str | None = Field(default=None, max_length=10_000)
    client_id: Id | None = None
    deal_id: Id | None = None
    owner_id: Id | None = None
    due_at: str | None = Field(default=None, max_length=40)
    all_day: bool | None = None
    remind_at: str | None = Field(default=None, max_length=40)
    repetition: Repetition | None = None


class RiskAnswerIn(Body):
    """What a person says of a client's risk. Without `days` the usual time is taken."""

    answer: Literal["snoozed", "not_at_risk"]
    days: int = Field(default=0, ge=0, le=365)


class ReportIn(Body):
    """Which days the report counts, and how many months its forecast looks ahead."""

    from_: CivilDate | None = Field(default=None, alias="from")
    to: CivilDate | None = None
    horizon: int = Field(default=6, ge=1, le=24)
    owner_id: Id | None = None
    locale: str = Field(default="", max_length=20, pattern=r"^[A-Za-z0-9_-]*$")
    as_of: CivilDate | None = None


class Out(BaseModel):
    """What goes out; only documented, never validated."""


class MoneyOut(Out):
    amount_minor: int
    currency: str


class FieldProblem(Out):
    field: str
    message: str


class Problem(Out):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    reason: str
    errors: list[FieldProblem]
    trace_id: str
    current: dict[str, Any] | None = None


class Tokens(Out):
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    workspace_id: UUID | None = Field(description="Null for somebody who belongs to none.")
    user_id: UUID


class Me(Out):
    id: UUID
    email: str
    name: str
    locale: str
    role: str | None
    custom_role: str | None = Field(description="The role of one's own that narrows it.")
    permissions: list[str]
    workspace: dict[str, Any] | None
    created_at: datetime


class Workspace(Out):
    id: UUID
    name: str
    currency: str
    time_zone: str
    created_at: datetime


class Deal(Out):
    id: UUID
    name: str
    client_id: UUID | None
    client_name: str | None
    amount: MoneyOut | None
    stage_id: UUID
    stage_name: str
    stage_type: Literal["open", "won", "lost"]
    position: str
    expected_close_date: date | None
    owner_id: UUID | None
    owner_name: str | None
    source: str
    next_step: str
    next_step_due_date: date | None
    tags: list[str]
    custom_fields: dict[str, Any]
    external_id: str | None
    win_probability: float | None
    recommendation: Literal["focus", "review", "reconsider"] | None
    odds_evidence: Literal["none", "prior", "low", "medium", "high"] | None
    entered_stage_at: datetime
    rotting: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    lost_reason_id: UUID | None
    version: int


class DealPage(Out):
    items: list[Deal]
    next_cursor: str | None
    total: int | None = None
    sum: MoneyOut | None = None
    unconverted: list[MoneyOut] | None = None


class Client(Out):
    id: UUID
    kind: Literal["company", "person"]
    name: str
    parent_id: UUID | None
    parent_name: str | None
    emails: list[str]
    phones: list[str]
    address: str
    website: str
    owner_id: UUID | None
    owner_name: str | None
    tags: list[str]
    custom_fields: dict[str, Any]
    notes: str
    external_id: str | None
    open_deal_count: int
    open_value: MoneyOut | None
    won_value: MoneyOut | None
    closed_deal_count: int
    win_rate: float | None
    last_contact_at: datetime | None
    people_count: int
    open_without_rate_count: int
    won_without_rate_count: int
    created_at: datetime
    updated_at: datetime
    version: int


class ClientPage(Out):
    items: list[Client]
    next_cursor: str | None
    total: int | None = None


class Activity(Out):
    id: UUID
    kind: ActivityKind
    subject: str
    body: str
    client_id: UUID | None
    client_name: str | None
    deal_id: UUID | None
    deal_name: str | None
    owner_id: UUID | None
    owner_name: str | None
    due_at: datetime | None
    all_day: bool
    remind_at: datetime | None
    repetition: Repetition | None
    done_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class ActivityPage(Out):
    items: list[Activity]
    next_cursor: str | None
    total: int | None = None


class AnyPage(Out):
    """Items as the operation's description says."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class AnyRecord(Out):
    """Fields as the operation's description says."""
