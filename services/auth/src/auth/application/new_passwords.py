"""A new password: for whoever knows the present one, or holds the link from a mail."""

from datetime import datetime, timedelta
from uuid import UUID

from auth.adapters import secrets, users, workspaces
from auth.adapters.passwords import Passwords
from auth.application.sessions import end_sessions_of
from auth.domain.errors import LinkNotValid, PasswordNotSet, PasswordWrong
from auth.domain.facts import (
    Cause,
    MemberPasswordChanged,
    PasswordForgotten,
    ResetLinkIssued,
)
from auth.domain.user import User
from kit.database import Pool, SystemTransaction
from kit.unit_of_work import UnitOfWork

RESET = "reset_password"
LINK_LIFE = timedelta(minutes=10)


async def forget(uow: UnitOfWork, *, email: str, now: datetime) -> None:
    """Somebody has forgotten the password of an address.

    Whether it is anybody's is looked up where nobody waits for an answer (`issue_link`), so that
    known and unknown addresses take the same statements and the same time.
    """
    uow.tell_facts(
        PasswordForgotten(
            aggregate_id=uow.workspace_id,
            version=1,
            at=now,
            by=None,
            email=email,
            expires_at=now + LINK_LIFE,
        )
    )
    await uow.commit()


async def issue_link(uow: UnitOfWork, *, email: str, expires_at: datetime, now: datetime) -> None:
    """A link for the person behind the address, if there is one; the one before works no more."""
    found = await users.by_email(uow, email)
    if found is None or now >= expires_at:
        return
    user = await users.load_for_update(uow, found.id)  # of two at once, one comes after the other
    token = secrets.new_secret()
    await users.drop_links(uow, user.id, RESET)
    await users.add_link(
        uow,
        secret_hash=secrets.digest(token),
        purpose=RESET,
        user_id=user.id,
        expires_at=expires_at,
    )
    uow.tell_facts(
        ResetLinkIssued(
            aggregate_id=user.id,
            version=user.version,
            at=now,
            by=None,
            email=user.email,
            name=user.name,
            token=token,
            expires_at=expires_at,
        )
    )
    await uow.commit()


async def chosen(
    system: Pool, passwords: Passwords, *, token: str, password: str, now: datetime
) -> tuple[UUID, str]:
    """Who holds a link, and the hash of what they choose; the link is not used up by it.

    No connection is held while a password is hashed.

    Raises LinkNotValid, SignInBusy, and what User complains about.
    """
    async with SystemTransaction(system) as tx:
        user_id = await users.whose_link(
            tx, secret_hash=secrets.digest(token), purpose=RESET, now=now
        )
        if user_id is None:
            raise _not_valid()
        user = await users.get(tx, user_id)
    user.check(password)
    return user_id, await passwords.hash(password)


async def reset(
    uow: UnitOfWork, *, user_id: UUID, token: str, new_hash: str, now: datetime
) -> None:
    """Use the link up and end all sessions; of many at once one does. Raises LinkNotValid."""
    user = await users.load_for_update(uow, user_id)
    used = await users.use_link(uow, secret_hash=secrets.digest(token), purpose=RESET, now=now)
    if used != user_id:
        raise _not_valid()
    await _set(uow, user, new_hash, by_link=True, but=None, now=now)


async def proven(passwords: Passwords, user: User, *, current: str, password: str) -> str:
    """The hash of a new password of somebody who knows the present one.

    Raises PasswordNotSet, PasswordWrong, SignInBusy, and what User complains about.
    """
    if user.password_hash is None:
        raise PasswordNotSet("There is no password yet. A link from a mail sets the first one.")
    if not await passwords.verify(current, user.password_hash):
        raise _wrong()
    user.check(password)
    return await passwords.hash(password)


async def change(
    uow: UnitOfWork, *, user: User, new_hash: str, session_id: UUID, now: datetime
) -> None:
    """End all sessions but the one it is changed in.

    Raises PasswordWrong when what was proven is not the present one any more.
    """
    present = await users.load_for_update(uow, user.id)
    if present.password_hash != user.password_hash:
        raise _wrong()
    await _set(uow, present, new_hash, by_link=False, but=session_id, now=now)


async def _set(
    uow: UnitOfWork,
    user: User,
    new_hash: str,
    *,
    by_link: bool,
    but: UUID | None,
    now: datetime,
) -> None:
    """`user` is locked: a session that begins meanwhile waits, and finds the new password."""
    user.take_password(new_hash, by_link=by_link, at=now)
    await users.save(uow, user)
    await users.drop_links(uow, user.id)
    await end_sessions_of(uow, user_id=user.id, but=but, cause=Cause.PASSWORD_CHANGED, now=now)
    uow.tell_facts(
        *(
            MemberPasswordChanged(
                aggregate_id=user.id,
                version=user.version,
                at=now,
                by=user.id,
                workspace_id=workspace_id,
                by_link=by_link,
            )
            for workspace_id in await workspaces.all_of(uow, user.id)
        )
    )
    await uow.commit()


def _not_valid() -> LinkNotValid:
    return LinkNotValid("This link is not valid any more. Ask for a new one.")


def _wrong() -> PasswordWrong:
    said = "This is not your present password."
    return PasswordWrong(said, fields={"current_password": said})
