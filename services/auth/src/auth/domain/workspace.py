"""A workspace: the tenant that all data belongs to, and the people in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.domain.custom_role import CustomRole, Given
from auth.domain.errors import (
    LastOwner,
    RoleSeesAll,
    RoleTooHigh,
    TeamMissing,
    WorkspaceHasChanged,
    WorkspaceNotClosed,
)
from auth.domain.facts import (
    Addressee,
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceErasureNear,
    WorkspaceReopened,
    WorkspaceUpdated,
)
from auth.domain.grant import Grant
from auth.domain.names import known_currency, known_time_zone, normal_name, normal_team
from auth.domain.roles import SEES_ALL, Role, Standing, Visibility, permissions_of
from kit.aggregate import Aggregate
from kit.sight import EVERYTHING, Sight


@dataclass(eq=False, kw_only=True)
class Workspace(Aggregate):
    """Its id is its own tenant key."""

    name: str
    currency: str
    time_zone: str
    created_at: datetime
    erase_at: datetime | None = None  # closed until then
    warned_at: datetime | None = None

    @classmethod
    def found(
        cls, workspace_id: UUID, *, name: str, currency: str, time_zone: str, at: datetime, by: UUID
    ) -> "Workspace":
        """Raises NameMissing, CurrencyUnknown, TimeZoneUnknown."""
        workspace = cls(
            id=workspace_id,
            workspace_id=workspace_id,
            version=1,
            name=normal_name(name, "workspace_name"),
            currency=known_currency(currency),
            time_zone=known_time_zone(time_zone),
            created_at=at,
        )
        workspace.tell(
            WorkspaceCreated(
                aggregate_id=workspace_id,
                version=1,
                at=at,
                by=by,
                name=workspace.name,
                currency=workspace.currency,
                time_zone=workspace.time_zone,
            )
        )
        return workspace

    def expect(self, version: int) -> None:
        """Refuse a decision that was made on an older state."""
        if version != self.version:
            raise WorkspaceHasChanged(
                "The workspace was changed meanwhile.", current=str(self.version)
            )

    def close(
        self, *, erase_at: datetime, owners: Sequence[Addressee], at: datetime, by: UUID
    ) -> None:
        """Nobody works in it any more. A second time changes nothing."""
        if self.erase_at is None:
            self.erase_at, self.warned_at = erase_at, None
            self.tell(self._closing(WorkspaceClosed, owners, at, by))

    def warn(self, *, owners: Sequence[Addressee], at: datetime) -> None:
        """Say once more that it is about to be erased."""
        self.warned_at = at
        self.tell(self._closing(WorkspaceErasureNear, owners, at, None))

    def reopen(self, *, owners: Sequence[Addressee], at: datetime, by: UUID) -> None:
        """It is as it was. Raises WorkspaceNotClosed."""
        if self.erase_at is None:
            raise WorkspaceNotClosed("This workspace is open.")
        self.erase_at = self.warned_at = None
        self.tell(
            WorkspaceReopened(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                name=self.name,
                owners=tuple(owners),
            )
        )

    def _closing(
        self,
        fact: type[WorkspaceClosed],
        owners: Sequence[Addressee],
        at: datetime,
        by: UUID | None,
    ) -> WorkspaceClosed:
        assert self.erase_at is not None
        return fact(
            aggregate_id=self.id,
            version=self.version + 1,
            at=at,
            by=by,
            name=self.name,
            erase_at=self.erase_at,
            owners=tuple(owners),
        )

    def change(
        self,
        *,
        name: str | None = None,
        currency: str | None = None,
        time_zone: str | None = None,
        at: datetime,
        by: UUID,
    ) -> None:
        """Take the values that are given. Raises NameMissing, CurrencyUnknown, TimeZoneUnknown."""
        self.name = self.name if name is None else normal_name(name)
        self.currency = self.currency if currency is None else known_currency(currency)
        self.time_zone = self.time_zone if time_zone is None else known_time_zone(time_zone)
        self.tell(
            WorkspaceUpdated(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                name=self.name,
                currency=self.currency,
                time_zone=self.time_zone,
            )
        )


@dataclass(eq=False, kw_only=True)
class Member(Aggregate):
    """A person in a workspace; `id` is the person's."""

    email: str
    name: str
    locale: str
    role: Role
    joined_at: datetime
    visibility: Visibility = Visibility.ALL
    team: str = ""
    closed: bool = False  # the workspace is
    team_mates: tuple[UUID, ...] = ()  # who is in the team, this person included
    custom: CustomRole | None = None  # narrows the role

    def join(self, *, by: UUID) -> None:
        """Tell that the person is in."""
        self.tell(self._told(MemberAdded, version=self.version, at=self.joined_at, by=by))

    @property
    def standing(self) -> Standing:
        """What the role allows, whosever records are seen."""
        return Given(self.role, self.custom).standing

    @property
    def permissions(self) -> frozenset[str]:
        """What the person may do."""
        return permissions_of(self.standing.rights, self.visibility, closed=self.closed)

    @property
    def grant(self) -> Grant:
        """What a token says of it."""
        return Grant(
            user_id=self.id,
            workspace_id=self.workspace_id,
            role=self.role.value,
            sight=self.sight,
            permissions=self.permissions,
        )

    @property
    def role_name(self) -> str:
        """As people call it."""
        return Given(self.role, self.custom).name

    def take_role(
        self, given: Given, *, giver: Standing, owners: int, at: datetime, by: UUID
    ) -> None:
        """Raises RoleTooHigh, LastOwner."""
        self._allow(giver, owners, leaving_owner=given.role is not Role.OWNER)
        if not giver.reaches(given.standing):
            raise RoleTooHigh("You cannot give a role that may do what you may not.")
        before = self.role_name
        self.role, self.custom = given
        if self.role in SEES_ALL:
            self.visibility = Visibility.ALL
        self._tell_change(at, by, f"{before} → {self.role_name}")

    def follow_role(self, *, at: datetime, by: UUID) -> None:
        """The role allows something else from now on."""
        self._tell_change(at, by, f"{self.role_name} allows something else")

    def take_visibility(
        self, visibility: Visibility, team: str, *, giver: Standing, at: datetime, by: UUID
    ) -> None:
        """See the records of other people, and belong to a team or to none.

        Raises RoleTooHigh, RoleSeesAll, TeamMissing.
        """
        self._allow(giver)
        if self.role in SEES_ALL and visibility is not Visibility.ALL:
            raise RoleSeesAll("Owners and admins see all records.")
        self.team = normal_team(team)
        if visibility is Visibility.TEAM and not self.team:
            raise TeamMissing("Say which team.", fields={"team": "Say which team."})
        self.visibility = visibility
        self._tell_change(at, by)

    @property
    def sight(self) -> Sight:
        """Whose records the person sees."""
        match self.visibility:
            case Visibility.ALL:
                return EVERYTHING
            case Visibility.TEAM:
                return Sight(self.team_mates or (self.id,))
        return Sight((self.id,))

    def leave(self, *, remover: Standing, owners: int, at: datetime, by: UUID) -> None:
        """Raises RoleTooHigh, LastOwner."""
        self._allow(remover, owners, leaving_owner=True)
        self.tell(
            MemberRemoved(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                workspace_id=self.workspace_id,
            )
        )

    def _allow(self, actor: Standing, owners: int = 0, *, leaving_owner: bool = False) -> None:
        if not actor.reaches(self.standing):
            raise RoleTooHigh("You cannot change somebody whose role is above your own.")
        if self.role is Role.OWNER and leaving_owner and owners <= 1:
            raise LastOwner("A workspace needs an owner: make somebody else one first.")

    def _tell_change(self, at: datetime, by: UUID, detail: str = "") -> None:
        self.tell(
            self._told(MemberRoleChanged, version=self.version + 1, at=at, by=by, detail=detail)
        )

    def _told(
        self, fact: type[MemberAdded], *, version: int, at: datetime, by: UUID, detail: str = ""
    ) -> MemberAdded:
        return fact(
            aggregate_id=self.id,
            version=version,
            at=at,
            by=by,
            workspace_id=self.workspace_id,
            email=self.email,
            name=self.name,
            locale=self.locale,
            role=self.role.value,
            visibility=self.visibility.value,
            team=self.team,
            permissions=permissions_of(self.standing.rights, self.visibility),
            detail=detail,
        )
