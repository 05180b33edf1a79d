"""The trash: where records wait until they are restored, or gone for good."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from kit.aggregate import Fact

KEPT_FOR = timedelta(days=30)


class RecordKind(StrEnum):
    """What can be in the trash."""

    DEAL = "deal"
    CLIENT = "client"
    ACTIVITY = "activity"


@dataclass(frozen=True, kw_only=True)
class RecordPurged(Fact):
    """A record is gone for good."""

    kind: RecordKind


@dataclass(frozen=True)
class Trashed:
    """A record in the trash, as far as it takes to delete it."""

    kind: RecordKind
    id: UUID
    version: int
