"""DomainError ⇄ gRPC status, in both directions and nowhere else.

The kind is the status; the slug, the details and the fields travel as google.rpc messages.
"""

from collections.abc import Mapping
from typing import NamedTuple

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status as StatusMessage  # type: ignore[import-untyped]

from kit.errors import STATUS, UNEXPECTED, DomainError, ErrorKind

DETAILS = "grpc-status-details-bin"
DOMAIN = "freelanceflow"

CODE_OF = {kind: grpc.StatusCode[status.grpc] for kind, status in STATUS.items()}
KIND_OF = {code: kind for kind, code in CODE_OF.items()}
UNEXPECTED_CODE = grpc.StatusCode[UNEXPECTED.grpc]
UNEXPECTED_MESSAGE = "Something went wrong on our side."


class RemoteError(DomainError):
    """A refusal by another service, as good as one of our own."""

    def __init__(
        self,
        kind: ErrorKind,
        reason: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, fields=fields)
        self.kind = kind
        self.reason = reason
        self.details = dict(details or {})


class PeerUnavailable(DomainError):
    """The other service cannot be reached."""

    kind, reason = ErrorKind.UNAVAILABLE, "PEER_UNAVAILABLE"


class DeadlineExceeded(DomainError):
    """The time for it is over."""

    kind, reason = ErrorKind.UNAVAILABLE, "DEADLINE_EXCEEDED"


class PeerFailed(Exception):
    """The other service broke. No refusal: to our own caller it is an error of ours."""


class Abort(NamedTuple):
    """How a call ends badly."""

    code: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, bytes], ...]


def abort_of(error: BaseException) -> Abort:
    """What the caller gets to know: everything of a refusal, nothing of a mistake."""
    if not isinstance(error, DomainError):
        return Abort(UNEXPECTED_CODE, UNEXPECTED_MESSAGE, ())
    code = CODE_OF[error.kind]
    status = StatusMessage(code=code.value[0], message=error.message, details=_details(error))
    return Abort(code, error.message, ((DETAILS, status.SerializeToString()),))


def error_of(failure: grpc.aio.AioRpcError, peer: str) -> DomainError | PeerFailed:
    """What a failed call to `peer` means here."""
    code = failure.code()
    status = _status(failure)
    if code in KIND_OF and status is not None:
        return _remote_error(KIND_OF[code], status)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{peer} did not answer in time.", peer=peer)
    # CANCELLED is a server at the end of its grace; our own cancellation is no AioRpcError.
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return PeerUnavailable(f"{peer} cannot be reached.", peer=peer)
    return PeerFailed(f"{peer}: {code.name}: {failure.details()}")


def _details(error: DomainError) -> list[AnyMessage]:
    details = [_packed(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.details))]
    if error.fields:
        violations = [
            BadRequest.FieldViolation(field=field, description=text)
            for field, text in error.fields.items()
        ]
        details.append(_packed(BadRequest(field_violations=violations)))
    return details


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _status(failure: grpc.aio.AioRpcError) -> StatusMessage | None:
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS and isinstance(value, bytes):
            try:
                return StatusMessage.FromString(value)
            except DecodeError:
                return None
    return None


def _remote_error(kind: ErrorKind, status: StatusMessage) -> RemoteError:
    info, bad_request = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)  # each takes only its own type
        detail.Unpack(bad_request)
    return RemoteError(
        kind,
        info.reason or kind.name,
        status.message,
        fields={fault.field: fault.description for fault in bad_request.field_violations},
        details=info.metadata,
    )
