"""A large workspace is taken out without ever being in memory as a whole."""

from pathlib import Path

import pytest

from kit.testing.database import ServiceDatabase
from services.crm.tests.integration.test_import_large import csv_file, imported

# Two thousand rows with their lines and cells, and what the allocator keeps of each kind.
FLAT = 40_000_000


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(8_800, id="some"),
        pytest.param(100_000, id="many", marks=pytest.mark.slow),
    ],
)
async def test_many_deals_pass_through(
    database: ServiceDatabase, tmp_path: Path, rows: int
) -> None:
    path = tmp_path / "deals.csv"
    csv_file(path, rows, 0, set())
    came = await imported(database, path, "deals", "write,takeout")
    assert came.growth["takeout"] < FLAT, came.growth
    assert came.results["takeout"]["rows"] > 2 * rows  # with the history of each
