"""Changing a record that somebody else may have changed meanwhile."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.entrypoints.errors import ChangedMeanwhile
from kit.errors import DomainError, ErrorKind


async def or_current(
    change: Awaitable[Any],
    read: Callable[[], Awaitable[Any]],
    shown: Callable[[Any], Mapping[str, Any]],
) -> Any:
    """Raises ChangedMeanwhile with the record as it stands when the sender saw an older one."""
    try:
        return await change
    except DomainError as refusal:
        if refusal.kind is not ErrorKind.STALE:
            raise
        current = await read()
        raise ChangedMeanwhile(refusal, shown(current), f'"{current.etag}"') from None
