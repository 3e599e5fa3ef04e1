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

On read the branches of one id are joined (`together`), which never counts their common beginning twice: what
is read is the least that can be true. How much it lacks, nobody can know but the people whose machines they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from crdtctl.crdt.clock import Clock
from crdtctl.crdt.lattice import Record
from crdtctl.crdt.names import MAX_BYTES

#: See `retained`.
DENSE = 16
SPARSE = 8

_NUMBER = re.compile("[1-9][0-9]{0,15}")
_TAG = re.compile("[0-9A-Za-z_-]{4}")
_MARK = re.compile("~([1-9][0-9]{0,15})[.]([0-9A-Za-z_-]{4})")
_BRANCH = re.compile(f"(?:{_MARK.pattern})+\\Z")


class Departure(NamedTuple):
    """A state left: `seq` is the number of the author's last commit then, `tag` is random."""

    seq: int
    tag: str


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
    departures: tuple[Departure, ...] = ()

    @property
    def tags(self) -> dict[int, str]:
        """Number of a departure → its tag."""
        return {number: one.tag for number, one in zip(retained(self.count), self.departures, strict=True)}

    @property
    def departed(self) -> int:
        """The number of the last commit that has left; 0 if none has."""
        return self.departures[-1].seq if self.departures else 0

    def then(self, departure: Departure) -> "History":
        """Return the history after one more departure."""
        kept = dict(zip(retained(self.count), self.departures, strict=True))
        kept[self.count + 1] = departure
        return History(self.count + 1, tuple(kept[number] for number in retained(self.count + 1)))


def divergence(a: Mapping[int, str], b: Mapping[int, str]) -> int:
    """Return the first departure that two histories (number → tag) are known to differ about; 0: none."""
    return min((number for number in a.keys() & b.keys() if a[number] != b[number]), default=0)


@lru_cache(maxsize=4096)
def parse(text: str) -> History:
    """Return the history that `text`, ``COUNT SEQ.TAG SEQ.TAG …``, stands for; raise ValueError."""
    count, *rest = text.split(" ")
    departures = []
    for one in rest:
        seq, _, tag = one.partition(".")
        departures.append(Departure(_number(seq), tag))
    history = History(_number(count), tuple(departures))
    seqs = [one.seq for one in departures]
    if len(departures) != len(retained(history.count)) or any(a >= b for a, b in pairwise(seqs)):
        raise ValueError("the departures are not those of one history")
    if not all(_TAG.fullmatch(one.tag) for one in departures):
        raise ValueError("a tag is no tag")
    return history


def text(history: History) -> str:
    """Return a history as `parse` reads it."""
    return " ".join([str(history.count), *(f"{one.seq}.{one.tag}" for one in history.departures)])


def _number(digits: str) -> int:
    if not _NUMBER.fullmatch(digits):
        raise ValueError("a number is no number")
    return int(digits)


# Names of branches ---------------------------------------------------------------------------------------


def origin(author: str) -> str:
    """Return the id that a branch is one of; any other author stands for itself."""
    return _BRANCH.sub("", author) if "~" in author else author


def marks(author: str) -> dict[int, str]:
    """Return what the name of a branch says of its history: number of a departure → tag."""
    found = _BRANCH.search(author) if "~" in author else None
    return {int(number): tag for number, tag in _MARK.findall(found[0])} if found else {}


def named(author: str, found: Mapping[int, str]) -> str:
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
class Joined:
    """What states say of their authors, put together.

    `names` says, for each of the states, whose contributions go under other names; most often nothing does.
    """

    clock: dict[str, int]
    histories: dict[str, str]
    names: list[Names]
    forks: list[Fork]


def join(heads: Heads) -> Joined:
    """Return what `heads` say together: clocks and histories by the newest, forks kept apart."""
    clock: dict[str, int] = {}
    histories: dict[str, str] = {}
    forked: set[str] = set()
    for theirs, told in heads:
        for author, seq in theirs.items():
            if seq > clock.get(author, 0):
                clock[author] = seq
            if "~" in author and marks(author):
                forked.add(origin(author))
        for author, new in told.items():
            old = histories.setdefault(author, new)
            if old != new:
                a, b = parse(old), parse(new)
                if divergence(a.tags, b.tags):
                    forked.add(origin(author))
                elif b.count > a.count:
                    histories[author] = new
    names: list[dict[str, tuple[str, ...]]] = [{} for _ in heads]
    forks = []
    for replica in sorted(forked):
        _part(replica, heads, clock, histories, names)
        forks.append(_fork(replica, clock, histories))
    return Joined(clock, histories, list(names), forks)


@dataclass(slots=True)
class _Branch:
    """One of the longest histories of an id; `length` and `told` are of the longest text that is known of it."""

    known: dict[int, str]
    length: int
    told: str
    marks: dict[int, str] = field(default_factory=dict)
    seq: int = 0


def _part(
    replica: str,
    heads: Heads,
    clock: dict[str, int],
    histories: dict[str, str],
    names: list[dict[str, tuple[str, ...]]],
) -> None:
    """Find the branches of `replica`, and put what every state says of it under them."""
    found: dict[tuple[str, str], dict[int, str]] = {}  # author and history → number → tag
    for theirs, told in heads:
        for author in theirs:
            if author.startswith(replica) and origin(author) == replica:
                text_of_it = told.get(author, "")
                tags = parse(text_of_it).tags if text_of_it else {}
                found[author, text_of_it] = {**marks(author), **tags}
    branches: list[_Branch] = []
    for (_, told_of_it), known in sorted(found.items(), key=lambda one: (-max(one[1], default=0), one[0])):
        if all(divergence(branch.known, known) for branch in branches):
            branches.append(_Branch(dict(known), max(known, default=0), told_of_it))
    places = {}
    for key, known in found.items():
        fitting = [branch for branch in branches if not divergence(branch.known, known)]
        places[key] = fitting
        for branch in fitting:
            branch.marks.update(marks(key[0]))
    for branch in branches:
        branch.known.update(branch.marks)
    for a, b in combinations(branches, 2):
        number = divergence(a.known, b.known)
        a.marks[number] = a.known[number]
        b.marks[number] = b.known[number]
    for number, (theirs, told) in enumerate(heads):
        for author, seq in theirs.items():
            fitting = places.get((author, told.get(author, "")), [])
            after = tuple(sorted(named(replica, branch.marks) for branch in fitting))
            if fitting and after != (author,):
                names[number][author] = after
            for branch in fitting:
                branch.seq = max(branch.seq, seq)
    for author, _ in found:
        clock.pop(author, None)
        histories.pop(author, None)
    for branch in branches:
        name = named(replica, branch.marks)
        clock[name] = branch.seq
        if branch.told:
            histories[name] = branch.told


def _fork(replica: str, clock: Clock, histories: Mapping[str, str]) -> Fork:
    branches = tuple(sorted(author for author in clock if author.startswith(replica) and origin(author) == replica))
    told = [parse(histories[branch]) for branch in branches if branch in histories]
    since = 0
    if len(told) > 1:
        first, *others = (dict(zip(retained(one.count), one.departures, strict=True)) for one in told)
        since = max((one.seq for number, one in first.items() if all(o.get(number) == one for o in others)), default=0)
    return Fork(replica, branches, since)


def is_prefix(a: str, b: str) -> bool:
    """Return whether the history `a` (as text, or nothing) is where `b` began, or is `b`."""
    if a == b or not a:
        return True
    if not b:
        return False
    first, second = parse(a), parse(b)
    return first.count <= second.count and not divergence(first.tags, second.tags)


def covers(clock: Clock, histories: Mapping[str, str], author: str, seq: int, history: str) -> bool:
    """Return whether a state knows the first `seq` commits of an author with this history, perhaps as a branch."""
    if clock.get(author, 0) >= seq:
        return True
    known = {**marks(author), **(parse(history).tags if history else {})}
    for branch, reached in clock.items():
        if reached >= seq and "~" in branch and origin(branch) == origin(author):
            text_of_it = histories.get(branch, "")
            if not divergence({**marks(branch), **(parse(text_of_it).tags if text_of_it else {})}, known):
                return True
    return False


# Reading -------------------------------------------------------------------------------------------------


def together(record: Record, contributions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return contributions with the branches of each id joined under the id."""
    if not any("~" in author for author in contributions):
        return contributions
    joined: dict[str, Any] = {}
    for author, row in contributions.items():
        replica = origin(author)
        joined[replica] = record.join(joined[replica], row) if replica in joined else row
    return joined
