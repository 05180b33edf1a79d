"""The way out: mails over SMTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

TIMEOUT = 10.0  # seconds for a whole delivery; those of one connection must end within a lease


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
    tls: bool = False
    starttls: bool = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """For some mails one after the other; it is made for the first of them."""
        connection = Connection(self)
        try:
            yield connection
        finally:
            connection.close()


class Connection:
    """Several mails over one connection; after it was lost, over another one."""

    def __init__(self, server: Smtp) -> None:
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=TIMEOUT,
        )

    async def send(self, message: EmailMessage) -> None:
        """Raises MailRefused, MailDeferred; the words are the server's own."""
        try:
            async with asyncio.timeout(TIMEOUT):
                if not self._client.is_connected:
                    await self._client.connect()
                await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _meaning(error.recipients[0].code, str(error.recipients[0].message)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _meaning(error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self.close()  # nobody knows what the server still means to say
            raise MailDeferred(f"{type(error).__name__}: {error}") from None

    def close(self) -> None:
        """Without a farewell: what the server took, it has said so."""
        self._client.close()


def _meaning(code: int, message: str) -> MailRefused | MailDeferred:
    said = f"{code} {message}"
    return MailRefused(said) if code >= 500 else MailDeferred(said)
