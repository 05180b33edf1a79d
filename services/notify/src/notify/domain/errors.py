"""The rules of notify that can say no, one class each."""

from kit.errors import DomainError, ErrorKind


class NotificationNotFound(DomainError):
    """No such notification of this person in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "NOTIFICATION_NOT_FOUND"
