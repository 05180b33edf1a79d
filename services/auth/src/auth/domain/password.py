"""Which passwords are refused: too short to resist, too long to hash, or easy to guess."""

from itertools import pairwise

from auth.domain.errors import PasswordTooCommon, PasswordTooLong, PasswordTooShort

SHORTEST, LONGEST = 12, 128
_PRODUCT = "freelanceflow"
# What remains of a password made of these is what an attacker has to guess.
_USUAL = (
    "password", "passwort", "qwertz", "qwerty", "azerty", "asdf", "yxcv", "zxcv", "letmein",
    "welcome", "admin", "iloveyou", "monkey", "dragon", "football", "secret", "summer", "winter",
    "spring", "autumn", "changeme", "master", "login", "abc", "test",
)  # fmt: skip
_REST_NEEDED = 6  # different characters beside the usual words


def check_password(password: str, *, email: str, name: str) -> None:
    """Any characters, no forced mixture: length counts, and not being the first guess.

    Raises PasswordTooShort, PasswordTooLong, PasswordTooCommon.
    """
    if len(password) < SHORTEST:
        said = f"Use at least {SHORTEST} characters."
        raise PasswordTooShort(said, fields={"password": said})
    if len(password) > LONGEST:
        said = f"Use at most {LONGEST} characters."
        raise PasswordTooLong(said, fields={"password": said})
    words = (_PRODUCT, *email.partition("@")[0].split("."), *name.casefold().split())
    if _rest(password, words) < _REST_NEEDED:
        said = "This is too easy to guess: use words that have nothing to do with you or with us."
        raise PasswordTooCommon(said, fields={"password": said})


def _rest(password: str, words: tuple[str, ...]) -> int:
    """How many steps are left when usual words, the person's own and runs are taken out."""
    rest = password.casefold()
    for word in sorted({*words, *_USUAL}, key=len, reverse=True):
        if len(word) >= 3:
            rest = rest.replace(word, "")
    # A run such as 1234 or aaaa is worth its first character.
    steps = [b for a, b in pairwise(rest) if ord(b) - ord(a) not in (-1, 0, 1)]
    return len({*rest[:1], *steps})
