"""An import: a file of clients or deals on its way in."""

from dataclasses import dataclass
from enum import StrEnum

from kit.aggregate import Fact


class Resource(StrEnum):
    """What a file holds."""

    CLIENTS = "clients"
    DEALS = "deals"


class ImportStatus(StrEnum):
    """Where an import stands."""

    READY = "ready"
    COMMITTING = "committing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Fact):
    """All rows of a file were looked at."""

    resource: Resource
    file_name: str
    created_rows: int
    skipped_rows: int
    failed_rows: int
