"""Every event type with its message, and an example with every field filled."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from freelanceflow.analytics.v1 import pipeline_events_pb2 as analytics
from freelanceflow.analytics.v1 import score_events_pb2 as scores
from freelanceflow.auth.v1 import account_events_pb2 as auth
from freelanceflow.auth.v1 import role_events_pb2 as auth_roles
from freelanceflow.crm.v1 import (
    activity_events_pb2,
    board_events_pb2,
    bulk_events_pb2,
    client_events_pb2,
    deal_events_pb2,
    export_events_pb2,
    import_events_pb2,
    record_events_pb2,
    setting_events_pb2,
)
from freelanceflow.notify.v1 import notification_events_pb2 as notify

MESSAGES: dict[str, type[Message]] = {
    "analytics.client.v1.risk_changed": scores.ClientRiskChanged,
    "analytics.deal.v1.score_dropped": scores.DealScoreDropped,
    "analytics.deal.v1.scored": scores.DealsScored,
    "analytics.forecast.v1.revised": scores.ForecastRevised,
    "analytics.pipeline.v1.changed": analytics.PipelineChanged,
    "analytics.scoring.v1.deals_dropped": scores.DealsDropped,
    "analytics.scoring.v1.risks_risen": scores.RisksRisen,
    "auth.identity.v1.connected": auth.IdentityChanged,
    "auth.identity.v1.disconnected": auth.IdentityChanged,
    "auth.invitation.v1.sent": auth.InvitationSent,
    "auth.member.v1.added": auth.MemberAdded,
    "auth.member.v1.erased": auth.MemberErased,
    "auth.member.v1.password_changed": auth.MemberPasswordChanged,
    "auth.member.v1.removed": auth.MemberRemoved,
    "auth.member.v1.role_changed": auth.MemberAdded,
    "auth.password.v1.changed": auth.PasswordChanged,
    "auth.password.v1.forgotten": auth.PasswordForgotten,
    "auth.password.v1.link_issued": auth.ResetLinkIssued,
    "auth.key.v1.created": auth.ApiKeyCreated,
    "auth.key.v1.revoked": auth.ApiKeyRevoked,
    "auth.member.v1.two_step_changed": auth.MemberTwoStepChanged,
    "auth.role.v1.changed": auth_roles.RoleChanged,
    "auth.role.v1.created": auth_roles.RoleChanged,
    "auth.role.v1.deleted": auth_roles.RoleChanged,
    "auth.session.v1.revoked": auth.SessionRevoked,
    "auth.two_step.v1.changed": auth.TwoStepChanged,
    "auth.user.v1.deleted": auth.UserDeleted,
    "auth.user.v1.registered": auth.UserRegistered,
    "auth.verification.v1.requested": auth.VerificationRequested,
    "auth.workspace.v1.closed": auth.WorkspaceClosed,
    "auth.workspace.v1.created": auth.WorkspaceCreated,
    "auth.workspace.v1.erased": auth.WorkspaceErased,
    "auth.workspace.v1.erasure_near": auth.WorkspaceClosed,
    "auth.workspace.v1.reopened": auth.WorkspaceReopened,
    "auth.workspace.v1.updated": auth.WorkspaceUpdated,
    "crm.activity.v1.created": activity_events_pb2.ActivityCreated,
    "crm.activity.v1.deleted": activity_events_pb2.ActivityDeleted,
    "crm.activity.v1.purged": record_events_pb2.RecordPurged,
    "crm.activity.v1.reminded": activity_events_pb2.ActivityReminded,
    "crm.activity.v1.restored": record_events_pb2.ActivityRestored,
    "crm.activity.v1.updated": activity_events_pb2.ActivityUpdated,
    "crm.board.v1.reweighted": board_events_pb2.BoardReweighted,
    "crm.bulk.v1.finished": bulk_events_pb2.BulkFinished,
    "crm.calendar.v1.changed": setting_events_pb2.CalendarFeedChanged,
    "crm.client.v1.created": client_events_pb2.ClientCreated,
    "crm.client.v1.deleted": client_events_pb2.ClientDeleted,
    "crm.client.v1.purged": record_events_pb2.RecordPurged,
    "crm.client.v1.restored": record_events_pb2.ClientRestored,
    "crm.client.v1.updated": client_events_pb2.ClientUpdated,
    "crm.deal.v1.created": deal_events_pb2.DealCreated,
    "crm.deal.v1.deleted": deal_events_pb2.DealDeleted,
    "crm.deal.v1.moved": deal_events_pb2.DealMoved,
    "crm.deal.v1.purged": record_events_pb2.RecordPurged,
    "crm.deal.v1.reordered": deal_events_pb2.DealReordered,
    "crm.deal.v1.restored": record_events_pb2.DealRestored,
    "crm.deal.v1.updated": deal_events_pb2.DealUpdated,
    "crm.duplicate.v1.dismissed": client_events_pb2.DuplicateDismissed,
    "crm.export.v1.failed": export_events_pb2.ExportFailed,
    "crm.export.v1.finished": export_events_pb2.ExportFinished,
    "crm.export.v1.requested": export_events_pb2.ExportRequested,
    "crm.field.v1.changed": setting_events_pb2.CustomFieldChanged,
    "crm.import.v1.failed": import_events_pb2.ImportFailed,
    "crm.import.v1.finished": import_events_pb2.ImportFinished,
    "crm.import.v1.reverted": import_events_pb2.ImportReverted,
    "crm.merge.v1.made": client_events_pb2.ClientsMerged,
    "crm.merge.v1.undone": client_events_pb2.ClientsParted,
    "crm.rate.v1.changed": setting_events_pb2.RatesChanged,
    "crm.reason.v1.changed": setting_events_pb2.LostReasonChanged,
    "crm.stage.v1.changed": setting_events_pb2.StageChanged,
    "crm.tag.v1.changed": setting_events_pb2.TagChanged,
    "crm.view.v1.changed": setting_events_pb2.ViewChanged,
    "crm.view.v1.chosen": setting_events_pb2.ViewChosen,
    "notify.notification.v1.created": notify.NotificationCreated,
}


def example(message: type[Message]) -> Message:
    """A message in which every field holds something of its own, nested ones too."""
    return _filled(message(), "")


def _filled(message: Message, path: str) -> Message:
    for field in message.DESCRIPTOR.fields:
        where = f"{path}{field.name}"
        if field.message_type is not None:
            target = getattr(message, field.name)
            _filled(target.add() if field.is_repeated else target, f"{where}.")
        elif field.is_repeated:
            getattr(message, field.name).extend(_scalar(field, f"{where}.{n}") for n in (1, 2))
        else:
            setattr(message, field.name, _scalar(field, where))
    return message


def _scalar(field: Any, path: str) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return path
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return field.number + 0.5
        case FieldDescriptor.CPPTYPE_ENUM:
            return field.enum_type.values[-1].number
    return field.number + 1000


def text_of(message: Message) -> str:
    """One line per set value, in order: what a person compares."""
    return "".join(f"{line}\n" for line in _lines(message, ""))


def _lines(message: Message, path: str) -> list[str]:
    lines: list[str] = []
    for field, value in message.ListFields():
        where = f"{path}{field.name}"
        for part in value if field.is_repeated else [value]:
            if field.message_type is not None:
                lines += _lines(part, f"{where}.")
            else:
                lines.append(f"{where} = {part!r}")
    return lines
