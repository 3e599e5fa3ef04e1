"""Renames of counters: an *alias* is a name that leads to another one.

No entry is moved. A rename of OLD to NEW is one item in the row of the replica that made it, and readers read the
counters of NEW and of all names that lead to it as one (`crdtctl.crdt.several_names`). So counts under OLD follow the
rename whenever they are made, also by replicas that have not received it, and a further rename takes all of them along.

A rename has a *number*, which is larger than that of every rename that its author knew. Of several renames of one name,
the one with the largest number holds, and of equal numbers the one of the smallest replica id. So all replicas with the
same rows read the same. A name may lead to itself: then it is not an alias any more. Renames by several replicas,
each without the others' renames, may form a circle. Its weakest rename does not hold.

If the author of the rename that holds did not know another one of the same name or circle, the two are a *conflict*. To
detect that, a row records the numbers of the renames of the same name that its author knew. A further rename resolves
a conflict.
"""

from __future__ import annotations

from crdtctl.crdt.base import RowType
from crdtctl.crdt.lattice import Latest, MapOf, Nat
from crdtctl.crdt.names import RENAMES_LINE, bare_fault, replica_fault
from crdtctl.crdt.series import parts, spelled
from crdtctl.records import Record, field, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry

#: Reserved name of the line of renames. Counter names cannot contain ``=``.
NAME = RENAMES_LINE


@final
class Renames(RowType):
    """Row ``(seq, targets, known)``.

    `targets` maps a name to the name that it leads to, with the number of the rename. `known` maps a name to the
    numbers of the renames of that name by other replicas which this replica knew, by replica.
    """

    tag = "renames"
    record = Latest(
        Nat(), MapOf(bare_fault, MapOf(bare_fault, Nat())), MapOf(bare_fault, MapOf(replica_fault, Nat())), required=1
    )
    summary = "names that lead to other names"


RENAMES = Renames()


class Rename(Record):
    """A rename of the counter `old` to `new` by a replica, with its `number`; `known`: see `Renames`."""

    old: str
    new: str
    author: str
    number: int
    known: Mapping[str, int] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, str, str]:
        """A sort key: the strongest rename is the first one."""
        return -self.number, self.author, self.old

    def knew(self, other: Rename) -> bool:
        """Return whether the author of this rename knew the `other` one."""
        return self.author == other.author or self.known.get(other.author, 0) >= other.number


class Conflict(Record):
    """A rename that does not hold (`lost`), and the one that does, of the same name or in the same circle (`held`)."""

    lost: Rename
    held: Rename

    def __str__(self) -> str:
        one, other = self.lost, self.held
        return (
            f"'{one.old}' was renamed to '{one.new}' by {one.author}, but '{other.old}' to '{other.new}' by "
            f"{other.author}, which holds"
        )


class Aliases(Record):
    """The renames of a state. `targets`: alias → the name that it leads to in the end. `latest`: the largest number."""

    renames: Mapping[str, tuple[Rename, ...]] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    latest: int = 0

    def target(self, name: str) -> str:
        """Return the name that a name leads to in the end: itself unless it is an alias."""
        return self.targets.get(name, name)

    def spelling(self, spelling: str) -> str:
        """Return the counter that a counter leads to. Series follow their name."""
        name, labels = parts(spelling)
        target = self.targets.get(name)
        return spelling if target is None else spelled(target, labels) if labels else target

    def group(self, spelling: str) -> list[str]:
        """Return the counters that lead where a counter leads, beginning with that one."""
        name, labels = parts(spelling)
        target = self.target(name)
        names = [target, *sorted(one for one, other in self.targets.items() if other == target)]
        return [spelled(one, labels) if labels else one for one in names]

    def leads_through(self, name: str, other: str) -> bool:
        """Return whether a name leads to an `other` one, at once or through further names, before circles are cut."""
        seen = set[str]()
        while name not in seen:
            if name == other:
                return True
            seen.add(name)
            found = self.renames.get(name)
            name = found[0].new if found else name
        return False


def aliases(entries: Entries) -> Aliases:
    """Return the renames in the rows of several replicas."""
    found: dict[str, list[Rename]] = {}
    for one in _each(entries):
        found.setdefault(one.old, []).append(one)
    renames = {old: tuple(sorted(found[old], key=lambda one: one.rank)) for old in sorted(found)}
    held = {old: several[0] for old, several in renames.items() if several[0].new != old}
    lost = [Conflict(one, several[0]) for several in renames.values() for one in several[1:]]
    lost = [one for one in lost if one.lost.new != one.held.new]
    targets, cut = _targets(held)
    lost += cut
    conflicts = tuple(one for one in lost if not one.held.knew(one.lost))
    latest = max((one.number for several in renames.values() for one in several), default=0)
    return Aliases(renames, targets, conflicts, latest)


def _each(entries: Entries) -> Iterator[Rename]:
    """Yield the renames in the rows of several replicas, one for each name in a row."""
    for author, row in entries.items():
        known = _part(row, 2)
        for old, found in _part(row, 1).items():
            number, new = max((number, new) for new, number in found.items())
            yield Rename(old, new, author, number, known.get(old, {}))


def _targets(held: dict[str, Rename]) -> tuple[dict[str, str], list[Conflict]]:
    """Return alias → the name that it leads to in the end, and the renames that do not hold because of a circle."""
    cut: list[Conflict] = []
    targets: dict[str, str] = {}
    for start in sorted(held):
        path: dict[str, None] = {}
        name = start
        while name in held and name not in targets and name not in path:
            path[name] = None
            name = held[name].new
        if name in path:
            names = [*path]
            circle = sorted((held[one] for one in names[names.index(name) :]), key=lambda one: one.rank)
            weakest, strongest = circle[-1], circle[0]
            cut.append(Conflict(weakest, strongest))
            del held[weakest.old], path[weakest.old]
            name = weakest.old
        end = targets.get(name, name)
        targets.update(dict.fromkeys(path, end))
    return targets, cut


def renaming(row: Entry, seq: int, known: Aliases, author: str, old: str, new: str) -> Entry:
    """Return the row of `author` after its commit `seq` renamed `old` to `new`, given all known renames.

    If `new` leads to `old`, that ends. With equal names, `old` is not an alias any more.
    """
    targets, seen = dict(_part(row, 1)), dict(_part(row, 2))
    pairs = {old: new}
    if new != old and known.leads_through(new, old):
        pairs[new] = new
    for name, target in pairs.items():
        targets[name] = {target: known.latest + 1}
        others = {one.author: one.number for one in known.renames.get(name, ()) if one.author != author}
        seen[name] = dict(sorted(others.items()))
    return _row(seq, targets, seen)


def inheriting(row: Entry, seq: int, known: Aliases, author: str, absorbed: Collection[str]) -> Entry:
    """Return the row of `author` after its commit `seq` took over the renames of absorbed replicas which hold."""
    targets, seen = dict(_part(row, 1)), dict(_part(row, 2))
    for several in known.renames.values():
        one = several[0]
        if one.author in absorbed:
            targets[one.old] = {one.new: one.number}
            seen[one.old] = {**{who: number for who, number in one.known.items() if who != author}}
    after = _row(seq, targets, seen)
    return row if after[1:] == tuple(row[1:]) else after


def _part(row: Entry, index: int) -> Any:
    return RENAMES.record.at(row, index)


def _row(seq: int, targets: Mapping[str, Mapping[str, int]], known: Mapping[str, Mapping[str, int]]) -> Entry:
    sorted_known = {name: known[name] for name in sorted(known) if known[name]}
    return RENAMES.record.make(seq, dict(sorted(targets.items())), sorted_known)
