"""Who belongs to a workspace, as auth tells it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from kit.database import Statement, Transaction
from notify.adapters.tables import (
    digest_items,
    digests,
    notifications,
    own_changes,
    preferences,
    recipients,
)
from notify.domain.messages import is_told
from notify.domain.preferences import MUTED_USUALLY

_new = insert(recipients).values({c.name: bindparam(c.name) for c in recipients.c})
# Events come again and in any order: only a newer version changes anything.
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=[recipients.c.workspace_id, recipients.c.user_id],
        set_={
            column.name: _new.excluded[column.name]
            for column in recipients.c
            if not column.primary_key
        },
        # A row of the time before there were permissions holds what its version said but for them.
        where=or_(
            recipients.c.version < _new.excluded.version,
            and_(
                recipients.c.version == _new.excluded.version,
                recipients.c.permissions.is_(None),
                _new.excluded.permissions.is_not(None),
            ),
        ),
    )
)
ALL = Statement(
    select(
        recipients.c.user_id,
        recipients.c.email,
        recipients.c.name,
        recipients.c.locale,
        recipients.c.visibility,
        recipients.c.team,
        recipients.c.permissions,
        func.coalesce(own_changes.c.muted, MUTED_USUALLY),
    )
    .outerjoin_from(
        recipients,
        own_changes,
        and_(
            own_changes.c.workspace_id == recipients.c.workspace_id,
            own_changes.c.user_id == recipients.c.user_id,
        ),
    )
    .where(
        recipients.c.workspace_id == bindparam("workspace", type_=recipients.c.workspace_id.type),
        recipients.c.removed_at.is_(None),
    )
    .order_by(recipients.c.user_id)
)

IS_KNOWN = Statement(
    select(true()).where(
        recipients.c.workspace_id == bindparam("workspace", type_=recipients.c.workspace_id.type),
        recipients.c.user_id == bindparam("user", type_=recipients.c.user_id.type),
        recipients.c.removed_at.is_(None),
    )
)

# What is somebody's own.
DROP_OWN = tuple(
    Statement(
        delete(table).where(
            table.c.workspace_id == bindparam("workspace", type_=table.c.workspace_id.type),
            table.c.user_id == bindparam("user", type_=table.c.user_id.type),
        )
    )
    for table in (preferences, own_changes, notifications, digest_items, digests)
)


class Recipient(NamedTuple):
    """A member who can be told something."""

    user_id: UUID
    email: str
    name: str
    locale: str
    visibility: str
    team: str
    permissions: Sequence[str] | None
    mutes_own_changes: bool

    def sees(self, owner_id: UUID | None, teams: Mapping[UUID, str]) -> bool:
        """Whether a record of this owner is theirs to see; `teams` are those of all members."""
        match self.visibility:
            case "own":
                return owner_id == self.user_id
            case "team":
                return owner_id is not None and teams.get(owner_id) == self.team
        return True

    def may_hear_of(self, kind: str) -> bool:
        """Whether their role reaches that far; of whom nothing is known yet, it is taken for one
        that does."""
        return self.permissions is None or is_told(kind, self.permissions)


async def keep(
    tx: Transaction,
    *,
    user_id: UUID,
    version: int,
    email: str = "",
    name: str = "",
    locale: str = "en",
    visibility: str = "all",
    team: str = "",
    permissions: Sequence[str] | None = None,
    removed_at: datetime | None = None,
) -> bool:
    """Remember a member, or that one has left, unless something newer is known; whether it was
    news."""
    kept = await tx.run(
        KEEP,
        workspace_id=tx.workspace_id,
        user_id=user_id,
        version=version,
        email=email,
        name=name,
        locale=locale,
        visibility=visibility,
        team=team,
        permissions=permissions,
        removed_at=removed_at,
    )
    return kept == 1


async def drop_own(tx: Transaction, user_id: UUID) -> None:
    """What a person was told, and how they wanted it."""
    for statement in DROP_OWN:
        await tx.run(statement, workspace=tx.workspace_id, user=user_id)


async def is_known(tx: Transaction, user_id: UUID) -> bool:
    """Whether the person belongs to the workspace."""
    return bool(await tx.value(IS_KNOWN, workspace=tx.workspace_id, user=user_id))


async def everybody(tx: Transaction) -> list[Recipient]:
    """All members of the workspace."""
    return [Recipient(*row) for row in await tx.rows(ALL, workspace=tx.workspace_id)]
