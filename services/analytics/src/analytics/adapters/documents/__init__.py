"""The dashboard as PDF. Data go in as JSON and are never a part of the markup."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

import orjson


def pdf(data: Mapping[str, Any]) -> bytes:
    """One document, readable by assistive technology (PDF/UA-1)."""
    import typst  # a worker's library; whoever serves never loads it

    folder = files("analytics.adapters.documents")

    def made(standard: Literal["ua-1", "1.7"]) -> bytes:
        content: bytes = typst.compile(
            str(folder.joinpath("report.typ")),
            font_paths=[str(folder.joinpath("fonts"))],
            sys_inputs={"data": orjson.dumps(data).decode()},
            pdf_standards=[standard],
        )
        return content

    try:
        return made("ua-1")
    except typst.TypstError:
        # The standard forbids what no font here can draw, such as a client's name in Japanese:
        # better a report with boxes in one name than none.
        return made("1.7")
