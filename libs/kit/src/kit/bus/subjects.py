"""Subjects: `<service>.<partition>.<aggregate>.v<major>.<past_tense>`.

What came with a file, and no person has done, ends with `.imported`: there are a hundred thousand
such events in a minute, and whoever has no use for them does not have them sent.
"""

from functools import lru_cache
from uuid import UUID
from zlib import crc32

PARTITIONS = 8
SINGLE = "*.*.*.*.*"  # everything but what was imported
_IMPORTED = ".imported"


@lru_cache(maxsize=4096)
def partition_of(workspace_id: UUID) -> int:
    """Where a workspace's events go: the same in every process, for ever."""
    return crc32(workspace_id.bytes) % PARTITIONS


def subject(service: str, workspace_id: UUID, name: str, *, imported: bool = False) -> str:
    """Where an event is published; `name` is `deal.v1.moved`.

    An event that belongs to no workspace is partitioned by its user's id.
    """
    end = _IMPORTED if imported else ""
    return f"{service}.{partition_of(workspace_id)}.{name}{end}"


def type_of(subject: str) -> str:
    """The event type a subject carries: the subject without its partition."""
    service, _, name = subject.split(".", 2)
    return f"{service}.{name.removesuffix(_IMPORTED)}"


def subjects_of(event_type: str, *, imported: bool = False) -> str:
    """The filter that catches an event type in all partitions."""
    service, name = event_type.split(".", 1)
    return f"{service}.*.{name}{_IMPORTED if imported else ''}"
