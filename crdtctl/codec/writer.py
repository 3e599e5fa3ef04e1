"""Writing a canonical file, line by line or in blocks, in large pieces."""

from __future__ import annotations

import zlib

from crdtctl.codec.checksums import combined
from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import HEAD_END, trailer
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crdtctl.codec.header import Head

#: Lines are collected until they have this number of bytes.
WRITE_SIZE = 2**18
_SEPARATOR = b",\n"


class Summed(NamedTuple):
    """The size of a text in bytes, and its checksum."""

    size: int
    checksum: int


class Lines:
    """Writes counters' lines, with their separators, in large pieces."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._sink = write
        self._lines: list[bytes] = []
        self._pending = 0
        self._checksum = 0
        self._size = 0
        self._is_empty = True

    @property
    def summed(self) -> Summed:
        """The size and the checksum of the written data."""
        return Summed(self._size, self._checksum)

    def line(self, line: bytes) -> None:
        """Add the next counter's line, or several lines with their separators."""
        self._lines.append(line)
        self._pending += len(line)
        if self._pending >= WRITE_SIZE:
            self.flush()

    def splice(self, blocks: Iterable[bytes], summed: Summed) -> None:
        """Add the output of another `Lines`, whose size and checksum are known."""
        self.flush()
        if not summed.size:
            return
        if not self._is_empty:
            self._put(_SEPARATOR)
        self._is_empty = False
        for block in blocks:
            self._sink(block)
        self._checksum = combined(self._checksum, summed.checksum, summed.size)
        self._size += summed.size

    def flush(self) -> None:
        """Write the lines that are not written yet."""
        if self._lines:
            separator = b"" if self._is_empty else _SEPARATOR
            self._is_empty = False
            self._put(separator + _SEPARATOR.join(self._lines))
            self._lines.clear()
            self._pending = 0

    def _put(self, data: bytes) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._size += len(data)
        self._sink(data)


class Writer(Lines):
    """Writes a whole canonical file, its checksum at the end."""

    def __init__(self, write: Callable[[bytes], object], head: Head) -> None:
        super().__init__(write)
        self._put(encode_head(head) + HEAD_END)

    def close(self) -> None:
        """Write the rest and the last line."""
        self.flush()
        if not self._is_empty:
            self._put(b"\n")
        self._sink(trailer(self._checksum))
