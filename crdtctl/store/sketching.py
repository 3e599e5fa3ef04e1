"""Lines → the sketch of the elements that stand on them: in constant memory, and on two cores where there are two."""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from crdtctl.crdt.names import element_fault, sound_elements
from crdtctl.crdt.sketch import MAX_PRECISION, join, observe, text
from crdtctl.store.processes import in_child

#: So many bytes are sketched before it is worth a second process.
_WORTH_A_CHILD = 2**18
#: The number of a piece's first line, and its length.
_HEAD = struct.Struct("!QQ")


class WrongLine(NamedTuple):
    """The number of a line that holds no element, and why."""

    number: int
    why: str


class _Sketching:
    """What pieces of lines come to; nothing more is taken once a line is wrong."""

    def __init__(self) -> None:
        self.registers = bytearray(1 << MAX_PRECISION)
        self.wrong: list[WrongLine] = []

    def meet(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Take pieces, each with the number of its first line, up to the first wrong line."""
        for first, piece in pieces:
            lines = piece.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in piece else piece
            elements = sound_elements(lines)
            if elements is None:
                self.wrong.append(_first_wrong(first, lines))
                return
            observe(self.registers, elements)


def sketch_lines(pieces: Iterable[bytes], *, processes: int = 1) -> str | WrongLine:
    """Return the sketch, in the highest precision, of the elements on lines, or the first line that holds none.

    Without a line, that is nothing: an empty text.

    A piece is one or more whole lines, the last without its end. With two `processes`, every other piece of many is
    for a second one; this process is forked for it, which one with threads should not allow.
    """
    numbered = _numbered(pieces)
    mine = _Sketching()
    mine.meet(_first(_WORTH_A_CHILD, numbered) if processes > 1 else numbered)
    if mine.wrong:
        return mine.wrong[0]
    following = next(numbered, None)
    if following is None:
        return text(mine.registers) if any(mine.registers) else ""
    reading, writing = os.pipe()
    try:
        with in_child(partial(_work, reading, writing)) as result:
            os.close(reading)
            reading = -1
            mine.meet(_after_dealing(following, numbered, writing))
            os.close(writing)
            writing = -1
            theirs, wrong = result()
    finally:
        for fd in (reading, writing):
            if fd >= 0:
                os.close(fd)
    if mine.wrong or wrong:
        return min(mine.wrong + wrong)
    return join([text(mine.registers), theirs])


def _numbered(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    first = 1
    for piece in pieces:
        yield first, piece
        first += piece.count(b"\n") + 1


def _first(size: int, pieces: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    while size > 0 and (found := next(pieces, None)) is not None:
        size -= len(found[1])
        yield found


def _after_dealing(
    following: tuple[int, bytes], pieces: Iterator[tuple[int, bytes]], writing: int
) -> Iterator[tuple[int, bytes]]:
    """Write every other piece to the child, and yield the rest; end where the child does, which is at a wrong line."""
    found: tuple[int, bytes] | None = following
    while found is not None:
        first, piece = found
        try:
            _write(writing, _HEAD.pack(first, len(piece)) + piece)
        except BrokenPipeError:
            return
        if (mine := next(pieces, None)) is None:
            return
        yield mine
        found = next(pieces, None)


def _write(fd: int, data: bytes) -> None:
    with memoryview(data) as rest:
        done = 0
        while done < len(data):
            done += os.write(fd, rest[done:])


def _work(reading: int, writing: int) -> tuple[str, list[WrongLine]]:
    """Do the child's part."""
    os.close(writing)
    theirs = _Sketching()
    with os.fdopen(reading, "rb") as pipe:
        theirs.meet(_received(pipe.read))
    return text(theirs.registers), theirs.wrong


def _received(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    while head := read(_HEAD.size):
        first, size = _HEAD.unpack(head)
        yield first, read(size)


def _first_wrong(first: int, lines: bytes) -> WrongLine:
    for number, line in enumerate(lines.split(b"\n"), first):
        try:
            why = element_fault(line.decode())
        except UnicodeDecodeError:
            why = "it is not UTF-8"
        if why is not None:
            return WrongLine(number, why)
    raise AssertionError("one of the lines is wrong")
