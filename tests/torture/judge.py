"""Judging a history by Maelstrom's rule: which totals may a final read show?

Every acknowledged operation counts, none that was not applied does, and any subset of those whose outcome is
not known may. Operations carry amounts for several counters, so that half a batch is noticed. Operations
with the same key are one that was repeated: it counts once. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The knowledge of the caller about an operation."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


_APPLIED = {0, 79}
_NOT_APPLIED = {2, 4, 65, 66, 69, 73, 74, 75, 77, 78}

Totals = tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """A requested operation: counter → amount, and its outcome."""

    amounts: Mapping[str, int]
    outcome: Outcome
    key: str = ""


def outcome(status: int) -> Outcome:
    """Return the outcome of an exit status. The status of a killed process is negative, and its outcome is unknown.

    >>> outcome(0), outcome(74), outcome(-9)
    (<Outcome.APPLIED: 'applied'>, <Outcome.NOT_APPLIED: 'not applied'>, <Outcome.UNKNOWN: 'unknown'>)
    """
    if status in _APPLIED:
        return Outcome.APPLIED
    return Outcome.NOT_APPLIED if status in _NOT_APPLIED else Outcome.UNKNOWN


def allowed(names: Sequence[str], operations: Iterable[Operation]) -> set[Totals]:
    """Return the totals of the counters `names` that a final read may show."""
    sure: Totals = (0,) * len(names)
    open_: list[Totals] = []
    for one in _once_each(operations):
        amounts = tuple(one.amounts.get(name, 0) for name in names)
        if one.outcome is Outcome.APPLIED:
            sure = _plus(sure, amounts)
        elif one.outcome is Outcome.UNKNOWN and any(amounts):
            open_.append(amounts)
    found = {sure}
    for amounts in open_:
        found |= {_plus(totals, amounts) for totals in found}
    return found


def faults(operations: Sequence[Operation], reads: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the faults of final reads: reader → counter → value, where a missing counter is 0."""
    names = sorted(
        {name for one in operations for name in one.amounts} | {name for read in reads.values() for name in read}
    )
    possible = allowed(names, operations)
    said = f"{len(possible)} totals are possible, such as {dict(zip(names, min(possible), strict=True))}"
    return [
        f"{reader} reads {dict(read)}, but {said}"
        for reader, read in reads.items()
        if tuple(read.get(name, 0) for name in names) not in possible
    ]


def _once_each(operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations, those with the same key as one with the best of their outcomes."""
    found: list[Operation] = []
    keyed: dict[str, Operation] = {}
    order = (Outcome.NOT_APPLIED, Outcome.UNKNOWN, Outcome.APPLIED)
    for one in operations:
        if not one.key:
            found.append(one)
        elif one.key not in keyed or order.index(one.outcome) > order.index(keyed[one.key].outcome):
            keyed[one.key] = one
    return [*found, *keyed.values()]


def _plus(left: Totals, right: Totals) -> Totals:
    return tuple(a + b for a, b in zip(left, right, strict=True))
