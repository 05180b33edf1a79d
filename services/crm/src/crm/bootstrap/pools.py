"""The database, as both processes enter it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from crm.config import Settings
from kit.pool import Pool, role_pool

SYSTEM_POOL_SIZE = 3


@asynccontextmanager
async def opened_pools(settings: Settings) -> AsyncIterator[tuple[Pool, Pool]]:
    """The app role's and the system role's."""
    async with AsyncExitStack() as stack:
        yield (
            await role_pool(stack, settings, "crm", "app", settings.database_pool_size),
            await role_pool(stack, settings, "crm", "system", SYSTEM_POOL_SIZE),
        )
