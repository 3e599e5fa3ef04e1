"""Telling two writers under one id apart: departures, and the branches of a fork.

One id should have one writer. A clone that nothing on its machine gives away (the image of a disk, the memory
of a virtual machine) breaks that, and then the clocks of two different histories look like an older and a
newer version of one. So whenever a state *leaves* a replica that has made commits since the last time, it
notes a **departure**: the number of its last commit, and a random tag. Departures, not commits, because only
what has left can ever meet the other branch: each costs a few bytes, and none is spent on what nobody saw.

What is known of an author thus names the departures that it goes back to, its `History`. Of two histories,
either one begins with the other, and then they are older and newer; or they differ about one departure, and
then there were two writers: a **fork**. The branches of a fork are kept as replicas of their own, ``ID~3.k3Xa``:
the id, the departure at which the branch is on its own, and its tag there. The names follow from the histories
alone, so all who learn of the same branches name them alike, in whatever order they come.

Two things pass unseen. A branch that left once, met by nobody until the other has left more than `DENSE` times, may
fall between the departures that are still kept. And commits that never left under a departure (of a
read-only replica, or of a secret clone whose own copy was noticed) count as an older version of whatever fits them.

On read the branches of one id are joined (`together`), which never counts their common beginning twice: what
is read is the least that can be true. How much it lacks, nobody can know but the people whose machines they are.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any, NamedTuple, TypeVar

from crdtctl.crdt.clock import Clock
from crdtctl.crdt.lattice import Record
from crdtctl.crdt.names import MAX_BYTES

#: See `retained`.
DENSE = 16
SPARSE = 8

_Seen = TypeVar("_Seen")

_NUMBER = re.compile("[1-9][0-9]{0,15}")
_TAG = re.compile("[0-9A-Za-z_-]{4}")
_MARK = re.compile("~([1-9][0-9]{0,15})[.]([0-9A-Za-z_-]{4})")
_BRANCH = re.compile(f"(?:{_MARK.pattern})+\\Z")


class ExportMarker(NamedTuple):
    """A state left: `seq` is the number of the author's last commit then, `tag` is random."""

    seq: int
    nonce: str


@lru_cache(maxsize=1024)
def retained(count: int) -> tuple[int, ...]:
    """Return which of the departures 1 to `count` are kept, in order.

    The latest `DENSE`; and of those before, the multiples of each power of two among the latest `SPARSE` times
    that power. What is kept of `count` + 1 is kept of `count`, so nobody ever needs what is gone.
    """
    kept = set(range(max(1, count - DENSE + 1), count + 1))
    power = 1
    while power <= count:
        first = max(1, count - SPARSE * power + 1)
        kept.update(range((first + power - 1) // power * power, count + 1, power))
        power *= 2
    return tuple(sorted(kept))


@dataclass(frozen=True, slots=True)
class History:
    """The departures of one author that are still kept, oldest first, of `count` that there were."""

    count: int = 0
    markers: tuple[ExportMarker, ...] = ()

    @property
    def nonces(self) -> dict[int, str]:
        """Number of a departure → its tag."""
        return {number: one.nonce for number, one in zip(retained(self.count), self.markers, strict=True)}

    @property
    def exported(self) -> int:
        """The number of the last commit that has left; 0 if none has."""
        return self.markers[-1].seq if self.markers else 0

    def then(self, marker: ExportMarker) -> "History":
        """Return the history after one more departure."""
        kept = dict(zip(retained(self.count), self.markers, strict=True))
        kept[self.count + 1] = marker
        return History(self.count + 1, tuple(kept[number] for number in retained(self.count + 1)))


def divergence(a: Mapping[int, str], b: Mapping[int, str]) -> int:
    """Return the first departure that two histories (number → tag) are known to differ about; 0: none."""
    return min((number for number in a.keys() & b.keys() if a[number] != b[number]), default=0)


@lru_cache(maxsize=4096)
def parse(text: str) -> History:
    """Return the history that `text`, ``COUNT SEQ.TAG SEQ.TAG …``, stands for; raise ValueError."""
    count, *rest = text.split(" ")
    markers = []
    for one in rest:
        seq, _, tag = one.partition(".")
        markers.append(ExportMarker(_number(seq), tag))
    history = History(_number(count), tuple(markers))
    seqs = [one.seq for one in markers]
    if len(markers) != len(retained(history.count)) or any(a >= b for a, b in pairwise(seqs)):
        raise ValueError("the departures are not those of one history")
    if not all(_TAG.fullmatch(one.nonce) for one in markers):
        raise ValueError("a tag is no tag")
    return history


def text(history: History) -> str:
    """Return a history as `parse` reads it."""
    return " ".join([str(history.count), *(f"{one.seq}.{one.nonce}" for one in history.markers)])


def _number(digits: str) -> int:
    if not _NUMBER.fullmatch(digits):
        raise ValueError("a number is no number")
    return int(digits)


# Names of branches ---------------------------------------------------------------------------------------


def origin(author: str) -> str:
    """Return the id that a branch is one of; any other author stands for itself."""
    return _BRANCH.sub("", author) if "~" in author else author


def branch_markers(author: str) -> dict[int, str]:
    """Return what the name of a branch says of its history: number of a departure → tag."""
    found = _BRANCH.search(author) if "~" in author else None
    return {int(number): tag for number, tag in _MARK.findall(found[0])} if found else {}


def branch_name(author: str, found: Mapping[int, str]) -> str:
    """Return the name of the branch of `author` with these marks."""
    parts = [f"~{number}.{tag}" for number, tag in sorted(found.items())]
    while len(author.encode()) + sum(map(len, parts)) > MAX_BYTES:
        del parts[0]  # a fork of a fork of a fork …: the last marks still tell the branches apart
    return author + "".join(parts)


# Joining -------------------------------------------------------------------------------------------------

#: What a state says of its authors: how far it is complete, and their histories as text.
Heads = Sequence[tuple[Clock, Mapping[str, str]]]
#: Author → the authors that its contributions are to be put under.
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Fork:
    """One id that had several writers: its `branches`, which are the same up to commit `since` at least."""

    replica: str
    branches: tuple[str, ...]
    since: int


@dataclass(frozen=True, slots=True)
class ForkResolution:
    """What states say of their authors, put together.

    `names` says, for each of the states, whose contributions go under other names; most often nothing does.
    """

    clock: dict[str, int]
    histories: dict[str, str]
    names: list[Names]
    forks: list[Fork]


def join(heads: Heads) -> ForkResolution:
    """Return what `heads` say together: clocks and histories by the newest, forks kept apart."""
    clock: dict[str, int] = {}
    histories: dict[str, str] = {}
    met: dict[str, set[str]] = {}  # author → its histories, once there were two; and what they say together
    facts: dict[str, dict[int, str]] = {}
    forked: set[str] = set()
    for theirs, told in heads:
        for author, seq in theirs.items():
            if seq > clock.get(author, 0):
                clock[author] = seq
            if "~" in author and branch_markers(author):
                forked.add(origin(author))
        for author, new in told.items():
            old = histories.setdefault(author, new)
            if old == new or new in met.setdefault(author, {old}):
                continue
            met[author].add(new)
            a, b = parse(old), parse(new)
            tags, known = b.nonces, facts.setdefault(author, a.nonces)
            if divergence(known, tags):
                forked.add(origin(author))
            known.update(tags)
            if (b.count, new) > (a.count, old):
                histories[author] = new
    names: list[dict[str, tuple[str, ...]]] = [{} for _ in heads]
    said: dict[str, list[_Said]] = {replica: [] for replica in sorted(forked)}
    if forked:
        for number, (theirs, told) in enumerate(heads):
            for author, seq in theirs.items():
                replica = origin(author)
                if replica in forked:
                    said[replica].append(_Said(number, author, seq, told.get(author, "")))
                    clock.pop(author, None)
                    histories.pop(author, None)
    forks = [_part(replica, said[replica], clock, histories, names) for replica in said]
    return ForkResolution(clock, histories, list(names), forks)


class _Said(NamedTuple):
    """What the state of this `number` says of one author."""

    number: int
    author: str
    seq: int
    told: str

    @property
    def known(self) -> dict[int, str]:
        """Number of a departure → its tag."""
        return known_of(self.author, self.told)


@dataclass(slots=True)
class _Branch:
    """One of the longest histories of an id: all that is known of it, and the text of the longest."""

    known: dict[int, str]
    told: str
    marks: dict[int, str]
    seq: int = 0


def _part(
    replica: str,
    said: Sequence[_Said],
    clock: dict[str, int],
    histories: dict[str, str],
    names: list[dict[str, tuple[str, ...]]],
) -> Fork:
    """Find the branches of `replica`, and put what every state says of it under them."""
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
    """Mark each branch with where it is known to have left each other one, and nothing else."""
    for branch in branches:
        branch.marks = {}
    for a, b in combinations(branches, 2):
        number = divergence(a.known, b.known)
        a.marks[number] = a.known[number]
        b.marks[number] = b.known[number]


def _common(branches: Sequence[_Branch]) -> int:
    """Return the last commit that is known to be in all branches; 0 if none is."""
    told = [parse(branch.told) for branch in branches if branch.told]
    if len(told) < 2:
        return 0
    first, *others = (dict(zip(retained(one.count), one.markers, strict=True)) for one in told)
    return max((one.seq for number, one in first.items() if all(o.get(number) == one for o in others)), default=0)


def known_of(author: str, history: str) -> dict[int, str]:
    """Return what a name and a history (as text, or nothing) say together: number of a departure → tag."""
    return {**branch_markers(author), **(parse(history).nonces if history else {})}


def is_prefix(a: str, b: str) -> bool:
    """Return whether the history `a` (as text, or nothing) is where `b` began, or is `b`."""
    if a == b or not a:
        return True
    if not b:
        return False
    first, second = parse(a), parse(b)
    return first.count <= second.count and not divergence(first.nonces, second.nonces)


def covers(clock: Clock, histories: Mapping[str, str], author: str, seq: int, history: str) -> bool:
    """Return whether a state knows the first `seq` commits of an author with this history, perhaps as a branch."""
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


# Reading -------------------------------------------------------------------------------------------------


def merge_branches(record: Record, contributions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return contributions with the branches of each id joined under the id."""
    if not any("~" in author for author in contributions):
        return contributions
    joined: dict[str, Any] = {}
    for author, row in contributions.items():
        replica = origin(author)
        joined[replica] = record.join(joined[replica], row) if replica in joined else row
    return joined


def observed_resets(
    marks: Iterable[Mapping[str, _Seen]], join: Callable[[_Seen, _Seen], _Seen], under: Callable[[str], str] = origin
) -> dict[str, _Seen]:
    """Return what resets cancel together: the join of their marks, those on a branch under its id.

    So a mark on an id is one on all its branches, also on those that nobody knew of at the reset.
    """
    joined: dict[str, _Seen] = {}
    for found in marks:
        for name, seen in found.items():
            key = under(name)
            joined[key] = join(joined[key], seen) if key in joined else seen
    return joined
