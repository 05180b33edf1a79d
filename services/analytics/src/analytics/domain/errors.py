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


class ClientNotFound(DomainError):
    """No such client in this workspace, or not told of yet."""

    kind, reason = ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"


class MetricUnknown(DomainError):
    """Not a metric that can be forecast."""

    kind, reason = ErrorKind.INVALID, "METRIC_UNKNOWN"


class HorizonInvalid(DomainError):
    """Not 1 to 24 months."""

    kind, reason = ErrorKind.INVALID, "HORIZON_INVALID"


class IntervalInvalid(DomainError):
    """Not one of the intervals that are known."""

    kind, reason = ErrorKind.INVALID, "INTERVAL_INVALID"


class LineUnknown(DomainError):
    """Not a line that can be drawn beside a forecast."""

    kind, reason = ErrorKind.INVALID, "LINE_UNKNOWN"


class LevelUnknown(DomainError):
    """Not a level of risk."""

    kind, reason = ErrorKind.INVALID, "LEVEL_UNKNOWN"


class AdviceUnknown(DomainError):
    """Not an advice."""

    kind, reason = ErrorKind.INVALID, "ADVICE_UNKNOWN"


class AnswerUnknown(DomainError):
    """Not what can be said of a client's risk."""

    kind, reason = ErrorKind.INVALID, "ANSWER_UNKNOWN"


class DaysInvalid(DomainError):
    """Not 1 to 365 days."""

    kind, reason = ErrorKind.INVALID, "DAYS_INVALID"


class ReportNotFound(DomainError):
    """No such report, or somebody else's."""

    kind, reason = ErrorKind.NOT_FOUND, "REPORT_NOT_FOUND"


class ReportOutOfSight(DomainError):
    """It counts records that the caller does not see any more."""

    kind, reason = ErrorKind.FORBIDDEN, "REPORT_OUT_OF_SIGHT"


class ReportNotReady(DomainError):
    """It is still being made, or could not be."""

    kind, reason = ErrorKind.REFUSED, "REPORT_NOT_READY"
