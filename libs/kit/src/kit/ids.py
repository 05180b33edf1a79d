"""Ids: UUIDv7, made here so that every PostgreSQL from 15 on will do."""

import os
import threading
import time
from uuid import UUID

from kit.errors import InvalidInput

_lock = threading.Lock()
_last = 0

_TAIL_BITS = 74  # what follows the 48 bits of milliseconds, without version and variant
_TAIL_MASK = (1 << _TAIL_BITS) - 1


def new_id() -> UUID:
    """A UUIDv7 that is larger than every one this process made before."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << _TAIL_BITS | int.from_bytes(os.urandom(9)) << 1
    with _lock:
        # Within a millisecond, or after the clock was set back, count on from the last one.
        _last = value = fresh if fresh > _last else _last + 1
    tail = value & _TAIL_MASK
    return UUID(
        int=(value >> _TAIL_BITS) << 80
        | 0x7 << 76
        | (tail >> 62) << 64
        | 0b10 << 62
        | tail & ((1 << 62) - 1)
    )


def parse_id(text: str, field: str) -> UUID:
    """An id from outside. Raises InvalidInput that names the field."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(f"{field} is not an id.", fields={field: "This is not an id."}) from None
