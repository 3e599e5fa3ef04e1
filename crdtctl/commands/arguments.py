"""Words on the command line, and lines of a batch, → amounts, clocks and requests."""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from crdtctl.crdt.base import MAX_DIGITS, Verb
from crdtctl.errors import CrdtctlError, UsageError, from_os, printable
from crdtctl.store import streams
from crdtctl.store.commit import Request
from crdtctl.store.inputs import Input, spool
from crdtctl.store.processes import cores
from crdtctl.store.replica import parse_clock, request
from crdtctl.store.sketching import WrongLine, sketch_lines

_WHOLE = re.compile(r"[0-9]+", re.ASCII)
#: Small enough for the processor's cache, which makes splitting and counting a quarter faster.
_BLOCK = 2**17
#: The longest line of a batch, and the largest clock, that anybody means.
_MAX_LINE = 2**16
_MAX_CLOCK = 2**26


def amount(text: str) -> int:
    """Return the amount that `text` stands for: a whole number from 1; raise `UsageError`."""
    shown = printable(text[:40]) + ("…" if len(text) > 40 else "")
    if not _WHOLE.fullmatch(text):
        hint = "use whole numbers"
        if text[:1] == "-" and _WHOLE.fullmatch(text[1:]):
            hint = "amounts are not negative: use decrement"
        elif re.fullmatch(r"[0-9]*[.,][0-9]+", text):
            hint = "count in a smaller unit, cents for euros, say"
        raise UsageError(f"'{shown}' is not an amount: it is not a whole number", hint)
    if len(text) > MAX_DIGITS:
        raise UsageError(f"an amount has at most {MAX_DIGITS} digits, and this one has {len(text)}")
    number = int(text)
    if number < 1:
        raise UsageError("an amount must be at least 1")
    return number


def whole(text: str, option: str) -> int:
    """Return the whole number, of any sign, that `text` stands for; raise `UsageError`."""
    if not _WHOLE.fullmatch(text.removeprefix("-")) or len(text.removeprefix("-")) > MAX_DIGITS:
        raise UsageError(f"'{printable(text[:40])}' is not a whole number", f"{option} takes one")
    return int(text)


def seconds(number: float | None, option: str) -> float | None:
    """Return a number of seconds that can be waited, or None; raise `UsageError`."""
    if number is not None and not math.isfinite(number):
        raise UsageError(f"{option} takes a number of seconds")
    return number


def clock(text: str) -> dict[str, int]:
    """Return the clock that `text` stands for: what ``clock`` printed, a file that holds it, or '-'."""
    return parse_clock(text if text.lstrip().startswith("{") else _read_clock(text))


def _read_clock(path: str) -> str:
    blocks: list[bytes] = []
    for block in _blocks(path):
        blocks.append(block)
        if sum(map(len, blocks)) > _MAX_CLOCK:
            raise UsageError("that is not a clock: it is too large", "give it what 'crdtctl clock' printed")
    return b"".join(blocks).decode("utf-8", "replace")


def _stdin(size: int) -> bytes:
    try:
        return streams.read(0, size)
    except OSError as error:
        raise from_os(error, "read standard input") from None


def states(paths: Sequence[str], stack: ExitStack) -> list[Input]:
    """Return the state files that words name; '-' is standard input."""
    if paths.count("-") > 1:
        raise UsageError("standard input can be read only once", "leave out one '-'")
    return [spool(_stdin, stack) if path == "-" else Input(path, path=path) for path in paths]


def counting(verb: Verb, words: Sequence[str], tag: str | None) -> list[Request]:
    """Return what ``NAME [AMOUNT]`` or ``NAME=AMOUNT …`` asks for."""
    if any("=" in word for word in words):
        requests = []
        for word in words:
            name, equals, text = word.rpartition("=")
            if not equals:
                raise UsageError(f"'{printable(word[:80])}' is not NAME=AMOUNT", "write all of them as NAME=AMOUNT")
            requests.append(request(verb, name, amount(text), tag=tag))
        return requests
    if len(words) > 2:
        raise UsageError("too many words", f"write several counters as NAME=AMOUNT: crdtctl {verb} a=2 b=1")
    return [request(verb, words[0], amount(words[1]) if len(words) == 2 else 1, tag=tag)]


# Batches -----------------------------------------------------------------------------------------------


def batch(
    path: str, parse: Callable[[str], Request], join: Callable[[Request, int], Iterable[Request]]
) -> list[Request]:
    """Return what a file asks for, line by line; '-' is standard input.

    Equal lines are counted first and parsed once, so a million lines of a thousand names are a thousand
    requests: `parse` reads a line, `join` repeats what it asked for. A failure names the line's number.
    """
    counted: Counter[bytes] = Counter()
    parsed: dict[bytes, Request] = {}
    done = 0
    for lines in _lines(path):
        before = len(counted)
        counted.update(lines)
        if len(counted) > before:
            for line in counted.keys() - parsed.keys():
                try:
                    parsed[line] = parse(_decode(line))
                except CrdtctlError as error:
                    first = _first_fault(lines, parsed, parse)
                    raise UsageError(
                        f"line {done + first[0]} of {_called(path)}: {first[1] or error.message}", "nothing was done"
                    ) from None
        done += len(lines)
    return [again for line, times in counted.items() for again in join(parsed[line], times)]


def _first_fault(lines: list[bytes], parsed: dict[bytes, Request], parse: Callable[[str], Request]) -> tuple[int, str]:
    for number, line in enumerate(lines, 1):
        if line not in parsed:
            try:
                parse(_decode(line))
            except CrdtctlError as error:
                return number, error.message
    return 0, ""


def _called(path: str) -> str:
    return "standard input" if path == "-" else printable(path)


def _decode(line: bytes) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise UsageError("it is not UTF-8") from None


def _blocks(path: str) -> Iterator[bytes]:
    """Yield what a file holds, or standard input for '-', piece by piece."""
    try:
        fd = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while block := streams.read(fd, _BLOCK):
                yield block
        finally:
            if fd != 0:
                os.close(fd)
    except OSError as error:
        raise from_os(error, f"read {_called(path)}") from None


def _pieces(path: str) -> Iterator[bytes]:
    """Yield the lines of a file, many at a time, without the last one's end."""
    rest = b""
    count = 0
    for block in _blocks(path):
        whole, end, after = block.rpartition(b"\n")
        if end:
            yield rest + whole
            count += whole.count(b"\n") + 1
            rest = after
        else:
            rest += after
        if len(rest) > _MAX_LINE:
            raise UsageError(
                f"line {count + 1} of {_called(path)} is longer than {_MAX_LINE} bytes", "nothing was done"
            )
    if rest:
        yield rest


def _lines(path: str) -> Iterator[list[bytes]]:
    """Yield the lines of a file, many at a time."""
    for piece in _pieces(path):
        yield piece.split(b"\n")


def count_line(verb: Verb, tag: str | None) -> Callable[[str], Request]:
    """Return what parses a line ``NAME [AMOUNT]``, or ``{"name": …, "amount": …, "once": …, "type": …}``."""

    def parse(line: str) -> Request:
        if line.startswith("{"):
            tree = _object(line, {"name", "amount", "once", "type"})
            number = tree.get("amount", 1)
            number = amount(number) if isinstance(number, str) else number
            return request(verb, _text(tree, "name"), number, once=tree.get("once"), tag=tree.get("type", tag))
        name, text = split_amount(line)
        if not name.strip():
            raise UsageError("there is no name")
        return request(verb, name, 1 if text is None else amount(text), tag=tag)

    return parse


def split_amount(line: str) -> tuple[str, str | None]:
    """Cut a line into name and amount: at its last tab; or else before its last word, if that begins like a number."""
    if "\t" in line:
        name, _, text = line.rpartition("\t")
        return name, text
    name, gap, text = line.rpartition(" ")
    return (name, text) if gap and text[:1] in set("+-0123456789") else (line, None)


def repeat_count(found: Request, times: int) -> Iterator[Request]:
    """Yield a request that asks for `times` what the found one asks for; a once-key counts once anyway."""
    operation = found.operation
    if operation.once is not None or times == 1:
        yield found
    else:
        yield request(operation.verb, found.name, operation.amount * times, tag=found.tag)


def under_key(requests: Sequence[Request], once: str) -> list[Request]:
    """Return what counts all of the requests a single time under the key `once`; those with their own keep it.

    A key stands for one amount of a counter, so what a counter is to get under it is added up first.
    """
    sums: Counter[tuple[Verb, str, str | None]] = Counter()
    for one in requests:
        if one.operation.once is None:
            sums[one.operation.verb, one.name, one.tag] += one.operation.amount
    keyed = [request(verb, name, total, once=once, tag=tag) for (verb, name, tag), total in sums.items()]
    return [*keyed, *(one for one in requests if one.operation.once is not None)]


def element_line(name: str, tag: str | None) -> Callable[[str], Request]:
    """Return what parses a line with one element of a set."""

    def parse(line: str) -> Request:
        return request("add", name, elements=[line], tag=tag)

    return parse


def sketch(path: str) -> str:
    """Return the sketch of the elements on the lines of a file; '-' is standard input."""
    found = sketch_lines(_pieces(path), processes=cores())
    if isinstance(found, WrongLine):
        raise UsageError(f"line {found.number} of {_called(path)}: {found.why}", "nothing was done")
    return found


def _object(line: str, fields: set[str]) -> dict[str, Any]:
    def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    try:
        tree = json.loads(line, object_pairs_hook=once_each)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"it is not a JSON object: {error}") from None
    unknown = sorted(set(tree) - fields)
    if unknown:
        raise UsageError(f"there is no field '{printable(unknown[0][:40])}'")
    for key in fields - {"amount"}:
        if key in tree and not isinstance(tree[key], str):
            raise UsageError(f"'{key}' must be a string")
    return dict(tree)


def _text(tree: dict[str, Any], key: str) -> str:
    if key not in tree:
        raise UsageError(f"there is no '{key}'")
    return str(tree[key])
