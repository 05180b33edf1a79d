"""The rules of auth that can say no, one class each."""

from kit.errors import DomainError, ErrorKind


class EmailInvalid(DomainError):
    """Not an address that mail can be sent to."""

    kind, reason = ErrorKind.INVALID, "EMAIL_INVALID"


class EmailTaken(DomainError):
    """Said only where registering needs no mail; elsewhere the answer gives nothing away."""

    kind, reason = ErrorKind.DUPLICATE, "EMAIL_TAKEN"


class NameMissing(DomainError):
    """People and workspaces are called something."""

    kind, reason = ErrorKind.INVALID, "NAME_MISSING"


class PasswordTooShort(DomainError):
    """Length is what keeps a password from being guessed."""

    kind, reason = ErrorKind.INVALID, "PASSWORD_TOO_SHORT"


class PasswordTooLong(DomainError):
    """Hashing must stay bounded."""

    kind, reason = ErrorKind.INVALID, "PASSWORD_TOO_LONG"


class PasswordTooCommon(DomainError):
    """It is among the first that anybody would try."""

    kind, reason = ErrorKind.INVALID, "PASSWORD_TOO_COMMON"


class PasswordWrong(DomainError):
    """Not the present one. Whoever asks is signed in, so this says nothing about their session."""

    kind, reason = ErrorKind.INVALID, "PASSWORD_WRONG"


class PasswordNotSet(DomainError):
    """Somebody who only signs in elsewhere has none that could be changed."""

    kind, reason = ErrorKind.REFUSED, "PASSWORD_NOT_SET"


class CurrencyUnknown(DomainError):
    """Not an ISO 4217 code."""

    kind, reason = ErrorKind.INVALID, "CURRENCY_UNKNOWN"


class TimeZoneUnknown(DomainError):
    """Not an IANA time zone."""

    kind, reason = ErrorKind.INVALID, "TIME_ZONE_UNKNOWN"


class LocaleUnknown(DomainError):
    """Not a language tag."""

    kind, reason = ErrorKind.INVALID, "LOCALE_UNKNOWN"


class RoleUnknown(DomainError):
    """Neither a built-in role nor one of the workspace's own."""

    kind, reason = ErrorKind.INVALID, "ROLE_UNKNOWN"


class VisibilityUnknown(DomainError):
    """Neither own nor team nor all."""

    kind, reason = ErrorKind.INVALID, "VISIBILITY_UNKNOWN"


class TeamInvalid(DomainError):
    """Not what a team can be called."""

    kind, reason = ErrorKind.INVALID, "TEAM_INVALID"


class TeamMissing(DomainError):
    """To see a team's records one must be in a team."""

    kind, reason = ErrorKind.INVALID, "TEAM_MISSING"


class TeamFull(DomainError):
    """Everybody in a team is named in its members' tokens, which have to stay small."""

    kind, reason = ErrorKind.REFUSED, "TEAM_FULL"


class RoleSeesAll(DomainError):
    """Whoever runs a workspace sees all of it."""

    kind, reason = ErrorKind.REFUSED, "ROLE_SEES_ALL"


class FieldNotWritable(DomainError):
    """The mask names a field that cannot be set this way."""

    kind, reason = ErrorKind.INVALID, "FIELD_NOT_WRITABLE"


class CredentialsWrong(DomainError):
    """The same for an unknown address and a wrong password."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "CREDENTIALS_WRONG"


class TooManyAttempts(DomainError):
    """Guessing is slowed down; detail `retry_after` holds seconds."""

    kind, reason = ErrorKind.EXHAUSTED, "TOO_MANY_ATTEMPTS"


class SignInBusy(DomainError):
    """Hashing is bounded on purpose, and its queue is full."""

    kind, reason = ErrorKind.EXHAUSTED, "SIGN_IN_BUSY"


class RefreshTokenInvalid(DomainError):
    """Unknown or expired."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"


class SessionEnded(DomainError):
    """Signed out, taken away, or ended because a used-up token came back."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "SESSION_ENDED"


class SessionNotFound(DomainError):
    """No such session of this person."""

    kind, reason = ErrorKind.NOT_FOUND, "SESSION_NOT_FOUND"


class GoogleNotOffered(DomainError):
    """Whoever runs the platform has not set it up."""

    kind, reason = ErrorKind.NOT_FOUND, "GOOGLE_NOT_OFFERED"


class GoogleUnavailable(DomainError):
    """Google did not answer, or not as it should."""

    kind, reason = ErrorKind.UNAVAILABLE, "GOOGLE_UNAVAILABLE"


class GoogleRefused(DomainError):
    """Google would not take the code, or what it says cannot be trusted."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "GOOGLE_REFUSED"


class SignInNotValid(DomainError):
    """Used, too old, or begun in another browser."""

    kind, reason = ErrorKind.NOT_FOUND, "SIGN_IN_NOT_VALID"


class ClientUnknown(DomainError):
    """Not one of our programs at Google."""

    kind, reason = ErrorKind.INVALID, "CLIENT_UNKNOWN"


class EmailNotProven(DomainError):
    """An address that Google has not seen proven is nobody's."""

    kind, reason = ErrorKind.REFUSED, "EMAIL_NOT_PROVEN"


class IdentityTaken(DomainError):
    """A Google account lets one person in."""

    kind, reason = ErrorKind.DUPLICATE, "IDENTITY_TAKEN"


class GoogleNotConnected(DomainError):
    """There is nothing to take away."""

    kind, reason = ErrorKind.NOT_FOUND, "GOOGLE_NOT_CONNECTED"


class CodeNeeded(DomainError):
    """The password alone is not enough for this person."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "CODE_NEEDED"


class CodeWrong(DomainError):
    """Of another time, of another phone, or used before."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "CODE_WRONG"


class TwoStepOn(DomainError):
    """To have another phone, it is ended first."""

    kind, reason = ErrorKind.DUPLICATE, "TWO_STEP_ON"


class TwoStepNotStarted(DomainError):
    """There is no secret, or it counts already."""

    kind, reason = ErrorKind.NOT_FOUND, "TWO_STEP_NOT_STARTED"


class LinkNotValid(DomainError):
    """Unknown, used or expired: which of them is nobody's business."""

    kind, reason = ErrorKind.NOT_FOUND, "LINK_NOT_VALID"


class InvitationNotFound(DomainError):
    """Unknown, used or expired."""

    kind, reason = ErrorKind.NOT_FOUND, "INVITATION_NOT_FOUND"


class AlreadyMember(DomainError):
    """The address belongs to a member of this workspace."""

    kind, reason = ErrorKind.DUPLICATE, "ALREADY_MEMBER"


class UserNotFound(DomainError):
    """The token's person is gone."""

    kind, reason = ErrorKind.NOT_FOUND, "USER_NOT_FOUND"


class WorkspaceNotFound(DomainError):
    """No such workspace, or not one of this person's."""

    kind, reason = ErrorKind.NOT_FOUND, "WORKSPACE_NOT_FOUND"


class MemberNotFound(DomainError):
    """No such member of this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "MEMBER_NOT_FOUND"


class LastOwner(DomainError):
    """A workspace without an owner could never be managed again."""

    kind, reason = ErrorKind.REFUSED, "LAST_OWNER"


class WorkspaceIsClosed(DomainError):
    """Nobody works in it until it is reopened, programs neither."""

    kind, reason = ErrorKind.FORBIDDEN, "WORKSPACE_CLOSED"


class WorkspaceNotClosed(DomainError):
    """There is nothing to reopen."""

    kind, reason = ErrorKind.REFUSED, "WORKSPACE_NOT_CLOSED"


class NameDiffers(DomainError):
    """What was typed to be sure is not the workspace's name."""

    kind, reason = ErrorKind.INVALID, "NAME_DIFFERS"


class OnlyOwner(DomainError):
    """Others belong to a workspace that would be left without an owner."""

    kind, reason = ErrorKind.REFUSED, "ONLY_OWNER"


class RoleTooHigh(DomainError):
    """Nobody hands out, or takes away, a role above their own."""

    kind, reason = ErrorKind.FORBIDDEN, "ROLE_TOO_HIGH"


class UserHasChanged(DomainError):
    """The caller decided on an older state of the person."""

    kind, reason = ErrorKind.STALE, "USER_HAS_CHANGED"


class WorkspaceHasChanged(DomainError):
    """The caller decided on an older state of the workspace."""

    kind, reason = ErrorKind.STALE, "WORKSPACE_HAS_CHANGED"


class ApiKeyInvalid(DomainError):
    """Never made, taken back, or of somebody who is no longer there: which is nobody's business."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "API_KEY_INVALID"


class ApiKeyExpired(DomainError):
    """Its time is over; whoever holds it may know."""

    kind, reason = ErrorKind.UNAUTHENTICATED, "API_KEY_EXPIRED"


class ApiKeyNotFound(DomainError):
    """No such key of this person in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "API_KEY_NOT_FOUND"


class ApiKeyLifeInvalid(DomainError):
    """Some days, a year at most, or no end."""

    kind, reason = ErrorKind.INVALID, "KEY_LIFE_INVALID"


class TooManyApiKeys(DomainError):
    """Nobody needs so many, and each is one to lose."""

    kind, reason = ErrorKind.REFUSED, "TOO_MANY_API_KEYS"


class RoleNotFound(DomainError):
    """The workspace has no role of its own with this id."""

    kind, reason = ErrorKind.NOT_FOUND, "ROLE_NOT_FOUND"


class RoleHasChanged(DomainError):
    """The sender saw an older state."""

    kind, reason = ErrorKind.STALE, "ROLE_HAS_CHANGED"


class RoleNameInvalid(DomainError):
    """Not what a role can be called."""

    kind, reason = ErrorKind.INVALID, "ROLE_NAME_INVALID"


class RoleNameTaken(DomainError):
    """Two roles of one name could not be told apart."""

    kind, reason = ErrorKind.DUPLICATE, "ROLE_NAME_TAKEN"


class PermissionsInvalid(DomainError):
    """A role of one's own has less than its base, and writes nothing that it cannot read."""

    kind, reason = ErrorKind.INVALID, "PERMISSIONS_INVALID"


class RoleInUse(DomainError):
    """Whoever has it, or is invited into it, needs another one first."""

    kind, reason = ErrorKind.REFUSED, "ROLE_IN_USE"


class TooManyRoles(DomainError):
    """A list that is read at once must end."""

    kind, reason = ErrorKind.REFUSED, "TOO_MANY_ROLES"
