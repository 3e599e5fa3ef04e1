"""A sketch of a set that only grows. It estimates the number of distinct elements, in a few KB for any number of them.

Source: see `crdtctl.crdt.hyperloglog`.
"""

from __future__ import annotations

from crdtctl.crdt import hyperloglog
from crdtctl.crdt.base import Refused
from crdtctl.crdt.lattice import MapOf, Nat, PeriodsOf, Registers, Restarted
from crdtctl.crdt.names import replica_fault
from crdtctl.crdt.restarting import Restarting
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext


#: The sketch of an entry that forgets: an empty one, of the precision that lowers no other one.
_BLANK = hyperloglog.sketch(hyperloglog.MAX_PRECISION, ())


@final
class HLL(Restarting):
    """Row ``(seq, sketch, every, keep, periods, start, forgotten)`` with the sketch of this replica's elements.

    The value is the estimate of all sketches. `periods` has a sketch of the elements that were added in each.
    `start` and `forgotten`: see `crdtctl.crdt.restarting`.

    Replicas that created the counter at the same time may have chosen different precisions; the lowest applies.
    """

    tag = "hll"
    record = Restarted(
        *(Nat(), Registers(), Nat(), Nat(), PeriodsOf(Registers()), Nat(), MapOf(replica_fault, Nat())), required=2
    )
    summary = "how many distinct things, about, in a few KB however many there are"
    settings = frozenset({"precision", "every", "keep"})

    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        if operation.verb in ("decrement", "reset"):
            raise Refused("an hll cannot remove elements, because it does not store them")
        if operation.verb == "forget":
            return self.forget(mine, operation, context)
        if operation.verb not in ("create", "add"):
            raise Refused("an hll counts distinct things; add elements to it")
        mine = self.present(mine, context)
        found: str = self._sketch(mine) or hyperloglog.sketch(self._precision(operation, context), ())
        if operation.verb == "create":
            return self.with_settings((mine[0], found, *mine[2:]), operation, context)
        added = hyperloglog.sketch(hyperloglog.precision(found), [element.encode() for element in operation.elements])
        added = hyperloglog.join([added, operation.sketch])
        row = (mine[0], hyperloglog.join([found, added]), *mine[2:])
        return self.in_period(row, added if hyperloglog.estimate(added) else None, operation, context)

    def _precision(self, operation: Operation, context: OperationContext) -> int:
        """Return the precision of a new sketch: the requested one, or the one of other replicas."""
        if operation.precision is not None:
            return operation.precision
        sketches = map(self._sketch, context.others().values())
        return min(map(hyperloglog.precision, filter(None, sketches)), default=hyperloglog.DEFAULT_PRECISION)

    def _sketch(self, row: Entry) -> str:
        """Return the sketch of an entry, which is empty if the entry has chosen no precision."""
        sketch: str = row[1]
        return "" if self.only_forgets(row) and sketch == _BLANK else sketch

    def forgetting(self, entries: Entries, operation: Operation) -> list[Any]:
        _, *parts = super().forgetting(entries, operation)
        return [_BLANK, *parts]

    def settings_of(self, row: Entry) -> Mapping[str, int]:
        found = self._sketch(row)
        chosen = {"precision": hyperloglog.precision(found)} if found else {}
        return {**chosen, **super().settings_of(row)}

    def fold(self, entries: Entries) -> int:
        return hyperloglog.estimate(self._together(entries))

    def pooled(self, several: Sequence[Entries]) -> Entries:
        pool: dict[str, list[Entry]] = {}
        for entries in several:
            for author, row in self.merged(entries).items():
                pool.setdefault(author, []).append(row)
        return {
            author: (max(row[0] for row in rows), hyperloglog.join(row[1] for row in rows))
            for author, rows in pool.items()
        }

    def take_over(self, mine: Entry, theirs: Entry) -> Entry:
        row = (mine[0], hyperloglog.join([mine[1], theirs[1]]), *mine[2:])
        return self.with_periods_of(row, theirs)

    def add_amounts(self, a: str, b: str) -> str:
        return hyperloglog.join([a, b])

    def amount(self, entries: Entries) -> str:
        return self._together(entries)

    def together(self, amounts: Iterable[Any]) -> str:
        return hyperloglog.join(amounts)

    def size(self, amount: Any) -> int:
        return hyperloglog.estimate(amount)

    def beyond(self, whole: str, part: str) -> str:
        return hyperloglog.beyond(whole, part)

    def shares(self, entries: Entries) -> dict[str, int]:
        return {author: hyperloglog.estimate(row[1]) for author, row in entries.items()}

    def precision_info(self, entries: Entries) -> Mapping[str, float]:
        merge_branches = self._together(entries)
        if merge_branches == hyperloglog.EMPTY:
            return {}
        precision = hyperloglog.precision(merge_branches)
        return {"standard_error": hyperloglog.standard_error(precision), "precision": precision}

    @staticmethod
    def _together(entries: Entries) -> str:
        return hyperloglog.join(row[1] for row in entries.values())
