"""LibreOffice as a reader of what we write."""

import asyncio
import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PATIENCE = 240  # seconds
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_XLINK = "{http://www.w3.org/1999/xlink}"
# Commas, double quotes, UTF-8, from row 1, columns as they are, English, numbers and days as such,
# and formulas evaluated: as gullible as it can be told to be.
_GULLIBLE = "CSV:44,34,76,1,,1033,false,true,false,false,false,,true"


class Cell(NamedTuple):
    """What a cell is taken for."""

    type: str  # string, float, percentage, date …; empty for an empty cell
    value: str
    formula: str = ""
    link: str = ""


async def opened(files: Mapping[str, bytes], folder: Path) -> dict[str, list[list[Cell]]]:
    """The first sheet of each file, without what is empty at the ends."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
        sort = [f"--infilter={_GULLIBLE}"] if name.endswith(".csv") else []
        await _convert(folder, [*sort, name])
    return {name: _cells((folder / f"{name}.fods").read_bytes()) for name in files}


async def _convert(folder: Path, arguments: list[str]) -> None:
    # A profile of its own: two that run at once would wait for each other for ever.
    profile = f"-env:UserInstallation=file://{folder}/profile"
    running = await asyncio.create_subprocess_exec(
        os.environ.get("FF_SOFFICE") or shutil.which("soffice") or "soffice",
        *(profile, "--headless", "--convert-to", "fods", *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(running.communicate(), PATIENCE)
    made = folder / f"{Path(arguments[-1]).stem}.fods"
    assert made.exists(), said.decode()
    made.rename(folder / f"{arguments[-1]}.fods")


def _cells(document: bytes) -> list[list[Cell]]:
    sheet = ET.fromstring(document).find(f".//{_TABLE}table")
    assert sheet is not None
    rows: list[list[Cell]] = []
    for row in sheet.iter(f"{_TABLE}table-row"):
        cells = [cell for each in row for cell in _repeated(each)]
        while cells and not cells[-1].type:
            cells.pop()
        if cells:
            rows.append(cells)
    return rows


def _repeated(element: ET.Element) -> list[Cell]:
    times = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
    type = element.get(f"{_OFFICE}value-type", "")
    if type == "string":
        value = "\n".join(map(_paragraph, element.findall(f"{_TEXT}p")))
    else:
        value = element.get(f"{_OFFICE}date-value", "") or element.get(f"{_OFFICE}value", "")
    link = element.find(f".//{_TEXT}a")
    formula = element.get(f"{_TABLE}formula", "")
    cell = Cell(type, value, formula, "" if link is None else link.get(f"{_XLINK}href", ""))
    return [cell] * min(times, 100 if type else 1_000)


def _paragraph(element: ET.Element) -> str:
    """Its text, with the blanks and tabs that are elements of their own."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            parts.append(" " * int(child.get(f"{_TEXT}c", "1")))
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        else:
            parts.append(_paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)
