"""What people type about themselves, checked and brought into one form."""

import re
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from auth.domain.errors import (
    CurrencyUnknown,
    EmailInvalid,
    LocaleUnknown,
    NameMissing,
    TeamInvalid,
    TimeZoneUnknown,
)
from kit.money import is_currency

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
NAME_LENGTH = 200
TEAM_LENGTH = 50


def normal_email(text: str) -> str:
    """The form an address is kept and compared in. Raises EmailInvalid."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        said = "This is not an e-mail address."
        raise EmailInvalid(said, fields={"email": f"{said} {error}"}) from None
    return found.normalized.lower()  # not folded further: straße.de is not strasse.de


def normal_name(text: str, field: str = "name") -> str:
    """White space folded; 1 to 200 characters, none of them NUL. Raises NameMissing."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or "\0" in name:
        said = f"Give a name of 1 to {NAME_LENGTH} characters."
        raise NameMissing(said, fields={field: said})
    return name


def normal_team(text: str) -> str:
    """White space folded; at most 50 characters, none for no team. Raises TeamInvalid."""
    team = " ".join(text.split())
    if len(team) > TEAM_LENGTH or "\0" in team:
        said = f"Give a team's name of at most {TEAM_LENGTH} characters."
        raise TeamInvalid(said, fields={"team": said})
    return team


def known_currency(code: str) -> str:
    """An ISO 4217 code. Raises CurrencyUnknown."""
    if not is_currency(code):
        said = "Give a currency as three capital letters, such as EUR."
        raise CurrencyUnknown(said, fields={"currency": said})
    return code


def known_time_zone(name: str) -> str:
    """An IANA name. Raises TimeZoneUnknown."""
    if name not in available_timezones():
        said = "Give a time zone such as Europe/Berlin."
        raise TimeZoneUnknown(said, fields={"time_zone": said})
    return name


def known_locale(tag: str) -> str:
    """A language tag such as en or pt-BR. Raises LocaleUnknown."""
    if not _LOCALE.fullmatch(tag):
        said = "Give a language tag such as en or pt-BR."
        raise LocaleUnknown(said, fields={"locale": said})
    return tag
