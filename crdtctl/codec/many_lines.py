"""Short lines of any origin, checked many at a time. Imported for large files."""

from __future__ import annotations

from itertools import islice

import msgspec

from crdtctl.codec.invalid import Invalid, refuse_absurd
from crdtctl.codec.lines import counter_from_tree, encode_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.crdt.counter import Counter

#: Maximum number of lines that are decoded together, and of the bytes of each. Data takes many times the memory of its
#: text.
MANY = 256
_SHORT = 2**10
_SEPARATOR = b",\n"
_FAULTS = (Invalid, ValueError, OverflowError, RecursionError)
_decode = msgspec.json.Decoder().decode
_decode_each = msgspec.json.Decoder().decode_lines
_encode = msgspec.json.Encoder(order="sorted").encode_lines


def blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield lines in blocks: many short ones, or a long one alone."""
    lines = iter(lines)
    while some := list(islice(lines, MANY)):
        if max(map(len, some)) <= _SHORT:
            yield some
        else:
            yield from ([line] for line in some)


def decoded(lines: Sequence[bytes]) -> list[tuple[str, Counter]] | None:
    """Return the names and the entries on lines, each as `decode_line` returns it; None if that would refuse one."""
    text = b"{%b}\n" % b"}\n{".join(lines)
    try:
        refuse_absurd(text)
        trees = _decode_each(text)
        if len(trees) != len(lines) or _encode(trees) != text:  # or one of them holds several, or is not canonical
            return None
        return [counter_from_tree(tree) for tree in trees]
    except _FAULTS:
        return None


def canonical(counters: Sequence[tuple[str, bytes | msgspec.Raw]]) -> bytes | None:
    """Return the canonical lines of counters with these names and values, each as `line_from_json` returns it.

    Return None if that would refuse one, or if one is large.
    """
    if max(memoryview(value).nbytes for _, value in counters) > _SHORT:
        return None
    text = b"[{%b}]" % b"},{".join([b"%b:%b" % (encode_name(name), value) for name, value in counters])
    try:
        refuse_absurd(text)
        trees = _decode(text)
        lines = _encode(trees)
        names = [counter_from_tree(tree)[0] for tree in trees]
    except _FAULTS:
        return None
    return lines[1:-2].replace(b"}\n{", _SEPARATOR) if names == [name for name, _ in counters] else None
