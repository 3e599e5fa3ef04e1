"""The merge-join of files with much data: many lines at a time, with the result of `merge_join`, to the byte.

The sources are joined in rounds. A round covers the names up to the least of the last names that were read of each
source. Where the base and the only other source are the same text, it is passed through. Lines of one entry are joined
as columns (`one_author`), pairs of lines that differ in their numbers only are joined together (`same_shape`), and
all others one by one, as `merge_join` does it.
"""

from __future__ import annotations

from itertools import chain

from crdtctl.codec import one_author
from crdtctl.codec.lines import encode_name
from crdtctl.codec.merge_join import LineJoin, MergedBlock
from crdtctl.codec.one_author import COLUMNS, OneAuthorLines, Rows, seqs_of
from crdtctl.codec.reader import ALL, READ_SIZE, Part, Source
from crdtctl.codec.runs import SEPARATOR, Run
from crdtctl.codec.table import Table
from crdtctl.crdt.clock import missing
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from crdtctl.codec.merge_join import OnHandoff

    #: Lines of one name, with the indexes of their sources.
    Lines = Sequence[tuple[int, bytes]]

#: Size in bytes of all blocks of a round together; and the least size of one.
_ROUND = 2**21
_LEAST = 2**14
#: Sources of up to this number of rounds together are read in large blocks. Small ones are joined in one round then.
_ROUNDS = 4


def join_blocks(
    base: Source | None,
    others: Iterable[Source],
    *,
    without: str | None = None,
    part: Part = ALL,
    on_handoff: OnHandoff | None = None,
    size: int = _ROUND,
) -> Iterator[MergedBlock]:
    """Yield all counters of `base` and the `others`, joined, as `merge_join` does; about `size` bytes at a time."""
    join = _BlockJoin(base, list(others), without, on_handoff)
    is_small = sum(one.size for one in join.sources) <= _ROUNDS * size
    each = min(READ_SIZE if is_small else max(size // len(join.sources), _LEAST), size, READ_SIZE)
    first = 0 if base is None else 1
    runs = [
        Run(number, source, part, each, as_columns=number >= first and not source.names)
        for number, source in enumerate(join.sources)
    ]
    if base and len(runs) == 2 and not any(source.names for source in join.sources):
        yield from _common_start(runs[0], runs[1], each)
    while runs:
        if base and not base.names and [run.source for run in runs] == [base]:
            yield from map(MergedBlock, runs[0].rest())
            return
        for run in runs:
            run.fill()
        block = join.round(runs, min((run.last for run in runs if run.has_more), default=None))
        if block.text:
            yield block
        runs = [run for run in runs if not run.is_done]


def _common_start(mine: Run, theirs: Run, size: int) -> Iterator[MergedBlock]:
    """Yield the lines at the start of two sources that are the same text in both."""
    while (text := mine.peek(size)) and text == theirs.peek(size):
        if not mine.is_last(text) or not theirs.is_last(text):
            text = text[: max(text.rfind(SEPARATOR), 0)]
        if not text:
            return
        mine.skip(text)
        theirs.skip(text)
        yield MergedBlock(text)


#: Type → its counters.
Tables = dict[bytes, Table]


class _Names(NamedTuple):
    """The lines and entries of each name in one round: its line in the base, its others, and its entries by type."""

    mine: dict[bytes, bytes]
    found: dict[bytes, list[tuple[int, bytes]]]
    tables: dict[bytes, dict[bytes, Rows]]


class _BlockJoin:
    def __init__(
        self, base: Source | None, others: Sequence[Source], without: str | None, on_handoff: OnHandoff | None
    ) -> None:
        self.sources = [*([base] if base else []), *others]
        self._base = base
        self._renames_base = base is not None and bool(base.names)
        self._lines = LineJoin(base, self.sources, without=without, on_handoff=on_handoff)
        self._covering = [base is not None and not missing(one.head.clock, base.head.clock) for one in self.sources]
        self._without = without or ""
        self._own = self._without.encode()
        self._marker = encode_name(self._without) + b":["

    def round(self, runs: Sequence[Run], bound: bytes | None) -> MergedBlock:
        """Join all lines of the runs up to the name `bound` (None: all that were read)."""
        mine: tuple[list[bytes], list[bytes]] = ([], [])
        others: list[tuple[int, list[bytes], list[bytes]]] = []
        columns: list[OneAuthorLines] = []
        tables: Tables = {}
        for run in runs:
            taken = run.take(bound)
            if run.source is self._base:
                mine = taken.names, taken.lines
            elif taken.names:
                others.append((run.index, taken.names, taken.lines))
            if len(runs) > 1:  # each is collected before the next is read, to save memory
                _collect(tables, taken.columns, self._own)
            else:
                columns = taken.columns
        if len(columns) == 1 and not others and self._own not in columns[0].authors:
            return _new(columns[0].names, one_author.lines(columns[0]))
        _collect(tables, columns, self._own)
        if not self._renames_base and not tables and len(others) < 2:
            if not others:
                return MergedBlock(SEPARATOR.join(mine[1]))
            if others[0][1] == mine[0] and (block := self._pair(*mine, others[0][2], others[0][0])):
                return block
        if len(tables) == 1 and not others and not mine[0]:
            (table,) = tables.values()
            return _new(*table.lines())
        found: dict[bytes, list[tuple[int, bytes]]] = {}
        for index, names, lines in others:
            for name, line in zip(names, lines, strict=True):
                found.setdefault(name, []).append((index, line))
        entries = {tag: table.entries() for tag, table in tables.items()}
        return self._join(_Names(dict(zip(*mine, strict=True)), found, entries))

    def _pair(self, names: list[bytes], mine: list[bytes], theirs: list[bytes], index: int) -> MergedBlock | None:
        """Return the join of two sources with the same names, if all their lines can be joined together."""
        source = self.sources[index]
        if mine == theirs and not source.names:
            return MergedBlock(SEPARATOR.join(mine))
        text = SEPARATOR.join(theirs)
        if source.names or (self._own and self._marker in text):
            return None
        differ = [number for number, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b]
        before = [mine[number] for number in differ]
        from crdtctl.codec.same_shape import join_together  # only here, and below: it imports msgspec

        joined = join_together(before, [theirs[number] for number in differ], source.head.clock)
        if joined is None:
            return None
        every = list(mine)
        for number, line in zip(differ, joined, strict=True):
            every[number] = line
        changes = [(names[number], a, b) for number, a, b in zip(differ, before, joined, strict=True) if a != b]
        columns: Any = zip(*changes, strict=True) if changes else ((), (), ())
        return MergedBlock(SEPARATOR.join(every), *columns)

    def _join(self, here: _Names) -> MergedBlock:
        pairs = self._pairs(here)
        names: list[bytes] = []
        before: list[bytes | None] = []
        after: list[bytes] = []
        every: list[bytes] = []
        for name in sorted(dict.fromkeys(chain(here.mine, *here.tables.values(), here.found))):
            mine = here.mine.get(name)
            new = pairs.get(name)
            if new is None:
                new = self._line(name, mine, here)
            if new is None:
                continue
            every.append(new)
            if new != mine:
                names.append(name)
                before.append(mine)
                after.append(new)
        return MergedBlock(SEPARATOR.join(every), names, before, after)

    def _line(self, name: bytes, mine: bytes | None, here: _Names) -> bytes | None:
        """Return the line of a name after the join; None if nothing is left of it."""
        found = here.found.get(name, ())
        entries = [(tag, table[name]) for tag, table in here.tables.items() if name in table]
        if not self._renames_base:
            if not found and not entries:
                return mine
            line = self._joined_entries(name, mine, found, entries)
            if line is not None:
                return line
            if mine is not None and len(found) == 1 and not entries and self._adds_own_entry(*found[0], name, mine):
                return mine
        before = [] if mine is None else [(0, mine)]
        checked = [(-1, one_author.write(name, tag, rows)) for tag, rows in entries]
        return self._lines.join(name, [*before, *found, *checked]).after

    def _joined_entries(
        self, name: bytes, mine: bytes | None, found: Lines, entries: Sequence[tuple[bytes, Rows]]
    ) -> bytes | None:
        """Return the join of lines that need no check and hold nothing but totals of one type; None for others."""
        lines = [line for _, line in found] if mine is None else [mine, *(line for _, line in found)]
        if len(entries) > 1 or not (lines or entries):
            return None
        if any(not self.sources[index].ours or self.sources[index].names for index, _ in found):
            return None
        tag = entries[0][0] if entries else one_author.type_of(lines[0])
        joined: Rows = {}
        if tag not in COLUMNS:
            return None
        for line in lines if mine is None else lines[1:]:
            rows = one_author.entries(line, name, tag)
            if rows is None or self._own in rows:
                return None
            one_author.join(joined, rows)
        for _, rows in entries:
            one_author.join(joined, rows)
        if mine is None:
            return one_author.write(name, tag, joined)
        return one_author.added(mine, name, tag, joined)

    def _adds_own_entry(self, index: int, line: bytes, name: bytes, mine: bytes) -> bool:
        """Return whether a line is ours and an entry of the replica that is left out, as in an own export."""
        source = self.sources[index]
        if not self._own or source.names or not self._covering[index]:  # what is known would not be valid there
            return False
        start = line.find(self._marker)
        rows = one_author.entries(mine, name, tag := one_author.type_of(mine)) if start >= 0 else None
        if rows is None or tag not in COLUMNS:
            return False
        row = line[start + len(self._marker) : line.find(b"]", start)]
        seqs = seqs_of(tag, [row])
        if not seqs or seqs[0] > source.head.clock.get(self._without, 0):
            return False
        return one_author.write(name, tag, {**rows, self._own: row}) == line

    def _pairs(self, here: _Names) -> dict[bytes, bytes | None]:
        """Return the joins of lines with the line of the only other source that has the name, if that is quick."""
        if self._renames_base:
            return {}
        if not here.mine or not here.found:
            return {}
        from crdtctl.codec.same_shape import join_pairs

        chosen: dict[int, list[bytes]] = {}
        for name in here.mine.keys() & here.found.keys():
            ((index, line), *more) = here.found[name]
            if more or self.sources[index].names or any(name in table for table in here.tables.values()):
                continue
            if not (self._own and self._marker in line):
                chosen.setdefault(index, []).append(name)
        joined: dict[bytes, bytes | None] = {}
        for index, names in chosen.items():
            theirs = [here.found[name][0][1] for name in names]
            clock = self.sources[index].head.clock
            joined.update(zip(names, join_pairs([here.mine[name] for name in names], theirs, clock), strict=True))
        return joined


def _collect(tables: Tables, columns: Iterable[OneAuthorLines], without: bytes) -> None:
    for one in columns:
        if one.tag not in tables:
            tables[one.tag] = Table(one.tag, without)
        tables[one.tag].collect(one)


def _new(names: Sequence[bytes], lines: Sequence[bytes]) -> MergedBlock:
    """Return counters that the base does not have."""
    return MergedBlock(SEPARATOR.join(lines), names, [None] * len(names), lines)
