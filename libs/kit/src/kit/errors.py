"""One way to say no: what kind of refusal it is, and which rule said it."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class ErrorKind(Enum):
    """What a caller can do about it; each kind has one gRPC and one HTTP status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"


class Status(NamedTuple):
    """How a kind is said on each transport."""

    grpc: str  # a name of grpc.StatusCode: this module drags in no transport
    http: int


# The one error table. A kind without a line here fails a test, not a request.
STATUS: Mapping[ErrorKind, Status] = MappingProxyType(
    {
        ErrorKind.INVALID: Status("INVALID_ARGUMENT", 422),
        ErrorKind.UNAUTHENTICATED: Status("UNAUTHENTICATED", 401),
        ErrorKind.FORBIDDEN: Status("PERMISSION_DENIED", 403),
        ErrorKind.NOT_FOUND: Status("NOT_FOUND", 404),
        ErrorKind.DUPLICATE: Status("ALREADY_EXISTS", 409),
        ErrorKind.STALE: Status("ABORTED", 412),
        ErrorKind.REFUSED: Status("FAILED_PRECONDITION", 409),
        ErrorKind.EXHAUSTED: Status("RESOURCE_EXHAUSTED", 429),
        ErrorKind.UNAVAILABLE: Status("UNAVAILABLE", 503),
    }
)
UNEXPECTED = Status(
    "INTERNAL", 500
)  # anything that is no DomainError; no detail leaves the service


class DomainError(Exception):
    """A rule said no. `reason` is the stable slug that clients may switch on."""

    kind: ErrorKind
    reason: str

    def __init__(
        self, message: str, *, fields: Mapping[str, str] | None = None, **details: str
    ) -> None:
        super().__init__(message)
        self.fields: Mapping[str, str] = fields or {}
        self.details = details

    @property
    def message(self) -> str:
        """What a person reads."""
        return str(self)


class InvalidInput(DomainError):
    """Something in the request cannot be meant; `fields` says where and why."""

    kind, reason = ErrorKind.INVALID, "INVALID_INPUT"
