"""The end of a change of many, and what it refused."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from crm.domain.cells import MARK, harmless
from kit.aggregate import Fact

PIECE = 64 * 1024
COLUMNS = ("Why it was not changed", "Name", "Id", "Reason")


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


def refusals_file(refused: Iterable[Refusal]) -> Iterator[bytes]:
    """A CSV, piece by piece."""
    text = io.StringIO()
    text.write(MARK)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in refused:
        writer.writerow(map(harmless, (one.message, one.name, str(one.id), one.reason)))
        if text.tell() >= PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
