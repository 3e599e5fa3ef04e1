"""The types of the counters of one name: a new series, without a type of its own, gets that of the others."""

from __future__ import annotations

from crdtctl.codec.reader import READ_SIZE, Part
from crdtctl.crdt import TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter


def types_of_series(source: Source, name: str) -> set[str]:
    """Return the types of the counters of a name, with and without labels, in a file.

    The lines are searched as text. They are decoded only if one of them seems to have several types.
    """
    found = set(source.counter(name))
    start, end = source.span(_labelled(name))
    needles = {tag: b'":{"%b":{"' % tag.encode() for tag in TYPES if tag not in found}
    further = [b'},"%b":{"' % tag.encode() for tag in TYPES]
    overlap = max(map(len, further))
    while start < end and needles:
        text = source.pages.read(start, min(READ_SIZE + overlap, end - start))
        if any(needle in text for needle in further):
            return found.union(*[counter for _, counter in counters_of_name(source, name)])
        for tag in [tag for tag, needle in needles.items() if needle in text]:
            found.add(tag)
            del needles[tag]
        start += READ_SIZE
    return found


def counters_of_name(source: Source, name: str) -> Iterator[tuple[str, Counter]]:
    """Yield the counters of a name, with and without labels, in a file."""
    yield name, source.counter(name)
    for _, line in source.lines(_labelled(name)):
        yield source.decode(line)


def _labelled(name: str) -> Part:
    """Return the lines of a name with labels."""
    return Part(b"%b{" % name.encode(), b"%b|" % name.encode())  # "|" is the character after "{"


def the_type(sources: Iterable[Source], names: Sequence[str]) -> str:
    """Return the one type that all counters of some names have; empty without one."""
    found = set[str]()
    for source in sources:
        for name in names:
            found |= types_of_series(source, name)
    return found.pop() if len(found) == 1 else ""
