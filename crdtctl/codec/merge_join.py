"""The merge-join of files: sorted runs of lines, joined in constant memory.

A line that occurs in one file only, or is the same in all of them, is passed through. Only lines that differ are
decoded, joined and encoded.
"""

from __future__ import annotations

import heapq

from crdtctl.codec.lines import decode_own_line, encode_line, encode_name
from crdtctl.codec.reader import ALL
from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.crdt.counter import join_counters, put_under, without_replica
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crdtctl.codec.reader import Part, Source
    from crdtctl.crdt.counter import Counter

    #: Callback for entries of types with a local merge: the name of the counter, and the entries of one source.
    OnHandoff = Callable[[str, Counter], object]

#: Maximum number of renamed replicas that are searched for on each line. With more, each line is decoded.
_FEW = 8


class MergedLine(NamedTuple):
    """One counter of several sources: its line in the base, if any, and its line after the join."""

    name: bytes
    before: bytes | None
    after: bytes | None


def merge_join(
    base: Source | None,
    others: Iterable[Source],
    *,
    without: str | None = None,
    part: Part = ALL,
    on_handoff: OnHandoff | None = None,
) -> Iterator[MergedLine]:
    """Yield every counter of `base` and the `others`, joined, sorted by name.

    Entries of the replica `without` in the others are left out. With `on_handoff`, entries of types with a local merge
    in the others are left out as well. `on_handoff` is called with them: sorted by name, and for one name in the order
    of the others. Raise `Invalid` with the source that is not valid.
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
        counter: Counter | None = None  # the join, once two lines differed; it is encoded to `after` at the end
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
    """Call `on_handoff` with the entries of types with a local merge; return the other entries."""
    merged_locally = {tag: authors for tag, authors in counter.items() if tag in LOCALLY_MERGED}
    if merged_locally:
        on_handoff(name, merged_locally)
    return {tag: authors for tag, authors in counter.items() if tag not in LOCALLY_MERGED}
