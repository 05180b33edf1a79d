"""The rules of notify that can say no, one class each."""

from kit.errors import DomainError, ErrorKind


class NotificationNotFound(DomainError):
    """No such notification of this person in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "NOTIFICATION_NOT_FOUND"


class UnsubscribeLinkInvalid(DomainError):
    """It was not made here, or with another key."""

    kind, reason = ErrorKind.NOT_FOUND, "UNSUBSCRIBE_LINK_INVALID"
