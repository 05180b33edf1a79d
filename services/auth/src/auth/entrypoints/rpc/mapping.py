"""Entities and rows of auth as messages."""

from datetime import datetime
from typing import Any

from auth.application.sessions import Tokens
from auth.application.two_step import Challenge, State
from auth.application.workspaces import NewInvitation
from auth.domain.api_key import ApiKey
from auth.domain.session import Session
from auth.domain.user import User
from auth.domain.workspace import Member, Workspace
from freelanceflow.auth.v1 import account_service_pb2 as account_pb
from freelanceflow.auth.v1 import api_key_service_pb2 as api_key_pb
from freelanceflow.auth.v1 import audit_service_pb2 as audit_pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1 import two_step_service_pb2 as two_step_pb
from freelanceflow.auth.v1 import workspace_service_pb2 as workspace_pb
from kit.clock import to_timestamp


def tokens_message(tokens: Tokens | Challenge) -> auth_pb.TokenPair:
    if isinstance(tokens, Challenge):
        return auth_pb.TokenPair(challenge=tokens.secret)
    return auth_pb.TokenPair(
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        expires_in=tokens.access_expires_in,
        refresh_expires_in=tokens.refresh_expires_in,
        workspace_id=str(tokens.workspace_id or ""),
        user_id=str(tokens.user_id),
    )


def user_message(user: User) -> account_pb.User:
    return account_pb.User(
        id=str(user.id),
        email=user.email,
        name=user.name,
        locale=user.locale,
        create_time=to_timestamp(user.created_at),
        etag=str(user.version),
        has_password=user.password_hash is not None,
    )


def user_in_message(
    user: User, workspace: Workspace, member: Member, permissions: frozenset[str]
) -> account_pb.User:
    """The person in a workspace."""
    message = user_message(user)
    message.workspace_id = str(workspace.id)
    message.workspace_name = workspace.name
    message.currency_code = workspace.currency
    message.time_zone = workspace.time_zone
    message.role = member.role.value
    message.custom_role_name = member.custom.name if member.custom else ""
    message.permissions.extend(sorted(permissions))
    if workspace.erase_at is not None:
        message.erase_time.CopyFrom(to_timestamp(workspace.erase_at))
    return message


def session_message(session: Session, *, current: bool) -> account_pb.Session:
    return account_pb.Session(
        id=str(session.id),
        device=session.device,
        create_time=to_timestamp(session.created_at),
        last_seen_time=to_timestamp(session.last_seen_at),
        current=current,
    )


def membership_message(row: Any) -> account_pb.Membership:
    return account_pb.Membership(
        workspace_id=str(row["workspace_id"]),
        workspace_name=row["name"],
        role=row["role"],
        custom_role_name=row["custom_role_name"] or "",
        sole_member=row["sole_member"],
        only_owner=row["only_owner"],
        erase_time=to_timestamp(row["erase_at"]) if row["erase_at"] else None,
    )


def my_invitation_message(row: Any) -> account_pb.MyInvitation:
    return account_pb.MyInvitation(
        id=str(row["id"]),
        workspace_name=row["workspace_name"],
        inviter_name=row["inviter_name"],
        role=row["custom_role_name"] or row["role"].capitalize(),
        expire_time=to_timestamp(row["expires_at"]),
    )


def workspace_message(workspace: Workspace) -> workspace_pb.Workspace:
    return workspace_pb.Workspace(
        id=str(workspace.id),
        name=workspace.name,
        currency_code=workspace.currency,
        time_zone=workspace.time_zone,
        create_time=to_timestamp(workspace.created_at),
        etag=str(workspace.version),
    )


def member_message(row: Any) -> workspace_pb.Member:
    return workspace_pb.Member(
        user_id=str(row["id"]),
        email=row["email"],
        name=row["name"],
        role=row["role"],
        custom_role_id=str(row["custom_role_id"] or ""),
        custom_role_name=row["custom_role_name"] or "",
        visibility=row["visibility"],
        team=row["team"],
        join_time=to_timestamp(row["joined_at"]),
    )


def changed_member_message(member: Member) -> workspace_pb.Member:
    return workspace_pb.Member(
        user_id=str(member.id),
        email=member.email,
        name=member.name,
        role=member.role.value,
        custom_role_id=str(member.custom.id) if member.custom else "",
        custom_role_name=member.custom.name if member.custom else "",
        visibility=member.visibility.value,
        team=member.team,
        join_time=to_timestamp(member.joined_at),
    )


def invitation_message(invitation: NewInvitation) -> workspace_pb.Invitation:
    role, custom = invitation.given
    return workspace_pb.Invitation(
        id=str(invitation.id),
        email=invitation.email,
        role=role.value,
        custom_role_id=str(custom.id) if custom else "",
        custom_role_name=custom.name if custom else "",
        token=invitation.token,
        expire_time=to_timestamp(invitation.expires_at),
    )


def two_step_message(state: State) -> two_step_pb.TwoStep:
    if state.since is None:
        return two_step_pb.TwoStep()
    return two_step_pb.TwoStep(
        on=True, confirm_time=to_timestamp(state.since), recovery_codes_left=state.codes_left
    )


def api_key_message(key: ApiKey, now: datetime) -> api_key_pb.ApiKey:
    return api_key_pb.ApiKey(
        id=str(key.id),
        name=key.name,
        read_only=key.read_only,
        create_time=to_timestamp(key.created_at),
        expire_time=to_timestamp(key.expires_at) if key.expires_at else None,
        last_use_time=to_timestamp(key.last_used_at) if key.last_used_at else None,
        expired=key.is_expired(now),
    )


def audit_message(row: Any) -> audit_pb.AuditEntry:
    return audit_pb.AuditEntry(
        id=str(row["event_id"]),
        type=row["type"],
        subject_id=str(row["subject_id"]),
        actor_id=str(row["actor_id"] or ""),
        actor_name=row["actor_name"],
        happen_time=to_timestamp(row["happened_at"]),
        record_time=to_timestamp(row["recorded_at"]),
        version=row["version"],
        bulk_id=str(row["bulk_id"] or ""),
        address=row["address"],
        detail=row["detail"],
    )
