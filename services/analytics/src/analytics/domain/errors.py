"""The rules of analytics that can say no, one class each."""

from kit.errors import DomainError, ErrorKind


class DealNotFound(DomainError):
    """No such deal in this workspace, or not told of yet."""

    kind, reason = ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"


class DateInvalid(DomainError):
    """Not a civil date."""

    kind, reason = ErrorKind.INVALID, "DATE_INVALID"


class RangeEmpty(DomainError):
    """A period ends before it begins."""

    kind, reason = ErrorKind.INVALID, "RANGE_EMPTY"
