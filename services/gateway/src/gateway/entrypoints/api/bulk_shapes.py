"""Bodies and answers of bulk changes and jobs."""

from typing import Any, Literal

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import (
    ActivityChange,
    ClientChange,
    DealChange,
    Id,
    Out,
    Tags,
)

MOST = 10_000


class BulkIn(Body):
    """The records are named by `ids`, or are all that meet `filter`: the list's filters by name,
    such as `{"stage_id": "…", "amount_minor__gte": "100000"}`."""

    ids: list[Id] = Field(default_factory=list, max_length=MOST)
    filter: dict[str, Any] = Field(default_factory=dict, max_length=50)
    owner_id: Id | None = Field(default=None, description="For `assign`.")


class TaggedIn(BulkIn):
    add_tags: Tags = Field(default_factory=list, description="For `tag`.")
    remove_tags: Tags = Field(default_factory=list, description="For `tag`.")


class BulkDealsIn(TaggedIn):
    """One change of many deals."""

    action: Literal["update", "move", "tag", "delete", "assign"]
    values: DealChange | None = Field(default=None, description="For `update`.")
    stage_id: Id | None = Field(default=None, description="For `move`.")
    lost_reason_id: Id | None = Field(default=None, description="For `move` into a lost stage.")


class BulkClientsIn(TaggedIn):
    """One change of many clients."""

    action: Literal["update", "tag", "delete", "assign"]
    values: ClientChange | None = Field(default=None, description="For `update`.")


class BulkActivitiesIn(BulkIn):
    """One change of many activities."""

    action: Literal["update", "delete", "assign"]
    values: ActivityChange | None = Field(default=None, description="For `update`.")


class BulkResultOut(Out):
    """What became of one record; `reason` is null when it was changed. `name` is that of a refused
    one, a subject for activities; null for what is not there or not yours to see."""

    id: str
    name: str | None
    reason: str | None
    message: str | None


class BulkOut(Out):
    """One result for each record, in order."""

    total: int
    results: list[BulkResultOut]


class JobOut(Out):
    """Work in the background."""

    id: str
    kind: str
    status: str
    progress: int
    total: int
    error: str | None
    refused: list[BulkResultOut] = Field(
        description="For a bulk change: the first 100; `refused/file` has all."
    )
    refused_total: int
    created_at: str
    ended_at: str | None
