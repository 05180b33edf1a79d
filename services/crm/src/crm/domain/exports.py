"""An export: what a list shows, or all of a workspace, on its way into a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from crm.domain.custom_field import FILTER_PREFIX, FieldState, FieldType
from crm.domain.errors import EntryRefused, Problem
from crm.domain.import_fields import Resource
from kit.aggregate import Fact

WORKSPACE = "workspace"  # what an export holds that is of no list alone
MAX_PDF_ROWS = 2_000  # 2 seconds and 300 MB; more is for Excel


class Format(StrEnum):
    """What kind of file."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    ZIP = "zip"  # of a whole workspace only


CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
    Format.ZIP: "application/zip",
}


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    LIST = "list"
    NUMBER = "number"
    MONEY = "money"
    SHARE = "share"
    DATE = "date"
    INSTANT = "instant"
    FIGURE = "figure"  # a number with as many places as it has
    FLAG = "flag"


class Column(NamedTuple):
    """A column of a file: what it is called, and the column of the list it comes from."""

    header: str
    kind: Kind
    source: str
    width: int = 16  # in characters, for sheets and pages
    on_paper: bool = True
    key: str = ""  # of the custom field, where the source holds many


_TEXT, _LIST, _NUMBER, _MONEY = Kind.TEXT, Kind.LIST, Kind.NUMBER, Kind.MONEY
# An import guesses these headers back into the fields they came from.
COLUMNS: dict[Resource, dict[str, Column]] = {
    Resource.CLIENTS: {
        "name": Column("Name", _TEXT, "name", 32),
        "kind": Column("Kind", _TEXT, "kind", 10),
        "parent": Column("Parent company", _TEXT, "parent_name", 24, on_paper=False),
        "emails": Column("E-mail", _LIST, "emails", 28),
        "phones": Column("Phone", _LIST, "phones", 18),
        "address": Column("Address", _TEXT, "address", 28, on_paper=False),
        "website": Column("Website", _TEXT, "website", 24, on_paper=False),
        "owner": Column("Owner", _TEXT, "owner_name", 18),
        "tags": Column("Tags", _LIST, "tags", 18, on_paper=False),
        "notes": Column("Notes", _TEXT, "notes", 40, on_paper=False),
        "open_deals": Column("Open deals", _NUMBER, "open_deals", 10),
        "open_value": Column("Open value", _MONEY, "open_value", 14),
        "won_value": Column("Won so far", _MONEY, "won_value", 14),
        "won_deals": Column("Won deals", _NUMBER, "won_deals", 10, on_paper=False),
        "lost_deals": Column("Lost deals", _NUMBER, "lost_deals", 10, on_paper=False),
        "last_contact_at": Column("Last contact", Kind.INSTANT, "last_at", 17, on_paper=False),
        "currency": Column("Currency", _TEXT, "currency", 9),
        "created_at": Column("Created on", Kind.INSTANT, "created_at", 17),
        "updated_at": Column("Changed on", Kind.INSTANT, "updated_at", 17, on_paper=False),
        "external_id": Column("External id", _TEXT, "external_id", 16, on_paper=False),
    },
    Resource.DEALS: {
        "name": Column("Name", _TEXT, "name", 32),
        "client": Column("Client", _TEXT, "client_name", 26),
        "amount": Column("Amount", _MONEY, "amount_minor", 14),
        "currency": Column("Currency", _TEXT, "currency", 9),
        "stage": Column("Stage", _TEXT, "stage_name", 14),
        "owner": Column("Owner", _TEXT, "owner_name", 18),
        "win_probability": Column("Odds", Kind.SHARE, "win_probability", 8),
        "expected_close_date": Column("Expected close", Kind.DATE, "expected_close_date", 14),
        "source": Column("Source", _TEXT, "source", 16, on_paper=False),
        "next_step": Column("Next step", _TEXT, "next_step", 28, on_paper=False),
        "next_step_due_date": Column(
            "Next step due", Kind.DATE, "next_step_due_date", 14, on_paper=False
        ),
        "tags": Column("Tags", _LIST, "tags", 18, on_paper=False),
        "created_at": Column("Created on", Kind.INSTANT, "created_at", 17),
        "entered_stage_at": Column(
            "In the stage since", Kind.INSTANT, "entered_stage_at", 17, on_paper=False
        ),
        "closed_at": Column("Closed on", Kind.INSTANT, "closed_at", 17),
        "lost_reason": Column("Lost reason", _TEXT, "lost_reason_name", 16, on_paper=False),
        "updated_at": Column("Changed on", Kind.INSTANT, "updated_at", 17, on_paper=False),
        "external_id": Column("External id", _TEXT, "external_id", 16, on_paper=False),
    },
    Resource.ACTIVITIES: {
        "subject": Column("Subject", _TEXT, "subject", 36),
        "kind": Column("Kind", _TEXT, "kind", 10),
        "client": Column("Client", _TEXT, "client_name", 26),
        "deal": Column("Deal", _TEXT, "deal_name", 28),
        "owner": Column("Owner", _TEXT, "owner_name", 18),
        "due_at": Column("Due", Kind.INSTANT, "due_at", 17),
        "done_at": Column("Done", Kind.INSTANT, "done_at", 17),
        "body": Column("Note", _TEXT, "body", 40, on_paper=False),
        "remind_at": Column("Reminder", Kind.INSTANT, "remind_at", 17, on_paper=False),
        "created_at": Column("Created on", Kind.INSTANT, "created_at", 17, on_paper=False),
    },
}


_OF_TYPE = {
    FieldType.NUMBER: Kind.FIGURE,
    FieldType.MONEY: Kind.MONEY,
    FieldType.DATE: Kind.DATE,
    FieldType.MULTI_SELECT: Kind.LIST,
    FieldType.CHECKBOX: Kind.FLAG,
}


@dataclass(frozen=True, kw_only=True)
class ExportRequested(Fact):
    """Somebody wants what a list shows in a file."""

    resource: str  # a list's, or WORKSPACE
    format: Format
    total_rows: int


@dataclass(frozen=True, kw_only=True)
class ExportFinished(Fact):
    """The file is there."""

    resource: str  # a list's, or WORKSPACE
    format: Format
    file_name: str
    rows: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ExportFailed(Fact):
    """The file cannot be made; `why` is empty where it is not the person's to mend."""

    resource: str  # a list's, or WORKSPACE
    format: Format
    file_name: str
    why: str


def columns_of(resource: Resource, customs: Sequence[FieldState]) -> dict[str, Column]:
    """All that a file can hold, the workspace's own fields behind the others."""
    own = {
        f"{FILTER_PREFIX}{field.key}": Column(
            field.name,
            _OF_TYPE.get(field.type, Kind.TEXT),
            "custom_fields",
            on_paper=False,
            key=field.key,
        )
        for field in customs
    }
    return COLUMNS[resource] | own


@dataclass(frozen=True, kw_only=True)
class Table:
    """What is written, and how it is called."""

    title: str
    columns: Sequence[Column]
    currency: str  # the workspace's
    raw: bool = False  # cells of a CSV as they are, for machines


def chosen(known: Mapping[str, Column], names: Sequence[str], format: Format) -> list[str]:
    """The columns of an export; without a choice all of them, or those that fit on paper.

    Raises EntryRefused.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        said = f"There is no column “{unknown[0][:50]}”."
        raise EntryRefused([Problem("columns", "COLUMN_UNKNOWN", said)])
    if names:
        return list(dict.fromkeys(names))
    return [name for name in known if format is not Format.PDF or known[name].on_paper]
