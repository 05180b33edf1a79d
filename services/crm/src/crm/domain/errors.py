"""The rules of crm that can say no, one class each."""

from collections.abc import Iterable
from typing import NamedTuple

from kit.errors import DomainError, ErrorKind


class DealNotFound(DomainError):
    """No such deal in this workspace, or it is in the trash."""

    kind, reason = ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"


class ClientNotFound(DomainError):
    """No such client in this workspace, or it is in the trash."""

    kind, reason = ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"


class ActivityNotFound(DomainError):
    """No such activity in this workspace, or it is in the trash."""

    kind, reason = ErrorKind.NOT_FOUND, "ACTIVITY_NOT_FOUND"


class StageNotFound(DomainError):
    """No such stage in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "STAGE_NOT_FOUND"


class OwnerNotFound(DomainError):
    """Neither a member nor a label of this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "OWNER_NOT_FOUND"


class LostReasonNotFound(DomainError):
    """No such lost reason in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "LOST_REASON_NOT_FOUND"


class ImportNotFound(DomainError):
    """No such import in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "IMPORT_NOT_FOUND"


class RecordNotInTrash(DomainError):
    """Nothing with this id is in the trash of this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "RECORD_NOT_IN_TRASH"


class DealNotClosed(DomainError):
    """Only what was won or lost can be reopened."""

    kind, reason = ErrorKind.REFUSED, "DEAL_NOT_CLOSED"


class ActionUnknown(DomainError):
    """Not what can be done to many of these."""

    kind, reason = ErrorKind.INVALID, "ACTION_UNKNOWN"


class ActionIncomplete(DomainError):
    """It does not say what is to change."""

    kind, reason = ErrorKind.INVALID, "ACTION_INCOMPLETE"


class BulkEmpty(DomainError):
    """It says neither which records nor what they have in common."""

    kind, reason = ErrorKind.INVALID, "BULK_EMPTY"


class BulkTooLarge(DomainError):
    """More records than one change may touch."""

    kind, reason = ErrorKind.INVALID, "BULK_TOO_LARGE"


class DealHasChanged(DomainError):
    """The caller decided on an older state of the deal."""

    kind, reason = ErrorKind.STALE, "DEAL_HAS_CHANGED"


class ClientHasChanged(DomainError):
    """The caller decided on an older state of the client."""

    kind, reason = ErrorKind.STALE, "CLIENT_HAS_CHANGED"


class ActivityHasChanged(DomainError):
    """The caller decided on an older state of the activity."""

    kind, reason = ErrorKind.STALE, "ACTIVITY_HAS_CHANGED"


class ETagMissing(DomainError):
    """A change of something contended must say which state it was decided on."""

    kind, reason = ErrorKind.INVALID, "ETAG_MISSING"


class LostReasonMissing(DomainError):
    """A deal may only be lost for a stated reason: the reports and the win model live on it."""

    kind, reason = ErrorKind.INVALID, "LOST_REASON_MISSING"


class CloseDayInvalid(DomainError):
    """A deal is won or lost after it came into its stage, and not in the future."""

    kind, reason = ErrorKind.INVALID, "CLOSE_DAY_INVALID"


class ExternalIdTaken(DomainError):
    """Another record already carries this id of the source."""

    kind, reason = ErrorKind.DUPLICATE, "EXTERNAL_ID_TAKEN"


class ImportNotReady(DomainError):
    """It is being written, or has been."""

    kind, reason = ErrorKind.REFUSED, "IMPORT_NOT_READY"


class ImportNotDone(DomainError):
    """There is nothing to take back, or it was."""

    kind, reason = ErrorKind.REFUSED, "IMPORT_NOT_DONE"


class ClientAlike(DomainError):
    """Somebody like that is there already; the caller may mean it all the same."""

    kind, reason = ErrorKind.DUPLICATE, "CLIENT_ALIKE"


class ClientOutOfSight(DomainError):
    """What the caller does not see belongs to it."""

    kind, reason = ErrorKind.REFUSED, "CLIENT_OUT_OF_SIGHT"


class MergeNotFound(DomainError):
    """No such merge in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "MERGE_NOT_FOUND"


class MergeOutOfSight(DomainError):
    """What the caller does not see would be left with a client that is not its own."""

    kind, reason = ErrorKind.REFUSED, "MERGE_OUT_OF_SIGHT"


class MergeUndone(DomainError):
    """They are two again already."""

    kind, reason = ErrorKind.REFUSED, "MERGE_UNDONE"


class MergeWithItself(DomainError):
    """One client cannot become one."""

    kind, reason = ErrorKind.INVALID, "MERGE_WITH_ITSELF"


class ExportNotFound(DomainError):
    """No such export, or it is somebody else's."""

    kind, reason = ErrorKind.NOT_FOUND, "EXPORT_NOT_FOUND"


class ExportNotDone(DomainError):
    """There is no file yet, or none any more."""

    kind, reason = ErrorKind.REFUSED, "EXPORT_NOT_DONE"


class ExportTooLarge(DomainError):
    """More rows than this format is good for."""

    kind, reason = ErrorKind.REFUSED, "EXPORT_TOO_LARGE"


class ExportOutOfSight(DomainError):
    """It holds records that the caller does not see any more."""

    kind, reason = ErrorKind.FORBIDDEN, "EXPORT_OUT_OF_SIGHT"


class FileTooLarge(DomainError):
    """More bytes than an import may have."""

    kind, reason = ErrorKind.EXHAUSTED, "FILE_TOO_LARGE"


class CalendarNotFound(DomainError):
    """No calendar has this secret, or whom it belonged to has left."""

    kind, reason = ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"


class WorkspaceNotEmpty(DomainError):
    """Samples are for a workspace that has had no deal yet."""

    kind, reason = ErrorKind.REFUSED, "WORKSPACE_NOT_EMPTY"


class Problem(NamedTuple):
    """What is wrong with one field."""

    field: str
    reason: str
    message: str


class EntryRefused(DomainError):
    """What was entered cannot be meant; every field at once, the reason is the first one's."""

    kind, reason = ErrorKind.INVALID, "INVALID_INPUT"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        said: dict[str, list[str]] = {}
        for problem in self.problems:
            said.setdefault(problem.field, []).append(problem.message)
        super().__init__(
            " ".join(problem.message for problem in self.problems),
            fields={field: " ".join(dict.fromkeys(messages)) for field, messages in said.items()},
        )
        self.reason = self.problems[0].reason
