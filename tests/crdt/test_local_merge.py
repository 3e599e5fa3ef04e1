"""A type with a local merge inherits a minimum: nothing is pending, no entry outlives its id, deltas are whole."""

from typing import final

from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext
from crdtctl.crdt.lattice import Nat, Record
from crdtctl.crdt.local_merge import LocallyMergedType, LocalMerge, PendingCounts


@final
class Largest(LocallyMergedType):
    """The largest amount: with no more methods than a type must have."""

    tag = "largest"
    record = Record(Nat(), Nat(), required=1)
    summary = "the largest amount"

    def mutate(self, mine: Entry, operation: Operation, here: OperationContext) -> Entry:
        return (here.seq, operation.amount)

    def fold(self, entries: Entries) -> int:
        return max(self.shares(entries).values())

    def shares(self, entries: Entries) -> dict[str, int]:
        return {replica: row[1] for replica, row in entries.items()}

    def local_merge(self, mine: Entry | None, context: OperationContext) -> LocalMerge:
        return Nothing()


class Nothing(LocalMerge):
    """A local merge that changes nothing."""

    def merge(self, replica: str, theirs: Entry) -> int:
        return 0

    @property
    def row(self) -> Entry | None:
        return None


def test_inherited_methods_keep_nothing_and_send_everything() -> None:
    kind, here = Largest(), OperationContext("ann", 2)
    row = kind.apply(None, Operation("increment", 7), here)
    assert row == (2, 7)
    assert kind.pending("ann", row) == PendingCounts()
    assert kind.pending("ann", row).is_empty
    assert kind.carry_over("ann", row, here) is None
    assert kind.newer({"ann": row}, {"ann": 9}) == {"ann": row}
    assert kind.local_merge(row, here).waits_for("bob")
