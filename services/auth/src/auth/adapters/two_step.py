"""What makes somebody's codes, and their codes on paper; only the system role reaches them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    LargeBinary,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from auth.adapters.sealing import Sealed
from auth.adapters.tables import recovery_codes, totp_devices
from kit.database import Statement, SystemTransaction

USER = bindparam("user", type_=Uuid())
STEP = bindparam("step", type_=BigInteger())
HASH = bindparam("hash", type_=LargeBinary())

GET = Statement(select(totp_devices).where(totp_devices.c.user_id == USER))
_new = upsert(totp_devices).values(
    user_id=USER,
    key_id=bindparam("key_id", type_=totp_devices.c.key_id.type),
    sealed=bindparam("sealed", type_=LargeBinary()),
)
PUT = Statement(
    _new.on_conflict_do_update(
        index_elements=[totp_devices.c.user_id],
        set_={"key_id": _new.excluded.key_id, "sealed": _new.excluded.sealed},
        where=totp_devices.c.confirmed_at.is_(None),
    )
)
CONFIRM = Statement(
    update(totp_devices)
    .where(totp_devices.c.user_id == USER, totp_devices.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("now", type_=DateTime(timezone=True)), last_step=STEP)
)
# Of two with the same code one finds the step not taken yet.
TAKE_STEP = Statement(
    update(totp_devices)
    .where(
        totp_devices.c.user_id == USER,
        totp_devices.c.confirmed_at.is_not(None),
        totp_devices.c.last_step < STEP,
    )
    .values(last_step=STEP)
)
REMOVE = Statement(delete(totp_devices).where(totp_devices.c.user_id == USER))
ADD_CODES = Statement(insert(recovery_codes).values(user_id=USER, code_hash=HASH))
USE_CODE = Statement(
    delete(recovery_codes).where(
        recovery_codes.c.user_id == USER, recovery_codes.c.code_hash == HASH
    )
)
DROP_CODES = Statement(delete(recovery_codes).where(recovery_codes.c.user_id == USER))
CODES_LEFT = Statement(
    select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == USER)
)


class Device(NamedTuple):
    """The application on somebody's phone."""

    sealed: Sealed
    last_step: int
    confirmed_at: datetime | None


async def device(tx: SystemTransaction, user_id: UUID) -> Device | None:
    """The one there is, also if it does not count yet."""
    row = await tx.row(GET, user=user_id)
    if row is None:
        return None
    return Device(Sealed(row["key_id"], row["sealed"]), row["last_step"], row["confirmed_at"])


async def put(tx: SystemTransaction, user_id: UUID, sealed: Sealed) -> bool:
    """One that does not count yet, in the place of another such; False where one counts."""
    return await tx.run(PUT, user=user_id, key_id=sealed.key_id, sealed=sealed.box) == 1


async def confirm(tx: SystemTransaction, user_id: UUID, step: int, now: datetime) -> bool:
    """It counts from now on; of two at once one does it."""
    return await tx.run(CONFIRM, user=user_id, step=step, now=now) == 1


async def take_step(tx: SystemTransaction, user_id: UUID, step: int) -> bool:
    """Whether the code of this step lets in; it does so once."""
    return await tx.run(TAKE_STEP, user=user_id, step=step) == 1


async def remove(tx: SystemTransaction, user_id: UUID) -> bool:
    """Device and codes; whether there was one."""
    await tx.run(DROP_CODES, user=user_id)
    return await tx.run(REMOVE, user=user_id) == 1


async def replace_codes(tx: SystemTransaction, user_id: UUID, hashes: Sequence[bytes]) -> None:
    """The old ones work no more."""
    await tx.run(DROP_CODES, user=user_id)
    await tx.run_many(ADD_CODES, [{"user": user_id, "hash": hash} for hash in hashes])


async def use_code(tx: SystemTransaction, user_id: UUID, hash: bytes) -> bool:
    """Whether it was one; it is none any more."""
    return await tx.run(USE_CODE, user=user_id, hash=hash) == 1


async def codes_left(tx: SystemTransaction, user_id: UUID) -> int:
    """Those that have not been used."""
    return int(await tx.value(CODES_LEFT, user=user_id))
