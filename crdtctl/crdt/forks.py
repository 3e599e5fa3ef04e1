"""Detects two writers under one id: export markers, and the branches of a fork.

One id should have one writer. A clone that leaves no trace on its machine (a disk image, the memory of a virtual
machine) breaks that, and then the clocks of two different histories look like an older and a newer version of one. So
whenever a state is exported from a replica with new commits, the replica records an **export marker**: the number of
its last commit, and a random nonce. Markers belong to exports, not to commits, because only an exported state can meet
the other branch. Each marker costs a few bytes, and commits that were never exported cost none.

The known markers of a replica are its `History`. Of two histories, either one begins with the other, and then they are
older and newer; or they differ in one marker, and then there were two writers: a **fork**. The branches of a fork are
kept as replicas of their own, ``ID~3.k3Xa``: the id, the number of the marker where the branch separates, and its nonce
there. The names follow from the histories alone, so all replicas name the same branches alike, in any order of
arrival.

Two cases are not detected. A branch that exported once, and meets no other replica until the other branch has exported
more than `DENSE` times, may fall between the markers that are still kept. And commits that were never exported with a
marker (by a read-only replica, or by a secret clone whose own copy was noticed) count as an older version of any
history that fits.

A read joins the branches of one id (`merge_branches`), which never counts their common beginning twice. The result is
the lowest possible true value. Only the people who own the machines know how much is missing.
"""

from __future__ import annotations

from itertools import combinations

from crdtctl.crdt.branches import branch_markers, branch_name, origin
from crdtctl.crdt.histories import divergence, parse, retained
from crdtctl.records import NamedTuple, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.crdt.clock import Clock

    #: The clock of each state, and replica id → history as text.
    Heads = Sequence[tuple[Clock, Mapping[str, str]]]
    #: Replica id → the ids that its entries are kept under.
    Names = Mapping[str, tuple[str, ...]]
else:  # for modules whose annotations are evaluated
    Heads, Names = list, dict


class Fork(Record):
    """One id with several writers: its `branches`, which have at least the commits up to `since` in common."""

    replica: str
    branches: tuple[str, ...]
    since: int


class ForkResolution(Record):
    """The clocks and histories of several states together, with forks kept apart.

    `names` gives for each state the replica ids whose entries are kept under other ids; usually it is empty.
    """

    clock: dict[str, int]
    histories: dict[str, str]
    names: list[Names]
    forks: list[Fork]


_NO_NAMES: dict[str, tuple[str, ...]] = {}


class ForkWatch:
    """Finds forks among states that are added one after the other, in any order.

    `histories` are the longest ones so far, and `forked` the ids with several writers, or with branches of a fork.
    """

    def __init__(self) -> None:
        self.histories: dict[str, str] = {}
        self.forked: set[str] = set()
        # Replica id → its histories, if there are several; and their markers together. A longer history keeps fewer of
        # the old markers.
        self._met: dict[str, set[str]] = {}
        self._facts: dict[str, dict[int, str]] = {}

    def add(self, clock: Clock, histories: Mapping[str, str]) -> None:
        """Add a state with this clock and these histories."""
        for author in clock:
            if "~" in author and branch_markers(author):
                self.forked.add(origin(author))
        for author, new in histories.items():
            old = self.histories.setdefault(author, new)
            if old == new or new in self._met.setdefault(author, {old}):
                continue
            self._met[author].add(new)
            a, b = parse(old), parse(new)
            tags, known = b.nonces, self._facts.setdefault(author, a.nonces)
            if divergence(known, tags):
                self.forked.add(origin(author))
            known.update(tags)
            if (b.count, new) > (a.count, old):
                self.histories[author] = new

    def forget_texts(self) -> None:
        """Forget the texts of histories, which takes memory. It only takes time to compare equal ones again."""
        self._met.clear()


def join(heads: Heads) -> ForkResolution:
    """Return the clocks and histories of `heads` together: the newest of each, with forks kept apart."""
    clock: dict[str, int] = {}
    watch = ForkWatch()
    for theirs, told in heads:
        for author, seq in theirs.items():
            if seq > clock.get(author, 0):
                clock[author] = seq
        watch.add(theirs, told)
    histories, forked = watch.histories, watch.forked
    names: list[dict[str, tuple[str, ...]]] = [{} for _ in heads] if forked else [_NO_NAMES] * len(heads)
    said: dict[str, list[_Known]] = {replica: [] for replica in sorted(forked)}
    if forked:
        for number, (theirs, told) in enumerate(heads):
            for author, seq in theirs.items():
                replica = origin(author)
                if replica in forked:
                    said[replica].append(_Known(number, author, seq, told.get(author, "")))
                    clock.pop(author, None)
                    histories.pop(author, None)
    forks = [_part(replica, said[replica], clock, histories, names) for replica in said]
    return ForkResolution(clock, histories, list(names), forks)


class _Known(NamedTuple):
    """One replica id in the state with this `number`."""

    number: int
    author: str
    seq: int
    told: str

    @property
    def known(self) -> dict[int, str]:
        """Number of a marker → its nonce."""
        return known_of(self.author, self.told)


class _Branch(Record, frozen=False):
    """One of the longest histories of an id: its known markers, and the text of the longest one."""

    known: dict[int, str]
    told: str
    marks: dict[int, str]
    seq: int = 0


def _part(
    replica: str,
    said: Sequence[_Known],
    clock: dict[str, int],
    histories: dict[str, str],
    names: list[dict[str, tuple[str, ...]]],
) -> Fork:
    """Find the branches of `replica`, and sort all its entries under them."""
    found = {(one.author, one.told): one.known for one in said}
    branches: list[_Branch] = []
    places: dict[tuple[str, str], list[_Branch]] = {}
    for key, known in sorted(found.items(), key=lambda item: (max(item[1], default=0), item[0]), reverse=True):
        fitting = [branch for branch in branches if not divergence(branch.known, known)]
        if not fitting:
            branches.append(_Branch({}, key[1], branch_markers(key[0])))
            fitting = branches[-1:]
        for branch in fitting:
            branch.known.update(known)
        places[key] = fitting
    if len(branches) > 1:
        _mark(branches)
    for one in said:
        fitting = places[one.author, one.told]
        after = tuple(sorted({branch_name(replica, branch.marks) for branch in fitting}))
        if after != (one.author,):
            names[one.number][one.author] = after
        for branch in fitting:
            branch.seq = max(branch.seq, one.seq)
    for branch in branches:
        name = branch_name(replica, branch.marks)
        clock[name] = max(branch.seq, clock.get(name, 0))
        if branch.told:
            histories[name] = branch.told
    return Fork(replica, tuple(sorted({branch_name(replica, branch.marks) for branch in branches})), _common(branches))


def _mark(branches: Sequence[_Branch]) -> None:
    """Give each branch the markers that separate it from each other branch."""
    for branch in branches:
        branch.marks = {}
    for a, b in combinations(branches, 2):
        number = divergence(a.known, b.known)
        a.marks[number] = a.known[number]
        b.marks[number] = b.known[number]


def _common(branches: Sequence[_Branch]) -> int:
    """Return the last commit that all branches are known to contain, or 0."""
    told = [parse(branch.told) for branch in branches if branch.told]
    if len(told) < 2:
        return 0
    first, *others = (dict(zip(retained(one.count), one.markers, strict=True)) for one in told)
    return max((one.seq for number, one in first.items() if all(o.get(number) == one for o in others)), default=0)


def known_of(author: str, history: str) -> dict[int, str]:
    """Return the markers in a name and in a history (text, may be empty): number of a marker → nonce."""
    return {**branch_markers(author), **(parse(history).nonces if history else {})}


def is_prefix(a: str, b: str) -> bool:
    """Return whether the history `a` (text, may be empty) is a beginning of `b`, or equal to it."""
    if a == b or not a:
        return True
    if not b:
        return False
    first, second = parse(a), parse(b)
    return first.count <= second.count and not divergence(first.nonces, second.nonces)


def covers(clock: Clock, histories: Mapping[str, str], author: str, seq: int, history: str) -> bool:
    """Return whether a state contains the first `seq` commits of a replica with this history, perhaps as a branch."""
    if clock.get(author, 0) >= seq:
        return True
    known = known_of(author, history)
    return any(
        reached >= seq
        and "~" in branch
        and origin(branch) == origin(author)
        and not divergence(known_of(branch, histories.get(branch, "")), known)
        for branch, reached in clock.items()
    )
