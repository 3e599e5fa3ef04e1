"""Lines → a sketch of the elements on them, in constant memory, on two cores if there are two."""

from __future__ import annotations

import os
import struct
from functools import partial

from crdtctl.crdt.hyperloglog import MAX_PRECISION, join, observe, text
from crdtctl.crdt.names import element_fault, entered, sound_elements
from crdtctl.records import NamedTuple
from crdtctl.store.parallel import in_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Number of bytes sketched before a second process is started.
PARALLEL_FROM_BYTES = 2**18
#: The number of a piece's first line, and its length.
_HEAD = struct.Struct("!QQ")


class BadLine(NamedTuple):
    """The number of a line without a valid element, and the reason."""

    number: int
    why: str


class SketchResult(NamedTuple):
    """A sketch as text, empty without elements; and the lines that were left out.

    `bad` is the first line without a valid element, `left_out` the number of such lines.
    """

    text: str
    bad: BadLine | None = None
    left_out: int = 0


class _Sketcher:
    """Sketches pieces of lines. It stops at the first bad line, unless `skip` leaves such lines out."""

    def __init__(self, *, skip: bool) -> None:
        self.registers = bytearray(1 << MAX_PRECISION)
        self.skip = skip
        self.bad: BadLine | None = None
        self.left_out = 0

    def add(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Add pieces, each with the number of its first line."""
        for first, piece in pieces:
            lines = piece.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in piece else piece
            elements = sound_elements(lines)
            if elements is None:
                elements, bad = _checked(first, lines)
                if bad:
                    self.bad = self.bad or bad[0]
                    self.left_out += len(bad)
                    if not self.skip:
                        return
            observe(self.registers, elements)


def sketch_lines(pieces: Iterable[bytes], *, processes: int = 1, skip: bool = False) -> SketchResult:
    """Return the sketch, in the highest precision, of the elements on lines.

    It stops at the first line without a valid element, or leaves such lines out with `skip`. Blank lines are ignored.

    A piece is one or more whole lines, the last without its line end. With two `processes`, every other piece of many
    goes to a second process. It is forked, so this process should not have threads.
    """
    numbered = _numbered(pieces)
    mine = _Sketcher(skip=skip)
    mine.add(_first(PARALLEL_FROM_BYTES, numbered) if processes > 1 else numbered)
    if mine.bad and not skip:
        return SketchResult("", mine.bad)
    following = next(numbered, None)
    if following is None:
        return SketchResult(text(mine.registers) if any(mine.registers) else "", mine.bad, mine.left_out)
    reading, writing = os.pipe()
    try:
        with in_child(partial(sketch_stream, reading, writing, skip)) as result:
            os.close(reading)
            reading = -1
            mine.add(_after_dealing(following, numbered, writing))
            os.close(writing)
            writing = -1
            theirs = SketchResult(*result())
    finally:
        for fd in (reading, writing):
            if fd >= 0:
                os.close(fd)
    bad = min([one for one in (mine.bad, theirs.bad) if one], default=None)
    if bad and not skip:
        return SketchResult("", bad)
    whole = join([text(mine.registers), theirs.text]) if any(mine.registers) or theirs.text else ""
    return SketchResult(whole, bad, mine.left_out + theirs.left_out)


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
    """Write every other piece to the child, and yield the rest; stop when the child stops, at a bad line."""
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


def sketch_stream(reading: int, writing: int, skip: bool) -> SketchResult:  # for `partial`
    """Do the child's part of the work."""
    os.close(writing)
    theirs = _Sketcher(skip=skip)
    with os.fdopen(reading, "rb") as pipe:
        theirs.add(_received(pipe.read))
    return SketchResult(text(theirs.registers) if any(theirs.registers) else "", theirs.bad, theirs.left_out)


def _received(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    while head := read(_HEAD.size):
        first, size = _HEAD.unpack(head)
        yield first, read(size)


def _checked(first: int, lines: bytes) -> tuple[set[bytes], list[BadLine]]:
    """Return the elements on lines that need checking one by one, and the lines without a valid element."""
    elements: set[bytes] = set()
    bad = []
    for number, line in enumerate(lines.split(b"\n"), first):
        try:
            element = entered(line.decode())
        except UnicodeDecodeError:
            bad.append(BadLine(number, "it is not UTF-8"))
            continue
        if not element.strip():
            continue
        why = element_fault(element)
        if why is None:
            elements.add(element.encode())
        else:
            bad.append(BadLine(number, why))
    return elements, bad
