"""The mail sink as a process, talked to by SMTP and HTTP."""

import json
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from local.processes import wait_until
from local.servers import free_port
from local.units import answers


@dataclass(frozen=True)
class Sink:
    smtp: int
    http: int

    def send(self, subject: str, text: str = "Hello", *, html: str = "") -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, "a@b.example", "c@d.example"
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=10) as client:
            client.send_message(message)

    def get(self, path: str, *, host: str = "localhost") -> tuple[str, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}")
        request.add_header("Host", host)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode(), answer.headers["Content-Security-Policy"]


@pytest.fixture
def sink() -> Iterator[Sink]:
    running = Sink(free_port(), free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "local.mailsink", f"--smtp={running.smtp}", f"--http={running.http}"]
    )
    ready = answers(f"http://127.0.0.1:{running.http}/readyz")
    assert wait_until(lambda: ready(0), lambda: process.poll() is None, 30)
    yield running
    process.terminate()
    assert process.wait(10) == 0


def test_a_mail_is_listed_shown_and_told_as_json(sink: Sink) -> None:
    sink.send("Deal won – Zürich", "See http://localhost:8700/deals?a=1&b=2 now", html="<b>x</b>")
    (mail,) = json.loads(sink.get("/api/messages")[0])
    assert (mail["subject"], mail["recipients"]) == ("Deal won – Zürich", ["c@d.example"])
    assert mail["text"].strip() == "See http://localhost:8700/deals?a=1&b=2 now"
    assert "Deal won – Zürich" in sink.get("/")[0]
    page, policy = sink.get(f"/messages/{mail['id']}")
    assert '<a href="http://localhost:8700/deals?a=1&amp;b=2"' in page
    assert policy.startswith("default-src 'none'")


def test_markup_in_a_mail_is_shown_not_obeyed(sink: Sink) -> None:
    sink.send("<script>alert(1)</script>", '<img src=x onerror="alert(2)"> http://a/"onclick=')
    for path in ("/", "/messages/1"):
        page, _ = sink.get(path)
        assert "<script>" not in page
        assert "<img" not in page
        assert 'onclick="' not in page
        assert "&lt;script&gt;" in page


def test_it_refuses_for_a_while_when_told_to(sink: Sink) -> None:
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{sink.http}/api/fail?times=1", method="POST")
    )
    with pytest.raises(smtplib.SMTPDataError) as refused:
        sink.send("first")
    assert refused.value.smtp_code == 451
    sink.send("second")
    assert [mail["subject"] for mail in json.loads(sink.get("/api/messages")[0])] == ["second"]


@pytest.mark.parametrize(("path", "host"), [("/messages/7", "localhost"), ("/", "evil.example")])
def test_what_is_not_there_and_who_is_not_meant(sink: Sink, path: str, host: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match=r"404|421"):
        sink.get(path, host=host)
