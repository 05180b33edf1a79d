"""Where the clocks of a workspace stand: what “today” means in a filter."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest
from gateway.adapters.clients import Clients
from kit.clock import Clock
from kit.rpc.identity import CallIdentity, Principal

KEPT = 60.0  # seconds: a workspace seldom moves
MOST = 10_000
# What is compared with an instant may be a day, and a period ends today.
OF_DAYS = (b"today", b"_at__", b"period=")


@dataclass(frozen=True, slots=True)
class _Known:
    zone: ZoneInfo
    until: float


class Zones:
    """Asks auth for a workspace's time zone, and remembers it for a moment."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._known: dict[UUID, _Known] = {}

    async def of(self, principal: Principal, identity: CallIdentity) -> ZoneInfo:
        """Raises what the call to auth raises: a wrong day would be worse than none."""
        now = self._clock.now().timestamp()
        known = self._known.get(principal.workspace_id)
        if known is None or known.until <= now:
            me = await self._clients.account.GetMe(GetMeRequest(), identity)
            if len(self._known) >= MOST:
                self._known.clear()
            known = _Known(zone_named(me.time_zone), now + KEPT)
            self._known[principal.workspace_id] = known
        return known.zone


def speaks_of_days(scope: Any, headers: Any) -> bool:
    """Whether an address, or the page's that sends the request, may have a day in it."""
    page = headers.get(b"hx-current-url", b"")
    return may_speak_of_days(scope["query_string"]) or may_speak_of_days(page)


def may_speak_of_days(text: bytes) -> bool:
    """Whether a filter may compare with a day of the workspace's."""
    return any(word in text for word in OF_DAYS)


def is_zone(name: str) -> bool:
    """Whether a zone is called like that here."""
    return name in available_timezones()


def zone_named(name: str) -> ZoneInfo:
    """A zone that nobody here knows is UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
