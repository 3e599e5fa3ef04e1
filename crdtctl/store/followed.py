"""Positions in followed files, which ``own.json`` records in the commits that count their lines.

A position is the inode number of a file, the number of bytes whose lines are counted, and a checksum of the beginning
and the end of these bytes. The device is not recorded: its number changes when a system starts again. The checksum
recognizes a file that was emptied and written again, and a copy of the file.
"""

from __future__ import annotations

import os
import zlib

from crdtctl.errors import BusyError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Number of bytes at the beginning, and before the position, that its checksum covers.
EDGE = 1024


class Position:
    """A place in a file: see above."""

    __slots__ = ("crc", "inode", "offset")

    def __init__(self, inode: int, offset: int, crc: int) -> None:
        self.inode = inode
        self.offset = offset
        self.crc = crc

    def __str__(self) -> str:
        return f"{self.inode}.{self.offset}.{self.crc:08x}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that a text in ``own.json`` describes."""
        inode, offset, crc = text.split(".")
        return cls(int(inode), int(offset), int(crc, 16))

    @classmethod
    def at(cls, fd: int, offset: int) -> Position:
        """Return the position at an offset of an open file."""
        return cls(os.fstat(fd).st_ino, offset, zlib.crc32(edges(fd, offset)))

    def is_in(self, fd: int) -> bool:
        """Return whether an open file has the bytes before this position, whatever its inode number is."""
        if os.fstat(fd).st_size < self.offset:
            return False
        return zlib.crc32(edges(fd, self.offset)) == self.crc


def edges(fd: int, offset: int) -> bytes:
    """Return the beginning and the end of the bytes before an offset of an open file."""
    size = min(offset, EDGE)
    return os.pread(fd, size, 0) + os.pread(fd, size, offset - size)


class Step:
    """The move of one follower, `key`, from the position `before` (None at first) to `after`."""

    __slots__ = ("after", "before", "key")

    def __init__(self, key: str, before: Position | None, after: Position) -> None:
        self.key = key
        self.before = before
        self.after = after

    def taken(self, follows: Mapping[str, str]) -> dict[str, str]:
        """Return the positions after this step. Raise `BusyError` if another process has taken one in between."""
        if follows.get(self.key) != (None if self.before is None else str(self.before)):
            file = printable(self.key.partition(":")[2])
            raise BusyError(f"another process follows {file} into this replica", "its lines are counted there")
        return {**follows, self.key: str(self.after)}
