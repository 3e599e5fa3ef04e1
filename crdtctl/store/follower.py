"""Reads the lines that are appended to a file, as ``tail -F`` does: also after it was rotated or emptied.

* The file was renamed, and another one made: the renamed one is read to its end, then those that were rotated in
  between, then the new one, as soon as it has content. Until then, a process may write to the renamed one.
* The file was copied and emptied: the rest of the copy is read, then the file from its beginning.
* After a restart, the file is found by its inode number, under its own name or the names of rotated files.
* A file that is followed under another path already is refused: its lines would count twice.

A line counts when it has an end. The last line of a file that was left counts without one.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from types import MappingProxyType

from crdtctl.errors import RefusedError, UsageError, printable
from crdtctl.store.durable import close
from crdtctl.store.followed import Passed, Position
from crdtctl.store.rotation import following, siblings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BLOCK = 2**16
_MARK = b"\xef\xbb\xbf"
#: Seconds that the clock of the file's system may be behind that of the replica's.
_LATE = 1.0


class Emptied(Exception):
    """A file is shorter than the part that was read, or has another beginning."""


class _Chunk:
    """Lines of the file `inode`, and the bytes that were passed before and after them. `raw` is their text."""

    __slots__ = ("after", "before", "inode", "lines", "raw")

    def __init__(self, inode: int, before: Passed, raw: bytes, lines: list[bytes], after: Passed) -> None:
        self.inode = inode
        self.before = before
        self.raw = raw
        self.lines = lines
        self.after = after


class _File:
    """An open file, and the part of it that was read."""

    def __init__(self, fd: int, passed: Passed) -> None:
        self.fd = fd
        self.passed = passed
        self.status = os.fstat(fd)

    def read(self, *, is_left: bool = False) -> _Chunk | None:
        """Return the next lines; None until one is complete. The last one needs no end if the file `is_left`."""
        before = self.passed
        if not before.are_in(self.fd):
            raise Emptied
        block = os.pread(self.fd, _BLOCK, before.offset)
        end = block.rfind(b"\n") + 1
        if not end and len(block) == _BLOCK:
            return self._long_line(block, is_left=is_left)
        if is_left and len(block) < _BLOCK:
            end = len(block)
        if not end:
            return None
        raw = block[:end]
        lines = raw.removesuffix(b"\n").split(b"\n")
        if before.offset == 0:
            lines[0] = lines[0].removeprefix(_MARK)
        self.passed = before.after(raw)
        return _Chunk(self.status.st_ino, before, raw, lines, self.passed)

    def _long_line(self, block: bytes, *, is_left: bool) -> _Chunk | None:
        """Return a line that is longer than any that counts, cut; None if its end is not there yet."""
        before = passed = self.passed
        piece = block
        while piece:
            end = piece.find(b"\n") + 1
            passed = passed.after(piece[:end] if end else piece)
            if end:
                break
            piece = os.pread(self.fd, _BLOCK, passed.offset)
        if not piece and not is_left:
            return None
        self.passed = passed
        return _Chunk(self.status.st_ino, before, b"", [block + b"."], passed)


class Follower:
    """The lines of the file at `path`, from a `position` on, or from the beginning.

    `since` is a time when the file was as the position describes it. `note` is called with messages for people.
    `others` are the paths that are followed into the same counts, and their positions. `RefusedError` is raised before
    the first line of a file that is one of them.
    """

    def __init__(
        self,
        path: str,
        position: Position | None,
        since: float,
        note: Callable[[str], object],
        others: Mapping[str, Position] = MappingProxyType({}),
    ) -> None:
        self.path = os.path.abspath(path)
        self._others = others
        #: The position of the lines that were taken.
        self.position = position
        self._since = since - _LATE
        self._note = note
        self._file: _File | None = None
        self._chunks: deque[_Chunk] = deque()
        self._is_awaited = False
        #: Whether more lines can probably be read at once.
        self.has_more = False

    def close(self) -> None:
        """Close the file."""
        if self._file:
            close(self._file.fd)
            self._file = None

    def read(self) -> list[bytes]:
        """Return the lines that were appended, without their ends. The list may be empty."""
        if self._file is None:
            self._file = self._begin()
        chunk = self._next() if self._file else None
        if chunk is None:
            self.has_more = False
            return []
        self.has_more = True
        self._chunks.append(chunk)
        return chunk.lines

    def position_after(self, count: int) -> Position | None:
        """Return the position after the first `count` lines that were read and not taken yet; None without a file."""
        found = self.position
        if found is None and self._file:  # nothing was recorded yet, so nothing was rotated since the file was opened
            found = Position.after(self._file.status.st_ino, Passed())
        for chunk in self._chunks:
            if count <= 0:
                break
            if count >= len(chunk.lines):
                passed = chunk.after
            else:
                size = sum(map(len, chunk.lines[:count])) + count
                if chunk.before.offset == 0 and chunk.raw.startswith(_MARK):
                    size += len(_MARK)
                passed = chunk.before.after(chunk.raw[:size])
            found = Position.after(chunk.inode, passed)
            count -= len(chunk.lines)
        return found

    def take(self, count: int) -> None:
        """Note that the first `count` lines are counted."""
        self.position = self.position_after(count)
        while self._chunks and count >= len(self._chunks[0].lines):
            count -= len(self._chunks.popleft().lines)
        if count:
            chunk = self._chunks[0]
            assert self.position
            size = self.position.offset - chunk.before.offset
            before = chunk.before.after(chunk.raw[:size])
            self._chunks[0] = _Chunk(chunk.inode, before, chunk.raw[size:], chunk.lines[count:], chunk.after)

    # Files -------------------------------------------------------------------------------------------------

    def _begin(self) -> _File | None:
        """Open the file of the position, or the one at the path; None if it does not exist yet."""
        position = self.position
        if position:
            for name, status in siblings(self.path):
                if status.st_ino == position.inode and (file := self._open(self._at(name))):
                    if position.is_in(file.fd):
                        file.passed = Passed.of(file.fd, position.offset)
                        return file
                    close(file.fd)
        file = self._open(self.path)
        if file is None:
            if not self._is_awaited:
                self._note(f"{printable(self.path)} does not exist yet")
            self._is_awaited = True
            return None
        if position and position.offset:
            is_emptied = position.inode == file.status.st_ino
            if is_emptied and (copy := self._copy(lambda fd: position.is_in(fd), position.offset, file)):
                close(file.fd)
                return copy
            self._refuse_other(file)
            self._note(
                f"{printable(self.path)} is another file than before, and the rest of that one, after byte "
                f"{position.offset}, was not found; reading from the beginning"
            )
        else:
            self._refuse_other(file)
        return file

    def _refuse_other(self, file: _File) -> None:
        """Raise `RefusedError` if a file that was just opened is followed under another path."""
        for path, position in self._others.items():
            if position.inode == file.status.st_ino and (
                position.is_in(file.fd) if position.offset else _leads_to(path, file.status)
            ):
                close(file.fd)
                raise RefusedError(
                    f"{printable(self.path)} is followed as {printable(path)} already, up to byte {position.offset}",
                    f"follow it as {printable(path)}, which may be a symbolic link to it; a copy of it is another file",
                )

    def _open(self, path: str) -> _File | None:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            close(fd)
            raise UsageError(f"{printable(path)} is not a regular file", "only those can be followed; use --stream")
        return _File(fd, Passed())

    def _at(self, name: str) -> str:
        return os.path.join(os.path.dirname(self.path), name)

    def _copy(self, fits: Callable[[int], bool], offset: int, emptied: _File) -> _File | None:
        """Open the copy that was made of a file before it was emptied, after `offset`; None without one."""
        found = sorted(siblings(self.path), key=lambda sibling: sibling[1].st_mtime_ns, reverse=True)
        for name, status in found:  # the newest first: the lines of several may be alike
            is_new = status.st_mtime >= self._since and status.st_size > offset
            if not is_new or os.path.samestat(status, emptied.status) or not stat.S_ISREG(status.st_mode):
                continue
            if file := self._open(self._at(name)):
                if fits(file.fd):
                    file.passed = Passed.of(file.fd, offset)
                    return file
                close(file.fd)
        return None

    def _next(self) -> _Chunk | None:
        """Return the next lines of the file, or of the one that follows it."""
        file = self._file
        assert file
        since = os.fstat(file.fd).st_mtime  # by the clock of the file's system, as the times of its copies
        try:
            chunk = file.read()
            self._since = since
            if chunk or not (successor := self._successor(file)):
                return chunk
            if chunk := file.read():  # lines that came before the file was left
                close(successor.fd)
                return chunk
            chunk = file.read(is_left=True)
            self._file = successor
            close(file.fd)
            return chunk or self._next()
        except Emptied:
            self._begin_again(file)
            return None

    def _begin_again(self, file: _File) -> None:
        """Continue in the copy of a file that was emptied, or at its beginning."""
        passed = file.passed
        if copy := self._copy(passed.are_in, passed.offset, file):
            self._file = copy
            close(file.fd)
            return
        self._note(f"{printable(self.path)} was emptied; reading from the beginning")
        fresh = self._open(self.path)
        if fresh is not None:
            self._file = fresh
            close(file.fd)

    def _successor(self, file: _File) -> _File | None:
        """Open the file that follows one that was rotated; None if it is the last one, or its successor is empty."""
        wanted = self._name_after(file)
        found = self._open(wanted) if wanted else None
        if found is None:
            return None
        is_last = wanted == self.path
        if (is_last and not found.status.st_size) or self._name_after(file) != wanted:
            close(found.fd)
            return None
        try:
            if os.path.samestat(found.status, os.stat(wanted or "")):
                self._refuse_other(found)
                return found
        except FileNotFoundError:
            pass
        close(found.fd)  # rotated again while it was opened
        return None

    def _name_after(self, file: _File) -> str | None:
        try:
            if os.path.samestat(os.stat(self.path), file.status):
                return None
        except FileNotFoundError:
            return None
        found = dict(siblings(self.path))
        log = os.path.basename(self.path)
        own = [name for name, status in found.items() if os.path.samestat(status, file.status)]
        return self._at(following(own[0], found, log)) if own else self.path


def _leads_to(path: str, status: os.stat_result) -> bool:
    """Return whether a path leads to the file with this status."""
    try:
        return os.path.samestat(os.stat(path), status)
    except OSError:
        return False
