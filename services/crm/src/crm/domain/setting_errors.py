"""The rules of a workspace's settings that can say no, one class each."""

from kit.errors import DomainError, ErrorKind


class StageHasChanged(DomainError):
    """The caller decided on an older state of the stage."""

    kind, reason = ErrorKind.STALE, "STAGE_HAS_CHANGED"


class StageNameTaken(DomainError):
    """Two columns of one board with the same heading cannot be told apart."""

    kind, reason = ErrorKind.DUPLICATE, "STAGE_NAME_TAKEN"


class StagesTooMany(DomainError):
    """A board has room for so many columns."""

    kind, reason = ErrorKind.REFUSED, "STAGES_TOO_MANY"


class StageNotEmpty(DomainError):
    """Deals stand there, and what it means that they do is not changed behind them."""

    kind, reason = ErrorKind.REFUSED, "STAGE_NOT_EMPTY"


class StageIsLastOfType(DomainError):
    """Deals must be able to come, to be won and to be lost."""

    kind, reason = ErrorKind.REFUSED, "STAGE_IS_LAST_OF_TYPE"


class StagesIncomplete(DomainError):
    """An order names every stage once."""

    kind, reason = ErrorKind.INVALID, "STAGES_INCOMPLETE"


class TargetMissing(DomainError):
    """The stage has deals, and they must go somewhere."""

    kind, reason = ErrorKind.INVALID, "TARGET_MISSING"


class TargetUnfit(DomainError):
    """Deals of a removed stage stay what they are: open, won or lost."""

    kind, reason = ErrorKind.INVALID, "TARGET_UNFIT"


class LostReasonNameTaken(DomainError):
    """Two reasons with the same words are one."""

    kind, reason = ErrorKind.DUPLICATE, "LOST_REASON_NAME_TAKEN"


class LostReasonsTooMany(DomainError):
    """Nobody chooses from a longer list."""

    kind, reason = ErrorKind.REFUSED, "LOST_REASONS_TOO_MANY"


class LostReasonIsLast(DomainError):
    """A deal can only be lost for a reason, so one must remain."""

    kind, reason = ErrorKind.REFUSED, "LOST_REASON_IS_LAST"


class LostReasonsIncomplete(DomainError):
    """An order names every reason once."""

    kind, reason = ErrorKind.INVALID, "LOST_REASONS_INCOMPLETE"


class RateNotFound(DomainError):
    """No rate of this currency begins on this day."""

    kind, reason = ErrorKind.NOT_FOUND, "RATE_NOT_FOUND"
