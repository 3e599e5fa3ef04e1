"""Local merges: entries of other replicas change this replica's own entries, for types such as handoff.

During the pass over the inputs the entries of these types are kept in a `SpillBuffer`. Afterwards they are merged into
the own entries, under the lock of ``own.json``, in one commit. Merging the same entries again changes nothing.
"""

from __future__ import annotations

from itertools import groupby, islice

from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.crdt.base import OperationContext
from crdtctl.records import Record, field
from crdtctl.store.changes import Change, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entry
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.local_merge import LocalMerge, PendingCounts
    from crdtctl.store.own_file import OwnFile
    from crdtctl.store.spill import SpillBuffer
    from crdtctl.store.type_choice import SecondType

#: Maximum number of joined counters named among the reasons to keep a replica.
_MAX_NAMED = 3
_TAGS = LOCALLY_MERGED.keys()
#: Byte sequences: a line with a locally merged type contains at least one of them.
_NEEDLES = tuple(f'"{tag}":{{'.encode() for tag in sorted(_TAGS))


class HandoffStep(Record):
    """The step (1 to 4) that a hand-off of the counter `name` between this replica and a `peer` has reached."""

    name: str
    peer: str
    step: int


class HandoffResult(Record, frozen=False):
    """The outcome of local merges: counters that changed, as lines of ``own.json``, and facts to report.

    `without_peer` are the counters that no known replica can take over, `idle` the clients that have handed over
    everything.
    """

    lines: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    handoffs: list[HandoffStep] = field(default_factory=list)
    without_peer: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    second: list[SecondType] = field(default_factory=list)


def merge_handoffs(
    own: OwnFile, buffers: Sequence[SpillBuffer], known: Callable[[str], Counter], gone: Collection[str] = ()
) -> HandoffResult:
    """Return the own entries after merging the entries in `buffers`.

    `known` looks up the joined entries of a counter, for its value. Nothing is handed over to replicas that are `gone`
    for good.
    """
    from crdtctl.codec.lines import encode_line
    from crdtctl.store.own_file import MANY
    from crdtctl.store.type_choice import arrivals

    before = own.counters(many=sum(buffer.count for buffer in buffers) > MANY)
    merging = _Merging(own, gone)
    for buffer in buffers:
        for name, entries in groupby(buffer, key=lambda pair: pair[0]):
            merging.merge(name, (counter for _, counter in entries), before)
    result = HandoffResult(
        without_peer=[name for name, is_alone in merging.without_peer.items() if is_alone],
        idle=sorted(replica for replica, is_idle in merging.idle.items() if is_idle),
        handoffs=[HandoffStep(name, peer, step) for (name, peer), step in sorted(merging.steps.items())],
    )
    for name, counter in merging.after.items():
        old, others = before(name), known(name)
        result.lines[name] = encode_line(name, counter)
        result.second += arrivals(name, old, others, counter)
        for tag in sorted(_TAGS & counter.keys()):
            change = Change(name, tag, reading(tag, old, others), reading(tag, counter, others))
            if change.before != change.after:
                result.changes.append(change)
    return result


class _Merging:
    """Merges entries of others into those of one ``own.json``, counter by counter."""

    def __init__(self, own: OwnFile, gone: Collection[str]) -> None:
        self._replica = own.id
        self._context = OperationContext(own.id, own.seq + 1, tier=own.tier)
        self._gone = gone
        self.after: dict[str, Counter] = {}
        self.steps: dict[tuple[str, str], int] = {}
        self.without_peer: dict[str, bool] = {}
        self.idle: dict[str, bool] = {}

    def merge(self, name: str, counters: Iterator[Counter], before: Callable[[str], Counter]) -> None:
        """Merge several inputs' entries of one counter."""
        mine = self.after[name] if name in self.after else before(name)
        merges: dict[str, LocalMerge] = {}
        for counter in counters:
            for tag, rows in counter.items():
                if tag in LOCALLY_MERGED:
                    if tag not in merges:
                        row = mine.get(tag, {}).get(self._replica)
                        merges[tag] = LOCALLY_MERGED[tag].local_merge(row, self._context)
                    self._merge_rows(name, tag, rows, merges[tag])
        for tag, merge in merges.items():
            if (row := merge.row) is not None:
                mine = self.after[name] = {**mine, tag: {self._replica: row}}
            if self._context.tier and self._replica in mine.get(tag, {}):
                pending = LOCALLY_MERGED[tag].pending(self._replica, mine[tag][self._replica])
                self.without_peer[name] = pending.has_no_peer

    def _merge_rows(self, name: str, tag: str, rows: Mapping[str, Entry], merge: LocalMerge) -> None:
        for replica in sorted(rows.keys() - {self._replica}):
            pending = LOCALLY_MERGED[tag].pending(replica, rows[replica])
            self.idle[replica] = pending.is_idle and self.idle.get(replica, True)
            if replica in self._gone and not merge.waits_for(replica):
                continue
            if step := merge.merge(replica, rows[replica]):
                self.steps[name, replica] = step


def carried_over(own: OwnFile, replica: str) -> list[bytes]:
    """Return the lines of locally merged types for a new ``own.json`` under the id `replica`."""
    from crdtctl.codec.lines import encode_line

    context = OperationContext(replica, 1, tier=own.tier)
    lines = []
    for name, counter in locally_merged(own.source):
        rows = {
            tag: LOCALLY_MERGED[tag].carry_over(own.id, entries[own.id], context) for tag, entries in counter.items()
        }
        kept: Counter = {tag: {replica: row} for tag, row in rows.items() if row is not None}
        lines.append(encode_line(name, kept))
    return lines


def locally_merged(source: Source) -> Iterator[tuple[str, Counter]]:
    """Yield the counters of locally merged types; only their lines are decoded."""
    for _, line in source.lines():
        if any(needle in line for needle in _NEEDLES):
            name, counter = source.decode(line)
            kept = {tag: rows for tag, rows in counter.items() if tag in _TAGS}
            if kept:
                yield name, kept


def joined_counters(source: Source) -> Iterator[tuple[str, str]]:
    """Yield name and type of the counters that are joined, not locally merged."""
    for _, line in source.lines():
        name, counter = source.decode(line)
        for tag in sorted(counter.keys() - _TAGS):
            yield name, tag


def is_silent(own: Source) -> bool:
    """Return whether no clock may mention a replica: it is not permanent, and has no counters that are joined.

    An id in a clock stays there forever, at every replica.
    """
    return own.head.tier > 0 and next(joined_counters(own), None) is None


def without_former(line: bytes, replica: str) -> bytes | None:
    """Return a line for export: without locally merged entries of ids other than `replica`; None if nothing is left.

    Such entries are those of ids that this replica had before.
    """
    from crdtctl.codec.lines import decode_own_line, encode_line

    if not any(needle in line for needle in _NEEDLES):
        return line
    name, counter = decode_own_line(line)
    kept = {
        tag: {author: row for author, row in rows.items() if tag not in _TAGS or author == replica}
        for tag, rows in counter.items()
    }
    kept = {tag: rows for tag, rows in kept.items() if rows}
    return encode_line(name, kept) if kept else None


# Open hand-offs ----------------------------------------------------------------------------------------


class OpenHandoff(Record):
    """The unfinished part of the counter `name` at `replica`: this one, or an id that it had before."""

    name: str
    replica: str
    pending: PendingCounts

    @property
    def step(self) -> int:
        """The step that a hand-off has certainly reached: 1, a slot is open; 2, a token is cut; 0, none."""
        has_own_token = any(source == self.replica for source, _ in self.pending.tokens)
        return 2 if has_own_token else 1 if self.pending.slots else 0


def open_handoffs(own: Source, known: Source | None) -> list[OpenHandoff]:
    """Return the unfinished part of each locally merged counter, of this id and of ids that this replica had before."""
    return [
        OpenHandoff(name, replica, LOCALLY_MERGED[tag].pending(replica, row))
        for source in (own, known)
        for name, counter in (locally_merged(source) if source else ())
        for tag, rows in counter.items()
        for replica, row in sorted(rows.items())
    ]


def is_idle(own: Source) -> bool:
    """Return whether a replica is a client that has only handed over, and has handed over everything."""
    return is_silent(own) and all(handoff.pending.is_empty for handoff in open_handoffs(own, None))


def reasons_to_keep(own: Source, is_sent: bool) -> list[str]:
    """Return the reasons why a replica must not be discarded yet. `is_sent`: its last state has been exported."""
    if not own.head.tier:
        return ["it is permanent (tier 0)"]
    reasons = [
        f"'{name}' is a {tag}, which is not handed over" for name, tag in islice(joined_counters(own), _MAX_NAMED)
    ]
    for handoff in open_handoffs(own, None):
        name, pending = handoff.name, handoff.pending
        if any(pending.counted):
            reasons.append(f"{signed(pending.counted)} of '{name}' not handed over yet")
        reasons += [f"a slot of '{name}' waits for a token of {source}" for source in pending.slots]
        reasons += [
            f"a token of '{name}' over {signed(count)} for {target} may not have arrived yet"
            for (_, target), count in pending.tokens.items()
        ]
    if not is_sent:
        reasons.append("its last state was not exported: export it, or exchange again")
    return reasons


def signed(counted: tuple[int, int]) -> str:
    """Return increments and decrements in words: ``+9``, ``-2``, or ``+9 -2``."""
    up, down = counted
    return " ".join(text for text in (f"+{up}" if up or not down else "", f"-{down}" if down else "") if text)


def no_peer_warning(names: list[str]) -> str:
    """Return the warning for counters that no known replica can take over."""
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (" …" if len(names) > 5 else "")
    return f"{shown} cannot be handed over yet: no replica of tier 0 is known; merge the state of one first"
