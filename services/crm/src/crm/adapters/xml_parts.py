"""XML as it passes by: of a part of a workbook nothing is kept but what is asked for.

A tree takes thirty times the bytes it is made of, and an archive of a megabyte can hold a gigabyte.
So no part becomes a tree, and what grows with a part has a bound.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Any
from xml.parsers import expat

from crm.domain.file_look import no_table

PIECE = 64 * 1024
MAX_DEPTH = 64  # elements inside of each other; workbooks have a dozen
MAX_NAMES = 5_000  # of elements and attributes, which a parser remembers
MAX_QUIET = 4_000_000  # bytes in which nothing begins and nothing ends
_KNOWN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/package/2006/relationships",
)


class Part:
    """Reads one part. A kind of part says in `begin`, `end` and `text` what it keeps."""

    elements: tuple[str, ...] = ()  # those it is told of

    def __init__(self) -> None:
        self._known = {f"{space} {name}": name for space in _KNOWN for name in self.elements}
        self._names: dict[str, str] = {}
        self._depth = self._quiet = self._heard = 0
        # Namespaces, and a dictionary of names that can be counted.
        self._parser = expat.ParserCreate(None, " ", self._names)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._with_grammar

    def listen(self, on: bool) -> None:
        """Whether `text` is called for what stands between elements."""
        self._parser.CharacterDataHandler = self.text if on else None

    def read(self, source: IO[bytes]) -> Iterator[None]:
        """Take piece after piece; what a piece brought is there when it yields.

        Raises EntryRefused.
        """
        try:
            while piece := source.read(PIECE):
                self._take(piece)
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError:
            raise damaged() from None
        yield

    def read_all(self, source: IO[bytes]) -> None:
        """Take all of it. Raises EntryRefused."""
        for _ in self.read(source):
            pass

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """One of its elements begins."""

    def end(self, name: str) -> None:
        """One of its elements ends."""

    def text(self, text: str) -> None:
        """A piece of text."""

    def _take(self, piece: bytes) -> None:
        heard = self._heard
        self._parser.Parse(piece)
        self._quiet = 0 if self._heard > heard else self._quiet + len(piece)
        if self._quiet > MAX_QUIET or len(self._names) > MAX_NAMES:
            raise damaged()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._heard += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise damaged()
        if known := self._known.get(name):
            self.begin(known, attributes)

    def _end(self, name: str) -> None:
        self._heard += 1
        self._depth -= 1
        if known := self._known.get(name):
            self.end(known)

    def _with_grammar(self, *_: Any) -> None:
        raise damaged()  # no workbook has one, and entities can grow without end


def damaged() -> Exception:
    """The part is not what a workbook consists of."""
    return no_table("This workbook cannot be read; save it again, or as CSV.")
