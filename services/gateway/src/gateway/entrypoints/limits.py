"""How much one person, or one address, may ask for.

Signing in is counted in Valkey for all replicas together; the rest in this process, which costs no
round trip: with n replicas a person may ask n times as much, and no more than that is needed.
"""

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

    async def _spend_sign_in(self, address: str) -> None:
        limiter = self._shared
        try:
            allowed = await limiter.hit(self._address, "sign-in", address)
        except Exception as error:  # whatever client library is behind it: Valkey is away
            log.warning("limits_not_shared", error_type=type(error).__name__)
            limiter = self._here
            allowed = await limiter.hit(self._address, "sign-in", address)
        if not allowed:
            await _refuse(limiter, self._address, "sign-in", address)


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
