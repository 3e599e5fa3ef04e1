"""Writing a canonical file, line by line, in large pieces."""

from __future__ import annotations

import zlib

from crdtctl.codec.header import encode_head
from crdtctl.codec.layout import HEAD_END, trailer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crdtctl.codec.header import Head

#: Lines are collected until they have this number of bytes.
WRITE_SIZE = 2**18


class Lines:
    """Writes counters' lines, with their separators, in large pieces."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._size = 0
        self.is_empty = True

    def line(self, line: bytes) -> None:
        """Add the next counter's line."""
        self._lines.append(line)
        self._size += len(line)
        if self._size >= WRITE_SIZE:
            self.flush()

    def splice(self, blocks: Iterable[bytes]) -> None:
        """Add the output of another `Lines`."""
        self.flush()
        separator = b"" if self.is_empty else b",\n"
        for block in blocks:
            self._write(separator + block)
            separator = b""
            self.is_empty = False

    def flush(self) -> None:
        """Write the lines that are not written yet."""
        if self._lines:
            separator = b"" if self.is_empty else b",\n"
            self.is_empty = False
            self._write(separator + b",\n".join(self._lines))
            self._lines.clear()
            self._size = 0


class Writer(Lines):
    """Writes a whole canonical file, its checksum at the end."""

    def __init__(self, write: Callable[[bytes], object], head: Head) -> None:
        super().__init__(self._put)
        self._sink = write
        self._checksum = 0
        self._put(encode_head(head) + HEAD_END)

    def close(self) -> None:
        """Write the rest and the last line."""
        self.flush()
        if not self.is_empty:
            self._put(b"\n")
        self._sink(trailer(self._checksum))

    def _put(self, data: bytes) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._sink(data)
