"""Taking part in merging: what others say of types that are not joined changes this replica's own contributions.

During the pass over the inputs their contributions are put aside (`Aside`); afterwards the own ones meet them, under
the lock of ``own.json``, in one commit. To meet the same ones again changes nothing.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import IO

from crdtctl.codec.stream import Source
from crdtctl.codec.wire import Counter, decode_own_line, encode_line
from crdtctl.crdt import TAKING_PART, TYPES
from crdtctl.crdt.base import Here
from crdtctl.crdt.handoff import Handoff, Meeting, Pending
from crdtctl.errors import from_os
from crdtctl.store.commit import Change, reading
from crdtctl.store.files import MANY, OwnFile
from crdtctl.store.temporary import temporary_file
from crdtctl.store.types import SecondType, arrivals

#: So many counters are named that were not made to be handed over.
_TOLD = 3
#: So many bytes are kept in memory.
_IN_MEMORY = 2**18
_MARKS = tuple(f'"{tag}":{{'.encode() for tag in sorted(TAKING_PART))


class Aside:
    """Contributions that were put aside: of one name in the order of the inputs. In memory while they are few.

    Temporary files are in the directory `scratch` where the system has no other.
    """

    def __init__(self, stack: ExitStack, scratch: str, *, on_disk: bool = False) -> None:
        self._stack = stack
        self.scratch = scratch
        self._lines: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = stack.enter_context(temporary_file(scratch)) if on_disk else None
        self.count = 0

    def put(self, name: str, counter: Counter) -> None:
        """Put aside what one input says of a counter."""
        self._lines.append(encode_line(name, counter) + b"\n")
        self._size += len(self._lines[-1])
        self.count += 1
        if self._size > _IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        """Move what is in memory to a file, which another process sees as well."""
        if self._file is None:
            self._file = self._stack.enter_context(temporary_file(self.scratch))
        try:
            self._file.seek(0, 2)  # what another process has written is before it
            self._file.write(b"".join(self._lines))
            self._file.flush()
        except OSError as error:
            raise from_os(error, "keep hand-offs in a temporary file") from None
        self._lines.clear()
        self._size = 0

    def __iter__(self) -> Iterator[tuple[str, Counter]]:
        """Yield what was put aside."""
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                yield decode_own_line(line[:-1])
            self._file.seek(0, 2)
        for line in self._lines:
            yield decode_own_line(line[:-1])


@dataclass(frozen=True, slots=True)
class HandOff:
    """A hand-off of the counter `name` between this replica and a `peer`: which of its four steps is done."""

    name: str
    peer: str
    step: int


@dataclass(slots=True)
class Met:
    """What came of a meeting: the counters that changed, as lines of ``own.json``, and what there is to tell."""

    lines: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    handoffs: list[HandOff] = field(default_factory=list)
    lonely: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    second: list[SecondType] = field(default_factory=list)


def meet(own: OwnFile, asides: list[Aside], known: Callable[[str], Counter], gone: Collection[str] = ()) -> Met:
    """Return what becomes of the contributions in ``own.json`` when they meet those that were put aside.

    `known` looks up what is known of a counter, for what it reads. To who is `gone` for good nothing is handed over.
    """
    here = Here(own.id, own.seq + 1, tier=own.tier)
    before = own.counters(many=sum(aside.count for aside in asides) > MANY)
    after: dict[str, Counter] = {}
    steps: dict[tuple[str, str], int] = {}
    lonely: dict[str, bool] = {}
    idle: dict[str, bool] = {}
    for aside in asides:
        for name, entries in groupby(aside, key=itemgetter(0)):
            mine = after[name] if name in after else before(name)
            meetings: dict[str, Meeting] = {}
            for _, counter in entries:
                for tag, authors in counter.items():
                    kind = TYPES[tag]
                    if isinstance(kind, Handoff):
                        if tag not in meetings:
                            meetings[tag] = kind.meeting(mine.get(tag, {}).get(own.id), here)
                        for author in sorted(authors.keys() - {own.id}):
                            idle[author] = meetings[tag].is_idle(author, authors[author]) and idle.get(author, True)
                            if author in gone and not meetings[tag].waits_for(author):
                                continue
                            if step := meetings[tag].meet(author, authors[author]):
                                steps[name, author] = step
            for tag, meeting in meetings.items():
                if (row := meeting.row) is not None:
                    mine = after[name] = {**mine, tag: {own.id: row}}
                if own.tier and own.id in mine.get(tag, {}):
                    lonely[name] = meeting.kind.pending(own.id, mine[tag][own.id]).is_lonely
    met = Met(lonely=[name for name, is_lonely in lonely.items() if is_lonely])
    met.idle = sorted(author for author, is_idle in idle.items() if is_idle)
    met.handoffs = [HandOff(name, peer, step) for (name, peer), step in sorted(steps.items())]
    for name, counter in after.items():
        met.lines[name] = encode_line(name, counter)
        met.second += arrivals(name, before(name), known(name), counter)
        for tag in sorted(TAKING_PART & counter.keys()):
            old, others = before(name), known(name)
            change = Change(name, tag, reading(tag, old, others), reading(tag, counter, others))
            if change.before != change.after:
                met.changes.append(change)
    return met


def successors(own: OwnFile, replica: str) -> list[bytes]:
    """Return the lines with which ``own.json`` begins anew, as `replica`: of types that take part in merging."""
    here = Here(replica, 1, tier=own.tier)
    lines = []
    for name, counter in taking_part(own.source):
        rows = {tag: TYPES[tag].succeed(own.id, authors[own.id], here) for tag, authors in counter.items()}
        kept: Counter = {tag: {replica: row} for tag, row in rows.items() if row is not None}
        lines.append(encode_line(name, kept))
    return lines


def taking_part(source: Source) -> Iterator[tuple[str, Counter]]:
    """Yield the counters of types that take part in merging; only their lines are decoded."""
    for _, line in source.lines():
        if any(mark in line for mark in _MARKS):
            name, counter = source.decode(line)
            kept = {tag: authors for tag, authors in counter.items() if tag in TAKING_PART}
            if kept:
                yield name, kept


def joined(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the names and types of the counters that are joined, not handed over."""
    for _, line in source.lines():
        name, counter = source.decode(line)
        for tag in sorted(counter.keys() - TAKING_PART):
            yield name, tag


def is_silent(own: Source) -> bool:
    """Return whether no clock is to speak of a replica: it is not permanent, and did nothing that is joined.

    What stands in a clock stands there for ever, everywhere.
    """
    return own.head.tier > 0 and next(joined(own), None) is None


def without_former(line: bytes, replica: str) -> bytes | None:
    """Return the line that leaves: without what `replica` learned to take part under ids that it had before."""
    if not any(mark in line for mark in _MARKS):
        return line
    name, counter = decode_own_line(line)
    kept = {
        tag: {who: row for who, row in authors.items() if tag not in TAKING_PART or who == replica}
        for tag, authors in counter.items()
    }
    kept = {tag: authors for tag, authors in kept.items() if authors}
    return encode_line(name, kept) if kept else None


# What stands open --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """What is not settled of the counter `name` at `replica`: this one, or an id that it had before."""

    name: str
    replica: str
    pending: Pending

    @property
    def step(self) -> int:
        """Which of its four steps a hand-off has done for certain: 1, a slot is open; 2, a token is cut; 0: none."""
        own = any(src == self.replica for src, _ in self.pending.tokens)
        return 2 if own else 1 if self.pending.slots else 0


def all_open(own: Source, known: Source | None) -> list[Open]:
    """Return what is not settled of each handoff counter, here and under ids that this replica had before."""
    found = []
    for source in (own, known):
        for name, counter in taking_part(source) if source else ():
            for tag, authors in counter.items():
                kind = TYPES[tag]
                if isinstance(kind, Handoff):
                    found += [Open(name, who, kind.pending(who, row)) for who, row in sorted(authors.items())]
    return found


def is_idle(own: Source) -> bool:
    """Return whether a replica is a client that did nothing but hand over, and has handed all of it over."""
    return is_silent(own) and not any(
        any(one.pending.counted) or one.pending.tokens or one.pending.slots for one in all_open(own, None)
    )


def reasons_to_keep(own: Source, is_sent: bool) -> list[str]:
    """Return why a replica must not be thrown away yet; nothing if it may. `is_sent`: its last state has left."""
    if not own.head.tier:
        return ["it is permanent (tier 0)"]
    reasons = [f"'{name}' is a {tag}, which is not handed over" for name, tag in islice(joined(own), _TOLD)]
    for one in all_open(own, None):
        name, pending = one.name, one.pending
        if any(pending.counted):
            reasons.append(f"{amount(pending.counted)} of '{name}' not handed over yet")
        reasons += [f"a slot of '{name}' waits for a token of {src}" for src in pending.slots]
        reasons += [
            f"a token of '{name}' over {amount(count)} for {dst} has not arrived there for certain"
            for (_, dst), count in pending.tokens.items()
        ]
    if not is_sent:
        reasons.append("its last state has not left: export it, or exchange once more")
    return reasons


def amount(counted: tuple[int, int]) -> str:
    """Return increments and decrements in words: ``+9``, ``-2``, or ``+9 -2``."""
    up, down = counted
    return " ".join(text for text in (f"+{up}" if up or not down else "", f"-{down}" if down else "") if text)


def lonely(names: list[str]) -> str:
    """Return the warning that stands for counters of which nobody else's node is known."""
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (" …" if len(names) > 5 else "")
    return f"{shown} cannot be handed over yet: no replica of tier 0 is known here; merge the state of one"
