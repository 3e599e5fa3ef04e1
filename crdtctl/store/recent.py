"""The latest changes of a large ``own.json``: ``own.recent.json``, and the blocks of ``own.json`` that it vouches for.

Rewriting an ``own.json`` of 100,000 counters takes longer than starting Python. So a large one has a *nonce* in its
header, and the commits after it go to ``own.recent.json``: the replica's present header, and the changed lines, each of
which replaces that of ``own.json``. Its header names the nonce and the size of ``own.json``, and the CRC-32 of each
block, so that one line is found and verified without reading the rest. The docstring of `crdtctl.store` is the order of
writes.

This module is on the path of every increment of a large replica, so it imports nothing that Python has not loaded
already, but zlib.
"""

import zlib

from crdtctl.codec import plain
from crdtctl.codec.layout import HEAD_START, LONGEST_NAME, TRAILER_SIZE, InMemory, is_whole, name_of, search
from crdtctl.store import binding, durable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.codec.layout import Pages
    from crdtctl.codec.plain import OwnHeader

#: Maximum size in bytes of the changed lines. The commit that would exceed it replaces ``own.json``.
MAX_LINES = 2**15
#: Size in bytes of a block of ``own.json``. It is doubled until there are at most `_MANY_BLOCKS`.
_BLOCK = 2**14
_MANY_BLOCKS = 2**10
#: Maximum number of blocks that are kept in memory.
_KEPT = 64


class Blocks:
    """The open ``own.json``, as pages. Each block that is read is compared with its checksum in `base`.

    Raise ValueError for a block that differs.
    """

    def __init__(self, fd: int, base: bytes) -> None:
        self.nonce, self.size, self._block, self._sums = plain.read_base(base)
        self.fd = fd
        self._kept: dict[int, bytes] = {}

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start`."""
        end = min(start + size, self.size)
        if start >= end:
            return b""
        first, last = start // self._block, (end - 1) // self._block
        data = b"".join([self._verified(number) for number in range(first, last + 1)])
        return data[start - first * self._block : end - first * self._block]

    def _verified(self, number: int) -> bytes:
        found = self._kept.get(number)
        if found is None:
            found = os.pread(self.fd, min(self._block, self.size - number * self._block), number * self._block)
            if b"%08x" % zlib.crc32(found) != self._sums[8 * number : 8 * number + 8]:
                raise ValueError("a block of own.json differs from its checksum")
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[number] = found
        return found


def described(nonce: str, data: bytes) -> str:
    """Return the description of an ``own.json`` with this nonce and content, see `crdtctl.codec.plain.read_base`."""
    view = memoryview(data)
    block = _BLOCK
    while len(data) > _MANY_BLOCKS * block:
        block *= 2
    sums = "".join([f"{zlib.crc32(view[at : at + block]):08x}" for at in range(0, len(data), block)])
    return f"{nonce} {len(data)} {block} {sums}"


def _search(pages: "Pages", start: int, end: int, name: bytes) -> tuple[int, int]:
    """Find a line as `search` does. A name before all others, like that of a reserved line, costs one read."""
    if start < end and name_of(pages.read(start, LONGEST_NAME)) > name:
        return start, start
    return search(pages, start, end, name)


# The fast path -----------------------------------------------------------------------------------------


class Pair:
    """Both files, open, as the fast path reads them. The constructor raises ValueError if they are special.

    `own` and `recent` are open files. `header` is the present header.
    """

    def __init__(self, own: int, recent: int) -> None:
        self._recent = recent
        self.data = data = durable.read_all(recent)
        if not is_whole(data):
            raise ValueError
        opening = plain.header_line(data)
        self.header: OwnHeader = plain.read_recent_header(opening)
        self._own = Blocks(own, self.header.base)
        first = plain.header_line(self._own.read(0, _BLOCK))
        if not first.startswith(b'%bown","base":"%b"' % (HEAD_START, self._own.nonce)):
            raise ValueError
        if os.fstat(own).st_size != self._own.size:
            raise ValueError
        self._own_bound = plain.between(first, b'"binding":"', b'"')
        self._start, self._end = len(opening), len(data) - TRAILER_SIZE
        self._places: list[tuple[Pages, int, int]] = [
            (InMemory(data), self._start, self._end),
            (self._own, len(first), self._own.size - TRAILER_SIZE),
        ]

    def fault(self) -> str:
        """Return why one of the files may not be the one that this replica wrote last; empty if both are."""
        header = self.header
        bound, witness = self._own_bound.decode(), header.witness.decode()
        return binding.fault(self._own.fd, bound, witness, header.seq + header.exports) or binding.fault(
            self._recent, header.bound.decode(), "", 0
        )

    def line(self, name: bytes) -> bytes:
        """Return the present line of a counter; empty without one."""
        for pages, start, end in self._places:
            first, last = _search(pages, start, end, name)
            if first < last:
                return pages.read(first, last - first)
        return b""

    def has_reserved_lines(self) -> bool:
        """Return whether one of the files has a line that is not a counter's."""
        return self._has_line_from(plain.RESERVED)

    def has_series(self, name: bytes) -> bool:
        """Return whether one of the files has a line of this name with labels."""
        return self._has_line_from(b"%b{" % name)

    def _has_line_from(self, beginning: bytes) -> bool:
        for pages, start, end in self._places:
            first, _ = _search(pages, start, end, beginning)
            if pages.read(first, len(beginning) + 1) == b'"' + beginning:
                return True
        return False

    def around(self, name: bytes) -> tuple[bytes, bytes]:
        """Return the lines of ``own.recent.json`` before and after that of a counter, with their separators."""
        first, last = search(InMemory(self.data), self._start, self._end, name)
        before, after = self.data[self._start : first], self.data[last : self._end]
        if first < last:
            return before, after
        if first < self._end:
            return before, b",\n" + after
        return before[:-1] + b",\n" if before else b"", b"\n"
