"""Sessions and their refresh tokens, and how often somebody has guessed."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    Uuid,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from auth.adapters.tables import attempts, members, refresh_tokens, sessions
from auth.domain.errors import RefreshTokenInvalid, SessionNotFound
from auth.domain.session import RefreshToken, Session
from kit.database import Statement, SystemTransaction
from kit.unit_of_work import UnitOfWork

SESSION, USER = bindparam("session", type_=Uuid()), bindparam("user", type_=Uuid())
HASH = bindparam("hash", type_=LargeBinary())
NOW, SINCE = (bindparam(name, type_=DateTime(timezone=True)) for name in ("now", "since"))

ADD = Statement(
    insert(sessions).values({c.name: bindparam(c.name) for c in sessions.c if c.name != "ended_at"})
)
WHOSE = Statement(
    select(sessions.c.id, sessions.c.workspace_id, sessions.c.user_id)
    .join(refresh_tokens, refresh_tokens.c.session_id == sessions.c.id)
    .where(refresh_tokens.c.secret_hash == HASH)
)
LOCK = Statement(select(sessions).where(sessions.c.id == SESSION).with_for_update())
TOKEN = Statement(select(refresh_tokens).where(refresh_tokens.c.secret_hash == HASH))
SAVE = Statement(
    update(sessions)
    .where(sessions.c.id == SESSION, sessions.c.version == bindparam("read", type_=Integer()))
    .values(
        version=sessions.c.version + 1,
        workspace_id=bindparam("workspace", type_=Uuid()),
        last_seen_at=bindparam("last_seen_at", type_=DateTime(timezone=True)),
        ended_at=bindparam("ended_at", type_=DateTime(timezone=True)),
    )
)
ADD_TOKEN = Statement(
    insert(refresh_tokens).values(
        {n: bindparam(n) for n in ("secret_hash", "session_id", "expires_at")}
    )
)
USE_TOKEN = Statement(
    update(refresh_tokens)
    .where(refresh_tokens.c.secret_hash == HASH)
    .values(used_at=NOW, sealed_successor=bindparam("sealed", type_=LargeBinary()))
)
_of_a_person = sessions.c.user_id == USER, sessions.c.api_key_id.is_(None)
_live = sessions.c.ended_at.is_(None), sessions.c.last_seen_at > SINCE
LIVE_PAGE = Statement(
    select(sessions)
    .where(*_of_a_person, sessions.c.id < bindparam("before", type_=Uuid()), *_live)
    .order_by(sessions.c.id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
LIVE_OF_MEMBER = Statement(
    select(sessions)
    .where(
        sessions.c.user_id == USER,
        sessions.c.workspace_id == bindparam("workspace", type_=Uuid()),
        sessions.c.ended_at.is_(None),
    )
    .order_by(sessions.c.id)
    .with_for_update()
)
LIVE_OF_WORKSPACE = Statement(
    select(sessions)
    .join(members, members.c.user_id == sessions.c.user_id)
    .where(
        members.c.workspace_id == bindparam("workspace", type_=Uuid()),
        sessions.c.workspace_id == members.c.workspace_id,
        sessions.c.ended_at.is_(None),
    )
    .order_by(sessions.c.id)
    .with_for_update(of=sessions)
)
LIVE_OF_USER = Statement(
    select(sessions)
    .where(*_of_a_person, sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id)
    .with_for_update()
)
LIVE_OF_KEY = Statement(
    select(sessions)
    .where(sessions.c.api_key_id == bindparam("key", type_=Uuid()), sessions.c.ended_at.is_(None))
    .with_for_update()
)
ACTIVE = Statement(select(sessions.c.ended_at.is_(None)).where(sessions.c.id == SESSION))
PURGE = Statement(
    delete(sessions).where(or_(sessions.c.ended_at < SINCE, sessions.c.last_seen_at < SINCE))
)

_window = bindparam("window", type_=Interval())
_over = attempts.c.window_started_at < NOW - _window
GUESS = Statement(
    upsert(attempts)
    .values(bucket=bindparam("bucket", type_=LargeBinary()), count=1, window_started_at=NOW)
    .on_conflict_do_update(
        index_elements=[attempts.c.bucket],
        set_={
            "count": case((_over, 1), else_=attempts.c.count + 1),
            "window_started_at": case((_over, NOW), else_=attempts.c.window_started_at),
        },
    )
    .returning(attempts.c.count, attempts.c.window_started_at)
)
FORGET = Statement(
    delete(attempts).where(attempts.c.bucket == bindparam("bucket", type_=LargeBinary()))
)
FORGET_OLD = Statement(delete(attempts).where(attempts.c.window_started_at < SINCE))


class Whose(NamedTuple):
    """What a refresh token leads to, before anything is locked."""

    session_id: UUID
    workspace_id: UUID
    user_id: UUID


async def add(uow: UnitOfWork, session: Session) -> None:
    """A new one."""
    names = [c.name for c in sessions.c if c.name != "ended_at"]
    await uow.run(ADD, **{name: getattr(session, name) for name in names})


async def whose(tx: SystemTransaction, secret_hash: bytes) -> Whose:
    """Raises RefreshTokenInvalid."""
    row = await tx.row(WHOSE, hash=secret_hash)
    if row is None:
        raise RefreshTokenInvalid("This session is not known. Sign in again.")
    return Whose(*row)


async def load_for_update(tx: SystemTransaction, session_id: UUID) -> Session:
    """Raises SessionNotFound."""
    row = await tx.row(LOCK, session=session_id)
    if row is None:
        raise SessionNotFound("There is no such session.")
    return Session(**row)


async def token(tx: SystemTransaction, secret_hash: bytes) -> RefreshToken:
    """Read it after its session was locked. Raises RefreshTokenInvalid."""
    row = await tx.row(TOKEN, hash=secret_hash)
    if row is None:
        raise RefreshTokenInvalid("This session is not known. Sign in again.")
    return RefreshToken(
        session_id=row["session_id"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        sealed_successor=row["sealed_successor"],
    )


async def save(uow: UnitOfWork, session: Session) -> None:
    """Raises ChangedMeanwhile."""
    rows = await uow.run(
        SAVE,
        session=session.id,
        read=session.version,
        workspace=session.workspace_id,
        last_seen_at=session.last_seen_at,
        ended_at=session.ended_at,
    )
    uow.saved(session, rows=rows)


async def add_token(
    tx: SystemTransaction, secret_hash: bytes, session_id: UUID, expires_at: datetime
) -> None:
    """The next link of the chain."""
    await tx.run(ADD_TOKEN, secret_hash=secret_hash, session_id=session_id, expires_at=expires_at)


async def use_token(
    tx: SystemTransaction, secret_hash: bytes, *, sealed_successor: bytes, now: datetime
) -> None:
    """Use it up, and keep its successor for a repeat, sealed with the token itself."""
    await tx.run(USE_TOKEN, hash=secret_hash, sealed=sealed_successor, now=now)


async def live_page(
    tx: SystemTransaction, user_id: UUID, *, before: UUID, since: datetime, limit: int
) -> list[Session]:
    """Live sessions that were used since, newest first, older than `before`."""
    rows = await tx.rows(LIVE_PAGE, user=user_id, before=before, since=since, limit=limit)
    return [Session(**row) for row in rows]


async def live_of_user(tx: SystemTransaction, user_id: UUID) -> list[Session]:
    """All live sessions of a person, but not those of programs, locked."""
    return [Session(**row) for row in await tx.rows(LIVE_OF_USER, user=user_id)]


async def live_of_member(tx: SystemTransaction, user_id: UUID, workspace_id: UUID) -> list[Session]:
    """A person's live sessions in one workspace, those of programs too, locked."""
    rows = await tx.rows(LIVE_OF_MEMBER, user=user_id, workspace=workspace_id)
    return [Session(**row) for row in rows]


async def live_of_workspace(tx: SystemTransaction, workspace_id: UUID) -> list[Session]:
    """All that its members have there, those of programs too, locked."""
    rows = await tx.rows(LIVE_OF_WORKSPACE, workspace=workspace_id)
    return [Session(**row) for row in rows]


async def live_of_key(tx: SystemTransaction, key_id: UUID) -> Session | None:
    """The live session of an API key, locked."""
    row = await tx.row(LIVE_OF_KEY, key=key_id)
    return None if row is None else Session(**row)


async def active(tx: SystemTransaction, session_id: UUID) -> bool:
    """Whether it is there and not ended."""
    return bool(await tx.value(ACTIVE, session=session_id))


async def purge(tx: SystemTransaction, *, ended_before: datetime, attempts_before: datetime) -> int:
    """Forget what nobody can use any more; the number of sessions."""
    await tx.run(FORGET_OLD, since=attempts_before)
    return await tx.run(PURGE, since=ended_before)


async def count_attempt(
    tx: SystemTransaction, bucket: bytes, *, window: timedelta, now: datetime
) -> tuple[int, datetime]:
    """How many there were in this window, this one included, and when the window began."""
    row = await tx.row(GUESS, bucket=bucket, window=window, now=now)
    assert row is not None  # an upsert always answers
    return row["count"], row["window_started_at"]


async def forget_attempts(tx: SystemTransaction, bucket: bytes) -> None:
    """The right password came."""
    await tx.run(FORGET, bucket=bucket)
