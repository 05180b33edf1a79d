"""Who is calling, until when they wait, and what they may do."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2s
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kit.errors import DomainError, ErrorKind
from kit.rpc.access import Access
from kit.sight import Sight

if TYPE_CHECKING:
    import grpc.aio

    Context = grpc.aio.ServicerContext[Any, Any]
else:
    Context = Any  # a name in annotations, for which workers would load gRPC

AUTHORIZATION = "authorization"
IDEMPOTENCY_KEY = "idempotency-key"
ORIGIN = "ff-origin"
ADDRESS = "ff-address"
BEARER = "Bearer "


class TokenMissing(DomainError):
    """Nobody said who is calling."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING"


class TokenInvalid(DomainError):
    """Not a token of ours."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID"


class TokenExpired(DomainError):
    """A token of ours that has had its time."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "TOKEN_EXPIRED"


class SessionRevoked(DomainError):
    """The session behind the token was ended."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "SESSION_REVOKED"


class PermissionMissing(DomainError):
    """The role does not reach this far."""

    kind, reason = ErrorKind.FORBIDDEN, "PERMISSION_MISSING"


class NoWorkspace(DomainError):
    """Whoever belongs to no workspace can do what concerns themselves."""

    kind, reason = ErrorKind.FORBIDDEN, "NO_WORKSPACE"


class ApiKeyNotEnough(DomainError):
    """Somebody's own account is for somebody who has signed in."""

    kind, reason = ErrorKind.FORBIDDEN, "API_KEY_NOT_ENOUGH"


class ApiKeyReadsOnly(DomainError):
    """It was made to do no more."""

    kind, reason = ErrorKind.FORBIDDEN, "API_KEY_READS_ONLY"


class KeyScope(StrEnum):
    """How far an API key reaches of what its owner may do."""

    ALL = "all"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The person a verified token speaks for, in one workspace or in none."""

    user_id: UUID
    workspace_id: UUID  # the person's own id, which is no workspace's, where they are in none
    session_id: UUID
    role: str
    permissions: frozenset[str]
    expires_at: float  # seconds since the epoch
    sight: Sight  # whose records the person sees
    token: str = field(repr=False)
    key: KeyScope | None = None  # of the API key that stands for the person
    origin: str = ""  # the browser window a change comes from, so that it need not hear its echo
    log_fields: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once per token and not per call. A log may tell people apart, not name them.
        actor = blake2s(self.user_id.bytes, digest_size=8).hexdigest()
        fields = {"tenant_id": str(self.workspace_id), "actor_hash": actor}
        object.__setattr__(self, "log_fields", fields)

    def admit(self, access: Access) -> None:
        """Let in to a method.

        Raises NoWorkspace, PermissionMissing, ApiKeyNotEnough, ApiKeyReadsOnly.
        """
        if not (self.in_workspace or access.without_workspace):
            raise NoWorkspace("You belong to no workspace.")
        if self.key is not None and access.permission is None and not access.keys:
            raise ApiKeyNotEnough("An API key is not enough for this: sign in.")
        if self.key is KeyScope.READ and not access.reads:
            raise ApiKeyReadsOnly("This API key may only read.")
        if access.permission is not None:
            self.require(access.permission)

    @property
    def in_workspace(self) -> bool:
        """People are no tenants: whose own id stands for one is in none."""
        return self.workspace_id != self.user_id

    def may(self, permission: str) -> bool:
        """Whether the role reaches this far."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises PermissionMissing."""
        if permission not in self.permissions:
            raise PermissionMissing(
                "Your role does not allow this.", permission=permission, role=self.role
            )


@dataclass(frozen=True, slots=True)
class Call:
    """The call being served: found by everything that runs inside it."""

    deadline: float  # on the monotonic clock
    principal: Principal | None
    idempotency_key: str | None
    address: str = ""  # from where the person acts, as the gateway saw it


current_call: ContextVar[Call | None] = ContextVar("call", default=None)


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """What a call says about its caller; the user's token travels with it."""

    token: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    origin: str = ""
    address: str = ""


NOBODY = CallIdentity()


def principal_of(context: Context) -> Principal:
    """The caller of the method being served. Raises TokenMissing in a method that needs none."""
    call = current_call.get()
    if call is None or call.principal is None:
        raise TokenMissing("Sign in first.")
    return call.principal


def caller_may(permission: str) -> bool:
    """Whether the caller's role reaches this far; what no person called may do everything."""
    call = current_call.get()
    return call is None or (call.principal is not None and call.principal.may(permission))


def idempotency_key_of(context: Context) -> str | None:
    """The key under which the caller wants this done at most once."""
    call = current_call.get()
    return call.idempotency_key if call else None


def forwarded() -> CallIdentity:
    """The identity with which a service calls on for the user it serves."""
    call = current_call.get()
    if call is None or call.principal is None:
        return NOBODY
    return CallIdentity(call.principal.token, origin=call.principal.origin, address=call.address)


def address_of_caller() -> str:
    """From where the call being served came; empty in what no person called."""
    call = current_call.get()
    return call.address if call else ""
