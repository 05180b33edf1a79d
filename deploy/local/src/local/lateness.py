"""How late the platform is, from what its processes say of themselves at `/metrics`."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import NamedTuple

PATIENCE = 2.0  # seconds
WORTH_TELLING = 1.0  # seconds; less is the usual way of things
SAMPLE = re.compile(r'^(\w+)(?:\{(?:[^}]*?\b(?:queue|stream)="([^"]*)")?[^}]*\})? (\S+)$', re.M)


class Late(NamedTuple):
    """What one gauge tells of: in words, and whether it counts or is an age in seconds."""

    words: str
    is_age: bool = True


TOLD = {
    "outbox_oldest_age_seconds": Late("oldest fact not on the bus yet"),
    "rescoring_oldest_dirty_age_seconds": Late("oldest change that no score knows yet"),
    "celery_queue_oldest_age_seconds": Late("oldest job that waits"),
    "dlq_messages": Late("events set aside", is_age=False),
}


def lateness(metrics: Mapping[str, str | None]) -> Iterator[str]:
    """A line for whatever is late, by the processes' names and addresses; one if nothing is."""
    silent, late = [], []
    for name, url in metrics.items():
        if url is None:
            continue
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                late += list(_late(name, answer.read().decode()))
        except (urllib.error.URLError, OSError):
            silent.append(name)
    yield from late or ([] if silent else ["Nothing is late: all facts are told, all scores new."])
    if silent:
        yield f"Not to be asked how late they are: {', '.join(silent)}."


def _late(name: str, exposition: str) -> Iterator[str]:
    for gauge, of, number in SAMPLE.findall(exposition):
        told, value = TOLD.get(gauge), float(number)
        if told is None or value < (WORTH_TELLING if told.is_age else 1):
            continue
        shown = f"{value:,.0f} s" if told.is_age else f"{value:,.0f}"
        yield f"{name:18} {told.words}{f' ({of})' if of else ''}: {shown}"
