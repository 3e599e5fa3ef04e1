"""Step 4: join the accepted inputs with ``known.json`` into a draft, on all cores."""

from __future__ import annotations

from itertools import islice

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.merge_join import MergedBlock, merged_blocks
from crdtctl.codec.reader import ALL, NO_NAMES, Part
from crdtctl.codec.writer import WRITE_SIZE, Lines, Summed, Writer
from crdtctl.contexts import ExitStack
from crdtctl.crdt import clock as clocks
from crdtctl.records import NamedTuple, replace
from crdtctl.store import journal
from crdtctl.store.changes import Change, reading
from crdtctl.store.merge import limits
from crdtctl.store.merge.made_twice import Makers
from crdtctl.store.merge.opening import BadInput
from crdtctl.store.temporary import temporary_file
from crdtctl.store.type_choice import Arrivals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from crdtctl.codec.header import Head
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter
    from crdtctl.store.durable import Draft
    from crdtctl.store.merge.options import MergeOptions
    from crdtctl.store.merge.plan import Basis, MergePlan
    from crdtctl.store.merge_report import MergeReport
    from crdtctl.store.rights import MadeTwice
    from crdtctl.store.spill import SpillBuffer
    from crdtctl.store.type_choice import SecondType


class _RangeResult(NamedTuple):
    """The result of a process for its range of names: the file at fault, or else the results of `MergePass._join`."""

    counters: int = 0
    handed_over: int = 0
    summed: Summed = Summed(0, 0)
    second_types: Sequence[SecondType] = ()
    made_twice: Sequence[MadeTwice] = ()
    culprit: int = -1
    reason: str = ""


class MergePass:
    """One pass over ``known.json`` and the `sources`; entries for local merges go to the `buffers`.

    With several buffers, as many processes join a range of the names each, unless the report is to hold values.
    """

    def __init__(
        self,
        basis: Basis,
        plan: MergePlan,
        report: MergeReport,
        options: MergeOptions,
        sources: Sequence[Source],
        buffers: Sequence[SpillBuffer],
    ) -> None:
        self.basis = basis
        self.plan = plan
        self.report = report
        self.options = options
        self.sources = sources
        self.buffers = buffers
        self._progress = options.progress
        self._ranges = 1
        self._has_receipts = False

    def run(self, draft: Draft | None) -> bool:
        """Join into `draft`, if there is one; return whether anything changed."""
        head = self._head()
        if not self._is_news and self._is_inside():
            self.plan.taken[0].refuse_if_changed()
            return False
        writer = Writer(draft.write, head) if draft else None
        try:
            cuts = self._cuts() if writer and len(self.buffers) > 1 and not self.options.max_details else []
            if writer and cuts:
                self._run_ranges(writer, cuts)
            else:
                self.report.counters = self._join(writer, ALL, self.buffers[0])
        except Invalid as reason:
            for one in self.plan.taken:
                if one.source is reason.source and one.source is not None:
                    raise BadInput(one, reason) from None
            raise
        for one in self.plan.taken:
            one.refuse_if_changed()
        if writer:
            writer.close()
        return self._is_news

    @property
    def _is_news(self) -> bool:
        """Whether ``known.json`` changes. Receipts alone are not reported as a change."""
        return self.report.changed or self._has_receipts

    def _is_inside(self) -> bool:
        """Return whether all lines of the only source are in ``known.json``, but for own entries."""
        known, taken = self.basis.known, self.plan.taken
        return self.basis.is_inside and known is not None and not any([known.names, *(one.names for one in taken)])

    def _head(self) -> Head:
        """Return the header of the result, and report its changes."""
        before, own, plan = self.basis.head, self.basis.own.id, self.plan
        clock, tags = plan.joined.clock, plan.joined.histories
        clock.pop(own, None)
        tags.pop(own, None)
        settled = tuple(sorted(plan.settled))
        newer = clocks.missing(before.clock, clock)
        self.report.replicas = sorted(newer)
        periods = before.periods or any(one.head.periods for one in plan.taken)
        received, receipts = plan.received, plan.receipts
        self._has_receipts = (received, receipts) != (before.received, before.receipts)
        found = tags, settled, plan.unheard, periods
        differs = found != (before.histories, before.settled, before.unheard, before.periods)
        self.report.metadata_changed = differs or bool(before.clock.keys() - clock.keys())
        heard = {replica: when for replica, when in before.heard.items() if replica in clock}
        if newer:
            heard.update(dict.fromkeys(newer, journal.now()))
        return replace(
            before,
            replica=own,
            clock=clock,
            heard=heard,
            histories=tags,
            settled=settled,
            received=received,
            receipts=receipts,
            unheard=plan.unheard,
            periods=periods,
        )

    def _cuts(self) -> list[bytes]:
        """Return the names that cut the work in as many ranges as there are buffers; fewer if there are few names."""
        known = [self.basis.known] if self.basis.known else []
        return max([*self.sources, *known], key=lambda source: source.size).cuts(len(self.buffers))

    def _run_ranges(self, writer: Writer, cuts: Sequence[bytes]) -> None:
        """Join a range of names in each of several processes, and put the ranges together."""
        from crdtctl.store.parallel import in_children

        first, *others = (Part(*names) for names in zip([b"", *cuts], [*cuts, b""], strict=True))
        self._ranges = 1 + len(others)
        with ExitStack() as stack:
            files = [stack.enter_context(temporary_file(buffer.scratch)) for buffer in self.buffers[1:]]
            shares = list(zip(others, self.buffers[1:], files, strict=False))
            results = stack.enter_context(in_children(self._join_in_child, shares))
            counts = [self._join(writer, first, self.buffers[0])]
            for (_, buffer, file), result in zip(shares, results, strict=True):
                done = result()
                if done.culprit >= 0:
                    raise self._all_sources[done.culprit].invalid(done.reason)
                file.seek(0)
                writer.splice(_blocks_of(file), done.summed)
                buffer.count = done.handed_over
                counts.append(done.counters)
                self.report.second_types = [*self.report.second_types, *done.second_types][: limits.MAX_NOTED]
                self.report.made_twice += done.made_twice
            self.report.counters = sum(counts)

    def _join_in_child(self, part: Part, buffer: SpillBuffer, file: IO[bytes]) -> _RangeResult:
        self._progress = None  # the first process reports for all
        lines = Lines(file.write)
        try:
            count = self._join(lines, part, buffer)
        except Invalid as reason:
            culprit = next(i for i, source in enumerate(self._all_sources) if source is reason.source)
            return _RangeResult(culprit=culprit, reason=reason.reason)
        lines.flush()
        file.flush()
        buffer.flush()
        found = self.report
        return _RangeResult(count, buffer.count, lines.summed, found.second_types, found.made_twice)

    @property
    def _all_sources(self) -> list[Source]:
        return [*([self.basis.known] if self.basis.known else []), *self.sources]

    def _join(self, lines: Lines | None, part: Part, buffer: SpillBuffer) -> int:
        """Join a range of the names; return the number of counters that changed."""
        own, report = self.basis.own, self.report
        count = done = 0
        joined = merged_blocks(
            self.basis.known,
            self.sources,
            many=sum(source.size for source in self._all_sources) >= limits.BLOCKS_FROM_BYTES,
            without=own.id,
            part=part,
            on_handoff=buffer.put,
        )
        arrivals, makers = Arrivals(own.source, part), Makers(own.source, self.plan.settled)
        for block in joined:
            if lines:
                lines.line(block.text)
            if self._progress:
                done += len(block.text)
                self._progress(self._ranges * done)  # the other ranges take as long
            if not block.names:
                continue
            changed = _counters_of(block)
            if len(report.second_types) < limits.MAX_NOTED:
                report.second_types += islice(arrivals.look(changed), limits.MAX_NOTED)
            report.made_twice += makers.look(changed)
            room = max(self.options.max_details - count, 0)
            for before, after in zip(changed.before[:room], changed.after[:room], strict=True):
                self._note_values(before, after)
            count += len(changed.names)
        return count

    def _note_values(self, before: bytes | None, after: bytes) -> None:
        """Add the values of a changed counter to the report."""
        name, counter = decode_own_line(after)
        mine = self.basis.own.source.counter(name)
        past: Counter = decode_own_line(before)[1] if before is not None else {}
        left_out_before, left_out_after = self.plan.left_out
        past, counter = _without(past, left_out_before), _without(counter, left_out_after)
        for tag in sorted(counter):
            if counter[tag] != past.get(tag):
                change = Change(name, tag, reading(tag, mine, past), reading(tag, mine, counter))
                self.report.changes.append(change)


def _blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(WRITE_SIZE):
        yield block


def _counters_of(block: MergedBlock) -> MergedBlock:
    """Return a block without the changes of reserved lines, which are in the clock as well."""
    if NO_NAMES.isdisjoint(block.names):
        return block
    there = zip(block.names, block.before, block.after, strict=True)
    kept = [one for one in there if one[0] not in NO_NAMES]
    return MergedBlock(block.text, [one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept])


def _without(counter: Counter, replicas: frozenset[str]) -> Counter:
    """Return a counter without the entries of some replicas."""
    if not replicas:
        return counter
    return {tag: {who: row for who, row in rows.items() if who not in replicas} for tag, rows in counter.items()}
