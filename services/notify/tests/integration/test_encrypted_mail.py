"""On the way to a mail server out in the world nobody reads along, and nobody poses as it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from notify.adapters.smtp import MailDeferred, Smtp
from notify.config import Settings
from services.notify.tests.factories import Sink

HOST = "127.0.0.1"
Open = Callable[..., AbstractAsyncContextManager[int]]


def write_certificate(folder: Path) -> Path:
    """Of HOST, by itself; the key beside it in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, form, secret) + made.public_bytes(pem))
    return path


def authenticated(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: LoginPassword
) -> AuthResult:
    return AuthResult(success=(said.login, said.password) == (b"notify", b"a password"))


@asynccontextmanager
async def listening(sink: Sink, context: ssl.SSLContext, *, at_once: bool) -> AsyncIterator[int]:
    """A server that takes the password over TLS only; its port."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            sink,
            loop=loop,
            authenticator=authenticated,
            auth_require_tls=not at_once,  # it only knows of TLS that it has started itself
            tls_context=None if at_once else context,
            require_starttls=not at_once,
        )

    server = await loop.create_server(protocol, HOST, 0, ssl=context if at_once else None)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path)


@pytest.fixture
def server(sink: Sink, certificate: Path) -> Open:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return lambda *, at_once: listening(sink, context, at_once=at_once)


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "notify@freelanceflow.example", "mira@freelanceflow.example"
    message["Subject"] = "A deal was won"
    message.set_content("It was.")
    return message


async def deliver(port: int, *, at_once: bool) -> None:
    told = Smtp(
        host=HOST,
        port=port,
        user="notify",
        password="a password",
        tls=at_once,
        starttls=not at_once,
    )
    async with told.connection() as connection:
        await connection.send(letter())


@pytest.mark.parametrize("at_once", [True, False], ids=["from the first byte", "by STARTTLS"])
async def test_a_mail_goes_encrypted(
    server: Open, sink: Sink, certificate: Path, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with server(at_once=at_once) as port:
        await deliver(port, at_once=at_once)
    assert [mail["Subject"] for mail in sink.to("mira")] == ["A deal was won"]


@pytest.mark.parametrize("at_once", [True, False], ids=["from the first byte", "by STARTTLS"])
async def test_a_server_that_nobody_vouches_for_gets_nothing(
    server: Open, sink: Sink, at_once: bool
) -> None:
    async with server(at_once=at_once) as port:
        with pytest.raises(MailDeferred, match="certificate"):
            await deliver(port, at_once=at_once)
    assert sink.to("mira") == []


def test_what_begins_with_tls_has_none_to_start() -> None:
    with pytest.raises(ValidationError, match="smtp_starttls"):
        Settings(
            database_url_app="x",  # type: ignore[arg-type]
            database_url_system="x",  # type: ignore[arg-type]
            smtp_tls=True,
            smtp_starttls=True,
        )
