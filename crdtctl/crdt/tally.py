"""Totals that only grow, with once-keys: what `gcounter` and `pncounter` are made of.

One author's row is ``(seq, total, …, once)``. `once` maps a key to its own totals. On read a key counts
once for the whole world: the maximum over the authors that sent it, and then the sum over the keys.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, final

from crdtctl.crdt.base import TOO_LARGE, Contribution, Contributions, CounterType, Here, Operation, Refused
from crdtctl.crdt.lattice import MapOf, Nat, Record
from crdtctl.crdt.names import key_fault


def tally_record(totals: int) -> Record:
    """Return the lattice of a row with so many `totals`, whose last part is the map of once-keys."""
    once = MapOf(key_fault, Record(*[Nat()] * totals, required=totals))
    return Record(Nat(), *[Nat()] * totals, once, required=1 + totals)


class Tally(CounterType):
    """A counter whose value is a weighted sum of totals that only grow."""

    #: How each total enters the value: +1 or −1.
    weights: ClassVar[tuple[int, ...]]

    @abstractmethod
    def column(self, operation: Operation) -> int:
        """Return the index of the total that `operation` adds to; raise `Refused`."""

    @final
    def mutate(self, mine: Contribution, operation: Operation, here: Here) -> Contribution:  # noqa: ARG002  # asks nobody
        if operation.verb == "create":
            return mine
        column = self.column(operation)
        width = len(self.weights)
        totals = list(mine[1 : 1 + width])
        once: Mapping[str, tuple[int, ...]] = self.record.at(mine, 1 + width)
        if operation.once is None:
            totals[column] += operation.amount
            if totals[column] >= TOO_LARGE:
                raise Refused("the total would have more than 100 digits")
        elif operation.once not in once:
            row = tuple(operation.amount if i == column else 0 for i in range(width))
            once = {**once, operation.once: row}
        return self.record.make(mine[0], *totals, once)

    @final
    def absorb(self, mine: Contribution, author: str, here: Here) -> Contribution:
        width = len(self.weights)
        theirs = here.others()[author]
        totals = [a + b for a, b in zip(mine[1 : 1 + width], theirs[1 : 1 + width], strict=True)]
        if max(totals) >= TOO_LARGE:
            raise Refused("the total would have more than 100 digits")
        index = 1 + width
        once = self.record.parts[index].join(self.record.at(mine, index), self.record.at(theirs, index))
        return self.record.make(mine[0], *totals, once)

    @final
    def weigh(self, totals: tuple[int, ...]) -> int:
        """Return the weighted sum of `totals`."""
        return sum(weight * total for weight, total in zip(self.weights, totals, strict=True))

    @final
    def shares(self, contributions: Contributions) -> dict[str, int]:
        width = len(self.weights)
        return {author: self.weigh(row[1 : 1 + width]) for author, row in contributions.items()}

    @final
    def once(self, contributions: Contributions) -> Mapping[str, int]:
        index = 1 + len(self.weights)
        sent: dict[str, tuple[int, ...]] = {}
        for contribution in contributions.values():
            for key, totals in self.record.at(contribution, index).items():
                sent[key] = tuple(map(max, sent[key], totals)) if key in sent else totals
        return {key: self.weigh(totals) for key, totals in sent.items()}

    @final
    def fold(self, contributions: Contributions) -> int:
        plain = sum(self.shares(contributions).values())
        return plain + sum(self.once(contributions).values())
