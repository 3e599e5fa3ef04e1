"""Files in memory: written and read with the codec, and, independently of it, as its specification says."""

import json
from collections.abc import Mapping
from typing import Any

from crdtctl.codec import other_layouts
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory
from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import Source
from crdtctl.codec.writer import Writer
from crdtctl.crdt.counter import Counter
from tests.support.handwritten import with_checksum

Counters = Mapping[str, Counter]


def written(head: Head, counters: Counters) -> bytes:
    """Return the canonical text of a state."""
    pieces: list[bytes] = []
    writer = Writer(pieces.append, head)
    for name in sorted(counters):
        writer.line(encode_line(name, counters[name]))
    writer.close()
    return b"".join(pieces)


def opened(data: bytes, *, label: str = "", ours: bool = False) -> Source:
    """Return the source that reads this canonical text."""
    return Source(InMemory(data), len(data), label=label, ours=ours)


def decoded(source: Source) -> dict[str, Counter]:
    """Return all counters of a source."""
    return dict(source.decode(line) for _, line in source.lines())


def read_canonical(data: bytes) -> tuple[Head, dict[str, Counter]]:
    """Return what a canonical text says, everything verified; raise `Invalid`."""
    source = opened(data)
    source.check()
    return source.head, decoded(source)


def read_other(data: bytes) -> tuple[Head, dict[str, Counter]]:
    """Return what a state in any layout says, everything verified; raise `Invalid`."""
    return read_canonical(other_layouts.canonical(data))


def read(data: bytes) -> tuple[Head, dict[str, Counter]]:
    """Return what a state says, as a merge would read it: canonical if it is, else in any layout."""
    try:
        return read_canonical(data)
    except Invalid:
        return read_other(data)


# What follows does not use the codec: it is a second, naive writer of the same format.


def file_with(head: str, *lines: str, end: str = "\n") -> bytes:
    """Return a text with a right checksum, whatever its header and its lines hold."""
    return with_checksum(head + ',"counters":{\n' + ",\n".join(lines) + (end if lines else ""))


def compact(tree: Any) -> str:
    """Return a value as JSON in one line without spaces, keys sorted."""
    return json.dumps(tree, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def as_tree(value: Any) -> Any:
    """Return a entry, or what it consists of, as the specification writes it."""
    if isinstance(value, Mapping):
        return {key: as_tree(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [as_tree(item) for item in value]
    return str(value) if isinstance(value, int) and value > 2**53 - 1 else value


#: The fields that a header may end with, in their order.
LAST = ("settled", "received", "receipts", "past", "unheard", "tier", "binding", "witness", "follows", "last")


def specified(head: Head, counters: Counters) -> bytes:
    """Return the canonical text of a state as the specification says it."""
    fields = [
        '"crdtctl":1',
        f'"kind":"{head.kind}"',
        *([f'"base":"{head.base}"'] if head.base else []),
        f'"replica":{compact(head.replica)}',
        *(['"periods":1'] if head.periods else []),
        f'"clock":{compact(dict(head.clock))}',
    ]
    if head.histories:
        fields.append(f'"tags":{compact(dict(head.histories))}')
    if head.kind == "delta":
        fields.append(f'"since":{compact(dict(head.since))}')
    if head.kind == "known":
        fields.append(f'"heard":{compact(dict(head.heard))}')
    fields += [f'"{field}":{compact(value)}' for field in LAST if (value := getattr(head, field))]
    lines = [f"{compact(name)}:{compact(as_tree(counters[name]))}" for name in sorted(counters)]
    return file_with("{" + ",".join(fields), *lines)
