"""The content of ``own.json``, in memory, and with edits."""

from __future__ import annotations

import zlib

from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import HEAD_END, InMemory, assemble, search, trailer, trailer_of
from crdtctl.codec.reader import Source
from crdtctl.crdt.histories import History, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.codec.header import Head
    from crdtctl.crdt.counter import Counter

    #: A piece of an edited text: bytes, or the offsets of the start and the end of a piece of the text before.
    Piece: TypeAlias = bytes | tuple[int, int]

#: If a commit has more counters, reading all lines is faster than looking them up one by one.
MANY = 32


class OwnFile:
    """The content of ``own.json``. `identity_fault` is the reason why its id may belong to a copy as well, or empty."""

    def __init__(self, data: bytes, label: str = "own.json", identity_fault: str = "") -> None:
        self.data = data
        self.identity_fault = identity_fault
        self._lines: dict[bytes, bytes] | None = None
        self._recent: Source | None = None
        self.source = Source(InMemory(data), len(data), label=label, ours=True)
        self.source.verify()
        head = self.source.head
        if head.kind != "own" or set(head.clock) - {head.replica}:
            raise self.source.invalid("it is not the state of one replica")
        self.id = head.replica

    @property
    def seq(self) -> int:
        """The number of this replica's last commit; 0 before the first."""
        return self.source.head.clock.get(self.id, 0)

    @property
    def tier(self) -> int:
        """The tier of this replica; 0 if it is permanent."""
        return self.source.head.tier

    @property
    def history(self) -> History:
        """The departures of this replica."""
        text = self.source.head.histories.get(self.id)
        return parse(text) if text else History()

    @property
    def writes(self) -> int:
        """How often the file was written, as its witness counts."""
        return self.seq + self.history.count

    def lines(self) -> dict[bytes, bytes]:
        """Return all lines by name. They are read once."""
        if self._lines is None:
            self._lines = dict(self.source.lines())
        return self._lines

    def counters(self, many: bool) -> Callable[[str], Counter]:
        """Return a function that looks counters up. For `many`, all lines are read first."""
        if not many:
            return self.source.counter
        lines = self.lines()

        def look_up(name: str) -> Counter:
            line = lines.get(name.encode())
            return {} if line is None else self.source.decode(line)[1]

        return look_up

    def edited(self, lines: Mapping[str, bytes], new: Head) -> list[bytes | memoryview]:
        """Return the pieces of the file with the header `new` and these counters' `lines`."""
        head = encode_head(new)
        if len(lines) > MANY:
            together = dict(self.lines())
            together.update((name.encode(), line) for name, line in lines.items())
            return [assemble(head, [together[name] for name in sorted(together)])]
        edits = sorted((name.encode(), line) for name, line in lines.items())
        if not edits and self.source.start == self.source.end:
            return [assemble(head, [])]
        data = memoryview(self.data)
        pieces = [
            head + HEAD_END,
            *(one if isinstance(one, bytes) else data[slice(*one)] for one in splice(self.source, edits)),
            b"\n",
        ]
        return [*pieces, trailer_of(pieces)]

    def with_recent(self, recent: Source) -> OwnFile:
        """Return this file with its `recent` changes, as one file; itself if it contains them already."""
        from crdtctl.store.joined import Joined, joined

        whole = joined(self.source, recent)
        if not isinstance(whole, Joined):
            return self
        text = whole.pages.read(0, whole.end)
        own = OwnFile(text + trailer(zlib.crc32(text)), self.source.label)
        own._recent = recent  # another one of this class
        return own

    def recent(self, lines: Mapping[str, bytes]) -> tuple[str, list[bytes]] | None:
        """Return the base and the lines of ``own.recent.json`` after a commit of `lines`; None if it has no place.

        Then ``own.json`` has to be replaced.
        """
        base = self.source.head.base
        if not base:
            return None
        from crdtctl.store.recent import MAX_LINES, described

        changed = dict(self._recent.lines()) if self._recent else {}
        changed.update((name.encode(), line) for name, line in lines.items())
        if sum(len(line) + 2 for line in changed.values()) - 1 > MAX_LINES:
            return None
        text = self._recent.head.base if self._recent else described(base, self.data)
        return text, [changed[name] for name in sorted(changed)]


def splice(source: Source, edits: Sequence[tuple[bytes, bytes]]) -> Iterator[Piece]:
    """Yield the pieces of the lines of `source` after edits, without the last line feed: names and lines, sorted."""
    end = max(source.end - 1, source.start)  # without the last line feed
    position = source.start
    separator = b""
    for name, line in edits:
        start, stop = search(source.pages, position, source.end, name) if position < end else (end, end)
        is_there = stop > start
        start = min(start, end)
        if start > position:
            yield separator
            yield position, start
            separator = b",\n" if start == end else b""  # a line that is not the last brings its own
        yield separator
        yield line
        separator = b",\n"
        position = stop + len(separator) if is_there else start
    if position < end:
        yield separator
        yield position, end
