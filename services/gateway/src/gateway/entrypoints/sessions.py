"""A browser's session: two cookies that scripts cannot read."""

from http.cookies import SimpleCookie
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1.auth_service_pb2 import LogOutRequest, TokenPair

ACCESS, REFRESH = "ff_access", "ff_refresh"


class SessionCookies(NamedTuple):
    """What a browser sent."""

    access: str | None
    refresh: str | None


class Cookies:
    """Reads and writes them; over HTTPS with the __Host- prefix, which no other host can set."""

    def __init__(self, *, secure: bool) -> None:
        prefix = "__Host-" if secure else ""
        self.access, self.refresh = prefix + ACCESS, prefix + REFRESH
        self._secure = secure

    def read(self, header: bytes) -> SessionCookies:
        """From the Cookie header; one that cannot be parsed holds nothing."""
        found: dict[str, str] = {}
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.strip().partition("=")
            found[name] = value
        return SessionCookies(found.get(self.access), found.get(self.refresh))

    def started(self, tokens: TokenPair) -> list[str]:
        """Set-Cookie lines of a session that was started or renewed.

        The access token's cookie lives as long as the session: when the token in it has timed
        out it is renewed with the other one.
        """
        life = tokens.refresh_expires_in
        return [
            self._line(self.access, tokens.access_token, life),
            self._line(self.refresh, tokens.refresh_token, life),
        ]

    def ended(self) -> list[str]:
        """Set-Cookie lines that take the session away."""
        return [self._line(self.access, "", 0), self._line(self.refresh, "", 0)]

    def _line(self, name: str, value: str, life: int) -> str:
        cookie: SimpleCookie = SimpleCookie()
        cookie[name] = value
        morsel = cookie[name]
        morsel["path"], morsel["max-age"] = "/", life
        morsel["httponly"], morsel["samesite"] = True, "Lax"
        if self._secure:
            morsel["secure"] = True
        return morsel.OutputString()


def start_session(request: Request, response: Response, tokens: TokenPair) -> None:
    """Sign a browser in."""
    _set(response, request.app.state.cookies.started(tokens))


async def end_session(request: Request, response: Response) -> None:
    """Sign a browser out, here and at auth."""
    cookies: Cookies = request.app.state.cookies
    refresh = cookies.read(request.headers.get("cookie", "").encode("latin-1")).refresh
    if refresh:
        await request.app.state.clients.auth.LogOut(LogOutRequest(refresh_token=refresh))
    _set(response, cookies.ended())


def _set(response: Response, lines: list[str]) -> None:
    for line in lines:
        response.headers.append("set-cookie", line)
