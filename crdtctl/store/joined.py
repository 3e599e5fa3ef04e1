"""``own.json`` and its latest changes in ``own.recent.json``, read as one file.

This module decides whether two files belong together. For the fast path, `crdtctl.store.recent` does.
"""

from __future__ import annotations

from bisect import bisect_right

from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import HEAD_END, TRAILER_SIZE, InMemory, trailer
from crdtctl.codec.plain import read_base
from crdtctl.codec.reader import ALL, Source
from crdtctl.crdt.histories import parse
from crdtctl.errors import DataError
from crdtctl.records import replace
from crdtctl.store.durable import OnDisk, read_all
from crdtctl.store.own_file import splice
from crdtctl.store.recent import Blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crdtctl.codec.header import Head
    from crdtctl.codec.layout import Pages
    from crdtctl.codec.reader import Part
    from crdtctl.store.own_file import Piece


class Joined(Source):
    """The state that `own` and its `recent` changes are together. It reads a single line without reading the rest."""

    def __init__(self, own: Source, recent: Source) -> None:
        self.own = own
        self.recent = recent
        self.label = own.label
        self.ours = True
        self.names = {}
        self.head = replace(recent.head, kind="own", base=own.head.base)
        self.trailer = recent.trailer
        self._floor = min(self.head.clock.values(), default=0)
        if isinstance(own.pages, OnDisk):
            own.pages = _Verified(own, own.pages.fd, recent.head.base.encode())

    def __getattr__(self, name: str) -> object:
        """Put the pieces together when the text is needed as a whole for the first time."""
        if name not in ("pages", "size", "start", "end"):
            raise AttributeError(name)
        head = encode_head(self.head) + HEAD_END
        edits = list(self.recent.lines())
        end = b"\n" if edits or self.own.start < self.own.end else b""
        try:
            pages = _Pieces(self.own.pages, [head, *splice(self.own, edits), end, trailer(0)])
        except ValueError as error:
            raise self.own.invalid(f"a line is damaged: {error}") from None
        self.pages, self.size, self.start, self.end = pages, pages.size, len(head), pages.size - TRAILER_SIZE
        return getattr(self, name)

    @property
    def checksum(self) -> str:
        """Eight digits that change with the content."""
        return f"{int(self.own.checksum, 16) ^ int(self.recent.checksum, 16):08x}"

    def verify(self, start: int = 0, checksum: int = 0) -> None:  # noqa: ARG002  # two files have two checksums
        """Check that the last line of ``own.json`` is the checksum of all bytes before it.

        The other file was verified when it was opened.
        """
        self.own.verify()

    def line(self, name: str) -> bytes | None:
        """Return the line of one counter, or None."""
        found = self.recent.line(name)
        return self.own.line(name) if found is None else found

    def lines(self, part: Part = ALL) -> Iterator[tuple[bytes, bytes]]:
        """Yield the name and the line of each counter, in order. A part is read without the rest."""
        return super().lines() if part == ALL else self._lines(part)

    def _lines(self, part: Part) -> Iterator[tuple[bytes, bytes]]:
        changes = list(self.recent.lines(part))
        changes.reverse()
        for name, line in self.own.lines(part):
            while changes and changes[-1][0] < name:
                yield changes.pop()
            yield changes.pop() if changes and changes[-1][0] == name else (name, line)
        yield from reversed(changes)

    def may_have_reserved(self) -> bool:
        """Return whether a line may be a reserved one, without putting the pieces together."""
        return True


class _Verified(Blocks):
    """The blocks of `source`, whose difference from their checksums is an error of that source."""

    def __init__(self, source: Source, fd: int, base: bytes) -> None:
        super().__init__(fd, base)
        self._source = source

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start`."""
        try:
            return super().read(start, size)
        except ValueError as error:
            raise self._source.invalid(str(error)) from None


class _Pieces:
    """Pieces one after the other, as pages."""

    def __init__(self, pages: Pages, pieces: Iterable[Piece]) -> None:
        self._pages = pages
        self._pieces: list[Piece] = []
        self._starts: list[int] = []
        self.size = 0
        for piece in pieces:
            length = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
            if length:
                self._pieces.append(piece)
                self._starts.append(self.size)
                self.size += length

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start`."""
        end = min(start + size, self.size)
        place = max(bisect_right(self._starts, start) - 1, 0)
        found = []
        while place < len(self._pieces) and (offset := self._starts[place]) < end:
            piece = self._pieces[place]
            first = max(start - offset, 0)
            if isinstance(piece, bytes):
                found.append(piece[first : end - offset])
            else:
                last = min(piece[1] - piece[0], end - offset)
                found.append(self._pages.read(piece[0] + first, last - first))
            place += 1
        return b"".join(found)


# Which files belong together ---------------------------------------------------------------------------


def recent_source(fd: int, label: str) -> Source:
    """Return the open ``own.recent.json``, verified."""
    data = read_all(fd)
    source = Source(InMemory(data), len(data), label=label, ours=True)
    if source.head.kind != "recent":
        raise source.invalid(f"its kind is {source.head.kind}")
    source.verify()
    return source


def joined(own: Source, recent: Source) -> Source:
    """Return `own` with its `recent` changes; `own` alone if it contains them already.

    Raise `DataError` for files that do not belong together.
    """
    nonce, size, _, _ = read_base(recent.head.base.encode())
    if recent.head.replica != own.head.replica:
        raise DataError(f"{recent.label} belongs to another replica than {own.label}", _TOGETHER)
    if nonce.decode() == own.head.base:
        if size != own.size:
            raise own.invalid("its size is not the one that own.recent.json records")
        return Joined(own, recent)
    if _writes(recent.head) > _writes(own.head):
        raise DataError(f"{own.label} is older than {recent.label}", _TOGETHER)
    return own


def missing(label: str) -> DataError:
    """Return the error for a missing ``own.recent.json``."""
    return DataError(
        f"{label} is missing: it holds the latest counts",
        "put it back; without it, the next count continues under a new id, without them",
    )


_TOGETHER = "put both back from one backup; without own.recent.json, this replica continues without its latest counts"


def _writes(head: Head) -> int:
    text = head.histories.get(head.replica)
    return head.clock.get(head.replica, 0) + (parse(text).count if text else 0)
