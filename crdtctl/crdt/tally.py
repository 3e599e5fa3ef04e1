"""Totals that only grow, with once-keys and reset marks: what `gcounter` and `pncounter` are made of.

One author's row is ``(seq, total, …, once, marks, once_marks)``. `once` maps a key to its own totals. On read
a key counts once for the whole world: the maximum over the authors that sent it, and then the sum over the keys.

`marks` are the totals that this author's resets saw, by author; `once_marks` those of once-keys. On read they are
subtracted, each total's the maximum over all who reset it: so a reset cancels exactly what it had seen.

Source of the marks: C. Baquero, P. S. Almeida, C. Lerche, "The Problem with Embedded CRDT Counters and a
Solution", PaPoC 2016, whose reset remembers what it saw of each author as well.
"""

from abc import abstractmethod
from collections.abc import Mapping
from operator import gt
from typing import ClassVar, TypeAlias, final

from crdtctl.crdt.base import TOO_LARGE, Contribution, Contributions, CounterType, Here, Operation, Refused
from crdtctl.crdt.forks import cancelled, origin, together
from crdtctl.crdt.lattice import MapOf, Nat, Record
from crdtctl.crdt.names import key_fault, replica_fault

Totals: TypeAlias = tuple[int, ...]


def tally_record(totals: int) -> Record:
    """Return the lattice of a row with so many `totals`, which ends with once-keys, marks, and marks on once-keys."""
    row = Record(*[Nat()] * totals, required=totals)
    maps = [MapOf(fault, row) for fault in (key_fault, replica_fault, key_fault)]
    return Record(Nat(), *[Nat()] * totals, *maps, required=1 + totals)


class Tally(CounterType):
    """A counter whose value is a weighted sum of totals that only grow."""

    #: How each total enters the value: +1 or −1.
    weights: ClassVar[tuple[int, ...]]

    @abstractmethod
    def column(self, operation: Operation) -> int:
        """Return the index of the total that `operation` adds to; raise `Refused`."""

    @final
    def mutate(self, mine: Contribution, operation: Operation, here: Here) -> Contribution:
        if operation.verb == "create":
            return mine
        if operation.verb == "reset":
            return self._reset(mine, here)
        column = self.column(operation)
        width = len(self.weights)
        totals = list(mine[1 : 1 + width])
        once: Mapping[str, Totals] = self.record.at(mine, 1 + width)
        if operation.once is None:
            totals[column] += operation.amount
            if totals[column] >= TOO_LARGE:
                raise Refused("the total would have more than 100 digits")
        elif operation.once not in once and operation.amount:  # 0 is no entry: a count that comes later is not lost
            row = tuple(operation.amount if i == column else 0 for i in range(width))
            once = {**once, operation.once: row}
        return self.record.make(mine[0], *totals, once, *mine[2 + width :])

    def _reset(self, mine: Contribution, here: Here) -> Contribution:
        """Return `mine` with marks on all that is seen here and that no mark covers yet."""
        width = len(self.weights)
        seen = together(self.record, {**here.others(), here.replica: mine})
        totals = {author: row[1 : 1 + width] for author, row in seen.items()}
        marks = {**self._part(mine, 1), **_beyond(self._marks(seen), totals)}
        once_marks = {**self._part(mine, 2), **_beyond(self._once_marks(seen), self._sent(seen))}
        return self.record.make(*mine[: 1 + width], self._part(mine, 0), marks, once_marks)

    @final
    def absorb(self, mine: Contribution, author: str, here: Here) -> Contribution:
        width = len(self.weights)
        theirs, cancels = here.others()[author], self._marks({**here.others(), here.replica: mine})
        left = _left(theirs[1 : 1 + width], cancels.get(author))
        totals = tuple(a + b for a, b in zip(mine[1 : 1 + width], left, strict=True))
        if max(totals) >= TOO_LARGE:
            raise Refused("the total would have more than 100 digits")
        once, marks, once_marks = (
            part.join(self._part(mine, number), self._part(theirs, number))
            for number, part in enumerate(self.record.parts[1 + width :])
        )
        return self.record.make(mine[0], *totals, once, _but(marks, author), once_marks)

    @final
    def weigh(self, totals: Totals) -> int:
        """Return the weighted sum of `totals`."""
        return sum(weight * total for weight, total in zip(self.weights, totals, strict=True))

    @final
    def shares(self, contributions: Contributions) -> dict[str, int]:
        shares = self._plain(contributions)
        marks = self._once_marks(contributions)
        for key, totals in self._sent(contributions).items():
            left = _left(totals, marks.get(key))
            for column, weight in enumerate(self.weights):
                if left[column]:
                    shares[self._owner(contributions, key, column)] += weight * left[column]
        return shares

    def _owner(self, contributions: Contributions, key: str, column: int) -> str:
        """Return the author whose count under a key is the one that counts: of those with the largest, the first."""
        sent = {
            author: self._part(row, 0)[key][column]
            for author, row in contributions.items()
            if key in self._part(row, 0)
        }
        return min(sent, key=lambda author: (-sent[author], author))

    def _plain(self, contributions: Contributions) -> dict[str, int]:
        """Return author → what it counted without a key, as far as no reset cancelled it."""
        width = len(self.weights)
        totals = {author: row[1 : 1 + width] for author, row in contributions.items()}
        marks = self._marks(contributions)
        if marks:
            totals = {author: _left(row, marks.get(origin(author))) for author, row in totals.items()}
        return {author: self.weigh(row) for author, row in totals.items()}

    @final
    def once(self, contributions: Contributions) -> Mapping[str, int]:
        marks = self._once_marks(contributions)
        left = {key: _left(totals, marks.get(key)) for key, totals in self._sent(contributions).items()}
        return {key: self.weigh(totals) for key, totals in left.items() if any(totals)}

    @final
    def sent(self, contributions: Contributions) -> Mapping[str, int]:
        return {key: self.weigh(totals) for key, totals in self._sent(contributions).items()}

    @final
    def fold(self, contributions: Contributions) -> int:
        plain = sum(self._plain(contributions).values())
        return plain + sum(self.once(contributions).values())

    def _part(self, row: Contribution, number: int) -> Mapping[str, Totals]:
        """Return one of the maps at the end of a row: once-keys, marks, marks on once-keys."""
        found: Mapping[str, Totals] = self.record.at(row, 1 + len(self.weights) + number)
        return found

    def _parts(self, contributions: Contributions, number: int) -> list[Mapping[str, Totals]]:
        """Return one of these maps, of each row that has it."""
        index = 1 + len(self.weights) + number
        return [row[index] for row in contributions.values() if len(row) > index]

    def _sent(self, contributions: Contributions) -> dict[str, Totals]:
        return cancelled(self._parts(contributions, 0), _larger, str)

    def _marks(self, contributions: Contributions) -> dict[str, Totals]:
        return cancelled(self._parts(contributions, 1), _larger)

    def _once_marks(self, contributions: Contributions) -> dict[str, Totals]:
        return cancelled(self._parts(contributions, 2), _larger, str)


def _larger(a: Totals, b: Totals) -> Totals:
    return tuple(map(max, a, b))


def _beyond(marks: Mapping[str, Totals], totals: Mapping[str, Totals]) -> dict[str, Totals]:
    """Return the marks, joined with the totals, of those whose totals are beyond them."""
    beyond = {}
    for name, row in totals.items():
        mark = marks.get(name, (0,) * len(row))
        if any(map(gt, row, mark)):
            beyond[name] = _larger(row, mark)
    return beyond


def _left(totals: Totals, mark: Totals | None) -> Totals:
    """Return what a mark leaves of totals."""
    return totals if mark is None else tuple(max(total - seen, 0) for total, seen in zip(totals, mark, strict=True))


def _but(marks: Mapping[str, Totals], author: str) -> Mapping[str, Totals]:
    """Return the marks but for those on one author."""
    return {name: mark for name, mark in marks.items() if name != author}
