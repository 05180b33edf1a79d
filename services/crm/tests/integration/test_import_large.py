"""The largest files there may be: read right, and never held in memory as a whole."""

import asyncio
import csv
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import xlsxwriter

from kit.testing.database import ServiceDatabase

MB = 1_000_000
LIMIT = 50 * MB  # of config.max_import_bytes
# Of a file there is a piece, a batch of 500 rows and the statement that writes it, some copies of
# each, and what the allocator keeps for the next batch. A file that were held would be decoded as
# well and be more than twice its own size.
FLAT = 40 * MB
# A dry run writes nothing, so it remembers by itself what would repeat an earlier row.
A_ROW_SEEN = 600
# Texts that cells share are kept, with a number each that says where they end.
OF_TEXTS = 2


class Came(NamedTuple):
    """Of an import in a process of its own."""

    growth: dict[str, int]
    results: dict[str, dict[str, int]]


async def imported(
    database: ServiceDatabase, path: Path, resource: str, steps: str = "check,write"
) -> Came:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.crm.tests.importing", resource, str(path), steps),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(database.dsns).encode())
    assert process.returncode == 0
    return Came(**json.loads(said))


def csv_file(path: Path, rows: int, filler: int, wrong: set[int]) -> None:
    """Deals, each with so many bytes in a column that goes nowhere."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "external_id", "amount", "stage", "created_at", "Transcript"])
        for number in range(2, rows + 2):  # as the file counts
            amount = "much" if number in wrong else f"{number}.50"
            word = f"{number} “Überblick”, "
            filled = word * (filler // len(word.encode()))
            writer.writerow([f"Deal {number}", number, amount, "", "2024-03-01", filled])


def workbook(path: Path, rows: int, wrong: set[int]) -> None:
    """Clients with texts of their own, shared among cells as spreadsheets do it."""
    with xlsxwriter.Workbook(str(path), {"tmpdir": str(path.parent)}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Company", "External id", "City", "Notes", "Created"])
        for number in range(1, rows + 1):
            when: Any = "never" if number + 1 in wrong else 45_000 + number % 300
            texts = [f"Company {number}", f"x{number}", "Zürich", f"Met in spring {number}"]
            sheet.write_row(number, 0, texts)
            sheet.write(number, 4, when, day)


LARGE_CSV = [
    pytest.param(2_000, "check,write", id="wide"),
    pytest.param(100_000, "check,write", id="long", marks=pytest.mark.slow),
]


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(("rows", "steps"), LARGE_CSV)
async def test_fifty_megabytes_pass_through(
    database: ServiceDatabase, tmp_path: Path, rows: int, steps: str
) -> None:
    path, wrong = tmp_path / "deals.csv", {2, rows // 2, rows + 1}
    csv_file(path, rows, LIMIT // rows - 60, wrong)
    assert LIMIT * 0.8 < path.stat().st_size <= LIMIT
    came = await imported(database, path, "deals", steps)
    for step in ("upload", "write"):
        assert came.growth[step] < FLAT, came.growth
    assert came.growth["check"] < FLAT + rows * A_ROW_SEEN, came.growth
    for result in came.results.values():
        assert (result["created"], result["failed"]) == (rows - len(wrong), len(wrong))
    found = await database.owner.fetch(
        "SELECT e.row, e.column, e.value FROM import_errors e JOIN imports i "
        "ON i.workspace_id = e.workspace_id AND i.id = e.import_id "
        "WHERE i.total_rows = $1 AND i.file_name = 'deals.csv' ORDER BY 1",
        rows,
    )
    assert [tuple(error) for error in found] == [(row, "amount", "much") for row in sorted(wrong)]


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(10_000, id="some"),
        pytest.param(120_000, id="many", marks=pytest.mark.slow),
    ],
)
async def test_a_workbook_of_many_rows_passes_through(
    database: ServiceDatabase, tmp_path: Path, rows: int
) -> None:
    path, wrong = tmp_path / "clients.xlsx", {2, rows + 1}
    workbook(path, rows, wrong)
    came = await imported(database, path, "clients", "check")
    texts = rows * len("Company 100000x100000Met in spring 100000")
    assert came.growth["upload"] < FLAT, came.growth
    assert came.growth["open"] < FLAT + texts * OF_TEXTS, came.growth
    assert came.growth["check"] < FLAT + rows * A_ROW_SEEN, came.growth
    assert (came.results["check"]["created"], came.results["check"]["failed"]) == (rows - 2, 2)
    found = await database.owner.fetch(
        "SELECT e.row, e.column, e.value FROM import_errors e JOIN imports i "
        "ON i.workspace_id = e.workspace_id AND i.id = e.import_id "
        "WHERE i.total_rows = $1 AND i.file_name = 'clients.xlsx' ORDER BY 1",
        rows,
    )
    assert [tuple(error) for error in found] == [(row, "Created", "never") for row in sorted(wrong)]
