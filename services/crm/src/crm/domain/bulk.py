"""The end of a change of many, and what it refused."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from kit.aggregate import Fact


class Refusal(NamedTuple):
    """A record that stayed as it was, and why."""

    id: UUID
    reason: str
    message: str
    name: str = ""  # of what the caller sees


@dataclass(frozen=True, kw_only=True)
class BulkFinished(Fact):
    """It came to its end or, if `stopped`, cannot go on; the aggregate is the job."""

    resource: str
    changed: int
    refused: int
    stopped: bool = False
    why: str = ""  # empty where it is not the person's to mend
