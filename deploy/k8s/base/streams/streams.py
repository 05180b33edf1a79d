"""Waits for NATS, then makes the streams or brings them up to date."""

import asyncio
import os

from kit.bus.jetstream import Bus

PATIENCE = 300.0  # a first start has an image to pull


async def main() -> None:
    """A bus of the local profile owns its streams; connecting it is all there is to do."""
    async with (
        asyncio.timeout(PATIENCE),
        Bus(os.environ["NATS_URL"], name="streams", profile="local"),
    ):
        pass


if __name__ == "__main__":
    asyncio.run(main())
