"""The lines of a batch → requests, or the sketch of many elements."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crdtctl.commands.amounts import amount
from crdtctl.commands.reading import blocks, called
from crdtctl.crdt.base import Verb
from crdtctl.errors import CrdtctlError, UsageError, printable
from crdtctl.store.commit import Request
from crdtctl.store.processes import cores
from crdtctl.store.replica import request
from crdtctl.store.sketching import WrongLine, sketch_lines

#: The longest line that anybody means.
_MAX_LINE = 2**16


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
                        f"line {done + first[0]} of {called(path)}: {first[1] or error.message}", "nothing was done"
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


def _decode(line: bytes) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise UsageError("it is not UTF-8") from None


def _pieces(path: str) -> Iterator[bytes]:
    """Yield the lines of a file, many at a time, without the last one's end."""
    rest = b""
    count = 0
    for block in blocks(path):
        whole, end, after = block.rpartition(b"\n")
        if end:
            yield rest + whole
            count += whole.count(b"\n") + 1
            rest = after
        else:
            rest += after
        if len(rest) > _MAX_LINE:
            raise UsageError(f"line {count + 1} of {called(path)} is longer than {_MAX_LINE} bytes", "nothing was done")
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


def element_line(name: str, tag: str | None) -> Callable[[str], Request]:
    """Return what parses a line with one element of a set."""

    def parse(line: str) -> Request:
        return request("add", name, elements=[line], tag=tag)

    return parse


def sketch(path: str) -> str:
    """Return the sketch of the elements on the lines of a file; '-' is standard input."""
    found = sketch_lines(_pieces(path), processes=cores())
    if isinstance(found, WrongLine):
        raise UsageError(f"line {found.number} of {called(path)}: {found.why}", "nothing was done")
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
