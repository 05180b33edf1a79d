"""Connections of a process."""

from contextlib import AsyncExitStack

from analytics.config import Settings
from kit.pool import Pool, open_pool


async def opened(stack: AsyncExitStack, settings: Settings, role: str, size: int) -> Pool:
    """A role's pool, closed with the stack."""
    url = settings.database_url_app if role == "app" else settings.database_url_system
    pool = await open_pool(url.get_secret_value(), size=size, name=f"analytics-{role}")
    stack.push_async_callback(pool.close)
    return pool
