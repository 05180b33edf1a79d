"""A role of a workspace's own: a built-in one, its base, with less.

It has its base's rank, so that whatever is decided by rank stands as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from auth.domain.errors import (
    PermissionsInvalid,
    RoleHasChanged,
    RoleNameInvalid,
    RoleTooHigh,
    RoleUnknown,
)
from auth.domain.facts import RoleChanged, RoleCreated, RoleDeleted
from auth.domain.roles import BASIS, PERMISSIONS, Role, Standing
from kit.aggregate import Aggregate

MOST = 50
NAME_LENGTH = 50


@dataclass(eq=False, kw_only=True)
class CustomRole(Aggregate):
    """Its base never changes: whoever needs another makes another role."""

    name: str
    base: Role
    permissions: frozenset[str]

    @classmethod
    def make(
        cls,
        role_id: UUID,
        workspace_id: UUID,
        *,
        name: str,
        base: Role,
        permissions: Iterable[str],
        maker: Standing,
        at: datetime,
        by: UUID,
    ) -> "CustomRole":
        """Raises RoleNameInvalid, RoleUnknown, PermissionsInvalid, RoleTooHigh."""
        if base is Role.OWNER:
            said = "Owners may do everything: choose another role to begin with."
            raise RoleUnknown(said, fields={"base": said})
        role = cls(
            id=role_id,
            workspace_id=workspace_id,
            version=1,
            name=_normal_name(name),
            base=base,
            permissions=_narrowed(base, permissions),
        )
        role._allow(maker)
        role.tell(role._told(RoleCreated, version=1, at=at, by=by))
        return role

    @property
    def rights(self) -> frozenset[str]:
        """Never more than the base has, also when that has become less."""
        return self.permissions & PERMISSIONS[self.base]

    @property
    def standing(self) -> Standing:
        """Of whoever has it."""
        return Standing(self.base, self.rights)

    def expect(self, version: int) -> None:
        """Refuse a decision that was made on an older state."""
        if version != self.version:
            raise RoleHasChanged("This role was changed meanwhile.", current=str(self.version))

    def change(
        self,
        *,
        name: str | None,
        permissions: Iterable[str] | None,
        changer: Standing,
        at: datetime,
        by: UUID,
    ) -> bool:
        """Take the values that are given; whether it allows anything else from now on.

        Raises RoleNameInvalid, PermissionsInvalid, RoleTooHigh.
        """
        before = (self.name, self.rights)
        self._allow(changer)
        self.name = self.name if name is None else _normal_name(name)
        if permissions is not None:
            self.permissions = _narrowed(self.base, permissions)
        self._allow(changer)
        self.tell(self._told(RoleChanged, version=self.version + 1, at=at, by=by, before=before))
        return self.rights != before[1]

    def retire(self, *, remover: Standing, at: datetime, by: UUID) -> None:
        """Raises RoleTooHigh."""
        self._allow(remover)
        before = (self.name, self.rights)
        self.tell(self._told(RoleDeleted, version=self.version + 1, at=at, by=by, before=before))

    def _allow(self, actor: Standing) -> None:
        if not actor.reaches(self.standing):
            raise RoleTooHigh("You cannot make or change a role that may do what you may not.")

    def _told(
        self,
        fact: type[RoleCreated],
        *,
        version: int,
        at: datetime,
        by: UUID,
        before: tuple[str, frozenset[str]] = ("", frozenset()),
    ) -> RoleCreated:
        return fact(
            aggregate_id=self.id,
            version=version,
            at=at,
            by=by,
            workspace_id=self.workspace_id,
            name=self.name,
            base=self.base.value,
            permissions=self.rights,
            previous_name=before[0],
            previous_permissions=before[1],
        )


class Given(NamedTuple):
    """What somebody is made: a built-in role, narrowed where one of the workspace's is meant."""

    role: Role
    custom: CustomRole | None = None

    @property
    def custom_id(self) -> UUID | None:
        """None for a built-in role."""
        return self.custom.id if self.custom else None

    @property
    def standing(self) -> Standing:
        """Of whoever is given it."""
        return self.custom.standing if self.custom else Standing(self.role, PERMISSIONS[self.role])

    @property
    def name(self) -> str:
        """As mails say it."""
        return self.custom.name if self.custom else self.role.value


def _normal_name(text: str) -> str:
    """White space folded; 1 to 50 characters, and no built-in role's. Raises RoleNameInvalid."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or "\0" in name:
        said = f"Give a name of 1 to {NAME_LENGTH} characters."
        raise RoleNameInvalid(said, fields={"name": said})
    if name.lower() in set(Role):
        said = "A built-in role is called so. Choose another name."
        raise RoleNameInvalid(said, fields={"name": said})
    return name


def _narrowed(base: Role, asked: Iterable[str]) -> frozenset[str]:
    """Those asked for, and what no role goes without. Raises PermissionsInvalid."""
    allowed, permissions = PERMISSIONS[base], frozenset(asked) | BASIS
    if beyond := permissions - allowed:
        _complain(f"The role it begins with has no {', '.join(sorted(beyond))}.")
    reads = {f"{one.removesuffix('.write')}.read" for one in permissions if one.endswith(".write")}
    if unread := (reads & allowed) - permissions:
        _complain(f"Whoever may change something must see it: add {', '.join(sorted(unread))}.")
    return permissions


def _complain(said: str) -> None:
    raise PermissionsInvalid(said, fields={"permissions": said})
