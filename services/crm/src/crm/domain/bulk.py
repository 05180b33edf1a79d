"""The end of a change of many."""

from dataclasses import dataclass

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class BulkFinished(Fact):
    """It came to its end or, if `stopped`, cannot go on; the aggregate is the job."""

    resource: str
    changed: int
    refused: int
    stopped: bool = False
    why: str = ""  # empty where it is not the person's to mend
