"""Sellers: replicas that share the rights to one bounded counter, what each has seen, and clones of some of them.

States are reached through operations and merges only. Every moment of every seller stays deliverable for ever,
so what arrives is stale, repeated, reordered or dropped as chance has it. Beside the state each moment carries the
operations that it has seen, by number; the oracle reads those, and who really did them, and nothing else.

A clone is a seller of its own who writes under the id of another, from where that one was. A state in which both
went on holds them as ``ID~1.TAG``, as `crdtctl.crdt.forks.join` puts them; a seller who learns of the other goes on
under a new id.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crdtctl.crdt.base import Entry, Operation, OperationContext, Refused
from crdtctl.crdt.bcounter import BCounter
from crdtctl.crdt.branches import branch_name
from crdtctl.records import replace

KIND = BCounter()
IDS = ("ann", "bob", "čen", "dot")
#: So many bytes of a tape are a step.
STEP = 4


@dataclass(frozen=True)
class Sale:
    """What was really done: by whom (a writer, be it a clone), and what it moved from where to where."""

    writer: str
    created: int = 0
    used: int = 0
    source: str = ""
    target: str = ""
    moved: int = 0


@dataclass(frozen=True)
class Moment:
    """What one seller holds at one time: writer → row, and the operations (by number) that it has seen."""

    writer: str
    rows: Mapping[str, Entry]
    seen: frozenset[int]


@dataclass
class Market:
    """Everything that happened. A writer is an id, or ``ID/N`` for the N-th clone of it."""

    bound: int
    initial: int
    with_clones: bool = False
    done: list[Sale] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    now: dict[str, Moment] = field(default_factory=dict)
    #: Writer → the number of the last commit that it has in common with its original or its first clone.
    apart: dict[str, int] = field(default_factory=dict)
    #: Writer → the id that it writes under.
    writers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for writer in IDS:
            self.writers[writer] = writer
            self.now[writer] = Moment(writer, {}, frozenset())
        created = Operation("create", bound=self.bound, initial=self.initial)
        self._commit(
            "ann", KIND.apply(None, created, OperationContext("ann", 1)), Sale("ann", created=self.initial - self.bound)
        )
        everybody = self.now["ann"]
        for writer in IDS[1:]:
            self._put(replace(everybody, writer=writer))

    def _put(self, moment: Moment) -> None:
        self.now[moment.writer] = moment
        self.moments.append(moment)

    def _commit(self, writer: str, row: Entry | None, *done: Sale) -> None:
        assert row is not None
        before = self.now[writer]
        numbers = range(len(self.done), len(self.done) + len(done))
        self.done.extend(done)
        self._put(Moment(writer, {**before.rows, writer: row}, before.seen | set(numbers)))

    # What a state looks like --------------------------------------------------------------------------------

    def entries(self, moment: Moment) -> dict[str, Entry]:
        """Return the state of a moment: author → row, the branches of forks under names of their own."""
        found: dict[str, Entry] = {}
        for writers in self._families(moment.rows).values():
            branches = self._branches(moment, writers)
            for writer in branches:
                replica = self.writers[writer]
                tag = f"{list(self.writers).index(writer):04d}"
                author = replica if len(branches) == 1 else branch_name(replica, {1: tag})
                found[author] = moment.rows[writer]
        return found

    def _families(self, writers: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for writer in sorted(writers):
            found.setdefault(self.writers[writer], []).append(writer)
        return found

    def _branches(self, moment: Moment, writers: list[str]) -> list[str]:
        """Return the writers of one id whose rows are not just where another one's began."""
        went_on = [one for one in writers if self._went_on(moment, one)]
        return went_on or [max(writers, key=lambda one: moment.rows[one][0])]

    def _went_on(self, moment: Moment, writer: str) -> bool:
        return int(moment.rows[writer][0]) > self.apart.get(writer, 0)

    def is_forked(self, moment: Moment) -> bool:
        """Return whether a moment knows of a fork."""
        return any("~" in author for author in self.entries(moment))

    # What sellers do ----------------------------------------------------------------------------------------

    def act(self, writer: str, operation: Operation) -> bool:
        """Carry out an operation; return whether it was not refused."""
        moment = self.now[writer]
        me = self.writers[writer]
        state = self.entries(moment)
        state.pop(me, None)
        mine = moment.rows.get(writer)
        try:
            row = KIND.apply(mine, operation, OperationContext(me, (mine or (0,))[0] + 1, lambda: state))
        except Refused:
            return False
        if row is not None:
            self._commit(writer, row, *self._what(writer, operation, mine, row))
        return True

    def _what(self, writer: str, operation: Operation, mine: Entry | None, row: Entry) -> list[Sale]:
        me, amount = self.writers[writer], operation.amount
        match operation.verb:
            case "increment":
                return [Sale(writer, created=amount)]
            case "decrement":
                return [Sale(writer, used=amount)]
            case "transfer" if operation.granted:
                before, after = ({} if one is None or len(one) < 5 else one[4] for one in (mine, row))
                given = {who: n - before.get(who, 0) for who, n in after.items() if n > before.get(who, 0)}
                return [Sale(writer, source=me, target=who, moved=n) for who, n in given.items()]
            case "transfer":
                return [Sale(writer, source=operation.source or me, target=operation.replica, moved=amount)]
            case _:
                return []

    def receive(self, writer: str, theirs: Moment) -> str:
        """Let a seller merge a moment of anybody's; return it, or who it is if it learned of a clone of its own."""
        before = self.now[writer]
        rows = {**theirs.rows, **before.rows}
        for author, row in theirs.rows.items():
            if row[0] > rows[author][0]:
                rows[author] = row
        after = Moment(writer, rows, before.seen | theirs.seen)
        family = self._families(rows).get(self.writers[writer], [])
        if any(self._went_on(after, other) for other in family if other != writer):
            del self.now[writer]
            anew = f"{self.writers[writer]}{len(self.writers)}"
            self.writers[anew] = anew
            after = replace(after, writer=anew)
        self._put(after)
        return after.writer

    def clone(self, writer: str) -> None:
        """Let there be one more writer with the id and the memory of this one."""
        moment = self.now[writer]
        copy = f"{self.writers[writer]}/{len(self.writers)}"
        seq = moment.rows[writer][0] if writer in moment.rows else 0
        self.writers[copy] = self.writers[writer]
        self.apart[copy] = seq
        self.apart.setdefault(writer, seq)
        rows = dict(moment.rows)
        if writer in rows:
            rows[copy] = rows[writer]
        self._put(Moment(copy, rows, moment.seen))

    # What must be read --------------------------------------------------------------------------------------

    def total(self, seen: Iterable[int]) -> int:
        """Return the value that the operations amount to."""
        return self.bound + sum(self.done[number].created - self.done[number].used for number in seen)

    def held(self, seen: Iterable[int]) -> dict[str, int]:
        """Return replica → the rights that the operations leave it."""
        found: dict[str, int] = {}
        for number in seen:
            one = self.done[number]
            me = self.writers[one.writer]
            found[me] = found.get(me, 0) + one.created - one.used
            if one.moved:
                found[one.source] = found.get(one.source, 0) - one.moved
                found[one.target] = found.get(one.target, 0) + one.moved
        return {who: amount for who, amount in found.items() if amount}


def play(tape: bytes, *, clones: int) -> Market:
    """Return the market that a tape tells: its bound and initial value, and then four bytes a step."""
    market = Market(tape[0] - 128, tape[0] - 128 + tape[1] % 32)
    for who, what, a, b in zip(*[iter(tape[2:])] * STEP, strict=False):
        sellers = list(market.now)
        writer = sellers[who % len(sellers)]
        other = market.writers[sellers[a % len(sellers)]]
        amount = 1 + b % 9
        match what % 16:
            case 0 | 1 | 2 | 3:
                market.act(writer, Operation("decrement", amount))
            case 4:
                market.act(writer, Operation("increment", amount))
            case 5 | 6:
                market.act(writer, Operation("transfer", amount, replica=other))
            case 7:
                market.act(writer, Operation("request", amount, replica=other))
            case 8:
                market.act(writer, Operation("transfer", replica="" if b % 2 else other, granted=True))
            case 9 if clones:
                market.clone(writer)
                clones -= 1
            case _:
                market.receive(writer, market.moments[(256 * a + b) % len(market.moments)])
    return market
