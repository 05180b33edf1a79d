"""An erased workspace leaves nothing behind, in any table there is."""

from kit.testing.database import ServiceDatabase
from kit.testing.erasing import erased_without_trace


async def test_of_an_erased_workspace_nothing_is_left(database: ServiceDatabase) -> None:
    await erased_without_trace(database)
