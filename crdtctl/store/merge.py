"""Joining files into what a replica knows: one pass, one commit, however many files.

Which files are taken is decided first, from their headers; then all are joined line by line. A file that
turns out bad on the way is put aside and the pass begins again without it.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from crdtctl.codec import strict
from crdtctl.codec.stream import ALL, BadSource, Lines, Part, Source, Writer, overlay
from crdtctl.codec.text import InMemory
from crdtctl.codec.wire import Counter, Head, Invalid, decode_own_line, encode_clock
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.clock import Clock
from crdtctl.errors import CrdtctlError, DataError, ForkError, MissingError, from_os, printable
from crdtctl.store.commit import Change, reading
from crdtctl.store.durable import Draft, OnDisk, close
from crdtctl.store.files import Directory, OwnFile
from crdtctl.store.processes import in_child

if TYPE_CHECKING:
    from crdtctl.codec.text import Pages

#: A file up to this size is read into memory, and its descriptor given back.
_SMALL = 2**16
#: So many files, and so many bytes of small ones, are joined in one go; more are joined in groups first.
_GROUP = 128
_GROUP_BYTES = 2**22
#: From so many bytes on, a second process is worth its start.
_WORTH_HALVES = 2**23
_CANONICAL = b'{"crdtctl":1,"kind":"'


@dataclass(frozen=True, slots=True)
class Input:
    """A state to merge: the path of a file, or bytes, and what to call it in messages."""

    label: str
    path: str | None = None
    data: bytes | None = None


@dataclass(slots=True)
class MergeReport:
    """What a merge did: which inputs were taken or refused, and what changed."""

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


def temporary_file() -> IO[bytes]:
    """Return a file without a name, gone when it is closed."""
    import tempfile

    return tempfile.TemporaryFile(prefix="crdtctl-")


def open_input(item: Input, stack: ExitStack) -> Source:
    """Open and verify one input; what stays open is closed by `stack`. Raise what is to be told of it."""
    if item.data is not None:
        return _source(item.label, OnDisk(-1), item.data, len(item.data))
    path = item.path or ""
    label = printable(item.label)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise from_os(error, f"read {label}") from None
    with ExitStack() as failing:
        failing.callback(close, fd)
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise DataError(f"{label} is {what}", "give it a file made by 'crdtctl export', or '-' for a pipe")
        try:
            pages = OnDisk(fd)
            data = pages.read(0, _SMALL + 1) if status.st_size <= _SMALL else None
            source = _source(item.label, pages, data, status.st_size)
        except OSError as error:
            raise from_os(error, f"read {label}") from None
        if isinstance(source.pages, OnDisk):
            stack.enter_context(failing.pop_all())
        return source


def _source(label: str, pages: OnDisk, data: bytes | None, size: int) -> Source:
    """Return the source of a state in canonical layout, or in another one; raise `DataError`."""
    where: Pages = pages if data is None else InMemory(data)
    try:
        source = Source(where, size)
        source.verify()
        return source
    except Invalid as reason:
        if size > strict.MAX_BYTES:
            raise bad(label, reason) from None
        fault = reason
    try:
        whole = strict.canonical(where.read(0, size))
        return Source(InMemory(whole), len(whole))
    except Invalid as reason:
        # What began like a canonical file is told what a canonical file lacks.
        raise bad(label, fault if where.read(0, len(_CANONICAL)) == _CANONICAL else reason) from None


def bad(label: str, reason: Invalid) -> DataError:
    """Return the failure that names the file which is no valid state."""
    return DataError(f"{printable(label)} is not a valid state: {reason.message}", "ask for it to be exported again")


def spool(read: Callable[[int], bytes], stack: ExitStack) -> Input:
    """Return standard input, or another stream, as an input that can be read twice.

    `read` returns up to so many bytes. Small streams stay in memory; larger ones go to a temporary file.
    """
    head = b""
    while len(head) <= _SMALL:
        block = read(_SMALL)
        if not block:
            return Input("standard input", data=head)
        head += block
    limit = None if head.startswith(_CANONICAL) else strict.MAX_BYTES
    try:
        # Not with-statement: it has to outlive this function.
        file = stack.enter_context(temporary_file())
        size = file.write(head)
        while block := read(2**18):
            size += file.write(block)
            if limit is not None and size > limit:
                raise DataError("standard input is not a valid state: it is too large for another layout")
        file.flush()
    except OSError as error:
        raise from_os(error, "keep standard input in a temporary file") from None
    return Input("standard input", path=f"/dev/fd/{file.fileno()}")


def merge(
    directory: Directory,
    own: OwnFile,
    inputs: Iterable[Input],
    write: Callable[[Callable[[Draft], bool]], object] | None,
    *,
    all_or_nothing: bool = False,
    details: bool = False,
    processes: int = 1,
) -> MergeReport:
    """Join `inputs` into what is known; return what was taken, refused and changed.

    `write` carries a draft of ``known.json`` out, under its lock; without it nothing is written. `details`
    asks for what every changed counter read and reads.
    """
    refused: dict[str, CrdtctlError] = {}
    with ExitStack() as stack:
        known = stack.enter_context(directory.known_source())
        opened = _open_all(inputs, refused, stack)
        while True:
            report = MergeReport(refused=dict(refused))
            here = {**(known.head.clock if known else {}), own.id: own.seq}
            taken, clock = admit(here, own.id, opened, report)
            if not taken or (all_or_nothing and report.refused):
                return report
            report.taken = [item.item.label for item in taken]
            size = sum(item.size for item in taken)
            halves = processes > 1 and size >= _WORTH_HALVES and not details
            joining = _Joining(directory, own, known, clock, report, taken, details, halves)
            try:
                with ExitStack() as passing:
                    joining.sources = _reopen(taken, passing)
                    if write is None:
                        joining.run(None)
                    else:
                        write(joining.run)
            except _BadInput as found:
                refused[found.opened.item.label] = found.reason
                opened.remove(found.opened)
                continue
            return report


class _BadInput(Exception):
    """An input that turned out bad on the way."""

    def __init__(self, opened: Opened, reason: CrdtctlError) -> None:
        super().__init__(str(reason))
        self.opened = opened
        self.reason = reason


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
            opened.append(Opened(item, source.head, source.size, source if keep else None))
            if keep:
                weight += _weight(source)
                stack.enter_context(passing.pop_all())
    return opened


def _weight(source: Source) -> int:
    return source.size if isinstance(source.pages, InMemory) else 0


def _reopen(taken: Sequence[Opened], stack: ExitStack) -> list[Source]:
    """Return the sources to join; if they are too many to be open at once, they are joined in groups first."""
    if all(item.source is not None for item in taken):
        return [item.source for item in taken if item.source is not None]
    return [_condense(taken[i : i + _GROUP], stack) for i in range(0, len(taken), _GROUP)]


def _condense(group: Sequence[Opened], stack: ExitStack) -> Source:
    """Join a group of inputs into one temporary file."""
    clock: Clock = {}
    sources: dict[Source, Opened] = {}
    with ExitStack() as passing:
        for opened in group:
            source = opened.source
            if source is None:
                try:
                    source = open_input(opened.item, passing)
                    if source.head != opened.head:
                        raise DataError(f"{printable(opened.item.label)} was changed while it was read")
                except CrdtctlError as reason:
                    raise _BadInput(opened, reason) from None
            sources[source] = opened
            clock = clocks.join(clock, opened.head.clock)
        try:
            file = stack.enter_context(temporary_file())
            writer = Writer(file.write, Head("state", "condensed", clock))
            for joined in overlay(None, sources):
                if joined.after is not None:
                    writer.line(joined.after)
            writer.close()
            file.flush()
            return Source(OnDisk(file.fileno()), file.tell(), ours=True)
        except BadSource as found:
            opened = sources[found.source]
            raise _BadInput(opened, bad(opened.item.label, found.reason)) from None
        except OSError as error:
            raise from_os(error, "join files in a temporary file") from None


@dataclass(slots=True)
class _Joining:
    """One pass: what is known, and the accepted inputs, into a draft."""

    directory: Directory
    own: OwnFile
    known: Source | None
    clock: Clock
    report: MergeReport
    inputs: Sequence[Opened]
    details: bool
    halves: bool
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
        except BadSource as found:
            raise self._blame(found) from None
        if writer:
            writer.close()
        return self.report.changed

    def _middle(self) -> bytes:
        """Return a name that cuts the work in halves, or nothing."""
        return max([*self.sources, *([self.known] if self.known else [])], key=lambda source: source.size).middle()

    def _run_halves(self, writer: Writer, middle: bytes) -> None:
        """Join in two processes, each a half of the names, and put the halves together."""
        with temporary_file() as file:

            def upper() -> tuple[int, int, str]:
                lines = Lines(file.write)
                try:
                    count = self._join(lines, Part(middle, b""))
                except BadSource as found:
                    return 0, [self.known, *self.sources].index(found.source), found.reason.message
                lines.flush()
                file.flush()
                return count, -1, ""

            with in_child(upper) as result:
                count = self._join(writer, Part(b"", middle))
                more, bad_source, reason = result()
            if bad_source >= 0:
                raise BadSource([self.known or self.sources[0], *self.sources][bad_source], Invalid(reason))
            file.seek(0)
            writer.splice(iter(lambda: file.read(2**18), b""))
            self.report.counters = count + more

    def _join(self, lines: Lines | None, part: Part) -> int:
        """Join a part of the names; return how many counters changed."""
        count = 0
        for joined in overlay(self.known, self.sources, without=self.own.id, part=part):
            if joined.after is None:
                continue
            if lines:
                lines.line(joined.after)
            if joined.after != joined.before:
                count += 1
                if self.details:
                    self._note(joined.before, joined.after)
        return count

    def _blame(self, found: BadSource) -> Exception:
        """Return what is to be told, or done, about a source that is not valid."""
        if found.source is self.known:
            path = self.directory.file("known.json")
            return DataError(f"{path} is damaged: {found.reason.message}", "see 'crdtctl check'")
        for opened in self.inputs:
            if opened.source is found.source:
                return _BadInput(opened, bad(opened.item.label, found.reason))
        return found

    def _note(self, before: bytes | None, after: bytes) -> None:
        name, counter = decode_own_line(after)
        mine = self.own.source.counter(name)
        past: Counter = decode_own_line(before)[1] if before is not None else {}
        for tag in sorted(counter):
            if counter[tag] != past.get(tag):
                change = Change(name, tag, reading(tag, mine, past), reading(tag, mine, counter))
                self.report.changes.append(change)


def admit(here: Clock, replica: str, opened: Sequence[Opened], report: MergeReport) -> tuple[list[Opened], Clock]:
    """Return the inputs that can be joined, and the clock after that; say in `report` which cannot and why.

    A state that has seen more of `replica` than the replica itself is refused, and so is a delta that
    leaves a gap, unless another input fills it.
    """
    clock = dict(here)
    taken: list[Opened] = []
    deltas: list[Opened] = []
    for item in opened:
        head = item.head
        ahead = head.clock.get(replica, 0)
        if ahead > here.get(replica, 0):
            report.refused[item.item.label] = ForkError(
                f"{printable(item.item.label)} knows {ahead} commits of this replica, {replica}, "
                f"which itself has made {here.get(replica, 0)}: it was rolled back or copied",
                "nothing of that file was taken; make a new replica with 'crdtctl init' and merge both there",
            )
        elif head.kind == "delta":
            deltas.append(item)
        else:
            taken.append(item)
            clock = clocks.join(clock, head.clock)
    while fits := [item for item in deltas if not clocks.missing(clock, item.head.since)]:
        for item in fits:
            deltas.remove(item)
            taken.append(item)
            clock = clocks.join(clock, item.head.clock)
    for item in deltas:
        report.refused[item.item.label] = MissingError(
            f"{printable(item.item.label)} is a delta that begins after commits not known here",
            f"ask for: crdtctl export --since '{encode_clock(here)}'",
        )
    return taken, clock
