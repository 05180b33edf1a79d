"""How late the platform is: its processes tell it at `/metrics`, the bus of whoever listens."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

PATIENCE = 2.0  # seconds
WORTH_TELLING = 1.0  # seconds; less is the usual way of things
NOTHING = "Nothing is late: all facts are told and heard, all scores new."
SAMPLE = re.compile(r'^(\w+)(?:\{(?:[^}]*?\b(?:queue|stream)="([^"]*)")?[^}]*\})? (\S+)$', re.M)


class Late(NamedTuple):
    """What one gauge tells of: in words, and whether it counts or is an age in seconds."""

    words: str
    is_age: bool = True


TOLD = {
    "outbox_oldest_age_seconds": Late("oldest fact not on the bus yet"),
    "rescoring_oldest_dirty_age_seconds": Late("oldest change that no score knows yet"),
    "celery_queue_oldest_age_seconds": Late("oldest job that waits"),
    "mail_oldest_due_age_seconds": Late("oldest mail that is due"),
    "dlq_messages": Late("events set aside", is_age=False),
}


def lateness(metrics: Mapping[str, str | None], *, bus: str | None = None) -> Iterator[str]:
    """A line for whatever is late, by the processes' names and addresses; one if nothing is.

    `bus` is where the bus tells of itself.
    """
    silent, late = [], []
    for name, url in metrics.items():
        if url is None:
            continue
        told = _read(url)
        if told is None:
            silent.append(name)
        else:
            late += list(_late(name, told.decode()))
    if bus is not None:
        told = _read(f"{bus}/jsz?consumers=true&config=true")
        if told is None:
            silent.append("bus")
        else:
            late += list(_unheard(json.loads(told)))
    yield from late or ([] if silent else [NOTHING])
    if silent:
        yield f"Not to be asked how late they are: {', '.join(silent)}."


def _read(url: str) -> bytes | None:
    """What is there; None if it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, OSError):
        return None
    return content


def _late(name: str, exposition: str) -> Iterator[str]:
    for gauge, of, number in SAMPLE.findall(exposition):
        told, value = TOLD.get(gauge), float(number)
        if told is None or value < (WORTH_TELLING if told.is_age else 1):
            continue
        shown = f"{value:,.0f} s" if told.is_age else f"{value:,.0f}"
        yield f"{name:18} {told.words}{f' ({of})' if of else ''}: {shown}"


def _unheard(told: Mapping[str, Any]) -> Iterator[str]:
    """Of each lasting listener, the events that wait for it and those it has in hand.

    Windows listen as well, for as long as they are open; what they miss they fetch anew.
    """
    for account in told.get("account_details") or ():
        for stream in account.get("stream_detail") or ():
            for listener in stream.get("consumer_detail") or ():
                waiting, in_hand = listener["num_pending"], listener["num_ack_pending"]
                if not listener["config"].get("durable_name") or not waiting + in_hand:
                    continue
                yield (
                    f"{listener['name']:18} events not heard yet ({stream['name']}): "
                    f"{waiting:,}, and {in_hand:,} in hand"
                )
