"""The one permission table: what each built-in role may do.

Permissions travel in the access token; every RPC names the one it needs in its contract, and the
gateway's routes take theirs from there. Nothing is allowed that is not written here.
"""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """The built-in roles, the most powerful first."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    SALES = "sales"
    FINANCE = "finance"
    VIEWER = "viewer"

    def outranks(self, other: "Role") -> bool:
        """Whether this role stands above the other."""
        order = list(Role)
        return order.index(self) < order.index(other)


class Visibility(StrEnum):
    """Whose clients, deals and activities a member sees."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


# Who runs a workspace sees all of it.
SEES_ALL = frozenset({Role.OWNER, Role.ADMIN})
# An import looks for duplicates and can be taken back: it takes somebody who sees everything.
NEEDS_ALL = frozenset({"imports.read", "imports.write"})

# What no role goes without: records name each other, and visibility says whose are seen.
BASIS = frozenset(
    {"workspace.read", "members.read", "clients.read", "deals.read", "activities.read"}
)
_READ = BASIS | {"analytics.read"}
_SELL = _READ | {"clients.write", "deals.write", "activities.write"}
_MANAGE = _SELL | {"imports.read", "imports.write", "exports.write"}
_ADMINISTER = _MANAGE | {"workspace.write", "members.write", "settings.write", "audit.read"}

DELETE = "workspace.delete"

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.OWNER: _ADMINISTER | {"workspace.export", DELETE},
    Role.ADMIN: _ADMINISTER,
    Role.MANAGER: _MANAGE,
    Role.SALES: _SELL,
    Role.FINANCE: _READ | {"exports.write"},
    Role.VIEWER: _READ,
}


class Standing(NamedTuple):
    """How high somebody stands, or a role would put them."""

    role: Role
    rights: frozenset[str]  # what their role allows

    def reaches(self, other: "Standing") -> bool:
        """Whether the other has nothing more; only then it is given, taken or changed."""
        return not other.role.outranks(self.role) and other.rights <= self.rights


def permissions_of(
    rights: frozenset[str], visibility: Visibility, *, closed: bool = False
) -> frozenset[str]:
    """What a member may do of what their role allows; in a closed workspace, only reopen it."""
    if closed:
        return rights & {DELETE}
    return rights if visibility is Visibility.ALL else rights - NEEDS_ALL
