"""Lines → the sketch of the elements that stand on them: in constant memory, and on two cores where there are two."""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from crdtctl.crdt.hyperloglog import MAX_PRECISION, join, observe, text
from crdtctl.crdt.names import element_fault, entered, sound_elements
from crdtctl.store.processes import in_child

#: Number of bytes to sketch that make a second process worth its start.
_WORTH_A_CHILD = 2**18
#: The number of a piece's first line, and its length.
_HEAD = struct.Struct("!QQ")


class WrongLine(NamedTuple):
    """The number of a line that holds no element, and why."""

    number: int
    why: str


class Sketched(NamedTuple):
    """The sketch of the elements on lines, as text (empty without elements), and the wrong lines.

    `wrong` is the first line without a valid element, `left_out` the number of such lines.
    """

    text: str
    wrong: WrongLine | None = None
    left_out: int = 0


class _Sketching:
    """The sketch of pieces of lines so far. It ends at a wrong line, unless `skip` leaves such lines out."""

    def __init__(self, *, skip: bool) -> None:
        self.registers = bytearray(1 << MAX_PRECISION)
        self.skip = skip
        self.wrong: WrongLine | None = None
        self.left_out = 0

    def meet(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Take pieces, each with the number of its first line."""
        for first, piece in pieces:
            lines = piece.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in piece else piece
            elements = sound_elements(lines)
            if elements is None:
                elements, wrong = _looked_at(first, lines)
                if wrong:
                    self.wrong = self.wrong or wrong[0]
                    self.left_out += len(wrong)
                    if not self.skip:
                        return
            observe(self.registers, elements)


def sketch_lines(pieces: Iterable[bytes], *, processes: int = 1, skip: bool = False) -> Sketched:
    """Return the sketch, in the highest precision, of the elements on lines.

    It ends at the first line that holds no element, or leaves such lines out with `skip`. Blank lines hold nothing.

    A piece is one or more whole lines, the last without its end. With two `processes`, every other piece of many is
    for a second one; this process is forked for it, which one with threads should not allow.
    """
    numbered = _numbered(pieces)
    mine = _Sketching(skip=skip)
    mine.meet(_first(_WORTH_A_CHILD, numbered) if processes > 1 else numbered)
    if mine.wrong and not skip:
        return Sketched("", mine.wrong)
    following = next(numbered, None)
    if following is None:
        return Sketched(text(mine.registers) if any(mine.registers) else "", mine.wrong, mine.left_out)
    reading, writing = os.pipe()
    try:
        with in_child(partial(_work, reading, writing, skip)) as result:
            os.close(reading)
            reading = -1
            mine.meet(_after_dealing(following, numbered, writing))
            os.close(writing)
            writing = -1
            theirs = Sketched(*result())
    finally:
        for fd in (reading, writing):
            if fd >= 0:
                os.close(fd)
    wrong = min([one for one in (mine.wrong, theirs.wrong) if one], default=None)
    if wrong and not skip:
        return Sketched("", wrong)
    whole = join([text(mine.registers), theirs.text]) if any(mine.registers) or theirs.text else ""
    return Sketched(whole, wrong, mine.left_out + theirs.left_out)


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


def _work(reading: int, writing: int, skip: bool) -> Sketched:  # for `partial`
    """Do the child's part."""
    os.close(writing)
    theirs = _Sketching(skip=skip)
    with os.fdopen(reading, "rb") as pipe:
        theirs.meet(_received(pipe.read))
    return Sketched(text(theirs.registers) if any(theirs.registers) else "", theirs.wrong, theirs.left_out)


def _received(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    while head := read(_HEAD.size):
        first, size = _HEAD.unpack(head)
        yield first, read(size)


def _looked_at(first: int, lines: bytes) -> tuple[set[bytes], list[WrongLine]]:
    """Return the elements on lines that are not all sound as they are, and the lines that hold none."""
    elements: set[bytes] = set()
    wrong = []
    for number, line in enumerate(lines.split(b"\n"), first):
        try:
            element = entered(line.decode())
        except UnicodeDecodeError:
            wrong.append(WrongLine(number, "it is not UTF-8"))
            continue
        if not element.strip():
            continue
        why = element_fault(element)
        if why is None:
            elements.add(element.encode())
        else:
            wrong.append(WrongLine(number, why))
    return elements, wrong
