"""A ZIP that nobody holds as a whole, and one that goes on behind another."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest

from kit.archive import LONGEST_DIRECTORY, Archive, Preceding

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def written(archive: Archive, **files: bytes) -> bytes:
    """All of its bytes, taken piece by piece."""
    out = b""
    for name, content in files.items():
        archive.begin(name)
        for start in range(0, len(content), 1_000):
            archive.write(content[start : start + 1_000])
            out += b"".join(archive.pieces())
        entry = archive.end()
        assert entry == (name, len(content), hashlib.sha256(content).hexdigest())
    archive.close()
    return out + b"".join(archive.pieces())


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def test_what_was_taken_away_is_a_zip() -> None:
    content = os.urandom(5_000)
    with ZipFile(BytesIO(written(Archive(NOW), a=content, b=b""))) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == {"a": content, "b": b""}
        assert found.getinfo("a").date_time == (2026, 3, 1, 12, 0, 0)


@pytest.mark.parametrize("size", [10, LONGEST_DIRECTORY - 1, 3 * LONGEST_DIRECTORY + 17])
@pytest.mark.parametrize("piece", [999, 256 * 1024])
def test_one_goes_on_behind_another(size: int, piece: int) -> None:
    first = os.urandom(size)
    preceding = Preceding()
    content = written(Archive(NOW), first=first, small=b"x")
    passed = b"".join(map(preceding.passed, pieces(content, piece))) + preceding.end()
    whole = passed + written(Archive(NOW, preceding), more=b"y" * 100)
    with ZipFile(BytesIO(whole)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["first", "small", "more"]
        assert (found.read("first"), found.read("more")) == (first, b"y" * 100)
