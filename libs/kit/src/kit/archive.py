"""A ZIP that is taken away while it is written: none of it is kept but its directory.

One that comes as a stream can be gone on with: its files pass by, others follow, and one directory
at the end names all of them.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

LONGEST_DIRECTORY = 64 * 1024  # some hundreds of files


class Entry(NamedTuple):
    """A file of the archive, whole by now."""

    name: str
    size: int
    sha256: str


class Preceding:
    """An archive on its way, behind whose files another one goes on."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.size = 0
        self.entries: list[ZipInfo] = []

    def passed(self, piece: bytes) -> bytes:
        """What can be sent on by now: all that is no directory for certain."""
        self._held += piece
        ready = bytes(self._held[:-LONGEST_DIRECTORY])
        del self._held[: len(ready)]
        self.size += len(ready)
        return ready

    def end(self) -> bytes:
        """The last of its files; the directory stays here. Raises BadZipFile."""
        with ZipFile(BytesIO(self._held)) as last:
            self.entries, start = last.infolist(), last.start_dir
        for entry in self.entries:
            entry.header_offset += self.size  # it was counted from where `last` begins
        self.size += start
        return bytes(self._held[:start])


class Archive:
    """Its files come one after the other, each in pieces."""

    def __init__(self, at: datetime, behind: Preceding | None = None) -> None:
        self._out = _Out(behind.size if behind else 0)
        self._zip = ZipFile(self._out, "w")
        if behind:
            self._zip.infolist().extend(behind.entries)
        self._at = at
        self._file: IO[bytes] | None = None
        self._name, self._size, self._hash = "", 0, hashlib.sha256()

    def begin(self, name: str) -> None:
        """One more file."""
        info = ZipInfo(name, self._at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        # How long it will be is not known when it begins.
        self._file = self._zip.open(info, "w", force_zip64=True)
        self._name, self._size, self._hash = name, 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """More of the file that was begun."""
        assert self._file is not None
        self._file.write(piece)
        self._size += len(piece)
        self._hash.update(piece)

    def end(self) -> Entry:
        """The file is whole."""
        assert self._file is not None
        self._file.close()
        self._file = None
        return Entry(self._name, self._size, self._hash.hexdigest())

    def add(self, name: str, content: bytes) -> Entry:
        """A small file at once."""
        self.begin(name)
        self.write(content)
        return self.end()

    def close(self) -> None:
        """No file comes any more."""
        self._zip.close()

    def pieces(self) -> Iterator[bytes]:
        """What was written since it was asked for last."""
        if self._out.waiting:
            yield bytes(self._out.waiting)
            self._out.waiting.clear()


class _Out:
    """Where the bytes lie until they are taken; nobody can go back in it."""

    def __init__(self, place: int) -> None:
        self.waiting = bytearray()
        self._place = place

    def tell(self) -> int:
        return self._place

    def write(self, piece: Any, /) -> int:
        self.waiting += piece
        self._place += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""
