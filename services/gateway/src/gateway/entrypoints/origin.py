"""Requests that another site makes a browser send are refused.

The rules are those of Go's net/http CrossOriginProtection: a browser says in Sec-Fetch-Site, or at
least in Origin, where a request comes from; what says neither is no browser and has no cookies of
anybody to misuse. No token, nothing to keep.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.entrypoints.errors import HttpProblem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign(method: str, headers: Mapping[bytes, bytes]) -> None:
    """Raises HttpProblem 403 for an unsafe request of another site."""
    if method in SAFE:
        return
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        if site not in (b"same-origin", b"none"):
            raise _foreign()
        return
    origin = headers.get(b"origin")
    if origin is None:
        return
    # "null" has no host, and so never is ours.
    if urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise _foreign()


def _foreign() -> HttpProblem:
    return HttpProblem(
        403, "CROSS_ORIGIN", "Another site sent this request. It was not carried out."
    )
