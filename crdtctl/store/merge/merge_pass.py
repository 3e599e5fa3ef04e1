"""Step 4: join the accepted inputs with ``known.json``, line by line, into a draft."""

from __future__ import annotations

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import ALL, NO_NAMES, Part
from crdtctl.codec.writer import Lines, Writer
from crdtctl.crdt import clock as clocks
from crdtctl.records import Record, replace
from crdtctl.store import journal
from crdtctl.store.commit import Change, reading
from crdtctl.store.merge import limits
from crdtctl.store.merge.opening import BadInput
from crdtctl.store.rights import Makers
from crdtctl.store.temporary import temporary_file
from crdtctl.store.type_choice import Arrivals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.codec.header import Head
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter
    from crdtctl.store.durable import Draft
    from crdtctl.store.merge.options import MergeOptions
    from crdtctl.store.merge.plan import Basis, MergePlan
    from crdtctl.store.merge.report import MergeReport
    from crdtctl.store.rights import MadeTwice
    from crdtctl.store.spill import SpillBuffer
    from crdtctl.store.type_choice import SecondType


class MergePass(Record, frozen=False):
    """One pass over ``known.json`` and the `sources`; entries for local merges go to the `buffers`.

    With two buffers, two processes join a half of the names each, unless the report is to hold values.
    """

    basis: Basis
    plan: MergePlan
    report: MergeReport
    options: MergeOptions
    sources: Sequence[Source]
    buffers: Sequence[SpillBuffer]
    _reports_progress: bool = True

    def run(self, draft: Draft | None) -> bool:
        """Join into `draft`, if there is one; return whether anything changed."""
        head = self._head()
        writer = Writer(draft.write, head) if draft else None
        try:
            if writer and len(self.buffers) > 1 and not self.options.max_details and (middle := self._middle()):
                self._run_halves(writer, middle)
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
        return self.report.changed

    def _head(self) -> Head:
        """Return the header of the result, and report its changes."""
        before, own, plan = self.basis.head, self.basis.own.id, self.plan
        clock, tags = plan.joined.clock, plan.joined.histories
        clock.pop(own, None)
        tags.pop(own, None)
        settled = tuple(sorted(plan.settled))
        newer = clocks.missing(before.clock, clock)
        self.report.replicas = sorted(newer)
        differs = (tags, settled, plan.unheard) != (before.histories, before.settled, before.unheard)
        self.report.metadata_changed = differs or bool(before.clock.keys() - clock.keys())
        heard = {replica: when for replica, when in before.heard.items() if replica in clock}
        if newer:
            heard.update(dict.fromkeys(newer, journal.now()))
        return replace(
            before, replica=own, clock=clock, heard=heard, histories=tags, settled=settled, unheard=plan.unheard
        )

    def _middle(self) -> bytes:
        """Return a name that cuts the work in halves; empty if no name does."""
        known = [self.basis.known] if self.basis.known else []
        return max([*self.sources, *known], key=lambda source: source.size).middle()

    def _run_halves(self, writer: Writer, middle: bytes) -> None:
        """Join half of the names in each of two processes, and put the halves together."""
        from crdtctl.store.parallel import in_child

        sources = [self.basis.known, *self.sources]
        buffer = self.buffers[1]
        with temporary_file(buffer.scratch) as file:

            def upper() -> tuple[int, int, int, str, list[SecondType], list[MadeTwice]]:
                self._reports_progress = False  # the other process reports for both halves
                lines = Lines(file.write)
                try:
                    count = self._join(lines, Part(middle, b""), buffer)
                except Invalid as reason:
                    culprit = next(i for i, source in enumerate(sources) if source is reason.source)
                    return 0, 0, culprit, reason.reason, [], []
                lines.flush()
                file.flush()
                buffer.flush()
                return count, buffer.count, -1, "", self.report.second_types, self.report.made_twice

            with in_child(upper) as result:
                count = self._join(writer, Part(b"", middle), self.buffers[0])
                more, buffer.count, culprit, reason, second_types, made_twice = result()
            bad = sources[culprit] if culprit >= 0 else None
            if bad is not None:
                raise bad.invalid(reason)
            file.seek(0)
            writer.splice(iter(lambda: file.read(2**18), b""))
            self.report.counters = count + more
            self.report.second_types = [*self.report.second_types, *second_types][: limits.MAX_NOTED]
            self.report.made_twice += made_twice

    def _join(self, lines: Lines | None, part: Part, buffer: SpillBuffer) -> int:
        """Join a part of the names; return the number of counters that changed."""
        own, report = self.basis.own, self.report
        progress = self.options.progress if self._reports_progress else None
        count = done = 0
        joined = merge_join(self.basis.known, self.sources, without=own.id, part=part, on_handoff=buffer.put)
        arrivals, makers = Arrivals(own.source, part), Makers(own.source, self.plan.settled)
        for number, line in enumerate(joined):
            if line.after is None:
                continue
            if line.name in NO_NAMES:  # their changes are in the clock as well
                if lines:
                    lines.line(line.after)
                continue
            if progress:
                done += len(line.after)
                if number % limits.PROGRESS_INTERVAL == 0:
                    progress(done if part is ALL else 2 * done)  # the other half takes as long
            if lines:
                lines.line(line.after)
            if line.after != line.before:
                count += 1
                if len(report.second_types) < limits.MAX_NOTED:
                    report.second_types += arrivals.look(line)
                report.made_twice += makers.look(line.before, line.after)
                if count <= self.options.max_details:
                    self._note_values(line.before, line.after)
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


def _without(counter: Counter, replicas: frozenset[str]) -> Counter:
    """Return a counter without the entries of some replicas."""
    if not replicas:
        return counter
    return {tag: {who: row for who, row in rows.items() if who not in replicas} for tag, rows in counter.items()}
