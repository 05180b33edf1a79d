"""A signed-in device, and the chain of refresh tokens that keeps it signed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.domain.errors import RefreshTokenInvalid, SessionEnded
from auth.domain.facts import Cause, SessionRevoked
from kit.aggregate import Aggregate

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
IDLE_LIFE = timedelta(days=7)  # a session that is not used ends
ABSOLUTE_LIFE = timedelta(days=30)  # and one that is used asks for the password again
# A client whose answer was lost repeats the token; for this long it gets the same successor.
REPEAT_GRACE = timedelta(seconds=10)
DEVICE_LENGTH = 400


@dataclass(eq=False, kw_only=True)
class Session(Aggregate):
    """Bound to one workspace at a time, or to none: then `workspace_id` is the person's own id."""

    user_id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None = None
    api_key_id: UUID | None = None  # of a program's, which has no refresh token

    @property
    def in_workspace(self) -> bool:
        """Whether there is one that it is bound to."""
        return self.workspace_id != self.user_id

    def refresh_expires_at(self, now: datetime) -> datetime:
        """Until when the next refresh token works."""
        return min(now + IDLE_LIFE, self.created_at + ABSOLUTE_LIFE)

    def end(self, cause: Cause, *, at: datetime, by: UUID | None) -> None:
        """End it; a second time changes nothing."""
        if self.ended_at is not None:
            return
        self.ended_at = at
        self.tell(
            SessionRevoked(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                workspace_id=self.workspace_id,
                user_id=self.user_id,
                cause=cause,
            )
        )


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """One link of the chain; the secret itself is never kept."""

    session_id: UUID
    expires_at: datetime
    used_at: datetime | None
    sealed_successor: bytes | None

    def usable(self, session: Session, now: datetime) -> bool:
        """True when it may be used up now, False when its successor is to be repeated.

        Raises RefreshTokenInvalid and SessionEnded. A used token that comes back after the grace
        was stolen, or its successor was: `session` is ended before SessionEnded is raised.
        """
        if session.ended_at is not None:
            raise SessionEnded("This session has ended. Sign in again.")
        if self.used_at is None:
            if now >= self.expires_at:
                raise RefreshTokenInvalid("This session has been idle too long. Sign in again.")
            return True
        if now - self.used_at <= REPEAT_GRACE:
            return False
        session.end(Cause.REUSE_DETECTED, at=now, by=None)
        raise SessionEnded(
            "This session was ended because an old token was used again. Sign in again."
        )
