"""Whoever has no open workspace sees one page, and what concerns themselves."""

from gateway.entrypoints.errors import WorkspaceClosed
from kit.rpc.identity import Principal

PAGE = "/no-workspace"
REOPEN = "workspace.delete"
# What concerns the person, the other workspaces, or reopening this one; and where links of mails
# lead, whoever follows them.
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


def is_closed(principal: Principal) -> bool:
    """In an open workspace every member may do something else."""
    return principal.permissions <= {REOPEN}


def refuse_in_closed(principal: Principal | None, path: str) -> None:
    """Raises WorkspaceClosed."""
    if principal is None or not is_closed(principal):
        return
    if path not in _LET_IN and not path.startswith(_BELOW):
        raise WorkspaceClosed(403, "WORKSPACE_CLOSED", "This workspace is closed.")
