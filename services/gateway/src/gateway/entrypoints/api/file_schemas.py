"""The bodies of imports, exports and merges."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.entrypoints.api.requests import Body
from gateway.entrypoints.api.schemas import Id


class ImportColumnChange(Body):
    position: int = Field(ge=0, le=499, description="The column's place in the file, from 0.")
    field: str | None = Field(max_length=100, description="null leaves the column out.")


class ImportChange(Body):
    columns: list[ImportColumnChange] | None = Field(default=None, max_length=500)
    encoding: str | None = Field(default=None, max_length=20, examples=["windows-1252"])
    delimiter: str | None = Field(default=None, max_length=1, examples=[";"])
    decimal: str | None = Field(default=None, max_length=1, examples=[","])
    date_order: str | None = Field(default=None, max_length=3, examples=["dmy"])
    on_duplicate: Literal["skip", "update", "create"] | None = None
    create_clients: bool | None = None


class ExportIn(Body):
    resource: Literal["clients", "deals", "activities"]
    format: Literal["csv", "xlsx", "pdf"]
    filter: dict[str, Any] = Field(
        default_factory=dict, max_length=20, examples=[{"stage_type": "won"}]
    )
    sort: str = Field(default="", max_length=200, examples=["-created_at"])
    columns: list[str] = Field(default_factory=list, max_length=100, examples=[["name", "amount"]])
    raw: bool = Field(default=False, description="Leave cells of a CSV as they are.")


class MergeIn(Body):
    other_id: Id
    other_version: int = Field(ge=1, description="The version of the other that you saw.")
    fields_from_other: list[Annotated[str, Field(max_length=50)]] = Field(
        default_factory=list, max_length=20, examples=[["name", "address"]]
    )


class DuplicateDismissal(Body):
    client_id: Id
    other_id: Id
