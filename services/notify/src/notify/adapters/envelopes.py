"""Letters as they go out over SMTP."""

from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr

from notify.adapters.mails import LeasedMail


class _Link(UnstructuredHeader, BaseHeader):
    """An address is read by machines: a long one must not be encoded as words would be."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _Link)
_POLICY = SMTP.clone(header_factory=_headers)


def envelope(mail: LeasedMail, mail_from: str) -> EmailMessage:
    """The mail as it goes out. Its Message-ID is the row's: a repeat is recognised as one."""
    name, address = parseaddr(mail_from)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(mail.to_name, addr_spec=mail.to_address)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = f"<{mail.id}@{address.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers
    message["List-Id"] = f"FreelanceFlow <notifications.{address.partition('@')[2]}>"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
