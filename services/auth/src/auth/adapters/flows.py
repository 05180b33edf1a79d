"""Sign-ins on their way: each is read with the secret of who began it, and ended once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import DateTime, LargeBinary, Text, bindparam, delete, insert, select

from auth.adapters import secrets
from auth.adapters.tables import sign_in_flows
from kit.database import Statement, SystemTransaction

LIFE = timedelta(minutes=10)

NOW = bindparam("now", type_=DateTime(timezone=True))
_names = ("secret_hash", "purpose", "sealed", "expires_at")
_this = (
    sign_in_flows.c.secret_hash == bindparam("hash", type_=LargeBinary()),
    sign_in_flows.c.purpose == bindparam("purpose", type_=Text()),
    sign_in_flows.c.expires_at > NOW,
)
ADD = Statement(insert(sign_in_flows).values({name: bindparam(name) for name in _names}))
LOOK = Statement(select(sign_in_flows.c.sealed).where(*_this))
END = Statement(delete(sign_in_flows).where(*_this).returning(sign_in_flows.c.sealed))
PURGE = Statement(delete(sign_in_flows).where(sign_in_flows.c.expires_at <= NOW))


async def begin(
    tx: SystemTransaction, purpose: str, content: Mapping[str, object], now: datetime
) -> str:
    """Keep it for ten minutes; the secret that opens it again."""
    secret = secrets.new_secret()
    await tx.run(
        ADD,
        secret_hash=secrets.digest(secret),
        purpose=purpose,
        sealed=secrets.seal(orjson.dumps(content).decode(), secret),
        expires_at=now + LIFE,
    )
    return secret


async def look(
    tx: SystemTransaction, purpose: str, secret: str, now: datetime
) -> dict[str, Any] | None:
    """What it holds, while it is not ended."""
    return await _opened(tx, LOOK, purpose, secret, now)


async def end(
    tx: SystemTransaction, purpose: str, secret: str, now: datetime
) -> dict[str, Any] | None:
    """What it held; of many at a time one gets it."""
    return await _opened(tx, END, purpose, secret, now)


async def purge(tx: SystemTransaction, now: datetime) -> None:
    """Forget what nobody has ended in time."""
    await tx.run(PURGE, now=now)


async def _opened(
    tx: SystemTransaction, statement: Statement, purpose: str, secret: str, now: datetime
) -> dict[str, Any] | None:
    sealed = await tx.value(statement, hash=secrets.digest(secret), purpose=purpose, now=now)
    if sealed is None:
        return None
    content: dict[str, Any] = orjson.loads(secrets.unseal(sealed, secret))
    return content
