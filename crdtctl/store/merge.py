"""Joining files into what a replica knows: one pass, one commit, however many files.

Which files are taken is decided first, from their headers; then all are joined line by line. A file that
turns out bad on the way is put aside and the pass begins again without it.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from shlex import quote

from crdtctl.codec.stream import ALL, Lines, Part, Source, Writer, overlay
from crdtctl.codec.text import InMemory
from crdtctl.codec.wire import Counter, Head, Invalid, decode_own_line, encode_clock
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.clock import Clock
from crdtctl.errors import CrdtctlError, ForkError, MissingError, from_os, printable
from crdtctl.store import durable
from crdtctl.store.commit import Change, reading
from crdtctl.store.durable import Draft, OnDisk
from crdtctl.store.files import Directory, OwnFile
from crdtctl.store.inputs import Input, Stamp, open_input, temporary_file
from crdtctl.store.processes import in_child

#: So many files, and so many bytes of small ones, are joined in one go; more are joined in groups first.
_GROUP = 128
_GROUP_BYTES = 2**22
#: After so many counters, what is done is told.
_TELL_EVERY = 1000
#: From so many bytes on, a second process is worth its start.
_WORTH_HALVES = 2**23


#: What is told how many bytes of the result are done.
Progress = Callable[[int], object]


@dataclass(slots=True)
class MergeReport:
    """What a merge did: which inputs were taken or refused, by label, and what changed.

    `counters` is how many changed; `changes` are those of them that details were asked for.
    """

    taken: list[str] = field(default_factory=list)
    refused: dict[str, CrdtctlError] = field(default_factory=dict)
    counters: int = 0
    replicas: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether this replica knows more than before."""
        return bool(self.counters or self.replicas)


@dataclass(eq=False, slots=True)
class Opened:
    """An input that has passed its checksum; `source` is None while it is closed."""

    item: Input
    head: Head
    size: int
    source: Source | None
    stamp: Stamp | None

    def refuse_if_changed(self) -> None:
        """Raise `_BadInput` if the file was written to since its checksum was verified."""
        if self.source is not None and Stamp.of(self.source) != self.stamp:
            reason = Invalid("it was changed while it was read", printable(self.item.label))
            raise _BadInput(self, reason)


class _BadInput(Exception):
    """An input that turned out bad on the way."""

    def __init__(self, opened: Opened, reason: CrdtctlError) -> None:
        super().__init__(str(reason))
        self.opened = opened
        self.reason = reason


def merge(
    directory: Directory,
    inputs: Iterable[Input],
    lock: int | None,
    *,
    all_or_nothing: bool = False,
    details: int = 0,
    processes: int = 1,
    progress: Progress | None = None,
) -> MergeReport:
    """Join `inputs` into what is known; return what was taken, refused and changed.

    `lock` is the lock of ``known.json``, which is held; without it nothing is written. `details` is for how
    many changed counters the report says what they read and read now (True: for all). `progress` is told
    now and then how many bytes of the result are done.
    """
    refused: dict[str, CrdtctlError] = {}
    limit = sys.maxsize if details is True else details
    with ExitStack() as stack:
        known = stack.enter_context(directory.known_source())
        if known is not None:
            known.verify()  # or damage would be sealed with a new checksum
        opened = _open_all(inputs, refused, stack)
        own = directory.read_own()  # after the inputs: what they know of this replica, it must know by now
        while True:
            report = MergeReport(refused=dict(refused))
            here = {**(known.head.clock if known else {}), **own.source.head.clock}
            taken, clock = admit(here, own.id, opened, report)
            if not taken or (all_or_nothing and report.refused):
                return report
            report.taken = [one.item.label for one in taken]
            halves = processes > 1 and limit == 0 and sum(one.size for one in taken) >= _WORTH_HALVES
            joining = _Joining(own, known, clock, report, taken, limit, halves, progress)
            try:
                with ExitStack() as passing:
                    joining.sources = _reopen(taken, passing)
                    if lock is None:
                        joining.run(None)
                    else:
                        directory.write(durable.KNOWN, lock, joining.run)
            except _BadInput as found:
                refused[found.opened.item.label] = found.reason
                opened.remove(found.opened)
                continue
            return report


def admit(here: Clock, replica: str, opened: Sequence[Opened], report: MergeReport) -> tuple[list[Opened], Clock]:
    """Return the inputs that can be joined, and the clock after that; say in `report` which cannot and why.

    A state that has seen more of `replica` than the replica itself is refused, and so is a delta that
    leaves a gap, unless another input fills it.
    """
    clock = dict(here)
    taken: list[Opened] = []
    deltas: list[Opened] = []
    for one in opened:
        label = printable(one.item.label)
        ahead = one.head.clock.get(replica, 0)
        if ahead > here.get(replica, 0):
            fork = ForkError(
                f"{label} knows {ahead} commits of this replica, {replica}, "
                f"which itself has made {here.get(replica, 0)}: it was rolled back or copied",
                "nothing of that file was taken; make a new replica with 'crdtctl init' and merge both there",
            )
            report.refused[one.item.label] = fork
        elif one.head.kind == "delta":
            deltas.append(one)
        else:
            taken.append(one)
            clock = clocks.join(clock, one.head.clock)
    while fits := [one for one in deltas if not clocks.missing(clock, one.head.since)]:
        for one in fits:
            deltas.remove(one)
            taken.append(one)
            clock = clocks.join(clock, one.head.clock)
    for one in deltas:
        gap = MissingError(
            f"{printable(one.item.label)} is a delta that begins after commits not known here",
            f"ask for: crdtctl export --since {quote(encode_clock(here))}",
        )
        report.refused[one.item.label] = gap
    return taken, clock


def _open_all(inputs: Iterable[Input], refused: dict[str, CrdtctlError], stack: ExitStack) -> list[Opened]:
    """Open and verify the inputs, and keep the first few open."""
    opened: list[Opened] = []
    weight = 0
    for item in inputs:
        with ExitStack() as passing:
            try:
                source = open_input(item, passing)
            except CrdtctlError as reason:
                refused[item.label] = reason
                continue
            keep = len(opened) < _GROUP and weight <= _GROUP_BYTES
            stamp = Stamp.of(source) if keep else None
            opened.append(Opened(item, source.head, source.size, source if keep else None, stamp))
            if keep:
                weight += source.size if isinstance(source.pages, InMemory) else 0
                stack.enter_context(passing.pop_all())
    return opened


def _reopen(taken: Sequence[Opened], stack: ExitStack) -> list[Source]:
    """Return the sources to join; if they are too many to be open at once, they are joined in groups first."""
    sources = [one.source for one in taken if one.source is not None]
    if len(sources) == len(taken):
        return sources
    return [_condense(taken[i : i + _GROUP], stack) for i in range(0, len(taken), _GROUP)]


def _condense(group: Sequence[Opened], stack: ExitStack) -> Source:
    """Join a group of inputs into one temporary file."""
    clock: Clock = {}
    again: list[Opened] = []
    with ExitStack() as passing:
        for one in group:
            try:
                source = one.source or open_input(one.item, passing)
            except CrdtctlError as reason:
                raise _BadInput(one, reason) from None
            if source.head != one.head:
                raise _BadInput(one, source.invalid("it was changed while it was read"))
            again.append(Opened(one.item, one.head, one.size, source, one.stamp or Stamp.of(source)))
            clock = clocks.join(clock, one.head.clock)
        file = stack.enter_context(temporary_file())
        try:
            writer = Writer(file.write, Head("state", "condensed", clock))
            for joined in overlay(None, [one.source for one in again if one.source is not None]):
                if joined.after is not None:
                    writer.line(joined.after)
            writer.close()
            file.flush()
            for old, new in zip(group, again, strict=True):
                if new.source is not None and Stamp.of(new.source) != new.stamp:
                    raise _BadInput(old, new.source.invalid("it was changed while it was read"))
            return Source(OnDisk(file.fileno()), file.tell(), ours=True)
        except Invalid as reason:
            for old, new in zip(group, again, strict=True):
                if new.source is reason.source:
                    raise _BadInput(old, reason) from None
            raise
        except OSError as error:
            raise from_os(error, "join files in a temporary file") from None


@dataclass(slots=True)
class _Joining:
    """One pass: what is known, and the accepted inputs, into a draft."""

    own: OwnFile
    known: Source | None
    clock: Clock
    report: MergeReport
    inputs: Sequence[Opened]
    details: int
    halves: bool
    progress: Progress | None
    sources: list[Source] = field(default_factory=list)

    def run(self, draft: Draft | None) -> bool:
        """Join; return whether anything changed."""
        before = self.known.head if self.known else Head("known", self.own.id, {})
        clock = {author: seq for author, seq in self.clock.items() if author != self.own.id}
        newer = clocks.missing(before.clock, clock)
        self.report.replicas = sorted(newer)
        heard = dict(before.heard)
        if newer:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            heard.update(dict.fromkeys(newer, now))
        writer = Writer(draft.write, Head("known", self.own.id, clock, heard=heard)) if draft else None
        try:
            if writer and self.halves and (middle := self._middle()):
                self._run_halves(writer, middle)
            else:
                self.report.counters = self._join(writer, ALL)
        except Invalid as reason:
            for one in self.inputs:
                if one.source is reason.source and one.source is not None:
                    raise _BadInput(one, reason) from None
            raise
        for one in self.inputs:
            one.refuse_if_changed()
        if writer:
            writer.close()
        return self.report.changed

    def _middle(self) -> bytes:
        """Return a name that cuts the work in halves, or nothing."""
        return max([*self.sources, *([self.known] if self.known else [])], key=lambda source: source.size).middle()

    def _run_halves(self, writer: Writer, middle: bytes) -> None:
        """Join in two processes, each a half of the names, and put the halves together."""
        sources = [self.known, *self.sources]
        with temporary_file() as file:

            def upper() -> tuple[int, int, str]:
                self.progress = None  # this half's is told by the other process
                lines = Lines(file.write)
                try:
                    count = self._join(lines, Part(middle, b""))
                except Invalid as reason:
                    return 0, next(i for i, source in enumerate(sources) if source is reason.source), reason.reason
                lines.flush()
                file.flush()
                return count, -1, ""

            with in_child(upper) as result:
                count = self._join(writer, Part(b"", middle))
                more, culprit, reason = result()
            bad = sources[culprit] if culprit >= 0 else None
            if bad is not None:
                raise bad.invalid(reason)
            file.seek(0)
            writer.splice(iter(lambda: file.read(2**18), b""))
            self.report.counters = count + more

    def _join(self, lines: Lines | None, part: Part) -> int:
        """Join a part of the names; return how many counters changed."""
        count = done = 0
        for number, joined in enumerate(overlay(self.known, self.sources, without=self.own.id, part=part)):
            if joined.after is None:
                continue
            if self.progress:
                done += len(joined.after)
                if number % _TELL_EVERY == 0:
                    self.progress(done if part is ALL else 2 * done)  # the other half comes along as well
            if lines:
                lines.line(joined.after)
            if joined.after != joined.before:
                count += 1
                if count <= self.details:
                    self._note(joined.before, joined.after)
        return count

    def _note(self, before: bytes | None, after: bytes) -> None:
        name, counter = decode_own_line(after)
        mine = self.own.source.counter(name)
        past: Counter = decode_own_line(before)[1] if before is not None else {}
        for tag in sorted(counter):
            if counter[tag] != past.get(tag):
                change = Change(name, tag, reading(tag, mine, past), reading(tag, mine, counter))
                self.report.changes.append(change)
