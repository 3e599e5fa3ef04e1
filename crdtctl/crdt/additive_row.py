"""The row of `gcounter` and `pncounter` as a lattice, and operations on its totals and marks.

The row is a lattice, see `crdtctl.crdt.lattice.Dated`.
"""

from __future__ import annotations

from crdtctl.crdt import reading_parts
from crdtctl.crdt.lattice import Dated, MapOf, Nat, Periods, Record, Stamped
from crdtctl.crdt.names import key_fault, replica_fault
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    Totals: TypeAlias = tuple[int, ...]

#: The places of the parts of a row, counted after the totals.
ONCE, MARKS, ONCE_MARKS, EXPIRED, GONE, READINGS, EVERY, KEEP, _, FORGOTTEN, END = range(11)


@final
class _Row(Dated):
    """A row without the keys of commits up to its part `gone`."""

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        row = super().join(a, b)
        once, width = self.required, self.required - 1
        gone = self.at(row, once + GONE)
        if gone:
            left = {key: sent for key, sent in row[once].items() if not is_of(sent, width, gone)}
            row = (*row[:once], left, *row[once + 1 :])
        return row


def is_of(sent: Totals, width: int, limit: int) -> bool:
    """Return whether the amount of a key is known to be from one of the commits up to a limit."""
    return len(sent) > width and sent[width] <= limit


def additive_record(totals: int) -> Record:
    """Return the lattice of an entry with this number of `totals`."""
    row = Record(*[Nat()] * totals, required=totals)
    sent = Stamped(*[Nat()] * totals, Nat(), required=totals)
    maps = [MapOf(key_fault, sent), MapOf(replica_fault, row), MapOf(key_fault, row), MapOf(replica_fault, Nat())]
    time = Nat(), Nat(), Periods(totals)
    forgotten = MapOf(replica_fault, Nat())
    return _Row(Nat(), *[Nat()] * totals, *maps, Nat(), reading_parts.READINGS, *time, forgotten, required=1 + totals)


def larger(a: Totals, b: Totals) -> Totals:
    """Return the larger total of each pair."""
    return tuple(map(max, a, b))


def beyond(marks: Mapping[str, Totals], totals: Mapping[str, Totals]) -> dict[str, Totals]:
    """Return new marks, joined with the totals, for those names whose totals are beyond their marks."""
    found = {}
    for name, row in totals.items():
        mark = marks.get(name, (0,) * len(row))
        if any(total > seen for total, seen in zip(row, mark, strict=False)):
            found[name] = larger(row, mark)
    return found


def left_of(totals: Totals, mark: Totals | None) -> Totals:
    """Return the totals that a mark leaves."""
    return totals if mark is None else tuple(max(total - seen, 0) for total, seen in zip(totals, mark, strict=True))


def but(marks: Mapping[str, Any], author: str) -> Mapping[str, Any]:
    """Return a map from replica ids without one of them."""
    return {name: mark for name, mark in marks.items() if name != author}
