"""A person, known by an e-mail address; workspaces come later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth.domain.errors import UserHasChanged
from auth.domain.facts import (
    IdentityConnected,
    IdentityDisconnected,
    PasswordChanged,
    UserRegistered,
)
from auth.domain.names import known_locale, normal_email, normal_name
from auth.domain.password import check_password
from kit.aggregate import Aggregate


@dataclass(eq=False, kw_only=True)
class User(Aggregate):
    """People belong to no tenant: `workspace_id` is the person's own id."""

    email: str
    name: str
    password_hash: str | None
    locale: str = "en"
    email_verified_at: datetime | None = None
    created_at: datetime

    @classmethod
    def registering(
        cls, user_id: UUID, *, email: str, name: str, password: str, at: datetime
    ) -> "User":
        """Checked, with the password still to be hashed.

        Raises EmailInvalid, NameMissing, PasswordTooShort, PasswordTooLong, PasswordTooCommon.
        """
        email, name = normal_email(email), normal_name(name)
        check_password(password, email=email, name=name)
        return cls._new(user_id, email=email, name=name, at=at)

    @classmethod
    def arriving(cls, user_id: UUID, *, email: str, name: str, at: datetime) -> "User":
        """Somebody whose address another has proven, and who has no password here.

        Raises EmailInvalid, NameMissing.
        """
        user = cls._new(user_id, email=normal_email(email), name=normal_name(name), at=at)
        user.email_verified_at = at
        return user

    @classmethod
    def _new(cls, user_id: UUID, *, email: str, name: str, at: datetime) -> "User":
        user = cls(
            id=user_id,
            workspace_id=user_id,
            version=1,
            email=email,
            name=name,
            password_hash=None,
            created_at=at,
        )
        user.tell(
            UserRegistered(
                aggregate_id=user_id,
                version=1,
                at=at,
                by=user_id,
                email=email,
                name=name,
                locale=user.locale,
            )
        )
        return user

    def expect(self, version: int) -> None:
        """Refuse a decision that was made on an older state."""
        if version != self.version:
            raise UserHasChanged("Your profile was changed meanwhile.", current=str(self.version))

    def check(self, password: str) -> None:
        """Refuse one that is easy to guess, for this person too. Raises as `check_password`."""
        check_password(password, email=self.email, name=self.name)

    def take_password(self, password_hash: str, *, by_link: bool, at: datetime) -> None:
        """Another password holds from now on. The link from a mail proves the address as well."""
        self.password_hash = password_hash
        if by_link:
            self.email_verified_at = self.email_verified_at or at
        self.tell(
            PasswordChanged(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=self.id,
                email=self.email,
                name=self.name,
                by_link=by_link,
            )
        )

    def claim(self, *, name: str, at: datetime) -> None:
        """The address was registered and never proven; now its owner has come another way.

        Whoever registered it may be somebody else: their password is worth nothing any more.
        Raises NameMissing.
        """
        self.name, self.password_hash, self.email_verified_at = normal_name(name), None, at

    def connected(self, email: str, *, at: datetime) -> None:
        """Tell that an account elsewhere, with this address, lets the person in."""
        self.tell(IdentityConnected(**self._changed(email, at)))

    def disconnected(self, email: str, *, at: datetime) -> None:
        """Tell that it no longer does."""
        self.tell(IdentityDisconnected(**self._changed(email, at)))

    def _changed(self, email: str, at: datetime) -> dict[str, Any]:
        return {
            "aggregate_id": self.id,
            "version": self.version,
            "at": at,
            "by": self.id,
            "email": email,
            "account_email": self.email,
            "name": self.name,
        }

    def change(self, *, name: str | None = None, locale: str | None = None) -> None:
        """Take the values that are given. Raises NameMissing, LocaleUnknown."""
        self.name = self.name if name is None else normal_name(name)
        self.locale = self.locale if locale is None else known_locale(locale)
