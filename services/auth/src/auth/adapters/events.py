"""Facts on their way to the bus: the only place in auth that knows subjects and wire messages."""

from uuid import UUID

from auth.adapters.audit_details import detail_of
from auth.adapters.role_events import role_message
from auth.domain.facts import (
    Addressee,
    ApiKeyCreated,
    ApiKeyRevoked,
    IdentityConnected,
    IdentityDisconnected,
    InvitationSent,
    MemberAdded,
    MemberErased,
    MemberPasswordChanged,
    MemberRemoved,
    MemberRoleChanged,
    MemberTwoStepChanged,
    PasswordChanged,
    PasswordForgotten,
    ResetLinkIssued,
    RoleChanged,
    RoleCreated,
    RoleDeleted,
    SessionRevoked,
    TwoStepChanged,
    UserDeleted,
    UserRegistered,
    VerificationRequested,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceErased,
    WorkspaceErasureNear,
    WorkspaceReopened,
    WorkspaceUpdated,
)
from freelanceflow.auth.v1 import account_events_pb2 as pb
from kit.aggregate import Fact
from kit.clock import to_timestamp
from kit.outbox import Message, OutboxRow, event_row

# People belong to no workspace; their facts go by their own id.
_OF_A_PERSON = (
    UserRegistered
    | UserDeleted
    | VerificationRequested
    | PasswordForgotten
    | ResetLinkIssued
    | PasswordChanged
    | TwoStepChanged
)
# These say where; it need not be the workspace where it was done.
_ELSEWHERE = (
    MemberErased | MemberPasswordChanged | MemberRemoved | MemberTwoStepChanged | SessionRevoked
)


def to_outbox(workspace_id: UUID, fact: Fact) -> OutboxRow:
    """One fact, ready to commit. Raises TypeError for one without a wire form."""
    name, message = _wire(fact)
    if isinstance(fact, _OF_A_PERSON):
        workspace_id = fact.aggregate_id
    elif isinstance(fact, _ELSEWHERE):
        workspace_id = fact.workspace_id
    elif isinstance(fact, WorkspaceErased):
        workspace_id = fact.aggregate_id
    row = event_row("auth", workspace_id, fact, name, message)
    if detail := detail_of(fact):
        row["headers"]["ff-detail"] = detail
    return row


def _wire(fact: Fact) -> tuple[str, Message]:
    match fact:
        case UserRegistered():
            return "user.v1.registered", _user_registered(fact)
        case UserDeleted():
            return "user.v1.deleted", _user_deleted(fact)
        case VerificationRequested():
            return "verification.v1.requested", _verification_requested(fact)
        case PasswordForgotten():
            return "password.v1.forgotten", _password_forgotten(fact)
        case ResetLinkIssued():
            return "password.v1.link_issued", _reset_link_issued(fact)
        case PasswordChanged():
            return "password.v1.changed", _password_changed(fact)
        case MemberPasswordChanged():
            return "member.v1.password_changed", _member_password_changed(fact)
        case TwoStepChanged():
            return "two_step.v1.changed", _two_step_changed(fact)
        case MemberTwoStepChanged():
            return "member.v1.two_step_changed", _member_two_step_changed(fact)
        case InvitationSent():
            return "invitation.v1.sent", _invitation_sent(fact)
        case WorkspaceCreated():
            return "workspace.v1.created", _workspace_created(fact)
        case WorkspaceUpdated():
            return "workspace.v1.updated", _workspace_updated(fact)
        case WorkspaceErasureNear():
            return "workspace.v1.erasure_near", _workspace_closed(fact)
        case WorkspaceClosed():
            return "workspace.v1.closed", _workspace_closed(fact)
        case WorkspaceReopened():
            return "workspace.v1.reopened", _workspace_reopened(fact)
        case WorkspaceErased():
            return "workspace.v1.erased", _workspace_erased(fact)
        case MemberRoleChanged():
            return "member.v1.role_changed", _member(fact)
        case MemberAdded():
            return "member.v1.added", _member(fact)
        case MemberRemoved():
            return "member.v1.removed", _member_removed(fact)
        case MemberErased():
            return "member.v1.erased", _member_erased(fact)
        case IdentityDisconnected():
            return "identity.v1.disconnected", _identity_changed(fact)
        case IdentityConnected():
            return "identity.v1.connected", _identity_changed(fact)
        case SessionRevoked():
            return "session.v1.revoked", _session_revoked(fact)
        case ApiKeyCreated():
            return "key.v1.created", _api_key_created(fact)
        case RoleDeleted():
            return "role.v1.deleted", role_message(fact)
        case RoleChanged():
            return "role.v1.changed", role_message(fact)
        case RoleCreated():
            return "role.v1.created", role_message(fact)
        case ApiKeyRevoked():
            return "key.v1.revoked", _api_key_revoked(fact)
    raise TypeError(f"{type(fact).__name__} has no wire form")


def _user_registered(fact: UserRegistered) -> pb.UserRegistered:
    return pb.UserRegistered(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        locale=fact.locale,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _user_deleted(fact: UserDeleted) -> pb.UserDeleted:
    return pb.UserDeleted(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _verification_requested(fact: VerificationRequested) -> pb.VerificationRequested:
    return pb.VerificationRequested(
        user_id=str(fact.aggregate_id) if fact.token else "",
        email=fact.email,
        name=fact.name,
        token=fact.token,
        expire_time=to_timestamp(fact.expires_at),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _password_forgotten(fact: PasswordForgotten) -> pb.PasswordForgotten:
    return pb.PasswordForgotten(
        email=fact.email,
        expire_time=to_timestamp(fact.expires_at),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _reset_link_issued(fact: ResetLinkIssued) -> pb.ResetLinkIssued:
    return pb.ResetLinkIssued(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        token=fact.token,
        expire_time=to_timestamp(fact.expires_at),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _password_changed(fact: PasswordChanged) -> pb.PasswordChanged:
    return pb.PasswordChanged(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        by_link=fact.by_link,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _member_password_changed(fact: MemberPasswordChanged) -> pb.MemberPasswordChanged:
    return pb.MemberPasswordChanged(
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.aggregate_id),
        by_link=fact.by_link,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _two_step_changed(fact: TwoStepChanged) -> pb.TwoStepChanged:
    return pb.TwoStepChanged(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        on=fact.on,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _member_two_step_changed(fact: MemberTwoStepChanged) -> pb.MemberTwoStepChanged:
    return pb.MemberTwoStepChanged(
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.aggregate_id),
        on=fact.on,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _invitation_sent(fact: InvitationSent) -> pb.InvitationSent:
    return pb.InvitationSent(
        invitation_id=str(fact.aggregate_id),
        email=fact.email,
        workspace_name=fact.workspace_name,
        inviter_name=fact.inviter_name,
        role=fact.role,
        token=fact.token,
        expire_time=to_timestamp(fact.expires_at),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _workspace_created(fact: WorkspaceCreated) -> pb.WorkspaceCreated:
    return pb.WorkspaceCreated(
        workspace_id=str(fact.aggregate_id),
        name=fact.name,
        currency_code=fact.currency,
        time_zone=fact.time_zone,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _workspace_updated(fact: WorkspaceUpdated) -> pb.WorkspaceUpdated:
    return pb.WorkspaceUpdated(
        workspace_id=str(fact.aggregate_id),
        name=fact.name,
        currency_code=fact.currency,
        time_zone=fact.time_zone,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _workspace_closed(fact: WorkspaceClosed) -> pb.WorkspaceClosed:
    return pb.WorkspaceClosed(
        workspace_id=str(fact.aggregate_id),
        name=fact.name,
        erase_time=to_timestamp(fact.erase_at),
        owners=map(_addressee, fact.owners),
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _workspace_reopened(fact: WorkspaceReopened) -> pb.WorkspaceReopened:
    return pb.WorkspaceReopened(
        workspace_id=str(fact.aggregate_id),
        name=fact.name,
        owners=map(_addressee, fact.owners),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _addressee(one: Addressee) -> pb.Addressee:
    return pb.Addressee(email=one.email, name=one.name)


def _workspace_erased(fact: WorkspaceErased) -> pb.WorkspaceErased:
    return pb.WorkspaceErased(
        workspace_id=str(fact.aggregate_id),
        actor_id=str(fact.by or ""),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _member(fact: MemberAdded) -> pb.MemberAdded:
    return pb.MemberAdded(
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.aggregate_id),
        email=fact.email,
        name=fact.name,
        locale=fact.locale,
        role=fact.role,
        visibility=fact.visibility,
        team=fact.team,
        permissions=sorted(fact.permissions),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _member_removed(fact: MemberRemoved) -> pb.MemberRemoved:
    return pb.MemberRemoved(
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.aggregate_id),
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _member_erased(fact: MemberErased) -> pb.MemberErased:
    return pb.MemberErased(
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.aggregate_id),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _identity_changed(fact: IdentityConnected) -> pb.IdentityChanged:
    return pb.IdentityChanged(
        user_id=str(fact.aggregate_id),
        email=fact.email,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
        account_email=fact.account_email,
        name=fact.name,
    )


def _session_revoked(fact: SessionRevoked) -> pb.SessionRevoked:
    return pb.SessionRevoked(
        session_id=str(fact.aggregate_id),
        user_id=str(fact.user_id),
        cause=fact.cause.value,
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _api_key_created(fact: ApiKeyCreated) -> pb.ApiKeyCreated:
    return pb.ApiKeyCreated(
        key_id=str(fact.aggregate_id),
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.user_id),
        email=fact.email,
        name=fact.name,
        key_name=fact.key_name,
        read_only=fact.read_only,
        expire_time=to_timestamp(fact.expires_at) if fact.expires_at else None,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )


def _api_key_revoked(fact: ApiKeyRevoked) -> pb.ApiKeyRevoked:
    return pb.ApiKeyRevoked(
        key_id=str(fact.aggregate_id),
        workspace_id=str(fact.workspace_id),
        user_id=str(fact.user_id),
        key_name=fact.key_name,
        actor_id=str(fact.by),
        happen_time=to_timestamp(fact.at),
        version=fact.version,
    )
