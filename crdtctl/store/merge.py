"""Joining files into what a replica knows: one pass, one commit, however many files.

Which files are taken is decided first, from their headers; then all are joined line by line. A file that
turns out bad on the way is put buffer and the pass begins again without it.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import IO

from crdtctl.codec.stream import ALL, NO_NAMES, Lines, Part, Source, Writer, overlay
from crdtctl.codec.text import InMemory
from crdtctl.codec.wire import Counter, Head, Invalid, decode_own_line, encode_clock
from crdtctl.crdt import clock as clocks
from crdtctl.crdt import forks
from crdtctl.crdt.attempts import ATTEMPTS, Jobs, jobs
from crdtctl.crdt.base import Contributions
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.forks import Fork, Joined, Names
from crdtctl.crdt.membership import MEMBERSHIP, Roster, day_of, forgotten, roster
from crdtctl.errors import CrdtctlError, MissingError, OutcomeUnknownError, RefusedError, from_os, printable, reason_of
from crdtctl.store import durable, journal
from crdtctl.store.commit import Change, reading
from crdtctl.store.durable import Draft, OnDisk
from crdtctl.store.ended import doubled, ended, refuse_sealed, said_by, without_absorbed
from crdtctl.store.files import Directory, OwnFile
from crdtctl.store.gone import Returned, declared, returned
from crdtctl.store.handoffs import HandoffResult, HandoffStep, merge_handoffs, no_peer_warning
from crdtctl.store.inputs import Input, Stamp, open_input
from crdtctl.store.jobs import LateAttempt, all_said, late, said_of_jobs
from crdtctl.store.packed import each_state
from crdtctl.store.processes import in_child
from crdtctl.store.rights import MadeTwice, Makers
from crdtctl.store.spill import SpillBuffer
from crdtctl.store.temporary import of_replica, temporary_file
from crdtctl.store.types import Arrivals, SecondType
from crdtctl.store.unheard import Heard, counts, still

#: So many files, and so many bytes of small ones, are joined in one go; more are joined in groups first.
_GROUP = 128
#: So many names of files and replicas, and second types, are noted of one merge.
_NOTED = 20
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

    `counters` is how many changed; `changes` are those of them that details were asked for. `forks` are those
    that were not known here before, with the labels that brought them; `usurped` names the inputs that know
    something of this replica's id that it did not write itself. `twice` are the sealed replicas that are now known to
    have been absorbed by more than one other: the end of the id → the absorbers. `returned` are replicas that were
    declared gone for good, and have made later commits, as is news. `heads` are the headers of the inputs
    that were taken, by label. `nodes` is how many own contributions changed by taking part, `handoffs` are those under
    way, and `without_peer` the counters that no known replica can take over. `idle` are clients that have handed over
    all that they counted. `second` are the first few counters that arrived under a second type, `late` the attempts of
    jobs that arrived too late to count, and `made` those bounded counters that turn out to be created by several
    replicas.
    """

    taken: list[str] = field(default_factory=list)
    refused: dict[str, CrdtctlError] = field(default_factory=dict)
    counters: int = 0
    replicas: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    forks: list[tuple[Fork, list[str]]] = field(default_factory=list)
    usurped: list[str] = field(default_factory=list)
    twice: dict[str, tuple[str, ...]] = field(default_factory=dict)
    returned: list[Returned] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)
    more: bool = False
    nodes: int = 0
    handoffs: list[HandoffStep] = field(default_factory=list)
    without_peer: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    second: list[SecondType] = field(default_factory=list)
    made: list[MadeTwice] = field(default_factory=list)
    late: list[LateAttempt] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What is to be reported although all went well, a line each."""
        return [
            *([no_peer_warning(self.without_peer)] if self.without_peer else []),
            *map(str, [*self.second, *self.late]),
        ]

    @property
    def may_be_wrong(self) -> bool:
        """Whether the merge found several writers or makers where there should be one, so that totals may be wrong."""
        return bool(self.forks or self.usurped or self.twice or self.returned or self.made)

    @property
    def changed(self) -> bool:
        """Whether this replica knows more than before."""
        return bool(self.counters or self.replicas or self.more or self.nodes)


@dataclass(eq=False, slots=True)
class Opened:
    """An input that has passed its checksum; `source` is None while it is closed.

    `ended` says who has, and `jobs` what it says of attempts of jobs.
    """

    item: Input
    head: Head
    size: int
    source: Source | None
    stamp: Stamp | None
    names: Names = field(default_factory=dict)
    ended: Contributions = field(default_factory=dict)
    jobs: Contributions = field(default_factory=dict)

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


class _FailedInChild(Exception):
    """Another process could not join its inputs: this one finds out why."""


def merge(
    directory: Directory,
    inputs: Iterable[Input],
    lock: int | None,
    *,
    own: Callable[..., OwnFile] | None = None,
    all_or_nothing: bool = False,
    beyond_fence: bool = False,
    hears: bool = True,
    details: int = 0,
    processes: int = 1,
    progress: Progress | None = None,
    timeout: float | None = None,
) -> MergeReport:
    """Join `inputs` into what is known; return what was taken, refused and changed.

    `lock` is the lock of ``known.json``, which is held; without it nothing is written. `own` gives ``own.json``
    under an id that is this replica's alone, and under a new one if it is told why. `details` is for how
    many changed counters the report says what they read and read now (True: for all). `progress` is told
    now and then how many bytes of the result are done. `hears`: whether the inputs can be all that others know of ids
    that this replica had before. The lock of ``own.json`` is waited for up to `timeout`.
    """
    refused: dict[str, CrdtctlError] = {}
    limit = sys.maxsize if details is True else details
    usurped: list[str] = []
    with ExitStack() as stack:
        opened = _open_all(inputs, refused, stack)
        # After the inputs: what they know of this replica, it must know by now.
        mine = own() if own else directory.read_own()
        refuse_sealed(mine.source)
        if own and mine.id in declared(who for one in opened for who in one.head.settled):
            mine = own("retired")
        was = mine.id
        if own and (usurped := _usurpers(mine.source.head, opened)):
            mine = own("forked")
        known = stack.enter_context(directory.known_source())
        if known is not None:
            known.verify()  # or damage would be sealed with a new checksum
        before = known.head if known else Head("known", mine.id, {})
        here = ended(mine.source, known)
        runs = all_said(mine.source, known)
        if not beyond_fence:
            _refuse_forgotten(here, {**before.clock, **mine.source.head.clock}, opened, refused)
        while True:
            report = MergeReport(refused=dict(refused), usurped=usurped)
            clock = {**before.clock, **mine.source.head.clock}
            everybody = roster(MEMBERSHIP.join_all(here, _said_by(opened)))
            taken = admit(clock, before.tags, opened, report, everybody)
            if not own:
                report.usurped = _usurpers(mine.source.head, taken)
            if not taken or (all_or_nothing and report.refused):
                return report
            report.taken = [one.item.label for one in taken]
            report.heads = {one.item.label: one.head for one in taken}
            joined = forks.join([(before.clock, before.tags), *((one.head.clock, one.head.tags) for one in taken)])
            everybody = roster(MEMBERSHIP.join_all(here, _said_by(taken)))
            settled = {*before.settled, *(who for one in taken for who in one.head.settled)}
            known_twice = doubled(roster(here), before.settled)
            report.twice = {
                record: by
                for record, by in doubled(everybody, settled).items()
                if set(by).difference(known_twice.get(record, ()))
            }
            runs_then = _runs(runs, taken, everybody)
            report.late = late(jobs(runs), runs_then)
            for one, names in zip(taken, joined.names[1:], strict=True):
                one.names = {**names, **without_absorbed(everybody, one.head.clock)}
            if known:
                known.names = {**joined.names[0], **without_absorbed(everybody, before.clock)}
            for author in everybody.absorbed(list(joined.clock)):
                del joined.clock[author]
                joined.histories.pop(author, None)
            report.forks = _news(joined, before, taken)
            report.returned = _newly_returned(before, {**joined.clock, **mine.source.head.clock}, settled)
            unheard = _still_unheard(before, taken, mine.id, everybody, was if usurped else "", hears=hears)
            two = processes > 1 and sum(one.size for one in taken) >= _WORTH_HALVES
            try:
                with ExitStack() as passing:
                    scratch = of_replica(directory.path)
                    buffers = [
                        SpillBuffer(passing, scratch),
                        *([SpillBuffer(passing, scratch, on_disk=True)] if two else []),
                    ]
                    joining = _Joining(
                        mine,
                        known,
                        joined,
                        report,
                        taken,
                        settled,
                        unheard,
                        limit,
                        two and not limit,
                        progress,
                        buffers,
                    )
                    joining.left_out = jobs(runs).left_out, runs_then.left_out
                    joining.sources = _reopen(taken, passing, buffers)
                    written = False
                    if lock is None:
                        joining.run(None)
                    elif written := directory.write(durable.KNOWN, lock, joining.run):
                        _note(directory, report, taken)
                    if joining.has_handoffs:
                        look_up = known.counter if known else _nothing
                        gone = declared(settled)
                        _take_part(directory, own, buffers, look_up, gone, report, limit, timeout, written=written)
                    if joined.clock:  # somebody who is not silent, and so most likely permanent, is known
                        report.without_peer = []
            except _BadInput as found:
                refused[found.opened.item.label] = found.reason
                opened.remove(found.opened)
                continue
            except _FailedInChild:
                processes = 1
                continue
            return report


def _still_unheard(
    before: Head, taken: Sequence[Opened], replica: str, everybody: Roster, usurped: str, *, hears: bool
) -> dict[str, int]:
    """Return the earlier ids of which nothing has come that left last, with what these inputs say.

    That an id was `usurped` is known from one of them, which may be old itself: another one has to confirm it.
    """
    heads = [one.head for one in taken]
    states = [Heard(head.replica, head.tags) for head in heads] if hears else []
    left = still(before.unheard, states, replica, everybody)
    if usurped:
        known = [counts(head.tags).get(usurped, 0) for head in heads]
        left[usurped] = max([before.unheard.get(usurped, 0), *known])
    return left


def _newly_returned(before: Head, clock: Clock, settled: Iterable[str]) -> list[Returned]:
    """Return who was declared gone, and has made later commits, as far as that is news."""
    known = returned(before.settled, before.clock)
    return [one for one in returned(settled, clock) if one not in known]


def _said_by(opened: Sequence[Opened]) -> Contributions:
    said: Contributions = {}
    for one in opened:
        said = MEMBERSHIP.join_all(said, one.ended)
    return said


def _runs(here: Contributions, taken: Sequence[Opened], everybody: Roster) -> Jobs:
    """Return what is known of attempts of jobs after a merge: those that were absorbed are none any more."""
    said = here
    for one in taken:
        said = ATTEMPTS.join_all(said, one.jobs)
    return jobs({who: row for who, row in said.items() if not everybody.has_absorbed(who)})


def _refuse_forgotten(
    here: Contributions, clock: Clock, opened: list[Opened], refused: dict[str, CrdtctlError]
) -> None:
    """Refuse the inputs in which, or in comparison with which, somebody from before a fence is new.

    They are compared with what is known here, and with each other.
    """
    ours = roster(here)

    def refuse(one: Opened, fence: int, stranger: str) -> None:
        who = f"{stranger}, which {'it knows' if stranger in one.head.clock else 'is known here only'}"
        refused[one.item.label] = RefusedError(
            f"{printable(one.item.label)} is from beyond the fence of {day_of(fence)}: {who}, is older, and may have "
            "been absorbed and forgotten",
            "if it surely was not: crdtctl merge --beyond-fence",
        )
        opened.remove(one)

    for one in list(opened):
        theirs = roster(one.ended)
        if strangers := ours.forgotten(clock, theirs, one.head.clock):
            refuse(one, max(ours.fence, theirs.fence), strangers[0])
    states = [(roster(one.ended), one.head.clock) for one in opened]
    fence = max((said.fence for said, _ in states), default=0)
    for one, strangers in zip(list(opened), forgotten(states), strict=True):
        if strangers:
            refuse(one, fence, strangers[0])


def _nothing(_name: str) -> Counter:
    return {}


def _take_part(
    directory: Directory,
    own: Callable[..., OwnFile] | None,
    buffers: list[SpillBuffer],
    known: Callable[[str], Counter],
    gone: Collection[str],
    report: MergeReport,
    limit: int,
    timeout: float | None,
    *,
    written: bool,
) -> None:
    """Let this replica's own contributions meet what was put buffer, in one commit; `written`: known.json is new."""
    if own is None:
        met = merge_handoffs(directory.read_own(), buffers, known, gone)
    else:
        try:
            met = _commit(directory, own, buffers, known, gone, timeout)
        except OutcomeUnknownError:
            raise
        except (CrdtctlError, OSError) as error:
            if not written:
                raise
            said = f"known.json was replaced, but own.json was not: {reason_of(error)}"
            raise OutcomeUnknownError(said, "merge the same files again, which counts nothing twice") from None
    report.second += met.second
    report.nodes = len(met.lines)
    report.counters += len(met.changes)
    report.handoffs = met.handoffs
    report.without_peer, report.idle = met.without_peer, met.idle
    report.changes += met.changes[: max(limit - len(report.changes), 0)]


def _commit(
    directory: Directory,
    own: Callable[..., OwnFile],
    buffers: list[SpillBuffer],
    known: Callable[[str], Counter],
    gone: Collection[str],
    timeout: float | None,
) -> HandoffResult:
    while True:
        own()
        with directory.locked(durable.OWN, timeout) as lock:
            mine = directory.read_own()  # whoever counted meanwhile is in it
            if mine.strange:
                continue
            met = merge_handoffs(mine, buffers, known, gone)
            if met.lines:
                directory.write_own(lock, mine, met.lines, mine.seq + 1)
            return met


def _usurpers(mine: Head, opened: Sequence[Opened]) -> list[str]:
    """Return the labels of the inputs that know of this replica's id what it did not write."""
    seq, history = mine.clock.get(mine.replica, 0), mine.tags.get(mine.replica, "")

    def is_strange(author: str, head: Head) -> bool:
        if not author.startswith(mine.replica) or forks.origin(author) != mine.replica:
            return False
        return head.clock[author] > seq or not forks.is_prefix(head.tags.get(author, ""), history)

    return [one.item.label for one in opened if any(is_strange(author, one.head) for author in one.head.clock)]


def _news(joined: Joined, before: Head, taken: Sequence[Opened]) -> list[tuple[Fork, list[str]]]:
    """Return the forks of which not all branches were known, and which inputs know of them."""
    news = []
    for fork in joined.forks:
        if not before.clock.keys() >= set(fork.branches):
            brought = [one.item.label for one in taken if any(forks.origin(a) == fork.replica for a in one.head.clock)]
            news.append((fork, brought))
    return news


def _note(directory: Directory, report: MergeReport, taken: Sequence[Opened]) -> None:
    journal.note(
        directory,
        "merged",
        files=[printable(label) for label in report.taken[:_NOTED]],
        replicas=sorted({one.head.replica for one in taken})[:_NOTED],
        counters=report.counters,
        news=report.replicas[:_NOTED],
    )
    for fork, brought in report.forks:
        journal.note(
            directory,
            "fork",
            replica=fork.replica,
            since=fork.since,
            branches=list(fork.branches),
            files=[printable(label) for label in brought[:_NOTED]],
        )


def admit(
    here: Clock, tags: Mapping[str, str], opened: Sequence[Opened], report: MergeReport, everybody: Roster
) -> list[Opened]:
    """Return the inputs that can be joined; say in `report` which cannot and why.

    A delta that leaves a gap is refused, unless another input fills it. `here` is the clock, `tags` are the
    histories of what is known; `everybody` tells who was absorbed, and is no gap.
    """
    taken = [one for one in opened if one.head.kind != "delta"]
    deltas = [one for one in opened if one.head.kind == "delta"]
    clock = dict(here)
    for one in taken:
        clock = clocks.join(clock, one.head.clock)

    def fits(one: Opened) -> bool:
        wanted = clocks.missing(clock, one.head.since)
        return all(
            forks.covers(clock, tags, who, seq, one.head.tags.get(who, "")) or everybody.has_absorbed(who)
            for who, seq in wanted.items()
        )

    while fitting := [one for one in deltas if fits(one)]:
        for one in fitting:
            deltas.remove(one)
            taken.append(one)
            clock = clocks.join(clock, one.head.clock)
    for one in deltas:
        gap = MissingError(
            f"{printable(one.item.label)} is a delta that begins after commits not known here",
            f"ask for: crdtctl export --since {quote(encode_clock(here))}",
        )
        report.refused[one.item.label] = gap
    return taken


def _open_all(inputs: Iterable[Input], refused: dict[str, CrdtctlError], stack: ExitStack) -> list[Opened]:
    """Open and verify the inputs, and keep the first few open."""
    opened: list[Opened] = []
    weight = 0

    def take(item: Input) -> None:
        nonlocal weight
        with ExitStack() as passing:
            source = open_input(item, passing)
            said, runs = said_by(source), said_of_jobs(source)
            keep = len(opened) < _GROUP and weight <= _GROUP_BYTES
            stamp = Stamp.of(source) if keep else None
            kept = source if keep else None
            opened.append(Opened(item, source.head, source.size, kept, stamp, ended=said, jobs=runs))
            if keep:
                weight += source.size if isinstance(source.pages, InMemory) else 0
                stack.enter_context(passing.pop_all())

    def refuse(item: Input, reason: CrdtctlError) -> None:
        refused[item.label] = reason

    each_state(inputs, take, refuse, stack)
    return opened


def _reopen(taken: Sequence[Opened], stack: ExitStack, buffers: Sequence[SpillBuffer]) -> list[Source]:
    """Return the sources to join; if they are too many to be open at once, they are joined in groups first.

    With two `buffers`, half of the groups are joined in another process.
    """
    sources = [one.source for one in taken if one.source is not None]
    for one in taken:
        if one.source is not None:
            one.source.names = one.names
    if len(sources) == len(taken):
        return sources
    groups = [taken[i : i + _GROUP] for i in range(0, len(taken), _GROUP)]
    files = [stack.enter_context(temporary_file(buffers[0].scratch)) for _ in groups]
    half = (len(groups) + 1) // 2 if len(buffers) > 1 else len(groups)

    def upper() -> tuple[list[int], int] | None:
        try:
            found = [_condense(*one, buffers[1]) for one in zip(groups[half:], files[half:], strict=True)]
        except (_BadInput, CrdtctlError):
            return None
        buffers[1].flush()
        return found, buffers[1].count

    with ExitStack() as meanwhile:
        result = meanwhile.enter_context(in_child(upper)) if half < len(groups) else None
        sizes = [_condense(*one, buffers[0]) for one in zip(groups[:half], files[:half], strict=True)]
        if result:
            done = result()
            if done is None:
                raise _FailedInChild
            more, buffers[1].count = done
            sizes += more
    return [Source(OnDisk(file.fileno()), size, ours=True) for file, size in zip(files, sizes, strict=True)]


def _condense(group: Sequence[Opened], file: IO[bytes], buffer: SpillBuffer) -> int:
    """Join a group of inputs into a temporary file, without what is put buffer; return its size."""
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
            source.names = one.names
            again.append(Opened(one.item, one.head, one.size, source, one.stamp or Stamp.of(source)))
            clock = clocks.join(clock, one.head.clock)
        try:
            writer = Writer(file.write, Head("state", "condensed", clock))
            for joined in overlay(None, [one.source for one in again if one.source is not None], divert=buffer.put):
                if joined.after is not None:
                    writer.line(joined.after)
            writer.close()
            file.flush()
            for old, new in zip(group, again, strict=True):
                if new.source is not None and Stamp.of(new.source) != new.stamp:
                    raise _BadInput(old, new.source.invalid("it was changed while it was read"))
            return file.tell()
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
    joined: Joined
    report: MergeReport
    inputs: Sequence[Opened]
    settled: Collection[str]
    unheard: Mapping[str, int]
    details: int
    halves: bool
    progress: Progress | None
    buffers: list[SpillBuffer]
    sources: list[Source] = field(default_factory=list)
    left_out: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()

    @property
    def has_handoffs(self) -> bool:
        """Whether anything was put buffer."""
        return any(buffer.count for buffer in self.buffers)

    def run(self, draft: Draft | None) -> bool:
        """Join; return whether anything changed."""
        before = self.known.head if self.known else Head("known", self.own.id, {})
        clock, tags = self.joined.clock, self.joined.histories
        clock.pop(self.own.id, None)
        tags.pop(self.own.id, None)
        settled = tuple(sorted(self.settled))
        newer = clocks.missing(before.clock, clock)
        self.report.replicas = sorted(newer)
        left = before.clock.keys() - clock.keys()
        said = (tags, settled, self.unheard) != (before.tags, before.settled, before.unheard)
        self.report.more = said or bool(left)
        heard = {author: when for author, when in before.heard.items() if author in clock}
        if newer:
            heard.update(dict.fromkeys(newer, journal.now()))
        head = replace(before, replica=self.own.id, clock=clock, heard=heard, tags=tags, settled=settled)
        head = replace(head, unheard=self.unheard)
        writer = Writer(draft.write, head) if draft else None
        try:
            if writer and self.halves and (middle := self._middle()):
                self._run_halves(writer, middle)
            else:
                self.report.counters = self._join(writer, ALL, self.buffers[0])
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
        with temporary_file(self.buffers[0].scratch) as file:

            def upper() -> tuple[int, int, int, str, list[SecondType], list[MadeTwice]]:
                self.progress = None  # this half's is told by the other process
                lines = Lines(file.write)
                try:
                    count = self._join(lines, Part(middle, b""), self.buffers[1])
                except Invalid as reason:
                    culprit = next(i for i, source in enumerate(sources) if source is reason.source)
                    return 0, 0, culprit, reason.reason, [], []
                lines.flush()
                file.flush()
                self.buffers[1].flush()
                return count, self.buffers[1].count, -1, "", self.report.second, self.report.made

            with in_child(upper) as result:
                count = self._join(writer, Part(b"", middle), self.buffers[0])
                more, self.buffers[1].count, culprit, reason, second, made = result()
            bad = sources[culprit] if culprit >= 0 else None
            if bad is not None:
                raise bad.invalid(reason)
            file.seek(0)
            writer.splice(iter(lambda: file.read(2**18), b""))
            self.report.counters = count + more
            self.report.second = [*self.report.second, *second][:_NOTED]
            self.report.made += made

    def _join(self, lines: Lines | None, part: Part, buffer: SpillBuffer) -> int:
        """Join a part of the names; return how many counters changed."""
        count = done = 0
        pairs = overlay(self.known, self.sources, without=self.own.id, part=part, divert=buffer.put)
        watched, makers = Arrivals(self.own.source, part), Makers(self.own.source, self.settled)
        for number, joined in enumerate(pairs):
            if joined.after is None:
                continue
            if joined.name in NO_NAMES:  # whose news is in the clock
                if lines:
                    lines.line(joined.after)
                continue
            if self.progress:
                done += len(joined.after)
                if number % _TELL_EVERY == 0:
                    self.progress(done if part is ALL else 2 * done)  # the other half comes along as well
            if lines:
                lines.line(joined.after)
            if joined.after != joined.before:
                count += 1
                if len(self.report.second) < _NOTED:
                    self.report.second += watched.look(joined)
                self.report.made += makers.look(joined.before, joined.after)
                if count <= self.details:
                    self._note(joined.before, joined.after)
        return count

    def _note(self, before: bytes | None, after: bytes) -> None:
        name, counter = decode_own_line(after)
        mine = self.own.source.counter(name)
        past: Counter = decode_own_line(before)[1] if before is not None else {}
        past, counter = _but(past, self.left_out[0]), _but(counter, self.left_out[1])
        for tag in sorted(counter):
            if counter[tag] != past.get(tag):
                change = Change(name, tag, reading(tag, mine, past), reading(tag, mine, counter))
                self.report.changes.append(change)


def _but(counter: Counter, gone: frozenset[str]) -> Counter:
    """Return a counter without what some authors contributed."""
    if not gone:
        return counter
    return {tag: {who: row for who, row in rows.items() if who not in gone} for tag, rows in counter.items()}
