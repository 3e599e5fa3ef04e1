"""A set that grows until it is reset, and counts distinct elements exactly.

Source: M. Shapiro et al., INRIA RR-7506, 2011, specification 11 (G-Set). A reset needs to remember only one number for
each replica: A. Bieniusa et al., "An Optimized Conflict-free Replicated Set", INRIA RR-8083, 2012.

Branches of a fork (`crdtctl.crdt.forks`) number their commits alike. So a mark on a replica that was forked later, or
on another one of its branches, could also mean elements that the reset had not seen. It only cancels the elements that
all branches have with one number: those from before the fork. Any other element may be new, and counts. A reset that
knows the branches has a mark for each.
"""

from __future__ import annotations

from crdtctl.crdt import forgetting
from crdtctl.crdt.base import CounterType, Refused
from crdtctl.crdt.branches import observed_resets, origin
from crdtctl.crdt.lattice import MapOf, Nat, Record
from crdtctl.crdt.names import element_fault, replica_fault
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext

#: The place of the last part of a row.
_FORGOTTEN = 3


@final
class GSet(CounterType):
    """Row ``(seq, elements, marks, forgotten)``; the value is the size of the union of the elements that count.

    `elements` maps each element to the number of the commit that added it. `marks` are the largest such numbers that
    this replica's resets saw, by replica. An element counts if its number is above all marks on its replica.
    `forgotten`: see `crdtctl.crdt.forgetting`.
    """

    tag = "gset"
    record = Record(
        Nat(), MapOf(element_fault, Nat()), MapOf(replica_fault, Nat()), MapOf(replica_fault, Nat()), required=2
    )
    can_be_forgotten = True
    summary = "a set: how many distinct things, exactly"

    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        match operation.verb:
            case "create":
                return mine
            case "add":
                return self._add(mine, operation.elements, context)
            case "reset":
                return self._reset(mine, context)
            case "forget":
                return self._forget(mine, context)
            case verb:
                raise Refused(f"a gset cannot be {verb}ed; add elements to it, or use a counter of another name")

    def _add(self, mine: Entry, elements: tuple[str, ...], context: OperationContext) -> Entry:
        """Return `mine` with the elements that do not count in it yet."""
        there = mine[1]
        seen: Entries = {context.replica: mine}
        if not there.keys().isdisjoint(elements):  # otherwise resets by others make no difference
            seen = {**context.others(), **seen}
        mark = _marks(seen).get(context.replica, 0)
        fresh = [element for element in elements if there.get(element, 0) <= mark]
        if not fresh:
            return mine
        if mark >= context.seq:
            raise Refused("the reset in the same commit would cancel them; add them in a separate commit")
        return (mine[0], {**there, **dict.fromkeys(fresh, context.seq)}, *mine[2:])

    def _reset(self, mine: Entry, context: OperationContext) -> Entry:
        """Return `mine` with marks on all known elements that no mark covers yet."""
        seen = {**context.others(), context.replica: mine}
        counting = _elements(seen)
        beyond = {author: _latest(row) for author, row in seen.items() if counting[author]}
        marks = {**self.record.at(mine, 2), **beyond}
        return self.record.make(mine[0], mine[1], marks, self.record.at(mine, _FORGOTTEN))

    def _forget(self, mine: Entry, context: OperationContext) -> Entry:
        """Return an entry that covers all known ones."""
        known = {**context.others(), context.replica: mine}
        latest = {author: _latest(row) for author, row in known.items()}
        marks = observed_resets([*_each_mark(known), latest], max, str)
        forgotten = forgetting.forgotten_by(context.replica, context.seq, known, _FORGOTTEN)
        return self.record.make(mine[0], {}, {who: mark for who, mark in marks.items() if mark}, forgotten)

    def tidied(self, rows: dict[str, Entry]) -> dict[str, Entry]:
        """Return rows without those that are forgotten, and without forgotten elements."""
        if max(map(len, rows.values()), default=0) <= _FORGOTTEN:
            return rows
        covered, kept = forgetting.covered(rows, _FORGOTTEN), forgetting.left(rows, _FORGOTTEN)
        for author, row in kept.items():
            elements = _left(row, covered.get(author, 0))
            if len(elements) < len(row[1]):
                kept[author] = (row[0], {element: row[1][element] for element in elements}, *row[2:])
        return kept

    def absorb(self, mine: Entry, author: str, context: OperationContext) -> Entry:
        return self.absorb_all(mine, [author], context)

    def absorb_all(self, mine: Entry, authors: Sequence[str], context: OperationContext) -> Entry:
        others = context.others()
        counting = _elements({**others, context.replica: mine})  # what is taken over adds no marks to this
        for author in authors:
            theirs = others[author]
            row = self._add(mine, tuple(counting[author]), context)
            marks = self.record.parts[2].join(self.record.at(mine, 2), self.record.at(theirs, 2))
            marks = {name: mark for name, mark in marks.items() if name != author}
            mine = self.record.make(row[0], row[1], marks, self.record.at(mine, _FORGOTTEN))
        absorbed = {author: others[author] for author in authors}
        if max(map(len, [mine, *absorbed.values()])) > _FORGOTTEN:
            has_counts = bool(self._counting({context.replica: mine}))
            found = forgetting.taken_over(
                context.replica, context.seq, mine, absorbed, _FORGOTTEN, has_counts=has_counts
            )
            return self.record.make(*mine[:2], self.record.at(mine, 2), found)
        return mine

    def merged(self, entries: Entries) -> Entries:
        """Return the entries as they are: the elements of each branch of a fork count."""
        return entries

    def fold(self, entries: Entries) -> int:
        return len(self._counting(entries))

    def shares(self, entries: Entries) -> dict[str, int]:
        return {author: len(elements) for author, elements in _elements(entries).items()}

    def pooled(self, several: Sequence[Entries]) -> Entries:
        pool: dict[str, tuple[int, dict[str, int]]] = {}
        for entries in several:
            for author, counting in _elements(entries).items():
                seq, elements = pool.get(author, (0, {}))
                elements.update(dict.fromkeys(counting, 1))
                pool[author] = (max(seq, entries[author][0]), elements)
        return pool

    def members(self, entries: Entries) -> tuple[str, ...]:
        """Return the elements of the set, sorted."""
        return tuple(sorted(self._counting(entries)))

    def _counting(self, entries: Entries) -> set[str]:
        return set().union(*_elements(entries).values())


def _each_mark(entries: Entries) -> list[Mapping[str, int]]:
    return [row[2] for row in entries.values() if len(row) > 2]


def _marks(entries: Entries) -> dict[str, int]:
    return observed_resets(_each_mark(entries), max)


def _latest(row: Entry) -> int:
    """Return the number of the latest element of a row."""
    return max(row[1].values(), default=0)


def _elements(entries: Entries) -> dict[str, Collection[str]]:
    """Return replica id → the elements of its entry that resets leave."""
    marks = _marks(entries)
    if not marks or "~" not in "".join(entries):
        return {author: _left(row, marks.get(author, 0)) for author, row in entries.items()}
    exact = observed_resets(_each_mark(entries), max, str)
    found: dict[str, Collection[str]] = {}
    for author, row in entries.items():
        siblings = [one for who, (_, one, *_) in entries.items() if origin(who) == origin(author)]
        limit = marks.get(origin(author), 0)
        own = exact.get(author, 0) if len(siblings) > 1 else limit
        found[author] = [
            element
            for element, number in row[1].items()
            if number > limit or (number > own and any(sibling.get(element) != number for sibling in siblings))
        ]
    return found


def _left(row: Entry, mark: int) -> Collection[str]:
    """Return the elements of a row that a mark leaves."""
    elements: Mapping[str, int] = row[1]
    return [element for element, number in elements.items() if number > mark] if mark else elements
