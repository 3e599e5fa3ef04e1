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


class Passed:
    """The bytes of a file up to an `offset`: the first and the last of them.

    >>> Passed().after(b"one\\n").after(b"two\\n").offset
    8
    """

    __slots__ = ("first", "last", "offset")

    def __init__(self, offset: int = 0, first: bytes = b"", last: bytes = b"") -> None:
        self.offset = offset
        self.first = first
        self.last = last

    @classmethod
    def of(cls, fd: int, offset: int) -> Passed:
        """Return the bytes of an open file up to an offset, as they are now."""
        size = min(offset, EDGE)
        return cls(offset, os.pread(fd, size, 0), os.pread(fd, size, offset - size))

    def after(self, data: bytes) -> Passed:
        """Return these bytes and `data` behind them."""
        return Passed(self.offset + len(data), (self.first + data[:EDGE])[:EDGE], (self.last + data[-EDGE:])[-EDGE:])

    def are_in(self, fd: int) -> bool:
        """Return whether an open file begins with these bytes, as far as they are known."""
        if os.fstat(fd).st_size < self.offset:
            return False
        now = Passed.of(fd, self.offset)
        return (now.first, now.last) == (self.first, self.last)


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
    def after(cls, inode: int, passed: Passed) -> Position:
        """Return the position behind the bytes that were passed in a file."""
        return cls(inode, passed.offset, zlib.crc32(passed.first + passed.last))

    def is_in(self, fd: int) -> bool:
        """Return whether an open file has the bytes before this position. Its inode number may be another one."""
        if os.fstat(fd).st_size < self.offset:
            return False
        return Position.after(self.inode, Passed.of(fd, self.offset)).crc == self.crc


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
            file = printable(self.key[self.key.find("/") :])
            raise BusyError(f"another process follows {file} into this replica", "its lines are counted there")
        return {**follows, self.key: str(self.after)}


def others(follows: Mapping[str, str], verb: str, path: str) -> dict[str, Position]:
    """Return the positions of other files than `path` that are followed by a `verb`, such as ``add:NAME``, by path.

    >>> [*others({"add:a:/log": "1.0.0", "add:a:/log2": "2.0.0", "add:a:/b:/log": "3.0.0"}, "add:a", "/log")]
    ['/log2']
    """
    start = f"{verb}:/"
    return {
        place: Position.parse(text)
        for key, text in follows.items()
        if key.startswith(start)
        and (place := key[len(start) - 1 :]) != path
        and ":/" not in place  # it may be a part of the name of a set
    }
