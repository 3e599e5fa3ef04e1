"""Renames in a merge: changes under the names that counters have afterwards, and new questions for a person."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.store.changes import Change
from crdtctl.store.counters import CounterSnapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.merge.plan import Basis
    from crdtctl.store.merge_report import MergeReport
    from crdtctl.store.transaction import Transaction


class RenameWatch:
    """The counters of this replica before a merge, to be compared with those after it."""

    def __init__(self, transaction: Transaction, basis: Basis) -> None:
        known = basis.known.twin() if basis.known else None
        self._directory = transaction.directory
        self._before = CounterSnapshot(self._directory, basis.own.source.twin(), known)
        self._faults = self._before.rename_faults()

    def complete(self, report: MergeReport) -> None:
        """Add new questions to the report of the merge. Its changes get the names of the counters that are read."""
        with self._directory.both_sources() as (own, known):
            after = CounterSnapshot(self._directory, own, known)
            report.renames = [fault for fault in after.rename_faults() if fault not in self._faults]
            changes: dict[tuple[str, str], Change] = {}
            for one in report.changes:
                name = one.name
                if TYPES[one.tag].can_be_renamed:
                    name = after.spellings(name)[0]
                values = (_value(now, name, one.tag) for now in (self._before, after))
                changes[name, one.tag] = Change(name, one.tag, *values)
            report.changes = [*changes.values()]


def _value(now: CounterSnapshot, name: str, tag: str) -> int | None:
    entries = now.counter(name).get(tag)
    return None if entries is None else TYPES[tag].value(entries)
