"""`python -m local.mailsink`: takes every mail of the local platform and shows it on a page."""

import argparse
import asyncio
import base64
import hashlib
import html
import json
import re
import signal
import sys
import threading
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP

from local.mailbox import KEPT, Mail, Mailbox
from local.servers import LOOPBACK

MAIL_SIZE_LIMIT = 10 * 2**20
_HOSTS = ("localhost", LOOPBACK)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}a{color:inherit}table{width:100%;border-collapse:collapse}"
    "td,th{padding:.5rem;text-align:left;border-bottom:1px solid #8884;vertical-align:top}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_SECURITY = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages(BaseHTTPRequestHandler):
    """The web side: a list, one mail, and the same as JSON."""

    server: "PageServer"

    def do_GET(self) -> None:
        """Answer a page."""
        path = urlsplit(self.path).path
        mails = self.server.mailbox.latest_first
        if not self._is_for_us():
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", "not here\n")
        elif path == "/":
            self._answer(HTTPStatus.OK, "text/html", _page("Mail", _list(mails())))
        elif path == "/readyz":
            self._answer(HTTPStatus.OK, "text/plain", "ready\n")
        elif path == "/api/messages":
            self._json([asdict(mail) for mail in mails()])
        elif found := re.fullmatch(r"(/api)?/messages/(\d{1,9})", path):
            self._one(self.server.mailbox.find(int(found[2])), as_json=bool(found[1]))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "not found\n")

    def do_POST(self) -> None:
        """`/api/fail?times=n`: refuse the next n mails with 451, for fault tests."""
        url = urlsplit(self.path)
        times = parse_qs(url.query).get("times", [""])[0]
        if url.path == "/api/fail" and times.isascii() and times.isdecimal() and self._is_for_us():
            self.server.mailbox.fail_next(int(times))
            self._json({"failing": int(times)})
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "not found\n")

    def log_message(self, format: str, *args: object) -> None:
        """Visits are not worth a line."""

    def _is_for_us(self) -> bool:
        """A page elsewhere must not read this one by giving our address a name of its own."""
        return urlsplit(f"//{self.headers.get('host', '')}").hostname in _HOSTS

    def _one(self, mail: Mail | None, *, as_json: bool) -> None:
        if mail is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "no such mail\n")
        elif as_json:
            self._json(asdict(mail))
        else:
            self._answer(HTTPStatus.OK, "text/html", _page(mail.subject or "Mail", _show(mail)))

    def _json(self, content: object) -> None:
        self._answer(HTTPStatus.OK, "application/json", json.dumps(content))

    def _answer(self, status: HTTPStatus, content_type: str, content: str) -> None:
        body = content.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in _SECURITY.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class PageServer(ThreadingHTTPServer):
    """Carries the mailbox to the pages."""

    daemon_threads = True

    def __init__(self, port: int, mailbox: Mailbox) -> None:
        super().__init__((LOOPBACK, port), Pages)
        self.mailbox = mailbox


async def serve(smtp_port: int, http_port: int) -> None:
    """Take mails and show them until told to end."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(
            mailbox,
            hostname="localhost",
            data_size_limit=MAIL_SIZE_LIMIT,
            enable_SMTPUTF8=True,
            loop=loop,
        ),
        LOOPBACK,
        smtp_port,
    )
    pages = PageServer(http_port, mailbox)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    smtp.close()
    pages.shutdown()


def _list(mails: list[Mail]) -> str:
    rows = "".join(
        f'<tr><td><a href="/messages/{mail.id}">{html.escape(mail.subject or "(no subject)")}</a>'
        f"<td>{html.escape(', '.join(mail.recipients))}"
        f"<td><time>{html.escape(mail.received_at)}</time>"
        for mail in mails
    )
    if not rows:
        return "<p>No mail yet. Whatever the platform sends ends up here."
    return (
        f"<p>The last {KEPT} mails, kept in memory; nothing leaves this machine."
        f"<table><thead><tr><th>Subject<th>To<th>Received<tbody>{rows}</table>"
    )


def _show(mail: Mail) -> str:
    text = re.sub(
        r"https?://[^\s<>&\"']+(?:&amp;[^\s<>&\"']+)*",
        lambda link: f'<a href="{link[0]}" rel="noreferrer">{link[0]}</a>',
        html.escape(mail.text),
    )
    return (
        '<p><a href="/">All mail</a>'
        f"<table><tr><th>From<td>{html.escape(mail.headers.get('From', mail.sender))}"
        f"<tr><th>To<td>{html.escape(', '.join(mail.recipients))}"
        f"<tr><th>Received<td>{html.escape(mail.received_at)}</table><pre>{text}</pre>"
    )


def _page(title: str, content: str) -> str:
    name = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{name}</h1>{content}"
    )


def main() -> int:
    """Read the ports and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.mailsink", description=__doc__)
    parser.add_argument("--smtp", type=int, required=True, help="port for mails")
    parser.add_argument("--http", type=int, required=True, help="port for the page")
    options = parser.parse_args()
    asyncio.run(serve(options.smtp, options.http))
    return 0


if __name__ == "__main__":
    sys.exit(main())
