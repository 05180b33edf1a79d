"""deploy/bin/smoke tells the platform from what only looks like it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.k8s.tests.conftest import ROOT

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
WELL = {
    "/readyz": (200, "text/plain", "ready\n"),
    "/sign-in": (200, "text/html", '<input name="password">'),
    "/api/openapi.json": (200, "application/json", '{"info": {"version": "1"}}'),
    "/api/v1/deals": (401, "application/problem+json", "{}"),
}


class Site(HTTPServer):
    """Answers what the test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers, self.headers, self.late = dict(WELL), dict(HEADERS), 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    """One request."""

    server: Site

    def do_GET(self) -> None:
        status, kind, text = self.server.answers.get(self.path, (404, "text/plain", "nothing"))
        if self.path == "/readyz" and self.server.late:
            self.server.late -= 1
            status = 503
        self.send_response(status)
        for name, value in {**self.server.headers, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A platform that is well."""
    site = Site()
    serving = threading.Thread(target=site.serve_forever)
    serving.start()
    yield site
    site.shutdown()
    serving.join()
    site.server_close()


def smoke(*arguments: str) -> tuple[int, str]:
    script = [sys.executable, str(ROOT / "deploy/bin/smoke")]
    done = subprocess.run([*script, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_is_well_passes(site: Site) -> None:
    code, said = smoke(f"{site.url}/")
    assert (code, said.count("ok ")) == (0, 5), said


def test_what_is_ready_a_moment_later_passes(site: Site) -> None:
    site.late = 1
    assert smoke(site.url)[0] == 0


def test_a_description_that_is_turned_off_is_no_fault(site: Site) -> None:
    del site.answers["/api/openapi.json"]
    assert smoke(site.url)[0] == 0


@pytest.mark.parametrize(
    ("path", "answer", "finding"),
    [
        ("/sign-in", (500, "text/html", "oops"), "500: oops"),
        ("/sign-in", (200, "text/html", "Welcome to nginx"), "200: Welcome to nginx"),
        ("/api/openapi.json", (200, "application/json", "{}"), "no version"),
        ("/api/openapi.json", (200, "text/html", "<html>"), "Expecting value"),
        ("/api/v1/deals", (200, "application/json", "[]"), "200 application/json"),
    ],
)
def test_what_is_not_the_platform_is_named(
    site: Site, path: str, answer: tuple[int, str, str], finding: str
) -> None:
    site.answers[path] = answer
    code, said = smoke(site.url)
    assert (code, finding in said) == (1, True), said


@pytest.mark.parametrize("header", HEADERS)
def test_a_missing_header_is_named(site: Site, header: str) -> None:
    del site.headers[header]
    code, said = smoke(site.url)
    assert (code, f"{header.lower()}: is missing" in said) == (1, True), said


def test_what_is_no_address_is_not_asked() -> None:
    assert smoke("crm.example.com")[0] == 2
