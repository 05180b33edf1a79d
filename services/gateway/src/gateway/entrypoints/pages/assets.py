"""Built files under hashed names: looked up by templates, served once and for all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from gzip import compress as gzip
from importlib.resources import files
from mimetypes import guess_type

import brotli  # type: ignore[import-untyped]
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/static/"
FOREVER = "public, max-age=31536000, immutable"
_COMPRESSED = (".js", ".css", ".svg")  # fonts are compressed already


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    encodings: Mapping[str, bytes]


class Assets:
    """The committed static folder, read once."""

    def __init__(self) -> None:
        self._folder = files("gateway").joinpath("static")
        manifest = json.loads(self._folder.joinpath("manifest.json").read_text())
        self._names: dict[str, str] = manifest["files"]
        self._imports: dict[str, list[str]] = manifest["imports"]

    def url(self, name: str) -> str:
        """Where a built file is, by the name its source has."""
        return PREFIX + self._names[name]

    def imports(self, name: str) -> list[str]:
        """What a script loads before it can run; worth a preload."""
        return [PREFIX + file for file in self._imports.get(name, [])]

    @cached_property
    def _served(self) -> dict[str, _File]:
        return {
            entry.name: _read(entry.name, entry.read_bytes())
            for entry in self._folder.iterdir()
            if entry.name != "manifest.json"
        }

    async def serve(self, request: Request) -> Response:
        """Answers `/static/{name}`; the name holds the hash, so the answer never changes."""
        file = self._served.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        accepted = request.headers.get("accept-encoding", "")
        encoding = next((e for e in ("br", "gzip") if e in accepted and e in file.encodings), "")
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(file.encodings[encoding], headers=headers, media_type=file.content_type)


def _read(name: str, content: bytes) -> _File:
    content_type = "font/woff2" if name.endswith(".woff2") else guess_type(name)[0]
    encodings = {"": content}
    if name.endswith(_COMPRESSED):
        encodings |= {"br": brotli.compress(content, quality=9), "gzip": gzip(content, mtime=0)}
    return _File(content_type or "application/octet-stream", encodings)
