"""Telling people: in the application, by mail and for the morning, in one commit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from kit.ids import new_id
from kit.unit_of_work import UnitOfWork
from notify.adapters import digests, mails, notifications, preferences, recipients, workspaces
from notify.adapters.letters import Letters, digest_item
from notify.adapters.mails import NewMail
from notify.adapters.notifications import NewNotification, Reader
from notify.adapters.recipients import Recipient
from notify.domain.digest import next_digest
from notify.domain.facts import NotificationCreated
from notify.domain.messages import Kind, Wording
from notify.domain.preferences import USUAL, Choice, checked, without_mails


class News(NamedTuple):
    """Something to tell: its words for a locale, when it happened, and whose record it is about.

    What is about nobody's record is told to those who see everything, and to its `maker`; what is
    `personal`, to its owner alone. What somebody has `done` is no news to them, unless they say
    so.
    """

    kind: Kind
    words: Callable[[str], Wording]
    at: datetime
    owner_id: UUID | None
    personal: bool = False
    maker: UUID | None = None
    done_by: UUID | None = None

    def is_for(self, member: Recipient, teams: Mapping[UUID, str]) -> bool:
        """Whether this member is told; `teams` are those of all members."""
        if not member.may_hear_of(self.kind):
            return False
        if member.user_id == self.done_by and member.mutes_own_changes:
            return False
        if self.personal:
            return member.user_id == self.owner_id
        return member.user_id == self.maker or member.sees(self.owner_id, teams)


async def tell_everybody(
    uow: UnitOfWork, letters: Letters, news: Sequence[News], *, now: datetime
) -> None:
    """Every member who sees the record, as they have chosen; a reminder is its owner's own."""
    members = await recipients.everybody(uow)
    teams = {member.user_id: member.team for member in members if member.team}
    chosen = await preferences.of_everybody(uow, {item.kind for item in news})
    workspace = await workspaces.get(uow)
    told, written, collected = [], [], []
    for item in news:
        kind, words = item.kind, cache(item.words)
        for member in members:
            if not item.is_for(member, teams):
                continue
            choice = chosen.get((member.user_id, kind), USUAL[kind])
            if choice.in_app:
                told.append(_notification(member, words(member.locale), item.at))
            if choice.by_mail and choice.digest:
                collected.append((member.user_id, digest_item(words(member.locale))))
            elif choice.by_mail:
                written.append(letters.notification(member, words(member.locale), workspace))
    await notifications.add(uow, told)
    await mails.queue(uow, written, now)
    if collected:
        await digests.collect(uow, collected, next_digest(workspace.zone, now))
    uow.tell_facts(*(_created(notification, now) for notification in told))
    await uow.commit()


async def write_to_people(uow: UnitOfWork, letters: Sequence[NewMail], now: datetime) -> None:
    """What nobody can do without: it is no notification, and no preference keeps it back."""
    await mails.queue(uow, letters, now)
    await uow.commit()


async def choose(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    given: Mapping[str, Choice],
    mute_own_changes: bool | None = None,
) -> tuple[dict[Kind, Choice], bool]:
    """Be told otherwise from now on; the answer is how it then stands.

    What is no longer wanted by mail is in no digest either. Raises PreferenceInvalid.
    """
    chosen = checked(given)
    await preferences.keep(uow, user_id, chosen)
    await digests.drop_kinds(
        uow, user_id, [k for k, choice in chosen.items() if not choice.by_mail]
    )
    if mute_own_changes is not None:
        await preferences.mute_own_changes(uow, user_id, mute_own_changes)
    found = await preferences.of(uow, user_id)
    muted = await preferences.mutes_own_changes(uow, user_id)
    await uow.commit()
    return found, muted


async def unsubscribe(uow: UnitOfWork, *, user_id: UUID, kind: str) -> str:
    """No more mails of a kind, or no more digests; the answer is what the workspace is called.

    Links work for ever: nothing is written of whoever gets no mails any more.
    """
    if await recipients.is_known(uow, user_id):
        unwanted = without_mails(await preferences.of(uow, user_id), kind)
        await preferences.keep(uow, user_id, unwanted)
        await digests.drop_kinds(uow, user_id, list(unwanted))
    workspace = await workspaces.get(uow)
    await uow.commit()
    return workspace.name


async def mark_read(
    uow: UnitOfWork, *, reader: Reader, notification_id: UUID, now: datetime
) -> object:
    """The notification's row. Raises NotificationNotFound."""
    row = await notifications.mark_read(uow, reader, notification_id, now)
    await uow.commit()
    return row


async def mark_all_read(uow: UnitOfWork, *, reader: Reader, now: datetime) -> int:
    """The number of those that were unread."""
    marked = await notifications.mark_all_read(uow, reader, now)
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
