"""A set that only grows; it counts distinct things exactly.

Source: M. Shapiro et al., INRIA RR-7506, 2011, specification 11 (G-Set).
"""

from typing import final

from crdtctl.crdt.base import Contribution, Contributions, CounterType, Here, Operation, Refused
from crdtctl.crdt.lattice import Elements, Nat, Record
from crdtctl.crdt.names import element_fault


@final
class GSet(CounterType):
    """Row ``(seq, elements)``, the elements this author added; the value is the size of the union."""

    tag = "gset"
    record = Record(Nat(), Elements(element_fault), required=2)
    summary = "a set that only grows: how many distinct things, exactly"

    def mutate(self, mine: Contribution, operation: Operation, here: Here) -> Contribution:  # noqa: ARG002  # asks nobody
        if operation.verb == "create":
            return mine
        if operation.verb != "add":
            raise Refused(f"a gset cannot be {operation.verb}ed; add elements to it")
        return (mine[0], tuple(sorted({*mine[1], *operation.elements})))

    def absorb(self, mine: Contribution, author: str, here: Here) -> Contribution:
        return (mine[0], tuple(sorted({*mine[1], *here.others()[author][1]})))

    def fold(self, contributions: Contributions) -> int:
        return len(self.members(contributions))

    def shares(self, contributions: Contributions) -> dict[str, int]:
        return {author: len(row[1]) for author, row in contributions.items()}

    def members(self, contributions: Contributions) -> tuple[str, ...]:
        """Return the elements of the set, sorted."""
        return tuple(sorted({element for _, elements in contributions.values() for element in elements}))
