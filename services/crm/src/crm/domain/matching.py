"""When two clients may be one: keys that both have, and names that are alike.

Keys are compared for equality only. That is what an index can do under row-level security, and what
100,000 rows can afford.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from crm.domain.client import ClientKind
from crm.domain.import_fields import folded

NAMES_ALIKE, NAMES_RELATED = 0.85, 0.6
MAX_KEYS = 24
# In the order of how much a match by them says.
KINDS = ("email", "phone", "domain", "name")
_LEGAL_FORMS = (
    "ag gmbh kg ohg ug mbh co inc incorporated llc llp ltd limited plc corp corporation "
    "company sa sarl sas srl spa sl bv nv ab as oy aps kft sro doo pty the and und et y"
)
_MAIL_PROVIDERS = (
    "gmail.com googlemail.com yahoo.com hotmail.com outlook.com live.com icloud.com me.com "
    "mac.com aol.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de mail.com "
    "proton.me protonmail.com bluewin.ch orange.fr wanadoo.fr free.fr laposte.net libero.it"
)
# Where many have a page: such an address says nothing of whose it is.
_PLATFORMS = (
    "facebook.com instagram.com linkedin.com twitter.com x.com xing.com youtube.com "
    "tiktok.com linktr.ee behance.net dribbble.com github.com medium.com etsy.com "
    "sites.google.com"
)
_LEGAL = frozenset(_LEGAL_FORMS.split())
_FREE_MAIL = frozenset(_MAIL_PROVIDERS.split())
_SHARED_HOSTS = frozenset(_PLATFORMS.split())
_DIGITS = re.compile(r"\d+")
_HOST = re.compile(r"^(?:https?://)?(?:www\.)?([\w.-]+\.\w{2,})", re.ASCII)
PHONE_DIGITS = 9  # the national number is shorter nowhere that matters, and codes differ in style


def match_keys(
    kind: ClientKind,
    name: str,
    emails: Sequence[str],
    phones: Sequence[str],
    website: str,
) -> list[str]:
    """What a client can be recognised by, such as `email:ann@acme.com`."""
    keys = dict.fromkeys(_keys(kind, name, emails, phones, website))
    return list(keys)[:MAX_KEYS]


def kind_of(key: str) -> str:
    """By what a key recognises."""
    return key.partition(":")[0]


def are_alike(one: str, other: str) -> bool:
    """Whether two names may be meant as one: nothing but spelling differs, and no number does."""
    first, second = plain_name(one), plain_name(other)
    if first == second:
        return True
    if _DIGITS.findall(first) != _DIGITS.findall(second):
        return False
    return SequenceMatcher(None, first, second).ratio() >= NAMES_ALIKE


def is_match(key: str, name: str, other: str) -> bool:
    """Whether a common key makes one client of two with these names.

    An e-mail address is one's own; a number or a domain is shared by colleagues and sisters.
    """
    kind = kind_of(key)
    if kind == "email":
        return True
    return are_alike(name, other) if kind == "name" else _are_related(name, other)


def _are_related(one: str, other: str) -> bool:
    first, second = plain_name(one), plain_name(other)
    shared = any(len(word) > 2 for word in set(first.split()) & set(second.split()))
    return shared or SequenceMatcher(None, first, second).ratio() >= NAMES_RELATED


@lru_cache(maxsize=4_096)  # a batch asks several times of each of its names
def plain_name(name: str) -> str:
    """A name without case, accents, punctuation and legal form, its words in order."""
    words = folded(name).split()
    kept = [word for word in words if word not in _LEGAL] or words
    return " ".join(sorted(kept))


def _keys(
    kind: ClientKind, name: str, emails: Sequence[str], phones: Sequence[str], website: str
) -> Iterator[str]:
    if plain := plain_name(name):
        yield f"name:{_skeleton(plain)[:60]}"
    for email in emails:
        yield f"email:{email.strip().lower()[:254]}"
    for phone in phones:
        digits = "".join(_DIGITS.findall(phone))
        if len(digits) >= 7:
            yield f"phone:{digits[-PHONE_DIGITS:]}"
    if kind is ClientKind.COMPANY:  # people share their company's
        for domain in _domains(emails, website):
            yield f"domain:{domain[:200]}"


def _domains(emails: Sequence[str], website: str) -> Iterator[str]:
    found = _HOST.match(website.strip().lower())
    if found and found[1] not in _SHARED_HOSTS:
        yield found[1]
    for email in emails:
        domain = email.rpartition("@")[2].strip().lower()
        if domain and domain not in _FREE_MAIL:
            yield domain


@lru_cache(maxsize=4_096)
def _skeleton(plain: str) -> str:
    """What most misspellings leave as it is: the consonants of each word, doubled ones once."""
    return "".join(map(_bones, plain.split())) or plain


def _bones(word: str) -> str:
    kept = [letter for letter in word if letter not in "aeiouyhw"] or list(word)
    bones = "".join(
        letter
        for n, letter in enumerate(kept)
        if n == 0 or letter != kept[n - 1] or letter.isdigit()
    )
    return bones[:-1] if len(bones) > 2 and bones.endswith("s") else bones
