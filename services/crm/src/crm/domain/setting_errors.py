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


class FieldNotFound(DomainError):
    """No such custom field in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "CUSTOM_FIELD_NOT_FOUND"


class FieldHasChanged(DomainError):
    """The caller decided on an older state of the field."""

    kind, reason = ErrorKind.STALE, "FIELD_HAS_CHANGED"


class FieldNameTaken(DomainError):
    """Two fields of one form with the same label cannot be told apart."""

    kind, reason = ErrorKind.DUPLICATE, "FIELD_NAME_TAKEN"


class FieldsTooMany(DomainError):
    """Nobody fills in a longer form."""

    kind, reason = ErrorKind.REFUSED, "FIELDS_TOO_MANY"


class TagNotFound(DomainError):
    """No record carries it, and it has no colour."""

    kind, reason = ErrorKind.NOT_FOUND, "TAG_NOT_FOUND"


class TagsTooMany(DomainError):
    """More tags with a colour than anybody can tell apart."""

    kind, reason = ErrorKind.REFUSED, "TAGS_TOO_MANY"


class ViewNotFound(DomainError):
    """No such view, or a private one of somebody else."""

    kind, reason = ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"


class ViewHasChanged(DomainError):
    """The caller decided on an older state of the view."""

    kind, reason = ErrorKind.STALE, "VIEW_HAS_CHANGED"


class ViewOfSomebodyElse(DomainError):
    """A shared view is its maker's, and the administrators', to change."""

    kind, reason = ErrorKind.FORBIDDEN, "VIEW_OF_SOMEBODY_ELSE"


class ViewsTooMany(DomainError):
    """A person has room for so many views."""

    kind, reason = ErrorKind.REFUSED, "VIEWS_TOO_MANY"
