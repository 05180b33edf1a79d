"""The dashboard as PDF. Data go in as JSON and are never a part of the markup."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import orjson


def pdf(data: Mapping[str, Any]) -> bytes:
    """One document, readable by assistive technology (PDF/UA-1)."""
    import typst  # a worker's library; whoever serves never loads it

    source = files("analytics.adapters.documents").joinpath("report.typ").read_bytes()
    made: bytes = typst.compile(
        source, sys_inputs={"data": orjson.dumps(data).decode()}, pdf_standards=["ua-1"]
    )
    return made
