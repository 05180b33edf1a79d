"""Telling people: in the application and by mail, in one commit."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.ids import new_id
from kit.unit_of_work import UnitOfWork
from notify.adapters import mails, notifications, recipients
from notify.adapters.letters import Letters
from notify.adapters.notifications import NewNotification
from notify.adapters.recipients import Recipient
from notify.domain.facts import NotificationCreated
from notify.domain.messages import Wording


async def tell_everybody(
    uow: UnitOfWork, letters: Letters, news: Sequence[tuple[Wording, datetime]], *, now: datetime
) -> None:
    """Every member of the workspace, whoever did it too, until people can choose for themselves.

    `news` are wordings with the times at which what they tell happened.
    """
    members = await recipients.everybody(uow)
    told = [_notification(member, wording, at) for wording, at in news for member in members]
    written = [letters.notification(member, wording) for wording, _ in news for member in members]
    await notifications.add(uow, told)
    await mails.queue(uow, written, now)
    uow.tell_facts(*(_created(notification, now) for notification in told))
    await uow.commit()


async def ask_to_verify(
    uow: UnitOfWork, letters: Letters, *, email: str, name: str, token: str, now: datetime
) -> None:
    """By mail only: nobody is signed in yet."""
    await mails.queue(uow, [letters.verification(email, name, token)], now)
    await uow.commit()


async def mark_read(
    uow: UnitOfWork, *, user_id: UUID, notification_id: UUID, now: datetime
) -> object:
    """The notification's row. Raises NotificationNotFound."""
    row = await notifications.mark_read(uow, user_id, notification_id, now)
    await uow.commit()
    return row


async def mark_all_read(uow: UnitOfWork, *, user_id: UUID, now: datetime) -> int:
    """The number of those that were unread."""
    marked = await notifications.mark_all_read(uow, user_id, now)
    await uow.commit()
    return marked


def _notification(member: Recipient, wording: Wording, at: datetime) -> NewNotification:
    return NewNotification(
        id=new_id(),
        user_id=member.user_id,
        kind=wording.kind.value,
        title=wording.title,
        body=wording.body,
        target_kind=wording.target_kind,
        target_id=wording.target_id,
        created_at=at,
    )


def _created(notification: NewNotification, now: datetime) -> NotificationCreated:
    return NotificationCreated(
        aggregate_id=notification.id,
        version=1,
        at=now,
        by=None,
        user_id=notification.user_id,
        kind=notification.kind,
    )
