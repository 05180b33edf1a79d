"""Documents as PDF, in the pages' font. Data go in as JSON and are never a part of the markup."""

from collections.abc import Mapping
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import orjson

_Standard = Literal["ua-1", "1.7"]


def pdf(folder: Traversable, template: str, data: Mapping[str, Any]) -> bytes:
    """A template of the folder with its data, readable by assistive technology (PDF/UA-1).

    The standard forbids what no font here can draw, such as a client's name in Japanese: better a
    document of the usual kind, with boxes in one name, than none.
    """
    import typst  # a worker's library; whoever serves never loads it

    with as_file(folder) as root, as_file(files("kit.documents").joinpath("fonts")) as fonts:
        try:
            return _made(root / template, fonts, data, "ua-1")
        except typst.TypstError:
            return _made(root / template, fonts, data, "1.7")


def _made(template: Path, fonts: Path, data: Mapping[str, Any], standard: _Standard) -> bytes:
    import typst  # as above

    content: bytes = typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=[str(fonts)],
        sys_inputs={"data": orjson.dumps(data).decode()},
        pdf_standards=[standard],
    )
    return content
