"""How much one person, or one address, may ask for.

Signing in, and API keys that are none, are counted in Valkey for all replicas together; the rest
in this process, which costs no round trip: with n replicas a person may ask n times as much, and no
more than that is needed.
"""

from typing import Literal

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter

from gateway.config import Settings
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.google import START
from kit.clock import SystemClock
from kit.telemetry import Log

SIGN_IN = frozenset(
    {
        "/sign-in",
        "/sign-in/code",
        "/register",
        "/verify-email",
        "/join",
        "/auth/google/register",
        "/auth/google/connect",
        "/forgot",
        "/reset",
        "/settings/password",
        "/settings/api-keys",
        "/api/v1/auth/login",
        "/api/v1/auth/mfa",
        "/api/v1/auth/register",
        "/api/v1/auth/verify-email",
        "/api/v1/auth/google/token",
        "/api/v1/auth/google/register",
        "/api/v1/auth/google/connect",
        "/api/v1/auth/password/forgot",
        "/api/v1/auth/password/reset",
        "/api/v1/auth/password/change",
        "/api/v1/invitations/accept",
        "/api/v1/api-keys",
    }
)
KEYS = "api-key"

log = Log(__name__)


class Limits:
    """Raises HttpProblem 429 with Retry-After when there is too much."""

    def __init__(self, settings: Settings) -> None:
        self._on = settings.rate_limit
        self._person = RateLimitItemPerMinute(settings.requests_per_minute)
        self._address = RateLimitItemPerMinute(settings.sign_ins_per_minute)
        self._here = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(_shared(settings))

    async def spend(self, *, path: str, method: str, sender: str, address: str) -> None:
        """Count one request of `sender`, who is a person or, lacking one, an address."""
        if not self._on:
            return
        if path == START or (method == "POST" and path in SIGN_IN):
            await self._spend_sign_in(address)
        elif not await self._here.hit(self._person, sender):
            await _refuse(self._here, self._person, sender)

    async def may_exchange(self, address: str) -> None:
        """Refuse an address from which too many API keys came that are none."""
        if self._on:
            await self._refuse_unless("test", KEYS, address)

    async def exchange_failed(self, address: str) -> None:
        """Count one of those."""
        if self._on:
            await self._for_all("hit", KEYS, address)

    async def _spend_sign_in(self, address: str) -> None:
        await self._refuse_unless("hit", "sign-in", address)

    async def _refuse_unless(self, ask: Literal["hit", "test"], *keys: str) -> None:
        limiter, allowed = await self._for_all(ask, *keys)
        if not allowed:
            await _refuse(limiter, self._address, *keys)

    async def _for_all(
        self, ask: Literal["hit", "test"], *keys: str
    ) -> tuple[FixedWindowRateLimiter, bool]:
        """What all replicas count together or, while Valkey is away, this one alone."""
        try:
            return self._shared, await getattr(self._shared, ask)(self._address, *keys)
        except Exception as error:  # whatever client library is behind it
            log.warning("limits_not_shared", error_type=type(error).__name__)
            return self._here, await getattr(self._here, ask)(self._address, *keys)


async def _refuse(
    limiter: FixedWindowRateLimiter, item: RateLimitItemPerMinute, *keys: str
) -> None:
    window = await limiter.get_window_stats(item, *keys)
    seconds = max(1, int(window.reset_time - SystemClock().now().timestamp()) + 1)
    raise HttpProblem(
        429,
        "TOO_MANY_REQUESTS",
        f"That was too much at once. Go on in {seconds} seconds.",
        headers={
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"minute";q={item.amount};w=60',
            "RateLimit": f'"minute";r=0;t={seconds}',
        },
    )


def _shared(settings: Settings) -> Storage:
    return RedisStorage("async+" + settings.valkey_url.get_secret_value(), implementation="redispy")
