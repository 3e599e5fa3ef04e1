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

from itertools import combinations, pairwise

from crdtctl.crdt.names import MAX_BYTES
from crdtctl.records import NamedTuple, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeVar

    from crdtctl.crdt import lattice
    from crdtctl.crdt.clock import Clock

    _Key = TypeVar("_Key")
    _Result = TypeVar("_Result")
    _Seen = TypeVar("_Seen")
    #: The clock of each state, and replica id → history as text.
    Heads = Sequence[tuple[Clock, Mapping[str, str]]]
    #: Replica id → the ids that its entries are kept under.
    Names = Mapping[str, tuple[str, ...]]
else:  # for modules whose annotations are evaluated
    Heads, Names = list, dict

#: See `retained`.
DENSE = 16
SPARSE = 8


_LONGEST_NUMBER = 16
_NONCE_SIZE = 4
#: The number of results that a function keeps.
_KEPT = 4096


def _remembered(function: Callable[[_Key], _Result]) -> Callable[[_Key], _Result]:
    """Return a function that computes each result once, as `functools.lru_cache` does, without its import."""
    known: dict[_Key, _Result] = {}

    def remembered(key: _Key) -> _Result:
        if key in known:
            return known[key]
        if len(known) == _KEPT:
            known.clear()
        result = known[key] = function(key)
        return result

    remembered.__name__, remembered.__doc__ = function.__name__, function.__doc__
    return remembered


class ExportMarker(NamedTuple):
    """One export of a state: `seq` is the replica's last commit at that time, `nonce` is random."""

    seq: int
    nonce: str


@_remembered
def retained(count: int) -> tuple[int, ...]:
    """Return the numbers of the markers that are kept of 1 to `count`, in order.

    These are the latest `DENSE` ones, and of the older ones the multiples of each power of two among the latest
    `SPARSE` times that power. The markers kept of `count` + 1 are also kept of `count`, so a dropped one is never
    needed again.
    """
    kept = set(range(max(1, count - DENSE + 1), count + 1))
    power = 1
    while power <= count:
        first = max(1, count - SPARSE * power + 1)
        kept.update(range((first + power - 1) // power * power, count + 1, power))
        power *= 2
    return tuple(sorted(kept))


class History(Record):
    """The kept export markers of one replica, oldest first, of `count` in all."""

    count: int = 0
    markers: tuple[ExportMarker, ...] = ()

    @property
    def nonces(self) -> dict[int, str]:
        """Number of a marker → its nonce."""
        return {number: one.nonce for number, one in zip(retained(self.count), self.markers, strict=True)}

    @property
    def exported(self) -> int:
        """The number of the last exported commit; 0 if none was exported."""
        return self.markers[-1].seq if self.markers else 0

    def then(self, marker: ExportMarker) -> History:
        """Return the history with one more marker."""
        kept = dict(zip(retained(self.count), self.markers, strict=True))
        kept[self.count + 1] = marker
        return History(self.count + 1, tuple(kept[number] for number in retained(self.count + 1)))


def divergence(a: Mapping[int, str], b: Mapping[int, str]) -> int:
    """Return the number of the first marker that differs between two histories (number → nonce); 0 if none does."""
    return min((number for number in a.keys() & b.keys() if a[number] != b[number]), default=0)


@_remembered
def parse(text: str) -> History:
    """Return the history in `text`, ``COUNT SEQ.NONCE SEQ.NONCE …``; raise ValueError."""
    count, *rest = text.split(" ")
    markers = []
    for one in rest:
        seq, _, tag = one.partition(".")
        markers.append(ExportMarker(_number(seq), tag))
    history = History(_number(count), tuple(markers))
    seqs = [one.seq for one in markers]
    if len(markers) != len(retained(history.count)) or any(a >= b for a, b in pairwise(seqs)):
        raise ValueError("the export markers do not belong to one history")
    if not all(_is_nonce(one.nonce) for one in markers):
        raise ValueError("malformed nonce of an export marker")
    return history


def text(history: History) -> str:
    """Return a history in the form that `parse` reads."""
    return " ".join([str(history.count), *(f"{one.seq}.{one.nonce}" for one in history.markers)])


def _number(digits: str) -> int:
    if not _is_number(digits):
        raise ValueError("malformed number of an export marker")
    return int(digits)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _LONGEST_NUMBER


def _is_nonce(text: str) -> bool:
    return len(text) == _NONCE_SIZE and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


# Names of branches ---------------------------------------------------------------------------------------


def origin(author: str) -> str:
    """Return the id that a branch belongs to. Any other id is returned unchanged."""
    return author[: _end_of_id(author)] if "~" in author else author


def branch_markers(author: str) -> dict[int, str]:
    """Return the markers in the name of a branch: number of a marker → nonce."""
    if "~" not in author:
        return {}
    marks = [mark.split(".") for mark in author[_end_of_id(author) :].split("~")[1:]]
    return {int(number): nonce for number, nonce in marks}


def _end_of_id(author: str) -> int:
    """Return where the markers ``~NUMBER.NONCE`` at the end of a name begin."""
    end = len(author)
    while (start := author.rfind("~", 0, end)) >= 0:
        number, _, nonce = author[start + 1 : end].partition(".")
        if not (_is_number(number) and _is_nonce(nonce)):
            break
        end = start
    return end


def branch_name(author: str, found: Mapping[int, str]) -> str:
    """Return the name of the branch of `author` with these markers."""
    parts = [f"~{number}.{tag}" for number, tag in sorted(found.items())]
    while len(author.encode()) + sum(map(len, parts)) > MAX_BYTES:
        del parts[0]  # a fork of a fork of a fork …: the last markers still distinguish the branches
    return author + "".join(parts)


# Joining -------------------------------------------------------------------------------------------------


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


def join(heads: Heads) -> ForkResolution:
    """Return the clocks and histories of `heads` together: the newest of each, with forks kept apart."""
    clock: dict[str, int] = {}
    histories: dict[str, str] = {}
    met: dict[str, set[str]] = {}  # replica id → its histories, if there are several; and their markers together
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


# Reading -------------------------------------------------------------------------------------------------


def merge_branches(record: lattice.Record, entries: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return entries with the branches of each id joined under the id."""
    if "~" not in "".join(entries):
        return entries
    joined: dict[str, Any] = {}
    for author, row in entries.items():
        replica = origin(author)
        joined[replica] = record.join(joined[replica], row) if replica in joined else row
    return joined


def observed_resets(
    marks: Iterable[Mapping[str, _Seen]], join: Callable[[_Seen, _Seen], _Seen], under: Callable[[str], str] = origin
) -> dict[str, _Seen]:
    """Return the effect of all resets together: the join of their marks, with marks on a branch under its id.

    So a mark on an id applies to all its branches, even to branches that were unknown at the reset.
    """
    joined: dict[str, _Seen] = {}
    for found in marks:
        for name, seen in found.items():
            key = under(name)
            joined[key] = join(joined[key], seen) if key in joined else seen
    return joined
