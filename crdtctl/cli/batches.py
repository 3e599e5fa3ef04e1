"""The lines of a batch → requests, or one sketch of many elements."""

from __future__ import annotations

from collections import Counter

from crdtctl.cli.reading import called, text_blocks
from crdtctl.errors import PartialError, UsageError, printable
from crdtctl.records import Record, field
from crdtctl.store import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from crdtctl.crdt.distribution import Distribution
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.commit import Request

    #: A line → its request, or None for a line without one.
    Parse: TypeAlias = Callable[[str], Request | None]

#: Maximum length of a line in bytes.
MAX_LINE = 2**16
_NOTHING_DONE = "nothing was counted; --bad skip leaves such lines out"


class LeftOut(Record, frozen=False):
    """The lines of a batch that were left out: their number, the number of all lines, and the first of them."""

    lines: int = 0
    of: int = 0
    first: str = ""

    def add(self, lines: int, why: str) -> None:
        """Add a number of lines with the reason."""
        self.lines += lines
        self.first = self.first or why

    def raise_if_any(self) -> None:
        """Raise `PartialError` if lines were left out."""
        if self.lines:
            number = f"{self.lines} of {self.of} lines {'was' if self.lines == 1 else 'were'}"
            raise PartialError(f"{number} left out, the first: {self.first}")


class Batch(Record, frozen=False):
    """The requests of a batch, each with the number of lines that make it."""

    asked: list[tuple[Request, int]] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def requests(self) -> list[Request]:
        """Return one request for equal lines. With an idempotency key, they count once."""
        return [requests.repeated(one, times) for one, times in self.asked]

    def leave_out(self, found: Request, failure: CrdtctlError) -> None:
        """Record a request that was refused when it was carried out."""
        lines = 1
        if not found.operation.readings:
            lines = sum(times for one, times in self.asked if (one.name, one.tag) == (found.name, found.tag))
        self.left_out.add(lines, f"'{printable(found.name)}': {failure.message}")


def batch(path: str, parse: Parse, *, skip: bool = False) -> Batch:
    """Return the requests in a file, one a line; '-' is standard input.

    Equal lines are counted first and parsed once, so a million lines with a thousand names become a thousand requests.
    Blank lines are ignored. `parse` reads a line and raises `UsageError` for a wrong one. That ends the batch; with
    `skip` the line is left out. Messages name the number of the line.
    """
    counted: Counter[bytes] = Counter()
    parsed: dict[bytes, Request | None] = {}
    bad: dict[bytes, UsageError] = {}
    found = Batch()
    done = 0
    for piece in _pieces(path):
        lines = piece.split(b"\n")
        before = len(counted)
        counted.update(lines)
        if len(counted) > before:
            for line in counted.keys() - parsed.keys():
                try:
                    parsed[line] = parse(decoded(line)) if line.strip() else None
                except UsageError as error:
                    parsed[line] = None
                    bad[line] = error
            if bad and not found.left_out.first:
                number, line = next((number, line) for number, line in enumerate(lines, 1) if line in bad)
                where = f"line {done + number} of {called(path)}: {bad[line].message}"
                if not skip:
                    raise UsageError(where, _NOTHING_DONE)
                found.left_out.first = where
        done += len(lines)
    found.asked = [(one, times) for line, times in counted.items() if (one := parsed[line]) is not None]
    found.left_out.of = done
    found.left_out.lines = sum(counted[line] for line in bad)
    return found


def ordered_batch(path: str, parse: Parse, is_known: Callable[[bytes], bool], *, skip: bool = False) -> Batch:
    """Return a request for each line of a file, in order, but not for lines that `is_known`. See `batch`."""
    found = Batch()
    number = 0
    for piece in _pieces(path):
        for line in piece.split(b"\n"):
            number += 1
            if is_known(line) or not line.strip():
                continue
            try:
                request = parse(decoded(line))
            except UsageError as error:
                where = f"line {number} of {called(path)}: {error.message}"
                if not skip:
                    raise UsageError(where, _NOTHING_DONE) from None
                found.left_out.add(1, where)
            else:
                found.asked += [(request, 1)] if request else []
    found.left_out.of = number
    return found


def decoded(line: bytes) -> str:
    """Return the text of a line without its end; raise `UsageError`."""
    if len(line) > MAX_LINE:
        raise UsageError(f"longer than {MAX_LINE} bytes")
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise UsageError("not UTF-8") from None


def _pieces(path: str) -> Iterator[bytes]:
    """Yield the lines of a file, many at a time, without the last line's end.

    Of a line that is far too long, only the beginning is kept. That is still too long, and so it is refused.
    """
    rest = b""
    is_too_long = False
    for block in text_blocks(path):
        if is_too_long:
            _, end, following = block.partition(b"\n")
            if not end:
                continue
            block, is_too_long = following, False  # the rest of the long line ends here
        whole, end, after = block.rpartition(b"\n")
        if end:
            yield rest + whole
            rest = after
        else:
            rest += after
        if len(rest) > MAX_LINE:
            yield rest[: MAX_LINE + 1]
            rest, is_too_long = b"", True
    if rest:
        yield rest


def element_line(name: str, tag: str | None) -> Parse:
    """Return the parser of a line with one element of a set."""

    def parse(line: str) -> Request:
        return requests.add(name, [line], tag=tag)

    return parse


def numbers(path: str, *, skip: bool = False) -> tuple[Distribution, LeftOut]:
    """Return the distribution of the numbers on the lines of a file, and the lines left out; '-' is standard input."""
    from crdtctl.store.number_lines import read_lines

    lines = 0

    def pieces() -> Iterator[bytes]:
        nonlocal lines
        for piece in _pieces(path):
            lines += piece.count(b"\n") + 1
            yield piece

    found = read_lines(pieces(), skip=skip)
    where = f"line {found.bad.number} of {called(path)}: {found.bad.why}" if found.bad else ""
    if where and not skip:
        raise UsageError(where, _NOTHING_DONE)
    return found.distribution, LeftOut(found.left_out, lines, where)


def sketch(path: str, *, skip: bool = False) -> tuple[str, LeftOut]:
    """Return the sketch of the elements on the lines of a file, and the lines left out; '-' is standard input."""
    lines = 0

    def pieces() -> Iterator[bytes]:
        nonlocal lines
        for piece in _pieces(path):
            lines += piece.count(b"\n") + 1
            yield piece

    from crdtctl.store.parallel import cores
    from crdtctl.store.sketching import sketch_lines

    found = sketch_lines(pieces(), processes=cores(), skip=skip)
    where = f"line {found.bad.number} of {called(path)}: {found.bad.why}" if found.bad else ""
    if where and not skip:
        raise UsageError(where, _NOTHING_DONE)
    return found.text, LeftOut(found.left_out, lines, where)
