"""Waits for PostgreSQL, then makes one service's database and roles: `provision.py crm`."""

import asyncio
import os
import sys

import asyncpg

from kit.provision import ROLES, provision

PATIENCE = 300.0  # a first start has an image to pull and a cluster to make
PAUSE = 2.0
NOT_YET = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
)


async def main(service: str) -> None:
    """Again is harmless: roles get their passwords anew, the database stays."""
    admin_url = os.environ["ADMIN_URL"]
    await _answer(admin_url)
    passwords = {role: os.environ[f"{role.upper()}_PASSWORD"] for role in ROLES}
    await provision(admin_url, service, passwords)


async def _answer(url: str) -> None:
    """A server that does not answer yet is waited for; a wrong password is not."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                connection = await asyncpg.connect(url, timeout=5)
            except NOT_YET:
                await asyncio.sleep(PAUSE)
            else:
                await connection.close()
                return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
