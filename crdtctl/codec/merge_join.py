"""The merge-join of files: sorted runs of lines, joined in constant memory.

A line that stands in one file only, or is byte-identical in all, is passed through; only lines that differ are
decoded, joined and encoded.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from crdtctl.codec.lines import decode_own_line, encode_line, encode_name
from crdtctl.codec.reader import ALL, Part, Source
from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.crdt.counter import Counter, join_counters, put_under, without_replica

#: So many authors are looked for on each line; with more, each line is decoded.
_FEW = 8


class MergedLine(NamedTuple):
    """One counter of several sources: its line in the first source, if any, and after the join."""

    name: bytes
    before: bytes | None
    after: bytes | None


#: What is told the name and the contributions, of the types that take part in merging, of one source.
OnHandoff = Callable[[str, Counter], object]


def merge_join(
    base: Source | None,
    others: Iterable[Source],
    *,
    without: str | None = None,
    part: Part = ALL,
    on_handoff: OnHandoff | None = None,
) -> Iterator[MergedLine]:
    """Yield, by name, every counter of `base` and the `others`, joined.

    What the others say of the author `without` is left out. With `on_handoff`, what they say of types that take part
    in merging is left out as well, and told to it: by name, and of one name in the order of the others. Raise
    `Invalid` with the source that is not valid.
    """
    sources = [*([base] if base else []), *others]
    marker = b"" if without is None else encode_name(without) + b":["
    renamed = [tuple(encode_name(author) for author in source.names) for source in sources]
    runs = [_run(index, source, part) for index, source in enumerate(sources)]
    heap = [first for run in runs if (first := next(run, None)) is not None]
    heapq.heapify(heap)
    while heap:
        name = heap[0][0]
        before: bytes | None = None
        after: bytes | None = None
        text = ""
        counter: Counter | None = None  # the join, once two lines differed; `after` is made of it at the end
        while heap and heap[0][0] == name:
            _, index, line = heap[0]
            following = next(runs[index], None)
            if following is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, following)
            source = sources[index]
            names = renamed[index]
            if names and (len(names) > _FEW or any(author in line for author in names)):
                text, theirs = source.decode(line)
                if source is base:
                    before = line
                elif on_handoff:
                    theirs = _without_handoffs(on_handoff, text, theirs)
                theirs = put_under(theirs, source.names)
                if not theirs:
                    continue
                line = encode_line(text, theirs)
            elif source is base:
                before = after = line
                continue
            elif line == after:
                continue
            else:
                text, theirs = source.decode(line)
                if on_handoff and not LOCALLY_MERGED.keys().isdisjoint(theirs):
                    theirs = _without_handoffs(on_handoff, text, theirs)
                    line = encode_line(text, theirs)
            if without is not None and marker in line:
                theirs = without_replica(theirs, without)
                line = encode_line(text, theirs)
            if not theirs:
                continue
            if after is None:
                after = line
            elif counter is None:
                counter = join_counters(decode_own_line(after)[1], theirs)
            else:
                counter = join_counters(counter, theirs)
        if counter is not None:
            after = encode_line(text, counter)
        yield MergedLine(name, before, after)


def _run(index: int, source: Source, part: Part) -> Iterator[tuple[bytes, int, bytes]]:
    for name, line in source.lines(part):
        yield name, index, line


def _without_handoffs(on_handoff: OnHandoff, name: str, counter: Counter) -> Counter:
    """Tell what is of a type that takes part in merging; return the rest."""
    taking_part = {tag: authors for tag, authors in counter.items() if tag in LOCALLY_MERGED}
    if taking_part:
        on_handoff(name, taking_part)
    return {tag: authors for tag, authors in counter.items() if tag not in LOCALLY_MERGED}
