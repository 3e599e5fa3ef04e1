"""Histories: what several replicas did to one counter, and what each of them has seen of it.

States are reached through operations and merges only, never invented. Every moment of every replica stays
deliverable for ever, so merges are stale, repeated, reordered and one-way as chance has it. Beside the
state each moment carries which operations it has seen; the oracle reads those and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from hypothesis import strategies as st

from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.base import TOO_LARGE, VERBS, CounterType, Entry, Lacking, Operation, OperationContext, Refused, Verb
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.local_merge import LocallyMergedType
from crdtctl.crdt.readings import ON_DROP
from crdtctl.crdt.restarting import Restarting
from tests.support import restarts

AUTHORS = ("ann", "bob", "čen")
AMOUNTS = (*range(1, 10), 2**53 - 1, 2**53, 2**64, 10**99, TOO_LARGE - 1)
ONCE = (None, "job-1", None, "job-2")
BOUNDS = (None, 0, 5, -7, 1 - TOO_LARGE)
#: Small numbers, so that meters fall and begin anew often.
METERS = [(source, reading) for reading in (0, 1, 2, 3, 5, 8, 2**53, 2**64) for source in ("eth0", "eth1")]
ELEMENTS = [some for size in range(4) for some in combinations(("é", "a", "ab", "b"), size)]
#: Numbers for a type that adds numbers. No two groups of one size have one sum.
NUMBERS = [some for size in range(4) for some in combinations(("0.35", "-2", "1e3", "0"), size)]
#: The types whose states are joined. Of the others each replica holds its own entry only, which has met theirs.
JOINED = {tag: kind for tag, kind in TYPES.items() if tag not in LOCALLY_MERGED}


@cache
def verbs(kind: CounterType) -> list[Verb]:
    """Return what can be done to a counter of this type, found by trying."""
    accepted: list[Verb] = []
    mine: Entry | None = None
    for verb in VERBS:
        try:
            tried = Operation(verb, elements=groups(kind)[1], replica="bob", **settings(kind, 0, 9))
            mine = kind.apply(mine, tried, OperationContext("ann", 1)) or mine
        except Lacking:
            pass  # allowed, but not here
        except Refused:
            continue
        accepted.append(verb)
    return accepted


def groups(kind: CounterType) -> list[tuple[str, ...]]:
    """Return groups of what ``add`` takes; the first is empty, and the others are not."""
    return NUMBERS if kind.adds_numbers else ELEMENTS


def settings(kind: CounterType, bound: int | None, above: int) -> dict[str, Any]:
    """Return what ``create`` may say of such a counter: its bound, and an initial value so much above it."""
    initial = None if bound is None else min(bound + above, TOO_LARGE - 1)
    return {name: value for name, value in (("bound", bound), ("initial", initial)) if name in kind.settings}


def operation(kind: CounterType, what: int, how_much: int, once: int) -> Operation:
    """Return the operation that three numbers choose, one that the type allows, if not always."""
    accepted = verbs(kind)
    amounts = AMOUNTS[:-2] if kind.tag in LOCALLY_MERGED else AMOUNTS  # handoff holds the sums as well, of 100 digits
    verb = accepted[what % len(accepted)]
    read = verb == "observe" or (verb == "create" and kind.has_readings and once % 3 == 0)
    return Operation(
        verb,
        0 if verb == "observe" else amounts[how_much % len(amounts)],
        groups(kind)[how_much % len(groups(kind))],
        ONCE[once % len(ONCE)],
        AUTHORS[once % len(AUTHORS)],
        granted=once % 5 == 0,
        clock=tuple((author, how_much % 9 + number % 2) for number, author in enumerate(AUTHORS)),
        readings=tuple(METERS[(how_much + number) % len(METERS)] for number in range(1 + once % 2)) if read else (),
        on_drop=ON_DROP[once % 3],
        **settings(kind, BOUNDS[once % len(BOUNDS)], how_much % 12),
    )


def operations(kind: CounterType) -> st.SearchStrategy[Operation]:
    """Return operations that the type allows, if not always."""
    return st.binary(min_size=3, max_size=3).map(lambda drawn: operation(kind, *drawn))


class HistoryEvent(NamedTuple):
    """An operation that an author carried out in its commit `seq`, having seen others: all that the oracle knows.

    One that `changes` nothing made no commit.
    """

    number: int
    author: str
    operation: Operation
    saw: frozenset[int]
    seq: int = 0
    changes: bool = True


def counting(kind: CounterType, done: Sequence[HistoryEvent]) -> list[HistoryEvent]:
    """Return the operations that count, for a type whose entries are forgotten as a whole; otherwise all of them."""
    if not isinstance(kind, Restarting):
        return list(done)
    left = restarts.left([restarts.Done(*one[:4]) for one in done], has_keys=kind.adds_numbers)
    return [one for one in done if one.number in left]


@dataclass(frozen=True)
class Moment:
    """What one replica holds at one time, and which operations (by number) it has seen."""

    author: str
    state: Mapping[str, Entry]
    clock: Clock
    seen: frozenset[int]


@dataclass
class History:
    """A history of one counter. `moments` begins with nobody's, who knows nothing."""

    kind: CounterType
    done: list[HistoryEvent] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=lambda: [Moment("", {}, {}, frozenset())])
    #: Author → its own entry, which it keeps after others have forgotten it.
    own: dict[str, Entry] = field(default_factory=dict)

    def of(self, author: str) -> list[Moment]:
        """Return the past of one replica, the present last."""
        return [self.moments[0], *(moment for moment in self.moments if moment.author == author)]

    def seen(self, moment: Moment) -> list[HistoryEvent]:
        """Return the operations that a moment has seen, in the order in which they were done: see `counting`."""
        return counting(self.kind, [self.done[number] for number in sorted(moment.seen)])

    def act(self, author: str, operation: Operation | None) -> None:
        """Carry out one commit, unless it is refused or changes nothing."""
        now = self.of(author)[-1]
        state, seen = dict(now.state), now.seen
        seq = now.clock.get(author, 0) + 1
        if operation is not None:
            try:
                others = {who: row for who, row in state.items() if who != author}
                mine = self.own.get(author, state.get(author))
                after = self.kind.apply(mine, operation, OperationContext(author, seq, lambda: others))
            except Refused:
                return
            self.done.append(HistoryEvent(len(self.done), author, operation, seen, seq, after is not None))
            seen = seen | {len(self.done) - 1}
            if after is None:
                seq -= 1
            else:
                state = self.kind.tidied({**state, author: after})
                self.own[author] = after
        clock = {**now.clock, author: seq} if seq else now.clock
        self.moments.append(Moment(author, state, clock, seen))

    def receive(self, author: str, number: int, since: int | None) -> None:
        """Merge an earlier moment of anybody's, whole or as a delta."""
        past = self.of(author)
        now, theirs = past[-1], self.moments[number % len(self.moments)]
        sent = theirs.state
        if since is not None:
            sent = self.kind.newer(sent, past[since % len(past)].clock)
        if isinstance(self.kind, LocallyMergedType):
            self._merge(self.kind, author, sent, clocks.join(now.clock, theirs.clock), now.seen | theirs.seen)
            return
        state = self.kind.join_all(now.state, sent)
        self.moments.append(Moment(author, state, clocks.join(now.clock, theirs.clock), now.seen | theirs.seen))

    def _merge(
        self, kind: LocallyMergedType, author: str, sent: Mapping[str, Entry], clock: Clock, seen: frozenset[int]
    ) -> None:
        """Merge the entries of others into the author's own."""
        state, seq = dict(self.of(author)[-1].state), clock.get(author, 0)
        for other in sorted(sent.keys() - {author}):
            met = merged(kind, state.get(author), other, sent[other], OperationContext(author, seq + 1))
            if met is not None:
                state[author] = self.own[author] = met
                clock = {**clock, author: seq + 1}
        self.moments.append(Moment(author, state, clock, seen))


def merged(
    kind: LocallyMergedType, mine: Entry | None, other: str, theirs: Entry, here: OperationContext
) -> Entry | None:
    """Return `mine` after a local merge with one entry; None if that changes nothing."""
    merging = kind.local_merge(mine, here)
    merging.merge(other, theirs)
    return merging.row


def play(kind: CounterType, tape: bytes, expiring: Sequence[str] = AUTHORS) -> History:
    """Return the history that a tape tells, four bytes a step: who does which of eight things, and with what.

    Bytes, because they are drawn much faster than steps would be, and shrink as well. Only the authors in `expiring`
    let keys expire, and forget.
    """
    history = History(kind)
    for who, a, b, c in zip(*[iter(tape)] * 4, strict=False):
        author = AUTHORS[who % 3]
        match who // 3 % 8:
            case 0 | 1 | 2 | 3:
                chosen = operation(kind, a, b, c)
                is_kept = chosen.verb not in ("expire", "forget") or author in expiring
                history.act(author, chosen if is_kept else None)
            case 4:
                history.act(author, None)
            case 5 | 6:
                history.receive(author, a, None)
            case _:
                history.receive(author, a, b)
    return history


def histories(
    kind: CounterType, *, max_steps: int = 24, expiring: Sequence[str] = AUTHORS
) -> st.SearchStrategy[History]:
    """Return histories of a counter of one type."""
    return st.binary(min_size=4 * 6, max_size=4 * max_steps).map(lambda tape: play(kind, tape, expiring))


def moments(kind: CounterType, count: int) -> st.SearchStrategy[list[Moment]]:
    """Return so many moments, not always different, of one history."""

    def choose(tape: bytes) -> list[Moment]:
        history = play(kind, tape[count:])
        return [history.moments[number % len(history.moments)] for number in tape[:count]]

    return st.binary(min_size=count + 4 * 6, max_size=count + 4 * 24).map(choose)
