"""The way out: one mail over SMTP."""

from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

TIMEOUT = 20.0  # seconds for the whole delivery; less than a lease


class MailRefused(Exception):
    """The server will never take this mail."""


class MailDeferred(Exception):
    """The server cannot be reached, or does not take it now."""


@dataclass(frozen=True, kw_only=True)
class Smtp:
    """A mail server."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    starttls: bool = False

    async def send(self, message: EmailMessage) -> None:
        """Raises MailRefused, MailDeferred; the words are the server's own."""
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                start_tls=self.starttls,
                timeout=TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _meaning(error.recipients[0].code, str(error.recipients[0].message)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _meaning(error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailDeferred(f"{type(error).__name__}: {error}") from None


def _meaning(code: int, message: str) -> MailRefused | MailDeferred:
    said = f"{code} {message}"
    return MailRefused(said) if code >= 500 else MailDeferred(said)
