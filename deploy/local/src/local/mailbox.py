"""The mails caught by the sink: the last few hundred, in memory, and the SMTP side of them."""

import email
import email.policy
import threading
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import Envelope, Session

from kit.clock import SystemClock

KEPT = 500
_ACCEPTED = "250 Message accepted for delivery"
_TRY_LATER = "451 Requested action aborted: asked to fail by /api/fail"


@dataclass(frozen=True)
class Mail:
    """One mail as a person would read it."""

    id: int
    received_at: str
    sender: str
    recipients: list[str]
    subject: str
    text: str
    headers: dict[str, str]


class Mailbox:
    """Thread-safe: SMTP writes from the event loop, pages read from threads."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._taken = 0
        self._failures = 0

    def latest_first(self) -> list[Mail]:
        """All that are kept."""
        with self._lock:
            return list(reversed(self._mails))

    def find(self, number: int) -> Mail | None:
        """One of them."""
        return next((mail for mail in self.latest_first() if mail.id == number), None)

    def fail_next(self, times: int) -> None:
        """Answer the next deliveries with 451; zero ends it."""
        with self._lock:
            self._failures = times

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        """Take a mail (the name is aiosmtpd's), or refuse it for now when told to."""
        with self._lock:
            if self._failures:
                self._failures -= 1
                return _TRY_LATER
            self._taken += 1
            self._mails.append(_read(self._taken, envelope))
        return _ACCEPTED


def _read(number: int, envelope: Envelope) -> Mail:
    content = envelope.content or b""
    raw = content if isinstance(content, bytes) else content.encode()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Mail(
        id=number,
        received_at=SystemClock().now().isoformat(timespec="seconds"),
        sender=envelope.mail_from or "",
        recipients=list(envelope.rcpt_tos),
        subject=str(message.get("subject", "")),
        text=_text(message),
        headers={name: str(value) for name, value in message.items()},
    )


def _text(message: EmailMessage) -> str:
    """The plain part; without one, the source of what there is."""
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, KeyError):  # an unknown charset or type
        return body.as_string()
