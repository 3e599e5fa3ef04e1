"""The merge-join of files: sorted runs of lines, joined in constant memory.

A line that occurs in one file only, or is the same in all of them, is passed through. Only lines that differ are
decoded, joined and encoded. For much data, `crdtctl.codec.block_join` joins many lines at a time.
"""

from __future__ import annotations

from itertools import islice

from crdtctl.codec.lines import decode_own_line, encode_line, encode_name
from crdtctl.codec.reader import ALL
from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.crdt.counter import join_counters, put_under, without_replica
from crdtctl.heap import heapify, heappop, heapreplace
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crdtctl.codec.reader import Part, Source
    from crdtctl.crdt.counter import Counter

    #: Callback for entries of types with a local merge: the name of the counter, and the entries of one source.
    OnHandoff = Callable[[str, Counter], object]
    #: Lines of one name, each with the index of its source. A negative index: it was joined and checked before.
    Found = Iterable[tuple[int, bytes]]

#: Maximum number of renamed replicas that are searched for on each line. With more, each line is decoded.
_FEW = 8
#: Number of lines in a block.
_BLOCK = 256


class MergedLine(NamedTuple):
    """One counter of several sources: its line in the base, if any, and its line after the join."""

    name: bytes
    before: bytes | None
    after: bytes | None


class MergedBlock(NamedTuple):
    """Many counters of several sources: their lines after the join as one text, and the changes among them.

    A changed counter has a name, a line in the base (or None), and a line after the join.
    """

    text: bytes
    names: Sequence[bytes] = ()
    before: Sequence[bytes | None] = ()
    after: Sequence[bytes] = ()


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
    joins = LineJoin(base, sources, without=without, on_handoff=on_handoff)
    runs = [_run(index, source, part) for index, source in enumerate(sources)]
    heap = [first for run in runs if (first := next(run, None)) is not None]
    heapify(heap)
    while heap:
        name = heap[0][0]
        found: list[tuple[int, bytes]] = []
        while heap and heap[0][0] == name:
            _, index, line = heap[0]
            found.append((index, line))
            following = next(runs[index], None)
            if following is None:
                heappop(heap)
            else:
                heapreplace(heap, following)
        yield joins.join(name, found)


def merged_blocks(
    base: Source | None,
    others: Sequence[Source],
    *,
    many: bool,
    without: str | None = None,
    part: Part = ALL,
    on_handoff: OnHandoff | None = None,
) -> Iterator[MergedBlock]:
    """Yield every counter of `base` and the `others`, joined, in blocks. How many lines there are decides on the way.

    See `merge_join`.
    """
    if not many:
        return _in_blocks(merge_join(base, others, without=without, part=part, on_handoff=on_handoff))
    from crdtctl.codec.block_join import join_blocks  # only here: a small merge does without

    return join_blocks(base, others, without=without, part=part, on_handoff=on_handoff)


def _in_blocks(lines: Iterable[MergedLine]) -> Iterator[MergedBlock]:
    """Yield counters in blocks."""
    there = (line for line in lines if line.after is not None)
    while some := list(islice(there, _BLOCK)):
        text = b",\n".join([line.after for line in some if line.after is not None])
        changed = [(*line[:2], line.after) for line in some if line.after is not None and line.after != line.before]
        names, before, after = zip(*changed, strict=True) if changed else ((), (), ())
        yield MergedBlock(text, names, before, after)


class LineJoin:
    """Joins the lines of one name after the other. The `sources` begin with the `base`, if there is one."""

    def __init__(
        self, base: Source | None, sources: Sequence[Source], *, without: str | None, on_handoff: OnHandoff | None
    ) -> None:
        self._base = base
        self._sources = sources
        self._without = without
        self._marker = b"" if without is None else encode_name(without) + b":["
        self._renamed = [tuple(encode_name(author) for author in source.names) for source in sources]
        self._on_handoff = on_handoff

    def join(self, name: bytes, found: Found) -> MergedLine:
        """Return the counter on the lines of one name, which are in the order of their sources."""
        before: bytes | None = None
        after: bytes | None = None
        text = ""
        counter: Counter | None = None  # the join, once two lines differed; it is encoded to `after` at the end
        for index, one in found:
            line = one
            source = self._sources[index] if index >= 0 else None
            names = self._renamed[index] if index >= 0 else ()
            if source is None:
                if line == after:
                    continue
                text, theirs = decode_own_line(line)
            elif names and (len(names) > _FEW or any(author in line for author in names)):
                text, theirs = source.decode(line)
                if source is self._base:
                    before = line
                elif self._on_handoff:
                    theirs = _without_handoffs(self._on_handoff, text, theirs)
                theirs = put_under(theirs, source.names)
                if not theirs:
                    continue
                line = encode_line(text, theirs)
            elif source is self._base:
                before = after = line
                continue
            elif line == after:
                continue
            else:
                text, theirs = source.decode(line)
                if self._on_handoff and not LOCALLY_MERGED.keys().isdisjoint(theirs):
                    theirs = _without_handoffs(self._on_handoff, text, theirs)
                    line = encode_line(text, theirs)
            if self._without is not None and self._marker in line:
                theirs = without_replica(theirs, self._without)
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
        return MergedLine(name, before, after)


def _run(index: int, source: Source, part: Part) -> Iterator[tuple[bytes, int, bytes]]:
    for name, line in source.lines(part):
        yield name, index, line


def _without_handoffs(on_handoff: OnHandoff, name: str, counter: Counter) -> Counter:
    """Call `on_handoff` with the entries of types with a local merge; return the other entries."""
    merged_locally = {tag: authors for tag, authors in counter.items() if tag in LOCALLY_MERGED}
    if merged_locally:
        on_handoff(name, merged_locally)
    return {tag: authors for tag, authors in counter.items() if tag not in LOCALLY_MERGED}
