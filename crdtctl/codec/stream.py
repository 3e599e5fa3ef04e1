"""Whole files, line by line, in constant memory: verify, join, write.

Files are sorted runs. Joining is a merge-join of lines: a line that stands in one file only, or is
byte-identical in all, is passed through; only lines that differ are decoded, joined and encoded.
"""

import heapq
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crdtctl.codec.text import HEAD_END, TRAILER_SIZE, TRAILER_START, is_trailer, name_of, search, trailer
from crdtctl.codec.wire import (
    Counter,
    Head,
    Invalid,
    decode_head,
    decode_line,
    decode_own_line,
    encode_head,
    encode_line,
    join_counters,
)
from crdtctl.crdt import TYPES
from crdtctl.crdt.clock import Clock

if TYPE_CHECKING:
    from crdtctl.codec.text import Pages

_BLOCK = 2**18
#: The longest header: a clock of about a million authors.
_MAX_HEAD = 2**26


class Source:
    """A canonical file to read from: its header, one line, or all its lines.

    `ours` says that this program wrote the file on this machine, so that lines whose checksum holds need
    no second look. Raise `Invalid` wherever the bytes are not a state; its message does not say which file.
    """

    def __init__(self, pages: "Pages", size: int, *, ours: bool = False) -> None:
        self.pages = pages
        self.size = size
        self.ours = ours
        self.start = self._head_size()
        self.end = size - TRAILER_SIZE
        self.head = decode_head(pages.read(0, self.start))
        self.trailer = pages.read(self.end, TRAILER_SIZE + 1) if self.end >= self.start else b""
        if not is_trailer(self.trailer):
            raise Invalid("its last line is missing: it was cut")

    def _head_size(self) -> int:
        limit = 4096
        while True:
            start = self.pages.read(0, limit)
            end = start.find(b"\n")
            if end >= 0:
                return end + 1
            if len(start) < limit or limit >= _MAX_HEAD:
                raise Invalid("it does not begin with the header of a state, or was cut in it")
            limit *= 8

    @property
    def checksum(self) -> str:
        """The eight digits of the last line."""
        return self.trailer[len(TRAILER_START) :][:8].decode()

    def verify(self) -> None:
        """Check that the last line is the checksum of all bytes before it."""
        checksum = 0
        for offset in range(0, self.end, _BLOCK):
            checksum = zlib.crc32(self.pages.read(offset, min(_BLOCK, self.end - offset)), checksum)
        if self.trailer != trailer(checksum):
            raise Invalid("its checksum does not match: it was changed or damaged")

    def line(self, name: str) -> bytes | None:
        """Return the line of one counter, or None."""
        key = name.encode()
        try:
            start, end = search(self.pages, self.start, self.end, key)
        except ValueError as error:
            raise Invalid(f"a line is damaged: {error}") from None
        return self.pages.read(start, end - start) if end > start else None

    def counter(self, name: str) -> Counter:
        """Return one counter; empty if the file has none of this name."""
        line = self.line(name)
        return {} if line is None else self.decode(line)[1]

    def lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the name and the line of each counter, in order."""
        before = b""
        rest = b""
        offset = self.start
        end = self.end - 1  # without the line feed before the last line
        while offset < end:
            size = min(max(_BLOCK, len(rest)), end - offset)  # grows with a long line, or joining blocks takes ages
            lines = (rest + self.pages.read(offset, size)).split(b",\n")
            offset += size
            rest = lines.pop() if offset < end else b""
            for line in lines:
                try:
                    name = name_of(line)
                except ValueError as error:
                    raise Invalid(f"a line is damaged: {error}") from None
                if name <= before:
                    raise Invalid("its lines are not sorted, or one stands twice")
                before = name
                yield name, line

    def decode(self, line: bytes) -> tuple[str, Counter]:
        """Return the counter on one of the lines, checked unless the file is `ours`."""
        if self.ours:
            return decode_own_line(line)
        name, counter = decode_line(line)
        clock = self.head.clock
        for authors in counter.values():
            for author, row in authors.items():
                if row[0] > clock.get(author, 0):
                    raise Invalid("a contribution is newer than the clock says the file is")
        return name, counter

    def check(self) -> int:
        """Verify everything that can be verified; return the number of counters."""
        self.verify()
        self.ours, ours = False, self.ours
        try:
            count = 0
            for _, line in self.lines():
                self.decode(line)
                count += 1
            return count
        finally:
            self.ours = ours


class BadSource(Exception):
    """One of the sources of `overlay` turned out invalid on the way."""

    def __init__(self, source: Source, reason: Invalid) -> None:
        super().__init__(str(reason))
        self.source = source
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Joined:
    """One counter of several sources: its line in the first source, if any, and after the join."""

    name: bytes
    before: bytes | None
    after: bytes | None


def overlay(base: Source | None, others: Iterable[Source], *, without: str | None = None) -> Iterator[Joined]:
    """Yield, by name, every counter of `base` and the `others`, joined.

    What the others say of the author `without` is left out. Raise `BadSource` for a source that is not valid.
    """
    sources = [*([base] if base else []), *others]
    marker = None if without is None else f'"{without}":['.encode()
    runs = [_run(index, source) for index, source in enumerate(sources)]
    pending = [first for run in runs if (first := next(run, None)) is not None]
    heapq.heapify(pending)
    while pending:
        name, index, line = pending[0]
        group = []
        while pending and pending[0][0] == name:
            _, index, line = pending[0]
            group.append((index, line))
            following = next(runs[index], None)
            if following is None:
                heapq.heappop(pending)
            else:
                heapq.heapreplace(pending, following)
        before = group[0][1] if base is not None and group[0][0] == 0 else None
        yield Joined(name, before, _join(sources, group, before, without, marker))


def _run(index: int, source: Source) -> Iterator[tuple[bytes, int, bytes]]:
    try:
        for name, line in source.lines():
            yield name, index, line
    except Invalid as reason:
        raise BadSource(source, reason) from None


def _join(
    sources: list[Source],
    group: list[tuple[int, bytes]],
    before: bytes | None,
    without: str | None,
    marker: bytes | None,
) -> bytes | None:
    joined: Counter | None = None
    seen = {before} if before is not None else set()
    changed = False
    name = ""
    for index, line in group[1:] if before is not None else group:
        if line in seen:
            continue
        seen.add(line)
        source = sources[index]
        try:
            name, counter = source.decode(line)
        except Invalid as reason:
            raise BadSource(source, reason) from None
        if marker is not None and marker in line:
            counter = _leave_out(counter, without)
            if not counter:
                continue
        if not changed and before is not None:
            joined = sources[0].decode(before)[1]
        changed = True
        joined = counter if joined is None else join_counters(joined, counter)
    if not changed or joined is None:
        return before
    if len(group) == 1 and not (marker is not None and marker in group[0][1]):
        return group[0][1]
    return encode_line(name, joined)


def _leave_out(counter: Counter, author: str | None) -> Counter:
    kept = {tag: {a: row for a, row in authors.items() if a != author} for tag, authors in counter.items()}
    return {tag: authors for tag, authors in kept.items() if authors}


def newer(counter: Counter, since: Clock) -> Counter:
    """Return the delta of one counter: what changed after the clock `since`."""
    kept = {tag: TYPES[tag].newer(authors, since) for tag, authors in counter.items()}
    return {tag: authors for tag, authors in kept.items() if authors}


class Writer:
    """Writes a canonical file piece by piece, and its checksum at the end."""

    def __init__(self, write: Callable[[bytes], object], head: Head) -> None:
        self._write = write
        self._checksum = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._empty = True
        self._put(encode_head(head) + HEAD_END)

    def line(self, line: bytes) -> None:
        """Add the next counter's line."""
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _BLOCK:
            self._flush()

    def close(self) -> None:
        """Write what is left and the last line."""
        self._flush()
        if not self._empty:
            self._put(b"\n")
        self._write(trailer(self._checksum))

    def _flush(self) -> None:
        if self._lines:
            separator = b"" if self._empty else b",\n"
            self._empty = False
            self._put(separator + b",\n".join(self._lines))
            self._lines.clear()
            self._size = 0

    def _put(self, data: bytes) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._write(data)
