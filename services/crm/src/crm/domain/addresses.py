"""Ways to reach somebody, in the one form in which they are kept and compared."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

LEAST_DIGITS = 3
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", re.ASCII)
_LONGEST = 64  # characters; how longer ones are to be counted the library knows
_PHONE_LIKE = re.compile(r"[\d\s()+./\-–#*,;:]+(?:(?:ext|x|app|int)\.?\s*\d+)?", re.IGNORECASE)


def normal_email(text: str) -> str | None:
    """In small letters, a foreign domain as it is written; None for what is no address.

    Whether there is a mailbox behind it is not asked.
    """
    name, _, domain = text.rpartition("@")
    if _PLAIN_NAME.fullmatch(name) and len(text) <= _LONGEST:
        # Most are written so, and many share their domain: of a file each is looked at once.
        at_domain = _at_domain(domain)
        return at_domain and f"{name}{at_domain}".lower()
    return _validated(text)


@lru_cache(maxsize=4_096)
def _at_domain(domain: str) -> str | None:
    found = _validated(f"a@{domain}")
    return found and found.removeprefix("a")


def _validated(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


def normal_phone(text: str, region: str) -> str | None:
    """International where it can be read, else as it was typed; None for what is no number.

    `region` is the country of numbers without a code, such as DE, or empty.
    """
    if sum(map(str.isdigit, text)) < LEAST_DIGITS:
        return None
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return " ".join(text.split()) if _PHONE_LIKE.fullmatch(text) else None


def normal_website(text: str) -> str | None:
    """With its scheme; None for what a browser should not be sent to."""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return None
    good = parts.scheme in ("http", "https") and "." in host and not re.search(r"\s", address)
    return address if good else None
