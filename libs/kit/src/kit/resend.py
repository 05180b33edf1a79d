"""Telling once more: for those who lost what they had heard.

Whoever has heard it knows the event by its id for `inbox.KEEP`, and lets it pass.
"""

from datetime import datetime

import asyncpg

AGAIN = "UPDATE outbox SET sent_at = NULL WHERE sent_at >= $1"


async def resend(dsn: str, *, since: datetime) -> int:
    """Have the relay send again what it has sent since then; how many events."""
    connection = await asyncpg.connect(dsn)
    try:
        return int((await connection.execute(AGAIN, since)).split()[-1])
    finally:
        await connection.close()
