"""Paths of our own pages: where a request went, and where one may be led on to."""

from urllib.parse import urlsplit

from starlette.requests import Request


def address_of(request: Request) -> str:
    """Path and query of a request."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def local_path(target: str, default: str) -> str:
    """A path of ours to go on to; anything that could lead elsewhere is the default."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\"))
    safe = not parts.netloc and not parts.scheme and "\\" not in target
    return target if ours and safe and target.isprintable() else default


def page_before(request: Request, default: str) -> str:
    """The page of ours that a form was on."""
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc != request.headers.get("host"):
        return default
    return local_path(came.path + (f"?{came.query}" if came.query else ""), default)
