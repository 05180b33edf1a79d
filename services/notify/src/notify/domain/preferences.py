"""What people want to be told, and how: in the application, by mail, both, or not at all."""

from collections.abc import Mapping
from typing import NamedTuple

from kit.errors import DomainError, ErrorKind
from notify.domain.messages import Kind

ONLY_INSIDE = frozenset({Kind.EXPORT_FINISHED, Kind.BULK_FINISHED})  # of no use in a mailbox


class PreferenceInvalid(DomainError):
    """A kind that there is not, or a way in which it does not go."""

    kind, reason = ErrorKind.INVALID, "PREFERENCE_INVALID"


class Choice(NamedTuple):
    """The ways of one kind; by mail, it comes at once or in the morning's digest.

    Whoever chooses without a word about the digest leaves that as it was.
    """

    in_app: bool
    by_mail: bool
    digest: bool | None = None


USUAL = {kind: Choice(True, kind not in ONLY_INSIDE, digest=False) for kind in Kind}
MUTED_USUALLY = True  # what somebody did themselves is no news to them

DIGEST = "digest"
MAILS = frozenset({DIGEST, *(kind.value for kind in Kind if kind not in ONLY_INSIDE)})


def without_mails(chosen: Mapping[Kind, Choice], kind: str) -> dict[Kind, Choice]:
    """What is to be chosen anew so that no mails of a kind, or no digests, come any more."""
    return {
        found: choice._replace(by_mail=False)
        for found, choice in chosen.items()
        if found.value == kind or (kind == DIGEST and choice.by_mail and choice.digest)
    }


def checked(given: Mapping[str, Choice]) -> dict[Kind, Choice]:
    """What somebody has chosen. Raises PreferenceInvalid."""
    problems: dict[str, str] = {}
    chosen: dict[Kind, Choice] = {}
    for name, choice in given.items():
        if name not in list(Kind):
            problems[name[:50]] = "Nobody is told of this."
        elif (choice.by_mail or choice.digest) and Kind(name) in ONLY_INSIDE:
            problems[name] = "This is told in the application only."
        else:
            chosen[Kind(name)] = choice
    if problems:
        raise PreferenceInvalid("These cannot be chosen.", fields=problems)
    return chosen
