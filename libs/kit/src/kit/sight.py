"""Whose records a caller sees: everybody's, or those of some people only.

It comes with the token, holds for everything that runs inside the call, and enters the database
with the workspace: statements ask for it (`kit.statement.in_sight`), and the policies ask
again (`kit.migrations.sight_policy`). What runs without a caller, such as a consumer, sees
everything; a job sees what whoever asked for it saw.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError, ErrorKind

ALL = "all"


class RecordOutOfSight(DomainError):
    """A caller who sees some people's records only cannot put one out of their own sight."""

    kind, reason = ErrorKind.FORBIDDEN, "RECORD_OUT_OF_SIGHT"


@dataclass(frozen=True, slots=True)
class Sight:
    """The people whose records are seen; None is everybody, and what is nobody's as well."""

    owners: tuple[UUID, ...] | None = None

    def sees(self, owner_id: UUID | None) -> bool:
        """Whether a record of this owner is seen."""
        return self.owners is None or owner_id in self.owners

    def covers(self, other: "Sight") -> bool:
        """Whether nothing that `other` sees is out of this one: what it made may be shown here."""
        if self.owners is None:
            return True
        return other.owners is not None and set(other.owners) <= set(self.owners)

    @property
    def setting(self) -> str:
        """As the policies read it: `all`, or an array of ids."""
        if self.owners is None:
            return ALL
        return "{" + ",".join(map(str, self.owners)) + "}"

    @property
    def claim(self) -> str:
        """As a token says it: `all`, or ids, short because they travel in a cookie."""
        if self.owners is None:
            return ALL
        return " ".join(urlsafe_b64encode(id.bytes).decode().rstrip("=") for id in self.owners)

    @classmethod
    def of_claim(cls, claim: str) -> "Sight":
        """Raises ValueError for what is no claim."""
        if claim == ALL:
            return EVERYTHING
        return cls(tuple(UUID(bytes=urlsafe_b64decode(f"{id}==")) for id in claim.split()))

    @classmethod
    def of_setting(cls, setting: str) -> "Sight":
        """What `setting` said, kept somewhere."""
        if setting == ALL:
            return EVERYTHING
        return cls(tuple(UUID(id) for id in setting.strip("{}").split(",") if id))


EVERYTHING = Sight()
current_sight: ContextVar[Sight] = ContextVar("sight", default=EVERYTHING)


@contextmanager
def seeing(sight: Sight) -> Iterator[None]:
    """What runs inside sees this much."""
    token = current_sight.set(sight)
    try:
        yield
    finally:
        current_sight.reset(token)
