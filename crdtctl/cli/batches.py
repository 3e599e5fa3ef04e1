"""The lines of a batch → requests, or one sketch of many elements."""

from __future__ import annotations

from array import array
from collections import Counter

from crdtctl.cli.reading import called, text_blocks
from crdtctl.errors import PartialError, UsageError
from crdtctl.records import NamedTuple, Record, field
from crdtctl.store import requests
from crdtctl.store.validation import checked_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
    """The lines of a batch or stream that were left out: their number, the number of all lines, and the first of them.

    `first` is the message about it, and `place` its number in the file, from 1.
    """

    lines: int = 0
    of: int = 0
    first: str = ""
    place: int = 0

    def add(self, lines: int, place: int, source: str, why: str) -> None:
        """Add a number of lines, the first of them at a place in a source, with the reason. They come in any order."""
        self.lines += lines
        if not self.first or place < self.place:
            self.place, self.first = place, f"line {place} of {source}: {why}"

    def raise_if_any(self) -> None:
        """Raise `PartialError` if lines were left out."""
        if self.lines:
            number = f"{self.lines} of {self.of} lines {'was' if self.lines == 1 else 'were'}"
            raise PartialError(f"{number} left out, the first: {self.first}")


class Asked(NamedTuple):
    """The request of equal lines, their number, and the place of the first of them, from 1."""

    request: Request
    times: int
    place: int


class Batch(Record, frozen=False):
    """The requests of a batch, with the lines that make them. `source` is the file in messages."""

    source: str
    asked: list[Asked] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def requests(self) -> list[Request]:
        """Return one request for equal lines. With an idempotency key, they count once."""
        return [requests.repeated(one.request, one.times) for one in self.asked]

    def on_refused(
        self, made: Sequence[Request], once: str | None = None, *, skip: bool
    ) -> Callable[[int, CrdtctlError], None]:
        """Return a function that is called with the place of a refused request among those `made`, and the failure.

        With `skip`, it records the lines of the request as left out. Otherwise it raises the failure, with the number
        of the line. The requests are those of `requests`, in their order, or those of `under_key` with the idempotency
        key `once`.
        """
        key = checked_key(once)
        raised: list[CrdtctlError] = []

        def refuse(place: int, failure: CrdtctlError) -> None:
            lines = [self.asked[place]] if key is None else self._of_counter(made[place], key)
            first = min(one.place for one in lines)
            if skip:
                self.left_out.add(sum(one.times for one in lines), first, self.source, failure.message)
                return
            if failure not in raised:  # the failure of a reading arrives a second time, for its counter
                raised.append(failure)
                failure.message = f"line {first} of {self.source}: {failure.message}"
                failure.hint = f"{failure.hint}; {_NOTHING_DONE}" if failure.hint else _NOTHING_DONE
            raise failure

        return refuse

    def _of_counter(self, found: Request, once: str) -> list[Asked]:
        """Return the lines that count in one counter under the key of a request; `once` is that of most lines."""
        wanted = found.name, found.tag, found.operation.once
        return [
            one
            for one in self.asked
            if (one.request.name, one.request.tag, one.request.operation.once or once) == wanted
        ]


def batch(path: str, parse: Parse, *, skip: bool = False) -> Batch:
    """Return the requests in a file, one a line; '-' is standard input.

    Equal lines are counted first and parsed once, so a million lines with a thousand names become a thousand requests.
    Blank lines are ignored. `parse` reads a line and raises `UsageError` for a wrong one. That ends the batch; with
    `skip` the line is left out. Messages name the number of the line.
    """
    counted: Counter[bytes] = Counter()
    parsed: dict[bytes, Request | None] = {}
    #: The number of the first line of each text, in the order of `counted`.
    first = array("Q")
    bad: dict[bytes, UsageError] = {}
    found = Batch(called(path))
    done = 0
    for piece in _pieces(path):
        lines = piece.split(b"\n")
        before = len(counted)
        counted.update(lines)
        if len(counted) > before:
            numbers = dict(zip(reversed(lines), range(done + len(lines), done, -1), strict=True))
            new = sorted([(number, line) for line, number in numbers.items() if line not in parsed])
            for number, line in new:
                first.append(number)
                try:
                    parsed[line] = parse(decoded(line)) if line.strip() else None
                except UsageError as error:
                    if not skip:
                        where = f"line {number} of {found.source}: {error.message}"
                        raise UsageError(where, _NOTHING_DONE) from None
                    parsed[line] = None
                    bad[line] = error
        done += len(lines)
    found.left_out.of = done
    for (line, times), number in zip(counted.items(), first, strict=True):
        if (one := parsed[line]) is not None:
            found.asked.append(Asked(one, times, number))
        elif line in bad:
            found.left_out.add(times, number, found.source, bad[line].message)
    return found


def ordered_batch(path: str, parse: Parse, is_known: Callable[[bytes], bool], *, skip: bool = False) -> Batch:
    """Return a request for each line of a file, in order, but not for lines that `is_known`. See `batch`."""
    found = Batch(called(path))
    number = 0
    for piece in _pieces(path):
        for line in piece.split(b"\n"):
            number += 1
            if is_known(line) or not line.strip():
                continue
            try:
                request = parse(decoded(line))
            except UsageError as error:
                if not skip:
                    where = f"line {number} of {found.source}: {error.message}"
                    raise UsageError(where, _NOTHING_DONE) from None
                found.left_out.add(1, number, found.source, error.message)
            else:
                found.asked += [Asked(request, 1, number)] if request else []
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
    return found.distribution, LeftOut(found.left_out, lines, where, found.bad.number if found.bad else 0)


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
    return found.text, LeftOut(found.left_out, lines, where, found.bad.number if found.bad else 0)
