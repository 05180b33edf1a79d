"""Whoever has no open workspace sees one page, and what concerns themselves."""

from gateway.entrypoints.errors import NoOpenWorkspace
from kit.rpc.identity import NoWorkspace, Principal

PAGE = "/no-workspace"
REOPEN = "workspace.delete"
# What concerns the person, their other workspaces, or reopening this one; and where links of mails
# lead, whoever follows them. The services let whoever is in no workspace no further than this.
_LET_IN = frozenset(
    {
        "/api/docs",
        "/api/openapi.json",
        "/api/v1/me",
        "/api/v1/workspaces",
        "/forgot",
        "/join",
        "/livez",
        PAGE,
        "/readyz",
        "/reset",
        "/settings/delete-account",
        "/settings/own-data",
        "/sign-in",
        "/sign-out",
        "/unsubscribe",
        "/verify-email",
    }
)
_BELOW = (
    "/api/v1/auth/",
    "/api/v1/me/",
    "/api/v1/workspaces/",
    "/auth/google/",
    "/sign-in/",
    "/workspaces/",
)


def has_open_workspace(principal: Principal) -> bool:
    """In one that is open every member may do something else than reopen it."""
    return principal.in_workspace and not principal.permissions <= {REOPEN}


def refuse_without_workspace(principal: Principal | None, path: str) -> None:
    """Raises NoOpenWorkspace."""
    if principal is None or has_open_workspace(principal):
        return
    if path in _LET_IN or path.startswith(_BELOW):
        return
    if principal.in_workspace:
        raise NoOpenWorkspace(403, "WORKSPACE_CLOSED", "This workspace is closed.")
    raise NoOpenWorkspace(403, NoWorkspace.reason, "You belong to no workspace.")
